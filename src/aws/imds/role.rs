use serde::Deserialize;
use tokio::time::Instant;

use super::{Imds, ImdsError, ROLES};

const ROLE: &str = "the name of the instance's role";

/// What `iam/info` says of the instance profile.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc>
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    code: Option<String>,
    instance_profile_arn: Option<String>,
}

impl Imds {
    /// The name of the instance's role.
    pub(super) async fn role(&mut self, deadline: Instant) -> Result<String, ImdsError> {
        let answer = self.get(ROLES, ROLE, deadline).await?;
        match (answer.status, answer.text()) {
            (200 | 404, "") | (404, _) => Err(self.without_role(deadline).await),
            (200, name) if is_role_name(name) => Ok(name.to_owned()),
            (200, _) => Err(self.not_ec2(format!("what it gave as {ROLE} is none"))),
            (status, _) => Err(super::refused(ROLE, status)),
        }
    }

    /// Why no role is listed.
    async fn without_role(&mut self, deadline: Instant) -> ImdsError {
        let asked = self.get(
            "/latest/meta-data/iam/info",
            "the instance profile",
            deadline,
        );
        let info: Option<Info> = match asked.await {
            Ok(answer) if answer.status == 200 => {
                Some(serde_json::from_slice(&answer.body).unwrap_or_default())
            }
            Ok(_) => None,
            Err(error) => return error,
        };
        match info {
            None => match self.instance(deadline).await {
                Ok(instance) => ImdsError::NoProfile { instance },
                Err(error) => error,
            },
            Some(info) if info.code.as_deref() == Some("InstanceProfileNotFound") => {
                let instance = self.instance(deadline).await.unwrap_or_default();
                ImdsError::ProfileNotFound { instance }
            }
            Some(info) => ImdsError::ProfileWithoutRole {
                profile: info.instance_profile_arn,
            },
        }
    }
}

/// Whether IAM would accept the name; it becomes part of a path.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}
