use std::fmt;

use super::Gap;
use super::iam_principal::{IamPrincipal, Kind};

/// Which policy is missing a statement, why, and what to add. `Display` shows both policies.
#[derive(Clone, Debug)]
pub struct Advice {
    /// Such as `the role ExampleRole`.
    pub caller: String,
    /// Such as `the role Other`.
    pub role: String,
    /// The caller's own policies.
    pub own: Half,
    /// The role's trust policy.
    pub trust: Half,
    /// The known obstacles.
    pub gaps: Vec<Gap>,
    pub notes: Vec<String>,
}

/// One of the two policies that decide.
#[derive(Clone, Debug)]
pub struct Half {
    /// Such as `the trust policy of the role Other (account 111122223333)`.
    pub title: String,
    pub state: State,
    /// The reason for the state.
    pub because: String,
    /// The statement that the policy lacks, or needs if the policy is unknown; as JSON.
    pub statement: Option<String>,
}

/// What a policy decides about the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The policy is unknown.
    Unknown,
    Allows,
    /// The policy lacks the statement that would allow the call.
    Lacks,
    Denies,
    /// The other policy is sufficient.
    NotNeeded,
}

impl Advice {
    pub(super) fn new(who: &IamPrincipal<'_>, role: &IamPrincipal<'_>) -> Self {
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

    /// Returns the AWS documentation of the obstacles, without duplicates.
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

    /// Whether both policies allow the call.
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
            [] => writeln!(f, "Two policies decide whether {caller} may assume {role}:")?,
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
