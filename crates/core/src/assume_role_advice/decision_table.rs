//! Decides which policy is missing a statement.

use super::access_denied_message::Denial;
use super::condition::Unmet;
use super::parsed_principal::{IamPrincipal, Kind};
use super::policy::{Evaluation, Grant, NearMatch};
use super::{
    Advice, Decision, Facts, Obstacle, PolicyAdvice, PolicyKind, State, suggested_statement,
};

/// A call of AssumeRole and the refusal.
pub(super) struct Case<'a> {
    pub(super) facts: &'a Facts<'a>,
    pub(super) denial: &'a Denial,
    pub(super) who: IamPrincipal<'a>,
    pub(super) role: IamPrincipal<'a>,
    pub(super) action: &'a str,
    /// How the trust policy names the caller, even if its conditions do not hold.
    pub(super) grant: Option<Grant>,
}

impl Case<'_> {
    /// Evaluates the role's trust policy.
    pub(super) fn trust(&self, reading: Option<Result<Evaluation, String>>, advice: &mut Advice) {
        let add = Some(suggested_statement::of_trust(&self.who, self.action));
        let refused = self.refused_by(PolicyKind::Trust);
        let reading = match reading {
            Some(Ok(reading)) => reading,
            unread => {
                let because = match unread {
                    Some(Err(error)) => format!("it cannot be read as a policy ({error})"),
                    _ => "it could not be read".to_owned(),
                };
                match refused {
                    Some(true) => self.denied(PolicyKind::Trust, advice),
                    Some(false) => self.lacks_trust(&[], advice),
                    None => advice.trust.set(State::Unknown, because, add),
                }
                self.note_path(advice);
                return;
            }
        };
        if !reading.maybe_denied.is_empty() {
            let keys = reading.maybe_denied.join(", ");
            advice
                .notes
                .push(format!("the trust policy denies it, depending on {keys}"));
        }
        match (reading.grant, reading.unmet) {
            _ if reading.denied || refused == Some(true) => self.denied(PolicyKind::Trust, advice),
            (Some((_, keys)), _) if !keys.is_empty() && refused.is_some() => {
                let is_certain = true;
                advice
                    .obstacles
                    .push(Obstacle::UnknownCondition { keys, is_certain });
                let because = "it names the caller, under a condition".to_owned();
                advice.trust.set(State::Lacks, because, None);
            }
            (Some((grant, keys)), _)
                if !keys.is_empty()
                    && self.facts.message.is_some()
                    && self.may_be_allowed_by_own(grant) =>
            {
                let is_certain = self.is_allowed_by_own(grant);
                let (state, because) = (
                    if is_certain {
                        State::Lacks
                    } else {
                        State::Unknown
                    },
                    format!(
                        "{}, if its condition on {} holds",
                        self.names(grant),
                        keys.join(", ")
                    ),
                );
                advice
                    .obstacles
                    .push(Obstacle::UnknownCondition { keys, is_certain });
                advice.trust.set(state, because, None);
            }
            (Some((grant, keys)), _) => {
                let names = self.names(grant);
                let (state, because) = if refused.is_some() {
                    (
                        State::Unknown,
                        format!(
                            "{names}, but AWS reports that it does not allow the call: it may have changed in the meantime, so try again"
                        ),
                    )
                } else if keys.is_empty() {
                    (State::Allows, names)
                } else {
                    (
                        State::Unknown,
                        format!("{names}, if its condition on {} holds", keys.join(", ")),
                    )
                };
                advice.trust.set(state, because, None);
                if grant == Grant::Session {
                    advice.notes.push(format!(
                        "the trust policy names this one session; another session name is refused, so name the role instead: {}",
                        self.who.principal()
                    ));
                }
            }
            (None, Some((grant, unmet))) => {
                let because = format!(
                    "{}, but under a condition that does not hold",
                    self.names(grant)
                );
                let obstacles: Vec<Obstacle> =
                    unmet.into_iter().map(|unmet| self.unmet(unmet)).collect();
                // A role session never satisfies this condition.
                let is_never_met = obstacles.contains(&Obstacle::Mfa { role: true });
                advice
                    .trust
                    .set(State::Lacks, because, add.filter(|_| is_never_met));
                advice.obstacles.extend(obstacles);
            }
            (None, None) => {
                self.lacks_trust(&reading.near, advice);
                self.note_path(advice);
            }
        }
    }

    /// Returns whether the caller's own policies allow the call or need not.
    fn is_allowed_by_own(&self, grant: Grant) -> bool {
        let is_enough = self.is_same_account() && grant > Grant::Account;
        self.facts.own_policies == Decision::Allowed || is_enough
    }

    /// The same, as far as is known.
    fn may_be_allowed_by_own(&self, grant: Grant) -> bool {
        self.facts.own_policies == Decision::Unknown || self.is_allowed_by_own(grant)
    }

    /// Evaluates the caller's own policies.
    pub(super) fn own(&self, advice: &mut Advice) {
        if self.who.kind == Kind::Service {
            let because = "a service needs no policy".to_owned();
            advice.own.set(State::NotNeeded, because, None);
            return;
        }
        let add = Some(suggested_statement::of_own(self.facts.role, self.action));
        let refused = self.refused_by(PolicyKind::Own);
        if refused == Some(true) || self.facts.own_policies == Decision::ExplicitDeny {
            self.denied(PolicyKind::Own, advice);
        } else if self.is_same_account() && self.grant.is_some_and(|grant| grant > Grant::Account) {
            let because =
                "not needed: within one account, a trust policy that names the caller is enough";
            advice.own.set(State::NotNeeded, because.to_owned(), None);
        } else if self.facts.own_policies == Decision::ImplicitDeny || refused.is_some() {
            if self.is_enough_to_trust(advice) {
                let because = "they do not allow it, which is not needed if the trust policy names the caller";
                advice.own.set(State::NotNeeded, because.to_owned(), None);
            } else {
                let because = "they do not allow it".to_owned();
                advice.own.set(State::Lacks, because, add);
                advice.obstacles.push(Obstacle::OwnPolicies);
            }
        } else if self.facts.own_policies == Decision::Allowed {
            let because = "they allow it".to_owned();
            advice.own.set(State::Allows, because, None);
        } else if self.is_enough_to_trust(advice) {
            let because = "not needed if the trust policy names the caller, because both are in the same account";
            advice.own.set(State::NotNeeded, because.to_owned(), None);
        } else {
            let because = if self.is_same_account() {
                "they could not be read; within one account they are not needed if the trust policy names the caller itself"
            } else {
                "they could not be read; across accounts they must also allow it"
            };
            advice.own.set(State::Unknown, because.to_owned(), add);
        }
    }

    /// Evaluates policies that limit the caller and grant nothing.
    pub(super) fn limits(&self, advice: &mut Advice) {
        let boundary = match self.refused_by(PolicyKind::Boundary) {
            Some(true) => Decision::ExplicitDeny,
            Some(false) => Decision::ImplicitDeny,
            None => self.facts.boundary,
        };
        // What a boundary omits does not limit a grant to the caller's session, to a user or to everyone:
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
        // The page on trust policies contradicts this for users, so a refusal decides:
        // https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_update-role-trust-policy.html
        let refused = self.facts.message.is_some();
        let unbound = self.is_same_account()
            && match self.grant {
                Some(Grant::Session | Grant::Everyone) => true,
                Some(Grant::Itself) => !refused,
                _ => false,
            };
        match boundary {
            Decision::ExplicitDeny => advice.obstacles.push(self.denied_by(PolicyKind::Boundary)),
            Decision::ImplicitDeny if !unbound => {
                advice.obstacles.push(self.limited_by(PolicyKind::Boundary))
            }
            Decision::ImplicitDeny if self.grant == Some(Grant::Itself) => advice.notes.push(
                "the user's permissions boundary does not allow the call; if AWS refuses it, allow it there"
                    .to_owned(),
            ),
            _ => {}
        }
        let others = [
            PolicyKind::Session,
            PolicyKind::ServiceControl,
            PolicyKind::ResourceControl,
            PolicyKind::Endpoint,
        ];
        for kind in others {
            match self.refused_by(kind) {
                Some(true) => advice.obstacles.push(self.denied_by(kind)),
                Some(false) => advice.obstacles.push(self.limited_by(kind)),
                None => {}
            }
        }
        if self.facts.message.is_some() && advice.obstacles.is_empty() && advice.is_settled() {
            advice.notes.push(
                "AWS refused the call for another reason. awsauth cannot read the organization's service and resource control policies, a \
                 permissions boundary, a session policy and the policy of a VPC endpoint. Or one of the two policies has just changed"
                    .to_owned(),
            );
        }
    }

    /// Returns whether the refusal names this kind of policy, and if so, whether it has an explicit deny.
    fn refused_by(&self, kind: PolicyKind) -> Option<bool> {
        (self.denial.kind == Some(kind)).then_some(self.denial.explicit)
    }

    fn is_same_account(&self) -> bool {
        self.who.account == self.role.account
    }

    /// Returns whether the missing statement of the trust policy is sufficient.
    fn is_enough_to_trust(&self, advice: &Advice) -> bool {
        advice.trust.state == State::Lacks
            && advice.trust.statement.is_some()
            && self.is_same_account()
            && !self.who.is_sso()
    }

    fn denied_by(&self, kind: PolicyKind) -> Obstacle {
        Obstacle::Denied {
            kind,
            policy: self.denial.policy.clone(),
        }
    }

    fn limited_by(&self, kind: PolicyKind) -> Obstacle {
        Obstacle::Limited {
            kind,
            policy: self.denial.policy.clone(),
        }
    }

    fn denied(&self, kind: PolicyKind, advice: &mut Advice) {
        advice.obstacles.push(self.denied_by(kind));
        let advice = match kind {
            PolicyKind::Trust => &mut advice.trust,
            _ => &mut advice.own,
        };
        advice.set(State::Denies, "a statement denies it".to_owned(), None);
    }

    fn lacks_trust(&self, near: &[NearMatch], advice: &mut Advice) {
        let mut obstacles: Vec<Obstacle> = near
            .iter()
            .map(|near| match near {
                NearMatch::Deleted(id) => Obstacle::DeletedPrincipal { id: id.clone() },
                NearMatch::OtherSession(arn) => Obstacle::OtherSession { arn: arn.clone() },
            })
            .collect();
        if self.who.is_same_role(&self.role) {
            obstacles.insert(0, Obstacle::NotTrustedByItself);
        } else if obstacles.is_empty() {
            obstacles.push(Obstacle::NotTrusted);
        }
        advice.obstacles.extend(obstacles);
        let because = format!("it does not name {}", self.who.name());
        let add = suggested_statement::of_trust(&self.who, self.action);
        advice.trust.set(State::Lacks, because, Some(add));
    }

    /// Notes that the ARN of the role needs its IAM path, which the ARN of a session lacks.
    fn note_path(&self, advice: &mut Advice) {
        if let Kind::Role {
            name,
            session: Some(_),
        } = self.who.kind
            && !self.who.is_sso()
        {
            advice.notes.push(format!(
                "if {} has an IAM path, its ARN in the policy must contain the path: aws iam get-role --role-name {name} --query Role.Arn",
                self.who.name()
            ));
        }
    }

    fn names(&self, grant: Grant) -> String {
        match grant {
            Grant::Account => format!(
                "it names the account {}, whose own policies then decide",
                self.who.account
            ),
            Grant::Role | Grant::Itself => format!("it names {}", self.who.name()),
            Grant::Everyone => "it names everyone (*)".to_owned(),
            Grant::Session => "it names the caller's session".to_owned(),
        }
    }

    fn unmet(&self, unmet: Unmet) -> Obstacle {
        match unmet {
            Unmet::ExternalId(required) => Obstacle::ExternalId {
                required,
                given: self.facts.external_id.map(str::to_owned),
            },
            Unmet::Mfa => Obstacle::Mfa {
                role: matches!(self.who.kind, Kind::Role { .. }),
            },
            Unmet::Other(operator, key, required) => Obstacle::Condition {
                operator,
                key,
                required,
            },
        }
    }
}

impl PolicyAdvice {
    fn set(&mut self, state: State, because: String, statement: Option<String>) {
        self.state = state;
        self.because = because;
        self.statement = statement;
    }
}
