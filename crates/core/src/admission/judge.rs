use std::collections::BTreeMap;

use super::{
    Answer, Facts, Object, Passage, Requester, Review, Terms, Verdict, messages, protected,
};
use crate::authenticator::{Store, User};
use crate::document::Document;
use crate::history::Contents;
use crate::lint::{Finding, Severity, Site};
use crate::plan::{
    self, Allowed, Caller, Guard, Known, Plan, Request, aws_auth_is_ignored, has_admin,
};

/// The username prefix of service accounts. A service account as the last administrator does not help users who are locked out.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// The hint for an edit that would leave no administrator.
const ANOTHER_ADMIN: &str = "map another administrator first: kubectl awsauth map role ARN --username NAME --group system:masters";

/// What an edit would lose.
#[derive(Debug)]
pub(super) struct Refused {
    /// The guard that refuses it, in one word.
    pub(super) reason: &'static str,
    /// What would be lost and for which principal; a sentence fragment.
    pub(super) message: String,
    /// The flag of awsauth's commands that allows it.
    pub(super) allow: Option<String>,
}

/// The findings about an edit.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) refused: Vec<Refused>,
    /// How to fix them.
    pub(super) hints: Vec<String>,
    pub(super) warnings: Vec<String>,
}

/// Judges an edit of aws-auth.
///
/// Refuses edits that introduce lint errors or unreadable sections, that remove or reduce node entries or protected entries,
/// or that leave no known cluster administrator. All other findings of guards and rules are warnings.
pub fn judge(review: &Review, terms: &Terms, facts: &Facts) -> Answer {
    let missing = Object::default();
    let before = review.before.as_ref().unwrap_or(&missing);
    let after = review.after.as_ref().unwrap_or(&missing);
    let mut said = Said::default();
    if before.contents.data != after.contents.data {
        match aws_auth_is_ignored(facts.mode) {
            Some(nobody) => said.warnings.push(nobody.message),
            None => said.look(&before.contents, &after.contents, review, terms, facts),
        }
    }
    if after.is_immutable && !before.is_immutable {
        said.warnings.push(messages::IMMUTABLE.to_owned());
    }
    if after.break_glass.is_some() {
        said.warnings.push(messages::UNGUARDED.to_owned());
    }
    said.answer(review, terms)
}

impl Said {
    /// Runs guards and rules on the new texts.
    fn look(
        &mut self,
        before: &Contents,
        after: &Contents,
        review: &Review,
        terms: &Terms,
        facts: &Facts,
    ) {
        let request = request(after, &review.requester, facts);
        // It is no edits, which might not fit what is there.
        let Ok(plan) = Plan::new(&before.snapshot(), &request) else {
            return;
        };
        for refusal in &plan.refusals {
            let message = refusal.message.clone();
            match refusal.guard {
                Guard::LintRegression | Guard::NodeEntry | Guard::LastAdmin => {
                    self.refuse(refusal.guard.reason(), message, Some(&refusal.allow));
                }
                // A file may well be meant so, and what must not be lost has its own guard.
                guard => self.warnings.push(format!("{}: {message}", guard.reason())),
            }
        }
        let is_refused = |guard| plan.refusals.iter().any(|refusal| refusal.guard == guard);
        let (errors, others): (Vec<&Finding>, Vec<_>) = plan
            .findings
            .iter()
            .partition(|finding| finding.severity >= Severity::Error);
        if is_refused(Guard::LintRegression) {
            self.hints
                .extend(errors.iter().map(|error| messages::mending(error)));
        }
        if is_refused(Guard::LastAdmin) {
            self.hints.push(ANOTHER_ADMIN.to_owned());
        }
        let warnings = others
            .into_iter()
            .filter(|finding| finding.severity == Severity::Warning);
        self.warnings.extend(warnings.map(messages::found));
        self.warnings
            .extend(plan.notices.iter().filter_map(messages::notice));

        let (before, after) = (plan.before(), plan.after());
        self.unreadable(before, after, &errors);
        for arn in protected::lost(&Store::new(before), &Store::new(after), &terms.protect.arns) {
            let message =
                format!("the configuration of awsauth-controller protects the entry of {arn}");
            self.refuse("protected", message, None);
        }
    }

