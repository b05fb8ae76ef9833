//! The cluster reads aws-auth, but there is none.

use crate::authenticator::AccessEntries;
use crate::facts::authentication_mode::AuthenticationMode;
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::node_access::{NodeAccess, fix_command, node_access, node_roles, sign_in_arn};
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N01",
    name: "aws-auth-missing",
    severity: Severity::Error,
    needs: Needs::NodesIfAbsent,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    if !context.facts.is_absent {
        return;
    }
    let Some((cluster, roles)) = node_roles(context) else {
        return;
    };
    let locked_out: Vec<_> = roles
        .all()
        .iter()
        .filter(|role| matches!(node_access(context, role), NodeAccess::Nothing))
        .collect();
    let entries = context.facts.access_entries.as_deref();
    let message = match entries.map(AccessEntries::mode) {
        Some(AuthenticationMode::ConfigMap) => {
            "there is no aws-auth, and the cluster reads nothing else: only its creator can sign in"
        }
        Some(AuthenticationMode::ApiAndConfigMap) if !locked_out.is_empty() => {
            "there is no aws-auth, and node roles have no access entry"
        }
        _ => return,
    };
    let roles = locked_out.iter().map(|role| {
        let arn = sign_in_arn(role.arn);
        format!("; {arn}, {role}, has no entry")
    });
    let message = format!("{message}{}", roles.collect::<String>());
    let help = if locked_out.is_empty() {
        "add the node entries first: awsauth map node-role ROLE-ARN --kind linux".to_owned()
    } else {
        let commands: Vec<_> = locked_out
            .iter()
            .map(|role| fix_command(context, cluster, role))
            .collect();
        format!("add the node entries first: {}", commands.join(" && "))
    };
    findings.config_map(message, help);
}
