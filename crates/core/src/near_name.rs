//! Finds the name that a user probably meant.

/// How many edits a typing error has at most.
const MAX_EDITS: usize = 2;

/// Returns the name that is most similar to `typed`, ignoring letter case, if one differs by no more than a typing error.
pub fn nearest<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let distance = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &typed);
    let names = names.into_iter().map(|name| (distance(name), name));
    let (distance, name) = names.min_by_key(|(distance, _)| *distance)?;
    (distance <= MAX_EDITS && distance < typed.chars().count()).then_some(name)
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
}
