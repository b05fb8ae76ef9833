//! Advice about a denied role assumption.

use std::fmt;

use super::Obstacle;
use super::parsed_principal::{IamPrincipal, Kind};

/// Which policy is missing a statement, why, and what to add. `Display` shows both policies.
#[derive(Clone, Debug)]
pub struct Advice {
    /// Such as `the role ExampleRole`.
    pub caller: String,
    /// Such as `the role Other`.
    pub role: String,
    /// The caller's own policies.
    pub own: PolicyAdvice,
    /// The role's trust policy.
    pub trust: PolicyAdvice,
    /// The known obstacles.
    pub obstacles: Vec<Obstacle>,
    pub notes: Vec<String>,
}

/// One of the two policies that decide.
#[derive(Clone, Debug)]
pub struct PolicyAdvice {
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
        let policy = |title| PolicyAdvice {
            title,
            state: State::Unknown,
            because: "unknown".to_owned(),
            statement: None,
        };
        let own = match who.kind {
            Kind::Service => who.name(),
            _ => format!("{} (account {})", who.name(), who.account),
        };
        Self {
            caller: who.name(),
            role: role.name(),
            own: policy(format!("the policies of {own}")),
            trust: policy(format!(
                "the trust policy of {} (account {})",
                role.name(),
                role.account
            )),
            obstacles: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Returns the AWS documentation of the obstacles, without duplicates.
    pub(crate) fn links(&self) -> Vec<&'static str> {
        let mut links: Vec<&str> = Vec::new();
        for link in self.obstacles.iter().map(Obstacle::link) {
            if !links.contains(&link) {
                links.push(link);
            }
        }
        if links.is_empty() {
            links.push("https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html");
        }
        links
    }

    /// Returns whether both policies allow the call.
    pub(super) fn is_settled(&self) -> bool {
        [&self.own, &self.trust]
            .iter()
            .all(|policy| matches!(policy.state, State::Allows | State::NotNeeded))
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (caller, role) = (&self.caller, &self.role);
        match self.obstacles.as_slice() {
            [] if self.is_settled() => {
                writeln!(f, "No known obstacle keeps {caller} from assuming {role}.")?;
            }
            [] => writeln!(f, "Two policies decide whether {caller} may assume {role}:")?,
            obstacles => {
                writeln!(f, "Why {caller} cannot assume {role}:")?;
                for obstacle in obstacles {
                    writeln!(f, "- {obstacle}")?;
                    if let Some(step) = obstacle.step() {
                        writeln!(f, "  → {step}")?;
                    }
                }
            }
        }
        let policies = [&self.own, &self.trust].into_iter().enumerate();
        for (number, policy) in policies.filter(|_| !self.obstacles.iter().any(Obstacle::is_final))
        {
            writeln!(f, "{}. {}: {}", number + 1, policy.title, policy.because)?;
            if let Some(statement) = &policy.statement {
                let verb = if policy.state == State::Lacks {
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
