//! Where aws-auth is asked, somebody has to stand in it.

use crate::effect::AccessEntries;
use crate::facts::auth_mode::AuthenticationMode;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::nodes::{Door, door, mending, roles, signs_in_with};
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N01",
    name: "aws-auth-missing",
    severity: Severity::Error,
    needs: Needs::Absence,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some((cluster, roles)) = roles(context).filter(|_| context.facts.is_absent) else {
        return;
    };
    let outside: Vec<_> = roles
        .all()
        .iter()
        .filter(|role| matches!(door(context, role), Door::Nothing))
        .collect();
    let entries = context.facts.access_entries.as_deref();
    let message = match entries.map(AccessEntries::mode) {
        Some(AuthenticationMode::ConfigMap) => {
            "there is no aws-auth, and nothing else says who may enter: nobody but the cluster's creator can"
        }
        Some(AuthenticationMode::ApiAndConfigMap) if !outside.is_empty() => {
            "there is no aws-auth, and roles of nodes have no access entry"
        }
        _ => return,
    };
    let whose = outside.iter().map(|role| {
        let arn = signs_in_with(role.arn);
        format!("; nothing lets in {arn}, {role}")
    });
    let message = format!("{message}{}", whose.collect::<String>());
    let help = match outside.as_slice() {
        [] => "begin with the nodes' own entry: awsauth map node-role ROLE-ARN --kind linux"
            .to_owned(),
        outside => {
            let each: Vec<_> = outside
                .iter()
                .map(|role| mending(context, cluster, role))
                .collect();
            format!("begin with the nodes: {}", each.join(" && "))
        }
    };
    found.config_map(message, help);
}
