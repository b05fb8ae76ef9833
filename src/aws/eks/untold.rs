use serde_json::json;

use super::error::allow;
use super::{Eks, EksError, access_entries, nodes};
use crate::aws::AwsError;
use crate::facts::partitions::Partition;

/// What EKS did not tell.
#[derive(Debug)]
pub struct Untold {
    /// What was asked for, such as `eks:ListAccessEntries`.
    pub action: &'static str,
    /// Why there is no answer.
    pub why: EksError,
}

impl Untold {
    /// What is not known, to be followed by `of cluster NAME`.
    pub fn what(&self) -> &'static str {
        match self.action {
            access_entries::DESCRIBE => "what is in the access entries",
            access_entries::POLICIES => "the access policies of access entries",
            nodes::LIST_GROUPS | nodes::DESCRIBE_GROUP => "the managed node groups",
            nodes::LIST_PROFILES | nodes::DESCRIBE_PROFILE => "the Fargate profiles",
            _ => "the access entries",
        }
    }

    /// What to do next.
    pub fn hint(&self) -> String {
        match &self.why {
            EksError::Denied { refusal, statement } => allow(refusal, statement),
            why => why.hint(),
        }
    }
}

impl Eks {
    /// Why EKS did not answer, with the statement that allows all these actions on the cluster and what it has of these kinds.
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html>
    pub(super) fn refused(
        &self,
        cluster: &str,
        error: AwsError,
        actions: &[&str],
        kinds: &[&str],
    ) -> EksError {
        if !error.is_denial() {
            return EksError::Aws(error);
        }
        let partition = Partition::of_region(&self.region).id;
        let account = self.credentials.account_id.as_deref().unwrap_or("*");
        let resource = |kind: &str| format!("arn:{partition}:eks:{}:{account}:{kind}", self.region);
        let below = kinds
            .iter()
            .map(|kind| resource(&format!("{kind}/{cluster}/*")));
        let resources: Vec<String> = std::iter::once(resource(&format!("cluster/{cluster}")))
            .chain(below)
            .collect();
        let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resources});
        EksError::Denied {
            refusal: error,
            statement: statement.to_string(),
        }
    }
}