    /// Refuses sections that can no longer be read, unless a rule already did: a comment can waive rules.
    fn unreadable(&mut self, before: &Document, after: &Document, errors: &[&Finding]) {
        for (before, after) in before.sections().zip(after.sections()) {
            let is_said = errors.iter().any(|error| match &error.site {
                Site::Text(text) => text.section == after.name(),
                _ => false,
            });
            if is_said || before.is_unreadable() || !after.is_unreadable() {
                continue;
            }
            let why = match after.editable() {
                Ok(()) => String::new(),
                Err(broken) => format!(", line {}: {}", broken.line, broken.reason),
            };
            let message = format!(
                "the authenticator could not read {}, so that none of its entries would be in force{why}",
                after.name().key()
            );
            self.refuse("unreadable", message, None);
        }
    }

    fn refuse(&mut self, reason: &'static str, message: String, allow: Option<&str>) {
        self.refused.push(Refused {
            reason,
            message,
            allow: allow.map(str::to_owned),
        });
    }

    /// The response to the requester.
    fn answer(self, review: &Review, terms: &Terms) -> Answer {
        let Self {
            refused,
            hints,
            mut warnings,
        } = self;
        // A user who ran a command cannot have allowed what no flag of that command allows.
        let leads_through = |passage: &Passage| {
            *passage != Passage::Command || refused.iter().all(|refused| refused.allow.is_some())
        };
        let passage = Passage::of(review, terms).filter(leads_through);
        let verdict = match (refused.as_slice(), passage) {
            ([], _) if warnings.is_empty() => Verdict::Allowed,
            ([], _) => Verdict::Warned,
            (_, Some(passage)) => Verdict::LetThrough(passage),
            (_, None) => Verdict::Denied,
        };
        let mut audit = BTreeMap::new();
        if !refused.is_empty() {
            audit.insert("verdict", verdict.name().to_owned());
            audit.insert("refused", messages::on_record(&refused));
        }
        if let Verdict::LetThrough(passage) = &verdict {
            if let Some(why) = passage.why() {
                audit.insert("why", messages::plain(why));
            }
            let let_through = refused.iter().map(messages::let_through);
            warnings.splice(0..0, let_through);
        }
        let message = match &verdict {
            Verdict::Denied => messages::message(&refused, &hints, review),
            _ => String::new(),
        };
        Answer {
            verdict,
            message,
            warnings: messages::passed_on(&warnings),
            audit,
        }
    }
}

/// To make aws-auth what it is to be, as a plan takes it. Nobody is asked for more.
fn request(after: &Contents, requester: &Requester, facts: &Facts) -> Request {
    let user = User {
        username: requester.username.clone(),
        groups: requester.groups.clone(),
    };
    let caller = Caller {
        user,
        arn: requester.arn.clone(),
        session_name: requester.session_name.clone(),
        access_key_id: requester.access_key_id.clone(),
    };
    // Beside a caller, guards would ask who the administrators are.
    let is_known = facts.admins != Known::NotRequested;
    let is_known = is_known && !requester.username.starts_with(SERVICE_ACCOUNT);
    let entries = facts.access_entries.as_ref();
    let has_admin = entries.map(|entries| has_admin(entries, &facts.admins));
    Request {
        contents: Some(after.clone()),
        allow: Allowed {
            // That it counts for nothing harms nobody.
            ignored: true,
            ..Allowed::default()
        },
        access_entries: facts.access_entries.clone(),
        facts: plan::Facts {
            mode: facts.mode,
            account: facts.account.clone(),
            caller: match is_known {
                true => Known::Is(caller),
                false => Known::NotRequested,
            },
            admins: facts.admins.clone(),
            may_update: Vec::new(),
            access_entry_of_admin: match has_admin {
                None => Known::NotRequested,
                Some(Some(has)) => Known::Is(has),
                Some(None) => Known::Unknown {
                    needs: "permission to eks:DescribeAccessEntry".to_owned(),
                },
            },
        },
        ..Request::default()
    }
}
