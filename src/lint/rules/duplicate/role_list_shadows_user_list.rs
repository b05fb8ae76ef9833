//! mapRoles answers first, for users too.

use crate::effect::Standing;
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::{Needs, Rule, Severity};

pub(in crate::lint) const RULE: Rule = Rule {
    id: "D04",
    name: "role-list-shadows-user-list",
    severity: Severity::Warning,
    needs: Needs::Nothing,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    for written in context.mapped() {
        if let Standing::Shadowed { by } = written.standing
            && by.section != written.section
        {
            let message = format!(
                "{} has the same ARN and is asked first: this entry has no effect",
                by.section.key()
            );
            let help = "keep one of the two entries";
            found.entry(written, written.principal_span(), message, help);
        }
    }
}
