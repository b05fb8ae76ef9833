//! The policy statements to add.

use serde::Serialize;
use serde_json::{Value, json};

use super::parsed_principal::{IamPrincipal, Kind};

/// Serialized in the usual order.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    effect: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    principal: Option<Value>,
    action: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

/// Returns the trust policy statement that allows this caller.
pub(super) fn of_trust(who: &IamPrincipal<'_>, action: &str) -> String {
    let (principal, condition) = match who.kind {
        Kind::Service => (json!({"Service": who.text}), None),
        // The region in the role's path is unknown:
        // <https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html>
        Kind::Role { name, .. } if who.is_sso() => {
            let pattern = format!(
                "arn:{}:iam::{}:role/aws-reserved/sso.amazonaws.com*/{name}",
                who.partition, who.account
            );
            let condition = json!({"ArnLike": {"aws:PrincipalArn": pattern}});
            (json!({"AWS": who.root()}), Some(condition))
        }
        _ => (json!({"AWS": who.principal()}), None),
    };
    pretty(&Statement {
        effect: "Allow",
        principal: Some(principal),
        action: actions(action),
        resource: None,
        condition,
    })
}

/// Returns the statement of the caller's own policy that allows it to assume `role`.
pub(super) fn of_own(role: &str, action: &str) -> String {
    pretty(&Statement {
        effect: "Allow",
        principal: None,
        action: actions(action),
        resource: Some(role.to_owned()),
        condition: None,
    })
}

/// Returns `sts:AssumeRole` and, if different, the requested action, such as `sts:TagSession`.
fn actions(action: &str) -> Value {
    if action.eq_ignore_ascii_case(super::ASSUME_ROLE) {
        json!(action)
    } else {
        json!([super::ASSUME_ROLE, action])
    }
}

fn pretty(statement: &Statement) -> String {
    serde_json::to_string_pretty(statement).unwrap_or_default()
}
