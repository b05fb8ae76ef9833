//! Names of owners.

use std::fmt;

use super::expiry_record::EXPIRES;
use crate::escape;

/// The name under which mappings are applied, such as `team-a` or `ci`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(String);

/// Why a string is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// It has no characters.
    #[error("an owner's name is empty")]
    Empty,
    /// It has more than 63 characters.
    #[error("an owner's name has {0} characters, more than 63")]
    TooLong(usize),
    /// It has an invisible character, or white space at the start or end.
    #[error("an owner's name contains an invisible character: {0:?}")]
    Unprintable(String),
    /// It is the name under which the annotation has the times at which entries expire.
    #[error("the name {EXPIRES} is reserved")]
    Reserved,
}

impl Owner {
    /// Creates a name of 1 to 63 visible characters that neither starts nor ends with a space.
    pub fn new(name: &str) -> Result<Self, OwnerError> {
        match name.chars().count() {
            0 => Err(OwnerError::Empty),
            _ if name == EXPIRES => Err(OwnerError::Reserved),
            1..=63 if name.trim() == name && !name.contains(is_invisible) => {
                Ok(Self(name.to_owned()))
            }
            1..=63 => Err(OwnerError::Unprintable(name.to_owned())),
            length => Err(OwnerError::TooLong(length)),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Returns whether a character is invisible or white space other than a space, so that two names could look the same.
fn is_invisible(character: char) -> bool {
    escape::is_invisible(character) || (character.is_whitespace() && character != ' ')
}
