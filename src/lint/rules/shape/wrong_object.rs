//! The authenticator looks at one object alone: the ConfigMap aws-auth of kube-system.

use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};
use crate::manifest::Slip;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S18",
    name: "wrong-object",
    severity: Severity::Error,
    needs: Needs::File,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for astray in &context.facts.amiss.astray {
        let what = &astray.what;
        let never = "the authenticator never looks at it";
        let (message, help) = match astray.slip {
            Slip::Kind => (
                format!("{what} is no ConfigMap of v1: {never}"),
                "make it `apiVersion: v1` and `kind: ConfigMap`",
            ),
            Slip::Name => (
                format!("{what} is not called aws-auth: {never}"),
                "set `name: aws-auth`, if it is to count",
            ),
            Slip::Namespace => (
                format!("{what} is not in kube-system: {never}"),
                "set `namespace: kube-system`, if it is to count",
            ),
            Slip::NoNamespace => (
                format!("{what} names no namespace: applied to any but kube-system, {never}"),
                "set `namespace: kube-system`",
            ),
            Slip::Key(key) => (
                format!(
                    "{what} has {key}: the authenticator never looks at that, but at data alone"
                ),
                "move what is in it to `data`, as text",
            ),
        };
        let finding = found.file(astray.span.clone(), message, help);
        if astray.slip == Slip::NoNamespace
            && let Some(finding) = finding
        {
            finding.severity(Severity::Warning);
        }
    }
}
