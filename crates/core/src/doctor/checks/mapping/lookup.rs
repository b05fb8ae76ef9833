//! M5: whether aws-auth maps the identity.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::remedy;

pub(crate) const CHECK: Check = Check {
    id: "M5",
    title: "lookup",
    after: &["M1", "M4"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let explained = evidence.explanation()?;
    let explanation = &explained.explanation;
    let arn = &explanation.canonical_arn;
    if let Some(mapped) = &explanation.access_entry {
        return Outcome::ok(format!(
            "the access entry of {} applies before aws-auth",
            mapped.entry.principal_arn
        ));
    }
    let Some(answer) = explanation.answers.first() else {
        let saw = format!("no entry is for {arn}");
        if evidence.is_signed_in() {
            return Outcome::ok(format!(
                "{saw}: something else gives it access, such as an access entry"
            ));
        }
        let map = remedy::map(evidence, None);
        let map = match remedy::mapped_roles(evidence) {
            Some(roles) => format!(
                "{map}; if you should assume a role that aws-auth maps ({roles}), select its profile, or add its --role-arn to the exec plugin"
            ),
            None => map,
        };
        return Outcome::problem(
            saw,
            format!("aws-auth does not map {arn}"),
            remedy::after_selection(evidence, map),
        );
    };
    let place = format!("{} line {}", answer.place.section.key(), answer.place.line);
    Outcome::ok(match &answer.user {
        Ok(user) => format!(
            "{place} maps {arn} to user {} in {}",
            user.username,
            remedy::groups(&user.groups)
        ),
        Err(_) => format!("{place} is for {arn}: see M7"),
    })
}
