use std::fmt;

/// The name under which mappings are applied, such as `team-a` or `ci`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(String);

/// Why a name is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnerError {
    /// It has no characters.
    #[error("an owner's name is empty")]
    Empty,
    /// It has more than 63 characters.
    #[error("an owner's name has {0} characters, more than 63")]
    TooLong(usize),
    /// It holds a character that does not show, or white space at an end.
    #[error("an owner's name holds a character that does not show: {0:?}")]
    Unprintable(String),
}

impl Owner {
    /// A name of 1 to 63 printable characters, neither starting nor ending with a blank.
    pub fn new(name: &str) -> Result<Self, OwnerError> {
        match name.chars().count() {
            0 => Err(OwnerError::Empty),
            1..=63 if name.trim() == name && !name.contains(does_not_show) => {
                Ok(Self(name.to_owned()))
            }
            1..=63 => Err(OwnerError::Unprintable(name.to_owned())),
            length => Err(OwnerError::TooLong(length)),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Control characters, odd blanks, and what is invisible or turns text around: two names should not look the same.
fn does_not_show(character: char) -> bool {
    let is_invisible = matches!(
        character,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    );
    is_invisible || character.is_control() || (character.is_whitespace() && character != ' ')
}
