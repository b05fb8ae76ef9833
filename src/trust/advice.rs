use std::fmt;

use super::Gap;
use super::who::{Kind, Who};

/// Which half is missing, why, and what to add. Its text shows both halves side by side.
#[derive(Clone, Debug)]
pub struct Advice {
    /// The caller in words, such as `the role ExampleRole`.
    pub caller: String,
    /// The role in words.
    pub role: String,
    /// The half of the caller: its own policies.
    pub own: Half,
    /// The half of the role: its trust policy.
    pub trust: Half,
    /// What certainly is in the way. Empty when nothing known is.
    pub gaps: Vec<Gap>,
    /// What else to know.
    pub notes: Vec<String>,
}

/// One of the two halves.
#[derive(Clone, Debug)]
pub struct Half {
    /// What the half is, such as `the trust policy of the role Other (account 111122223333)`.
    pub title: String,
    /// What it says about the call.
    pub state: State,
    /// The same in words.
    pub because: String,
    /// The statement that it lacks, or must have if it is not known; as JSON to paste.
    pub statement: Option<String>,
}

/// What a half says about the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It could not be told.
    Unknown,
    /// It allows it.
    Allows,
    /// It lacks the statement that would allow it.
    Lacks,
    /// It denies it.
    Denies,
    /// The other half is enough.
    NotNeeded,
}

impl Advice {
    pub(super) fn new(who: &Who<'_>, role: &Who<'_>) -> Self {
        let half = |title| Half {
            title,
            state: State::Unknown,
            because: "not known".to_owned(),
            statement: None,
        };
        let own = match who.kind {
            Kind::Service => who.name(),
            _ => format!("{} (account {})", who.name(), who.account),
        };
        Self {
            caller: who.name(),
            role: role.name(),
            own: half(format!("the policies of {own}")),
            trust: half(format!(
                "the trust policy of {} (account {})",
                role.name(),
                role.account
            )),
            gaps: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// The pages of AWS that say so, each once.
    pub fn links(&self) -> Vec<&'static str> {
        let mut links: Vec<&str> = Vec::new();
        for link in self.gaps.iter().map(Gap::link) {
            if !links.contains(&link) {
                links.push(link);
            }
        }
        if links.is_empty() {
            links.push("https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html");
        }
        links
    }

    /// Whether neither half asks for more.
    pub(super) fn is_settled(&self) -> bool {
        [&self.own, &self.trust]
            .iter()
            .all(|half| matches!(half.state, State::Allows | State::NotNeeded))
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (caller, role) = (&self.caller, &self.role);
        match self.gaps.as_slice() {
            [] if self.is_settled() => {
                writeln!(
                    f,
                    "Nothing that is known keeps {caller} from assuming {role}."
                )?;
            }
            [] => writeln!(f, "Two halves decide whether {caller} may assume {role}:")?,
            gaps => {
                writeln!(f, "What keeps {caller} from assuming {role}:")?;
                for gap in gaps {
                    writeln!(f, "- {gap}")?;
                    if let Some(step) = gap.step() {
                        writeln!(f, "  → {step}")?;
                    }
                }
            }
        }
        let halves = [&self.own, &self.trust].into_iter().enumerate();
        for (number, half) in halves.filter(|_| !self.gaps.iter().any(Gap::is_final)) {
            writeln!(f, "{}. {}: {}", number + 1, half.title, half.because)?;
            if let Some(statement) = &half.statement {
                let verb = if half.state == State::Lacks {
                    "add"
                } else {
                    "needs"
                };
                writeln!(f, "   {verb}:\n{statement}")?;
            }
        }
        for note in &self.notes {
            writeln!(f, "Note: {note}.")?;
        }
        let links = self.links();
        write!(f, "See {}", links.join("\n    "))
    }
}
