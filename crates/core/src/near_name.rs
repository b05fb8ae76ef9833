//! Finds the name that a user probably meant.

/// How many edits a typing error has at most.
const MAX_EDITS: usize = 2;

/// How many letters of a word there are for each typing error in it.
const LETTERS_PER_EDIT: usize = 4;

/// Returns the name that is most similar to `typed`, ignoring letter case, if one differs by no more than a typing error.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &typed);
    let names = names.into_iter().map(|name| (distance(name), name));
    let (distance, name) = names.min_by_key(|(distance, _)| *distance)?;
    (distance <= MAX_EDITS && distance < typed.chars().count()).then_some(name)
}

/// Returns the name that `typed` probably was intended to be, if one differs by a typing error in a long word.
///
/// Unlike [`nearest`], returns no name that is probably another one of the same scheme, such as `app-2` for `app-1`, or `team-b` for
/// `team-a`.
pub fn misspelled<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let edits = |name: &&str| typing_errors(&typed, &name.to_lowercase());
    let names = names
        .into_iter()
        .filter_map(|name| Some((edits(&name)?, name)));
    let (_, name) = names.min_by_key(|(edits, _)| *edits)?;
    Some(name)
}

/// Returns how many typing errors separate two names; `None` if one of their words differs too much for its length, or in digits.
fn typing_errors(typed: &str, name: &str) -> Option<usize> {
    let words = |text| str::split(text, |c: char| !c.is_alphanumeric()).collect::<Vec<_>>();
    let (left, right) = (words(typed), words(name));
    if left.len() != right.len() {
        // Only a separator is missing.
        return (left.concat() == right.concat()).then_some(1);
    }
    let mut all = 0;
    for (typed, name) in left.into_iter().zip(right) {
        let edits = strsim::damerau_levenshtein(typed, name);
        let digits = |text: &str| {
            text.chars()
                .filter(char::is_ascii_digit)
                .collect::<String>()
        };
        if edits * LETTERS_PER_EDIT > typed.chars().count() || digits(typed) != digits(name) {
            return None;
        }
        all += edits;
    }
    (1..=MAX_EDITS).contains(&all).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_name_differs_by_a_typing_error() {
        let names = ["pods", "podtemplates", "nodes", "dev-readonly"];
        for (typed, expected) in [
            ("podz", Some("pods")),
            ("PODS", Some("pods")),
            ("dev-readnoly", Some("dev-readonly")),
            ("deployments", None),
            ("x", None),
        ] {
            assert_eq!(nearest(typed, names), expected, "{typed}");
        }
    }

    #[test]
    fn another_name_of_the_same_scheme_is_not_misspelled() {
        for (typed, name, is_misspelled) in [
            ("role/dev-readnoly", "role/dev-readonly", true),
            ("role/Dev-ReadOnly", "role/dev-readonli", true),
            ("role/devreadonly", "role/dev-readonly", true),
            ("role/admin", "role/admins", true),
            ("role/app-1", "role/app-2", false),
            ("role/app1", "role/app2", false),
            ("role/team-a", "role/team-b", false),
            ("role/ci", "role/cd", false),
            ("role/dev", "role/dev-a", false),
            ("role/ops", "role/ops", false),
            ("role/ops", "user/ops", false),
        ] {
            assert_eq!(
                misspelled(typed, [name, "role/unrelated"]),
                is_misspelled.then_some(name),
                "{typed} {name}"
            );
        }
    }
}
