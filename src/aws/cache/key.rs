use sha2::{Digest, Sha256};

/// The name of a session: a digest of everything that it depends on, secrets included. Without having all of it nobody finds the
/// session, and from the name nobody learns any of it.
#[derive(Clone)]
pub(crate) struct Key(Sha256);

impl Key {
    /// A name of its own for each kind of session.
    pub(crate) fn of(kind: &str) -> Self {
        let key = Self(Sha256::new());
        key.with("awsauth session 1").with(kind)
    }

    /// Depends on one more text.
    #[must_use]
    pub(crate) fn with(mut self, part: &str) -> Self {
        // The length keeps neighbours apart.
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
        self
    }

    /// Depends on one more text, which need not be there.
    #[must_use]
    pub(crate) fn with_option(self, part: Option<&str>) -> Self {
        match part {
            Some(part) => self.with("some").with(part),
            None => self.with("none"),
        }
    }

    /// The name of its file.
    pub(super) fn file_name(&self) -> String {
        let digest = self.0.clone().finalize();
        let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{digits}.json")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_and_its_place_counts() {
        let names: Vec<_> = [
            Key::of("a"),
            Key::of("b"),
            Key::of("a").with(""),
            Key::of("a").with("xy"),
            Key::of("a").with("x").with("y"),
            Key::of("a").with_option(None),
            Key::of("a").with_option(Some("")),
        ]
        .iter()
        .map(Key::file_name)
        .collect();
        let unique: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(unique.len(), names.len());
        assert_eq!(Key::of("a").file_name(), names[0]);
    }
}
