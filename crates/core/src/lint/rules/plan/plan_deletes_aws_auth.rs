//! A plan that deletes aws-auth locks out all of its principals and nodes. Module upgrades have done this:
//! <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2644>,
//! <https://github.com/pulumi/pulumi-eks/issues/983>.

use crate::authenticator::{Store, node_entries};
use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::facts::ObjectChange;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "P01",
    name: "plan-deletes-aws-auth",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    let Some(change) = &context.facts.change else {
        return;
    };
    let nodes = match node_entries(&Store::new(&change.before)).count() {
        0 => String::new(),
        1 => ", including a node entry".to_owned(),
        many => format!(", including {many} node entries"),
    };
    let message = match change.object {
        ObjectChange::Updated => return,
        ObjectChange::Deleted => {
            format!("the plan deletes aws-auth: no principal in it can sign in afterwards{nodes}")
        }
        ObjectChange::Replaced => format!(
            "the plan deletes aws-auth and creates it again: until then no principal in it can sign in{nodes}"
        ),
    };
    let help = "keep it: give Terraform the resource's new address in a `moved` block, or remove the resource from the state with a `removed` block and `destroy = false`";
    findings.config_map(message, help);
}
