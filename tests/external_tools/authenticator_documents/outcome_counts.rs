//! Counts how many inputs led to each outcome, and requires a minimum of each.

use std::collections::BTreeMap;
use std::fmt;

use crate::support::authenticator_oracle::{Answer, Parsed};
use crate::support::parse_comparison::stable;

/// The number of inputs for each outcome, to show what was tested.
#[derive(Default)]
pub(crate) struct OutcomeCounts {
    inputs: u64,
    with_entries: u64,
    empty: u64,
    /// Counts by kind of error. An input with several errors counts for each.
    errors: BTreeMap<&'static str, u64>,
    messages: BTreeMap<String, u64>,
    panics: BTreeMap<String, u64>,
    /// Inputs for which the authenticator's own answers vary.
    pub(crate) varying: u64,
}

/// Kinds of errors: the start of the message, and the minimum number per 10,000 inputs.
const KINDS: [(&str, &str, u64); 14] = [
    ("validation", "one of rolearn", 300),
    ("validation", "only one of rolearn", 10),
    ("validation", "value for userarn", 100),
    ("validation", "AccountID", 50),
    ("validation", "PermissionSetName", 10),
    ("validation", "partition", 5),
    ("type mismatch", "json: cannot unmarshal", 300),
    ("number without JSON", "json: unsupported value", 10),
    ("mapping key", "unsupported map key", 5),
    ("mapping key", "yaml: invalid map key", 10),
    ("JSON syntax", "invalid character", 50),
    ("alias", "yaml: unknown anchor", 70),
    ("account of a wrong type", "yaml: unmarshal errors", 100),
    ("YAML syntax", "yaml: ", 1_000),
];

impl OutcomeCounts {
    pub(crate) fn count(&mut self, answer: &Answer) {
        self.inputs += 1;
        let parsed = match answer {
            Answer::Parse(parsed) => parsed,
            Answer::Panic(cause) => {
                *self.panics.entry(cause.clone()).or_default() += 1;
                return;
            }
            other => panic!("{other:?} is not an answer to a parse request"),
        };
        let Parsed {
            roles,
            users,
            accounts,
            errors,
        } = parsed;
        if !(roles.is_empty() && users.is_empty() && accounts.is_empty()) {
            self.with_entries += 1;
        } else if errors.is_empty() {
            self.empty += 1;
        }
        for error in errors {
            let error = stable(error);
            let kind = KINDS.iter().find(|(_, start, _)| error.starts_with(start));
            *self
                .errors
                .entry(kind.map_or("other", |(_, start, _)| start))
                .or_default() += 1;
            let end = error.find(['\'', '`', '\n']).unwrap_or(error.len());
            *self.messages.entry(error[..end].to_owned()).or_default() += 1;
        }
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.inputs += other.inputs;
        self.with_entries += other.with_entries;
        self.empty += other.empty;
        self.varying += other.varying;
        for (kind, count) in other.errors {
            *self.errors.entry(kind).or_default() += count;
        }
        for (message, count) in other.messages {
            *self.messages.entry(message).or_default() += count;
        }
        for (cause, count) in other.panics {
            *self.panics.entry(cause).or_default() += count;
        }
    }

    /// # Panics
    /// If some kind of input was too rare for the run to be meaningful.
    pub(crate) fn assert_varied(&self) {
        if self.inputs < 10_000 {
            return;
        }
        let least = |per_10_000: u64| self.inputs * per_10_000 / 10_000;
        assert!(
            self.with_entries >= least(3_000),
            "{} inputs with entries",
            self.with_entries
        );
        assert!(
            self.empty >= least(100),
            "{} inputs that are empty",
            self.empty
        );
        for (kind, start, per_10_000) in KINDS {
            let count = self.errors.get(start).copied().unwrap_or_default();
            assert!(
                count >= least(per_10_000),
                "{kind}: {start}…: {count} times only"
            );
        }
    }
}

impl fmt::Display for OutcomeCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>9} with entries", self.with_entries)?;
        writeln!(f, "{:>9} empty without an error", self.empty)?;
        writeln!(f, "{:>9} on which the authenticator varies", self.varying)?;
        for (cause, count) in &self.panics {
            writeln!(f, "{count:>9} on which the authenticator panics: {cause}")?;
        }
        for (message, count) in &self.messages {
            writeln!(f, "{count:>9} {message}")?;
        }
        Ok(())
    }
}
