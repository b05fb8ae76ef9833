//! What is not exactly one of the five templates stays as text.

use crate::document::Span;
use crate::effect::Placeholder;
use crate::lint::context::Context;
use crate::lint::context::Written;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "U02",
    name: "unknown-template",
    severity: Severity::Error,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        text(
            written,
            &written.mapping.username,
            written.username_span(),
            found,
        );
        for (group, span) in written.groups() {
            text(written, group, span, found);
        }
    }
}

fn text(written: &Written<'_>, text: &str, span: Span, found: &mut Found) {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((inner, behind)) = after.split_once("}}") else {
            return;
        };
        rest = behind;
        // What stands within more braces is another matter.
        if inner.contains(['{', '}']) {
            continue;
        }
        let template = format!("{{{{{inner}}}}}");
        if Placeholder::ALL
            .iter()
            .any(|known| known.text() == template)
        {
            continue;
        }
        let bare = |text: &str| text.trim_matches(['{', '}', ' ']).to_ascii_lowercase();
        let meant = Placeholder::ALL
            .into_iter()
            .map(Placeholder::text)
            .find(|known| bare(known) == bare(&template));
        let message = format!("{template} is no template: the authenticator leaves it as it is");
        match meant {
            Some(meant) => {
                let finding = found.entry(written, span, message, format!("write {meant}"));
                if let Some(finding) = finding {
                    finding.fix(
                        format!("write {meant}"),
                        written.replaced(span, &template, meant),
                    );
                }
            }
            None => {
                let known: Vec<_> = Placeholder::ALL.iter().map(|known| known.text()).collect();
                found.entry(
                    written,
                    span,
                    message,
                    format!("the templates are {}", known.join(", ")),
                );
            }
        }
    }
}
