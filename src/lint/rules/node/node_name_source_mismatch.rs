//! EC2 instances are called by their DNS names, Fargate's nodes by their sessions.

use crate::effect::Placeholder;
use crate::facts::node_kinds::NodeKind;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::nodes::{Door, door, roles};
use crate::lint::{Needs, Nodes, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N06",
    name: "node-name-source-mismatch",
    severity: Severity::Error,
    needs: Needs::Nodes(Nodes::AtEks),
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some((_, roles)) = roles(context) else {
        return;
    };
    let (dns, session) = (
        Placeholder::Ec2PrivateDnsName.text(),
        Placeholder::SessionName.text(),
    );
    for role in roles.all() {
        let Door::Entry(written) = door(context, role) else {
            continue;
        };
        let is_fargate = role.has(NodeKind::Fargate);
        let is_ec2 = role.uses.iter().any(|one| one.kind != NodeKind::Fargate);
        let says = |template: &str| written.mapping.username.contains(template);
        let span = written.username_span();
        if is_ec2 && is_fargate {
            if !says(dns) && !says(session) {
                continue;
            }
            let message = format!(
                "this is {role}, and an ARN has one entry: either the EC2 nodes or those of Fargate get a name that is not theirs"
            );
            let help = "give the Fargate profile a role of its own";
            found.entry(written, span, message, help);
        } else if is_ec2 && says(session) {
            let message = format!(
                "this is {role}: its nodes become system:node:i-…, which is not what they are called, and the API server refuses what they do"
            );
            let fix = written.replaced(span, session, dns);
            if let Some(finding) = found.entry(written, span, message, format!("write {dns}")) {
                finding.fix(format!("write {dns} in place of {session}"), fix);
            }
        } else if is_fargate && says(dns) {
            let message = format!(
                "this is {role}: nodes of Fargate are no EC2 instances, so that the login is refused"
            );
            let fix = written.replaced(span, dns, session);
            if let Some(finding) = found.entry(written, span, message, format!("write {session}")) {
                finding.fix(format!("write {session} in place of {dns}"), fix);
            }
        }
    }
}
