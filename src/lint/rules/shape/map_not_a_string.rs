//! The API server takes nothing but text in `data`.

use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Fix, Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "S03",
    name: "map-not-a-string",
    severity: Severity::Error,
    needs: Needs::File,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let amiss = &context.facts.amiss;
    for each in &amiss.not_text {
        let (key, what) = (&each.key, each.what);
        let message = format!(
            "{key} is {what}, not text: the API server refuses the ConfigMap, and the authenticator never sees it"
        );
        let help = match what {
            _ if amiss.takes_bars => {
                format!("put `|` behind `{key}:`, and what is below it deeper than `{key}`")
            }
            "a list" | "a mapping" => "write it as text".to_owned(),
            _ => "put it in quotes".to_owned(),
        };
        if let Some(finding) = found.key(key, message, help).filter(|_| amiss.takes_bars) {
            finding.fix = Some(Fix {
                what: format!("put | behind {key}:"),
                // What changes stands around the text of the section.
                replacements: Vec::new(),
            });
        }
    }
}
