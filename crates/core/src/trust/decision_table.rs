//! Decides which policy is missing a statement.

use super::condition::Unmet;
use super::denial::Denial;
use super::iam_principal::{IamPrincipal, Kind};
use super::policy::{Evaluation, Grant, NearMatch};
use super::{Advice, Decision, Facts, Gap, Half, Place, State, statement};

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
        let add = Some(statement::of_trust(&self.who, self.action));
        let refused = self.refused_by(Place::Trust);
        let reading = match reading {
            Some(Ok(reading)) => reading,
            unread => {
                let because = match unread {
                    Some(Err(error)) => format!("it can't be read as a policy ({error})"),
                    _ => "it could not be read".to_owned(),
                };
                match refused {
                    Some(true) => self.denied(Place::Trust, advice),
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
            _ if reading.denied || refused == Some(true) => self.denied(Place::Trust, advice),
            (Some((_, keys)), _) if !keys.is_empty() && refused.is_some() => {
                advice.gaps.push(Gap::UnseenCondition { keys });
                let because = "it names the caller, under a condition".to_owned();
                advice.trust.set(State::Lacks, because, None);
            }
            (Some((grant, keys)), _) => {
                let names = self.names(grant);
                let (state, because) = if refused.is_some() {
                    (
                        State::Unknown,
                        format!(
                            "{names}, yet AWS says that it does not allow it: it may have changed since, so try again"
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
                let gaps: Vec<Gap> = unmet.into_iter().map(|unmet| self.unmet(unmet)).collect();
                // A role session never satisfies this condition.
                let hopeless = gaps.contains(&Gap::Mfa { role: true });
                advice
                    .trust
                    .set(State::Lacks, because, add.filter(|_| hopeless));
                advice.gaps.extend(gaps);
            }
            (None, None) => {
                self.lacks_trust(&reading.near, advice);
                self.note_path(advice);
            }
        }
    }

    /// Evaluates the caller's own policies.
    pub(super) fn own(&self, advice: &mut Advice) {
        if self.who.kind == Kind::Service {
            let because = "a service needs none".to_owned();
            advice.own.set(State::NotNeeded, because, None);
            return;
        }
        let add = Some(statement::of_own(self.facts.role, self.action));
        let refused = self.refused_by(Place::Own);
        if refused == Some(true) || self.facts.own_policies == Decision::ExplicitDeny {
            self.denied(Place::Own, advice);
        } else if self.is_same_account() && self.grant.is_some_and(|grant| grant > Grant::Account) {
            let because =
                "not needed, because in one account a trust policy that names the caller is enough";
            advice.own.set(State::NotNeeded, because.to_owned(), None);
        } else if self.facts.own_policies == Decision::ImplicitDeny || refused.is_some() {
            if self.is_enough_to_trust(advice) {
                let because =
                    "they do not allow it, and need not once the trust policy names the caller";
                advice.own.set(State::NotNeeded, because.to_owned(), None);
            } else {
                let because = "they do not allow it".to_owned();
                advice.own.set(State::Lacks, because, add);
                advice.gaps.push(Gap::OwnPolicies);
            }
        } else if self.facts.own_policies == Decision::Allowed {
            let because = "they allow it".to_owned();
            advice.own.set(State::Allows, because, None);
        } else if self.is_enough_to_trust(advice) {
            let because =
                "not needed once the trust policy names the caller, who is in the same account";
            advice.own.set(State::NotNeeded, because.to_owned(), None);
        } else {
            let because = if self.is_same_account() {
                "they could not be read; in one account they are not needed if the trust policy names the caller itself"
            } else {
                "they could not be read; across accounts they must also allow it"
            };
            advice.own.set(State::Unknown, because.to_owned(), add);
        }
    }

    /// Evaluates policies that limit the caller and grant nothing.
    pub(super) fn limits(&self, advice: &mut Advice) {
        let boundary = match self.refused_by(Place::Boundary) {
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
            Decision::ExplicitDeny => advice.gaps.push(self.denied_by(Place::Boundary)),
            Decision::ImplicitDeny if !unbound => {
                advice.gaps.push(self.limited_by(Place::Boundary))
            }
            Decision::ImplicitDeny if self.grant == Some(Grant::Itself) => advice.notes.push(
                "the user's permissions boundary does not allow it; if AWS refuses, let it"
                    .to_owned(),
            ),
            _ => {}
        }
        let others = [
            Place::Session,
            Place::ServiceControl,
            Place::ResourceControl,
            Place::Endpoint,
        ];
        for place in others {
            match self.refused_by(place) {
                Some(true) => advice.gaps.push(self.denied_by(place)),
                Some(false) => advice.gaps.push(self.limited_by(place)),
                None => {}
            }
        }
        if self.facts.message.is_some() && advice.gaps.is_empty() && advice.is_settled() {
            advice.notes.push(
                "AWS refused it all the same: what can't be seen from here are the organization's service and resource control policies, \
                 a permissions boundary, a session policy, and the policy of a VPC endpoint; or one of the halves was changed just now"
                    .to_owned(),
            );
        }
    }

    /// Whether the refusal names this kind of policy, and if so, whether it has an explicit deny.
    fn refused_by(&self, place: Place) -> Option<bool> {
        (self.denial.place == Some(place)).then_some(self.denial.explicit)
    }

    fn is_same_account(&self) -> bool {
        self.who.account == self.role.account
    }

    /// Whether the missing statement of the trust policy is sufficient.
    fn is_enough_to_trust(&self, advice: &Advice) -> bool {
        advice.trust.state == State::Lacks
            && advice.trust.statement.is_some()
            && self.is_same_account()
            && !self.who.is_sso()
    }

    fn denied_by(&self, place: Place) -> Gap {
        Gap::Denied {
            place,
            policy: self.denial.policy.clone(),
        }
    }

    fn limited_by(&self, place: Place) -> Gap {
        Gap::Limited {
            place,
            policy: self.denial.policy.clone(),
        }
    }

    fn denied(&self, place: Place, advice: &mut Advice) {
        advice.gaps.push(self.denied_by(place));
        let half = match place {
            Place::Trust => &mut advice.trust,
            _ => &mut advice.own,
        };
        half.set(State::Denies, "a statement denies it".to_owned(), None);
    }

    fn lacks_trust(&self, near: &[NearMatch], advice: &mut Advice) {
        let mut gaps: Vec<Gap> = near
            .iter()
            .map(|near| match near {
                NearMatch::Deleted(id) => Gap::DeletedPrincipal { id: id.clone() },
                NearMatch::OtherSession(arn) => Gap::OtherSession { arn: arn.clone() },
            })
            .collect();
        if self.who.is_same_role(&self.role) {
            gaps.insert(0, Gap::NotTrustedByItself);
        } else if gaps.is_empty() {
            gaps.push(Gap::NotTrusted);
        }
        advice.gaps.extend(gaps);
        let because = format!("it does not name {}", self.who.name());
        let add = statement::of_trust(&self.who, self.action);
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
                "if {} has an IAM path, name it with that: aws iam get-role --role-name {name} --query Role.Arn",
                self.who.name()
            ));
        }
    }

    fn names(&self, grant: Grant) -> String {
        match grant {
            Grant::Account => format!(
                "it names the account {}, and leaves it to the policies there",
                self.who.account
            ),
            Grant::Role | Grant::Itself => format!("it names {}", self.who.name()),
            Grant::Everyone => "it names everyone (*)".to_owned(),
            Grant::Session => "it names the caller's session".to_owned(),
        }
    }

    fn unmet(&self, unmet: Unmet) -> Gap {
        match unmet {
            Unmet::ExternalId(wanted) => Gap::ExternalId {
                wanted,
                given: self.facts.external_id.map(str::to_owned),
            },
            Unmet::Mfa => Gap::Mfa {
                role: matches!(self.who.kind, Kind::Role { .. }),
            },
            Unmet::Other(operator, key, wanted) => Gap::Condition {
                operator,
                key,
                wanted,
            },
        }
    }
}

impl Half {
    fn set(&mut self, state: State, because: String, statement: Option<String>) {
        self.state = state;
        self.because = because;
        self.statement = statement;
    }
}
