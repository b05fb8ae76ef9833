use super::Needs;
use super::context::Context;
use super::found::Found;

/// One thing to look for. It has a file, a heading in docs/lint.md, and a folder of cases.
#[derive(Debug)]
pub struct Rule {
    /// Its id, such as `R03`, which never changes and is never used again. The letter is its group.
    pub id: &'static str,
    /// Its name, such as `role-path`.
    pub name: &'static str,
    /// How bad a finding is, where the rule does not say otherwise.
    pub severity: Severity,
    /// What has to be known besides the document.
    pub needs: Needs,
    pub(super) check: fn(&Context<'_>, &mut Found),
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// It does not do what its author thinks, or gives more than needed.
    Warning,
    /// Somebody can't sign in, or becomes more than intended.
    Error,
}

impl Severity {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl PartialEq for Rule {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Rule {}
