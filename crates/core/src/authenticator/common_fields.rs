//! What several mappings of one identity have in common.

use std::collections::HashSet;

use crate::document::Mapping;

/// The username and the groups that every one of several mappings grants.
#[derive(Debug)]
pub(crate) struct CommonFields<'d> {
    /// `None` if the usernames differ.
    username: Option<&'d str>,
    groups: HashSet<&'d str>,
}

impl<'d> CommonFields<'d> {
    pub(crate) fn of(mapping: &'d Mapping) -> Self {
        Self {
            username: Some(&mapping.username),
            groups: mapping.groups().iter().map(String::as_str).collect(),
        }
    }

    /// Adds a mapping, in time proportional to its groups.
    pub(crate) fn add(&mut self, mapping: &'d Mapping) {
        self.username = self
            .username
            .filter(|username| *username == mapping.username);
        let groups = mapping.groups().iter().map(String::as_str);
        self.groups = groups.filter(|group| self.groups.contains(group)).collect();
    }

    /// Returns whether every mapping grants what this one grants.
    pub(crate) fn include(&self, mapping: &Mapping) -> bool {
        let mut groups = mapping.groups().iter();
        self.username == Some(mapping.username.as_str())
            && groups.all(|group| self.groups.contains(group.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Principal;

    #[test]
    fn only_what_every_mapping_grants_is_common() {
        let mapping = |username: &str, groups: &[&str]| Mapping {
            principal: Principal::Role(String::new()),
            username: username.to_owned(),
            groups: Some(groups.iter().map(|&group| group.to_owned()).collect()),
        };
        let (first, second) = (mapping("a", &["x", "y"]), mapping("a", &["z", "y"]));
        let mut terms = CommonFields::of(&first);
        assert!(terms.include(&mapping("a", &["y", "x", "x"])));
        terms.add(&second);
        assert!(terms.include(&mapping("a", &["y"])) && terms.include(&mapping("a", &[])));
        assert!(!terms.include(&mapping("a", &["x"])) && !terms.include(&mapping("b", &[])));
        let other = mapping("b", &["y"]);
        terms.add(&other);
        assert!(!terms.include(&mapping("b", &["y"])) && !terms.include(&mapping("a", &[])));
    }
}
