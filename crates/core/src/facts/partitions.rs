//! AWS partitions and the domains of their endpoints.

/// An AWS partition.
#[derive(Debug, PartialEq, Eq)]
pub struct Partition {
    /// Such as `aws`; case-sensitive.
    pub id: &'static str,
    /// The first part of region names, such as `us` in `us-east-1`.
    prefixes: &'static [&'static str],
    /// The suffix of endpoint names.
    pub domain: &'static str,
    /// The suffix of dual-stack endpoint names.
    pub dual_stack_domain: &'static str,
    /// Whether the authenticator accepts tokens for dual-stack hosts:
    /// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/endpoints/partitions.go>
    pub has_dual_stack_tokens: bool,
}

/// The partitions that the authenticator recognises, the commercial one first.
///
/// Sources: <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/endpoints/partitions.go>,
/// and for regions and domains
/// <https://github.com/aws/aws-sdk-go-v2/blob/v1.40.0/internal/endpoints/awsrulesfn/partitions.json>.
pub const PARTITIONS: [Partition; 8] = [
    Partition {
        id: "aws",
        prefixes: &["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
        domain: "amazonaws.com",
        dual_stack_domain: "api.aws",
        has_dual_stack_tokens: true,
    },
    Partition {
        id: "aws-cn",
        prefixes: &["cn"],
        domain: "amazonaws.com.cn",
        dual_stack_domain: "api.amazonwebservices.com.cn",
        has_dual_stack_tokens: true,
    },
    Partition {
        id: GOVCLOUD,
        prefixes: &["us-gov"],
        domain: "amazonaws.com",
        dual_stack_domain: "api.aws",
        has_dual_stack_tokens: true,
    },
    Partition {
        id: "aws-iso",
        prefixes: &["us-iso"],
        domain: "c2s.ic.gov",
        dual_stack_domain: "api.aws.ic.gov",
        has_dual_stack_tokens: false,
    },
    Partition {
        id: "aws-iso-b",
        prefixes: &["us-isob"],
        domain: "sc2s.sgov.gov",
        dual_stack_domain: "api.aws.scloud",
        has_dual_stack_tokens: false,
    },
    Partition {
        id: "aws-iso-e",
        prefixes: &["eu-isoe"],
        domain: "cloud.adc-e.uk",
        dual_stack_domain: "api.cloud-aws.adc-e.uk",
        has_dual_stack_tokens: false,
    },
    Partition {
        id: "aws-iso-f",
        prefixes: &["us-isof"],
        domain: "csp.hci.ic.gov",
        dual_stack_domain: "api.aws.hci.ic.gov",
        has_dual_stack_tokens: false,
    },
    Partition {
        id: "aws-eusc",
        prefixes: &["eusc-de"],
        domain: "amazonaws.eu",
        dual_stack_domain: "api.amazonwebservices.eu",
        has_dual_stack_tokens: true,
    },
];

/// The partition whose standard endpoints are FIPS endpoints.
pub(crate) const GOVCLOUD: &str = "aws-us-gov";

/// The pseudo region of the commercial partition's global endpoints.
pub const GLOBAL_REGION: &str = "aws-global";

/// The global host of STS, which only the commercial partition has.
pub(crate) const GLOBAL_STS: &str = "sts.amazonaws.com";

/// The signing region of [`GLOBAL_STS`].
pub(crate) const GLOBAL_STS_REGION: &str = "us-east-1";

impl Partition {
    /// Returns the partition with this id.
    pub fn named(id: &str) -> Option<&'static Self> {
        PARTITIONS.iter().find(|partition| partition.id == id)
    }

    /// Returns the partition of a region. As in the SDKs, an unknown region is treated as commercial.
    pub fn of_region(region: &str) -> &'static Self {
        Self::naming(region).unwrap_or(&PARTITIONS[0])
    }

    /// Returns the partition whose naming scheme a region follows; `None` if it follows none.
    pub fn naming(region: &str) -> Option<&'static Self> {
        PARTITIONS.iter().find(|partition| partition.names(region))
    }

    /// Returns whether a region follows the naming scheme: `PREFIX-NAME-NUMBER`, or `PARTITION-global`.
    fn names(&self, region: &str) -> bool {
        if region.strip_suffix("-global") == Some(self.id) {
            return true;
        }
        let mut parts = region.rsplitn(3, '-');
        let (Some(number), Some(name), Some(prefix)) = (parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
            && !name.is_empty()
            && name.bytes().all(is_word)
            && self.prefixes.contains(&prefix)
    }
}

/// Returns whether a region can be part of a host name, as [the
/// authenticator](https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/token/token.go) requires:
/// letters, digits and inner hyphens.
pub fn is_region_label(region: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !region.is_empty()
        && region.bytes().all(fits)
        && !region.starts_with('-')
        && !region.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_belong_to_partitions_by_their_names() {
        for (region, partition) in [
            ("us-east-1", "aws"),
            ("mx-central-1", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
            ("eusc-de-east-1", "aws-eusc"),
            ("aws-global", "aws"),
            ("aws-cn-global", "aws-cn"),
            ("aws-iso-b-global", "aws-iso-b"),
            ("zz-new-1", "aws"),
            ("CN-NORTH-1", "aws"),
            ("cn-north", "aws"),
            ("cn-north-x", "aws"),
            ("cn--1", "aws"),
            ("", "aws"),
        ] {
            assert_eq!(Partition::of_region(region).id, partition, "{region}");
        }
    }
}
