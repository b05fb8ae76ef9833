//! Whoever may make a role of that name inherits what the entry gives.

use crate::facts::groups::MASTERS;
use crate::facts::principals::{Named, Principals};
use crate::lint::context::Context;
use crate::lint::found::Found;
use crate::lint::principals::{
    Known, known, of_permission_set, permission_set, principals, sso_name,
};
use crate::lint::{Needs, Rule, Severity};

/// For so many entries a near name is looked for: where more are gone, it is not for a slip of the hand.
const LOOKED_FOR: usize = 50;

/// A name that differs by so many letters may be the one that was meant.
const NEAR: usize = 2;

pub(in crate::lint) const RULE: Rule = Rule {
    id: "N10",
    name: "principal-does-not-exist",
    severity: Severity::Warning,
    needs: Needs::Principals,
    check,
};

fn check(context: &Context<'_>, found: &mut Found) {
    let Some(all) = principals(context) else {
        return;
    };
    let gone = known(context).filter(|known| known.named == Named::Nowhere);
    for (number, known) in gone.enumerate() {
        let Known { written, parts, .. } = known;
        // That is R04's, or N11's.
        let is_elsewhere = match permission_set(parts.name) {
            Some(set) => !of_permission_set(all, set).is_empty(),
            None => sso_name(parts.name).is_some(),
        };
        if is_elsewhere {
            continue;
        }
        let (kind, name) = (parts.kind, parts.name);
        let message = format!(
            "account {} has no {kind} {name}: whoever may make one of that name gets what this entry gives",
            parts.account
        );
        let near = (number < LOOKED_FOR).then(|| nearest(all, kind, name));
        let help = near.flatten().map_or_else(
            || "remove the entry".to_owned(),
            |near| format!("remove the entry, or write {near} if that is meant"),
        );
        let is_admin = written
            .mapping
            .groups()
            .iter()
            .any(|group| group == MASTERS);
        if let Some(finding) = found.entry(written, written.principal_span(), message, help)
            && is_admin
        {
            finding.severity(Severity::Error);
        }
    }
}

/// The name of that kind that is nearest, if one is near.
fn nearest<'a>(all: &'a Principals, kind: &str, name: &str) -> Option<&'a str> {
    let listed = match kind.eq_ignore_ascii_case("role") {
        true => &all.roles,
        false => &all.users,
    };
    let name = name.to_ascii_lowercase();
    let far = |other: &str| strsim::damerau_levenshtein(&other.to_ascii_lowercase(), &name);
    let names = listed.found().map(|one| one.name.as_str());
    let near = names.map(|other| (far(other), other)).min()?;
    // Short names are near to anything.
    (near.0 <= NEAR && near.0 * 2 < name.len()).then_some(near.1)
}
