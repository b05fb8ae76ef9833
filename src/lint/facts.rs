/// What rules have to know besides the document. What is not known is `None`.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The account that the cluster is in.
    pub account: Option<String>,
}

/// What a rule has to know besides the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// [`Facts::account`].
    Account,
}

impl Needs {
    /// Whether it is known.
    pub fn are_met(self, facts: &Facts) -> bool {
        match self {
            Self::Nothing => true,
            Self::Account => facts.account.is_some(),
        }
    }

    /// As messages say it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Account => "the cluster's account",
        }
    }
}
