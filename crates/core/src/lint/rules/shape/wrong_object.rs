//! The authenticator reads only the ConfigMap aws-auth in kube-system.

use crate::lint::context::Context;
use crate::lint::facts::Needs;
use crate::lint::finding::Findings;
use crate::lint::rule::{Rule, Severity};
use crate::manifest::Misplacement;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S18",
    name: "wrong-object",
    severity: Severity::Error,
    needs: Needs::File,
    supersedes: &[],
};

pub(in crate::lint) fn check(context: &Context<'_>, findings: &mut Findings) {
    for misplaced in &context.facts.manifest_faults.misplaced {
        let object = &misplaced.what;
        let ignored = "the authenticator never reads it";
        let (message, help) = match &misplaced.misplacement {
            Misplacement::NoKind {
                has_api_version,
                misspelled,
            } => (
                match misspelled {
                    Some(key) => {
                        format!("{object} has {key} instead of kind: kubectl rejects it")
                    }
                    None => format!("{object} has no kind: kubectl rejects it"),
                },
                match (misspelled, has_api_version) {
                    (Some(_), _) => "write `kind: ConfigMap`",
                    (None, true) => "add `kind: ConfigMap`",
                    (None, false) => "add `apiVersion: v1` and `kind: ConfigMap`",
                },
            ),
            Misplacement::Kind => (
                format!("{object} is not a v1 ConfigMap: {ignored}"),
                "set `apiVersion: v1` and `kind: ConfigMap`",
            ),
            Misplacement::Name => (
                format!("{object} is not named aws-auth: {ignored}"),
                "set `name: aws-auth` if it should have an effect",
            ),
            Misplacement::Namespace => (
                format!("{object} is not in kube-system: {ignored}"),
                "set `namespace: kube-system` if it should have an effect",
            ),
            Misplacement::NoNamespace => (
                format!(
                    "{object} has no namespace: if it is not applied to kube-system, {ignored}"
                ),
                "set `namespace: kube-system`",
            ),
            Misplacement::Place(place) => (
                format!("{object} has its entries {place}: the authenticator reads only data"),
                "move them to `data`, as strings",
            ),
            Misplacement::GeneratedName(name) => (
                format!("kustomize renames {object} to {name}: {ignored}"),
                "set `options: {disableNameSuffixHash: true}` in this item of configMapGenerator, and no namePrefix or nameSuffix",
            ),
        };
        let finding = findings.file(misplaced.span.clone(), message, help);
        if misplaced.misplacement == Misplacement::NoNamespace {
            finding.severity(Severity::Warning);
        }
    }
}
