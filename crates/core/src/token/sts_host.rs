//! The host names of STS.

use crate::facts::partitions::{
    GLOBAL_REGION, GLOBAL_STS, GLOBAL_STS_REGION, GOVCLOUD, Partition, is_region_label,
};

/// The variant of an STS endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    pub fips: bool,
    pub dual_stack: bool,
}

/// An STS endpoint with its signing region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StsHost {
    /// The host name without a port.
    pub name: String,
    /// The region in the scope of signatures.
    pub region: String,
}

/// Why tokens cannot be signed for a region and a variant of the endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// The region cannot be part of a host name.
    #[error(
        "{0:?} is not a region: a region name has only letters, digits and hyphens, as in us-east-1"
    )]
    Region(String),
    /// The authenticators of this partition refuse tokens for dual-stack hosts.
    #[error("clusters in partition {0} do not accept tokens for dual-stack endpoints")]
    DualStack(&'static str),
}

impl StsHost {
    /// Returns the endpoint of STS in a region according to AWS's endpoint rules:
    /// <https://github.com/aws/aws-sdk-go-v2/blob/service/sts/v1.41.1/service/sts/endpoints.go>.
    /// Unknown regions are treated as commercial.
    ///
    /// # Errors
    /// If the region cannot be part of a host name, or its clusters do not accept tokens for this variant.
    pub fn of(region: &str, endpoint: Endpoint) -> Result<Self, HostError> {
        if !is_region_label(region) {
            return Err(HostError::Region(region.to_owned()));
        }
        let partition = Partition::of_region(region);
        if endpoint.dual_stack && !partition.has_dual_stack_tokens {
            return Err(HostError::DualStack(partition.id));
        }
        if region == GLOBAL_REGION && endpoint == Endpoint::default() {
            return Ok(Self {
                name: GLOBAL_STS.to_owned(),
                region: GLOBAL_STS_REGION.to_owned(),
            });
        }
        Ok(Self {
            name: regional(region, endpoint),
            region: region.to_owned(),
        })
    }
}

/// Returns the host name of a region's endpoint.
pub(super) fn regional(region: &str, Endpoint { fips, dual_stack }: Endpoint) -> String {
    let partition = Partition::of_region(region);
    let domain = match dual_stack {
        true => partition.dual_stack_domain,
        false => partition.domain,
    };
    let service = match fips {
        true if dual_stack || partition.id != GOVCLOUD => "sts-fips",
        _ => "sts",
    };
    format!("{service}.{region}.{domain}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Endpoint = Endpoint {
        fips: false,
        dual_stack: false,
    };
    const FIPS: Endpoint = Endpoint {
        fips: true,
        dual_stack: false,
    };
    const DUAL: Endpoint = Endpoint {
        fips: false,
        dual_stack: true,
    };
    const BOTH: Endpoint = Endpoint {
        fips: true,
        dual_stack: true,
    };

    #[test]
    fn sts_hosts_of_every_partition() {
        for (region, endpoint, name) in [
            ("us-east-1", PLAIN, "sts.us-east-1.amazonaws.com"),
            ("us-east-1", FIPS, "sts-fips.us-east-1.amazonaws.com"),
            ("us-east-1", DUAL, "sts.us-east-1.api.aws"),
            ("us-east-1", BOTH, "sts-fips.us-east-1.api.aws"),
            ("cn-north-1", PLAIN, "sts.cn-north-1.amazonaws.com.cn"),
            (
                "cn-north-1",
                DUAL,
                "sts.cn-north-1.api.amazonwebservices.com.cn",
            ),
            ("us-gov-west-1", PLAIN, "sts.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", FIPS, "sts.us-gov-west-1.amazonaws.com"),
            ("us-gov-west-1", BOTH, "sts-fips.us-gov-west-1.api.aws"),
            ("us-iso-east-1", PLAIN, "sts.us-iso-east-1.c2s.ic.gov"),
            (
                "us-isob-east-1",
                FIPS,
                "sts-fips.us-isob-east-1.sc2s.sgov.gov",
            ),
            ("eu-isoe-west-1", PLAIN, "sts.eu-isoe-west-1.cloud.adc-e.uk"),
            (
                "us-isof-south-1",
                PLAIN,
                "sts.us-isof-south-1.csp.hci.ic.gov",
            ),
            ("eusc-de-east-1", PLAIN, "sts.eusc-de-east-1.amazonaws.eu"),
            ("xx-new-1", PLAIN, "sts.xx-new-1.amazonaws.com"),
        ] {
            let host = StsHost::of(region, endpoint).unwrap();
            assert_eq!((host.name.as_str(), host.region.as_str()), (name, region));
        }
    }

    #[test]
    fn global_endpoint_is_signed_for_us_east_1() {
        let host = StsHost::of("aws-global", PLAIN).unwrap();
        assert_eq!(host.name, "sts.amazonaws.com");
        assert_eq!(host.region, "us-east-1");
    }

    #[test]
    fn invalid_region_is_rejected() {
        for region in ["", "us east 1", "us-east-1.evil.com", "-x", "x-", "us/1"] {
            let refused = StsHost::of(region, PLAIN).unwrap_err().to_string();
            assert!(
                refused.contains(&format!("{region:?} is not a region")),
                "{refused}"
            );
        }
    }

    #[test]
    fn isolated_partitions_have_no_dual_stack_tokens() {
        let refused = StsHost::of("us-iso-east-1", DUAL).unwrap_err();
        assert_eq!(refused, HostError::DualStack("aws-iso"));
    }
}
