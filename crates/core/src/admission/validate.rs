//! Validates an edit to aws-auth.

use std::collections::BTreeMap;

use super::denial::Denial;
use super::{
    Exemption, Facts, MAX_ITEMS, MAX_PARTS, Object, Policy, RequestUser, Review, ReviewError,
    ReviewResult, Verdict, messages, protected_entries,
};
use crate::authenticator::{Store, User};
use crate::deadline::Deadline;
use crate::document::Document;
use crate::history::Contents;
use crate::lint::{Finding, Severity, Site};
use crate::plan::{
    self, Allowed, Caller, Guard, Known, Plan, Refusal, Request, aws_auth_is_ignored, has_admin,
};

/// The username prefix of service accounts. A service account as the last administrator does not help users who are locked out.
const SERVICE_ACCOUNT: &str = "system:serviceaccount:";

/// The hint for an edit that would leave no administrator.
const ANOTHER_ADMIN: &str = "map another administrator first: kubectl awsauth map role ARN --username NAME --group system:masters";

/// The maximum number of entries. A ConfigMap of 1 MiB has fewer, unless they are not real ones.
pub(super) const MAX_ENTRIES: usize = 12_000;

/// What guards and rules found about an edit.
#[derive(Debug, Default)]
struct Findings {
    denials: Vec<Denial>,
    hints: Vec<String>,
    warnings: Vec<String>,
}

/// Validates an edit to aws-auth.
///
/// Denies edits that introduce lint errors or unreadable sections, that remove or reduce node entries or protected entries,
/// that leave no known cluster administrator, or that make aws-auth too large for the next review. All other findings of guards and
/// rules are warnings.
///
/// Takes time proportional to the length of the review.
///
/// # Errors
/// If the deadline is over before the review is complete, or if the stored aws-auth is too large.
pub fn validate(
    review: &Review,
    policy: &Policy,
    facts: &Facts,
    deadline: &Deadline,
) -> Result<ReviewResult, ReviewError> {
    let missing = Object::default();
    let before = review.before.as_ref().unwrap_or(&missing);
    let after = review.after.as_ref().unwrap_or(&missing);
    let mut findings = Findings::default();
    if before.contents.data != after.contents.data {
        match aws_auth_is_ignored(facts.mode) {
            Some(ignored) => findings.warnings.push(ignored.message),
            None if before.has_too_many_parts => return Err(ReviewError::TooLarge),
            None if after.has_too_many_parts => {
                findings.deny_size(&format!("{MAX_PARTS} lines and items, or {MAX_ITEMS} keys"));
            }
            None => {
                let request = Request {
                    deadline: deadline.clone(),
                    max_entries: Some(MAX_ENTRIES),
                    ..request(&after.contents, &review.user, facts)
                };
                findings.check(&before.contents, &request, policy)?;
            }
        }
    }
    // In this case, the findings are incomplete.
    if deadline.is_over() {
        return Err(ReviewError::TimeIsUp);
    }
    if after.is_immutable && !before.is_immutable {
        findings.warnings.push(messages::IMMUTABLE.to_owned());
    }
    if after.break_glass.is_some() {
        findings.warnings.push(messages::UNGUARDED.to_owned());
    }
    Ok(findings.into_result(review, policy))
}

impl Findings {
    /// Runs guards and rules on the change.
    fn check(
        &mut self,
        before: &Contents,
        request: &Request,
        policy: &Policy,
    ) -> Result<(), ReviewError> {
        // Fails only for edits of single entries, which this request does not contain.
        let Ok(mut plan) = Plan::new(&before.snapshot(), request) else {
            return Ok(());
        };
        if plan.is_incomplete {
            let entries = plan
                .before()
                .sections()
                .map(|section| section.entries().len());
            if request.deadline.is_over() {
                return Err(ReviewError::TimeIsUp);
            }
            if entries.sum::<usize>() > MAX_ENTRIES {
                return Err(ReviewError::TooLarge);
            }
            self.deny_size(&format!("{MAX_ENTRIES} entries"));
            return Ok(());
        }
        let is_refused = |guard| plan.refusals.iter().any(|refusal| refusal.guard == guard);
        let has_new_errors = is_refused(Guard::LintRegression);
        let loses_last_admin = is_refused(Guard::LastAdmin);
        for refusal in std::mem::take(&mut plan.refusals) {
            let Refusal {
                guard,
                message,
                allow,
                ..
            } = refusal;
            match guard {
                Guard::LintRegression | Guard::NodeEntry | Guard::LastAdmin => {
                    self.deny(guard.reason(), message, allow);
                }
                // Other guards protect from mistakes in commands. The edit may be intended.
                guard => self.warnings.push(format!("{}: {message}", guard.reason())),
            }
        }
        let (errors, others): (Vec<&Finding>, Vec<_>) = plan
            .findings
            .iter()
            .partition(|finding| finding.severity >= Severity::Error);
        if has_new_errors {
            let errors = errors.iter().take(messages::MAX_HINTS);
            self.hints.extend(errors.map(|error| messages::fix(error)));
        }
        if loses_last_admin {
            self.hints.push(ANOTHER_ADMIN.to_owned());
        }
        let warnings = others
            .into_iter()
            .filter(|finding| finding.severity == Severity::Warning);
        self.warnings.extend(warnings.map(messages::finding));
        self.warnings
            .extend(plan.notices.iter().filter_map(messages::notice));

        let (before, after) = (plan.before(), plan.after());
        self.unreadable(before, after, &errors);
        for arn in protected_entries::lost(
            &Store::new(before),
            &Store::new(after),
            &policy.protect.arns,
        ) {
            let message =
                format!("the configuration of awsauth-controller protects the entry of {arn}");
            self.deny("protected", message, None);
        }
        Ok(())
    }

    /// Denies edits that make a section unreadable, unless a rule already does. A comment can waive rules, but not this check.
    fn unreadable(&mut self, before: &Document, after: &Document, errors: &[&Finding]) {
        for (before, after) in before.sections().zip(after.sections()) {
            let is_reported = errors.iter().any(|error| match &error.site {
                Site::Text(text) => text.section == after.name(),
                _ => false,
            });
            if is_reported || before.is_unreadable() || !after.is_unreadable() {
                continue;
            }
            let why = match after.editable() {
                Ok(()) => String::new(),
                Err(broken) => format!(", line {}: {}", broken.line, broken.reason),
            };
            let message = format!(
                "the authenticator could not read {}, so its entries would have no effect{why}",
                after.name().key()
            );
            self.deny("unreadable", message, None);
        }
    }

    fn deny_size(&mut self, limit: &str) {
        let message = format!(
            "aws-auth would have more than {limit}, so the webhook could not check the edits after this one"
        );
        self.deny("too-large", message, None);
    }

    fn deny(&mut self, reason: &'static str, message: String, allow: Option<String>) {
        self.denials.push(Denial {
            reason,
            message,
            allow,
        });
    }

    fn into_result(self, review: &Review, policy: &Policy) -> ReviewResult {
        let Self {
            denials,
            hints,
            mut warnings,
        } = self;
        // The exemption of commands covers only denials that a flag of the command can allow.
        let applies = |exemption: &Exemption| {
            *exemption != Exemption::Command || denials.iter().all(|denial| denial.allow.is_some())
        };
        let exemption = Exemption::of(review, policy).filter(applies);
        let verdict = match (denials.as_slice(), exemption) {
            ([], _) if warnings.is_empty() => Verdict::Allowed,
            ([], _) => Verdict::Warned,
            (_, Some(exemption)) => Verdict::Exempted(exemption),
            (_, None) => Verdict::Denied,
        };
        let mut audit = BTreeMap::new();
        if !denials.is_empty() {
            audit.insert("verdict", verdict.name().to_owned());
            audit.insert("refused", messages::audit_annotation(&denials));
        }
        if let Verdict::Exempted(exemption) = &verdict {
            if let Some(why) = exemption.why() {
                audit.insert("why", messages::escaped(why));
            }
            let exempted = denials.iter().map(messages::exempted);
            warnings.splice(0..0, exempted);
        }
        let message = match &verdict {
            Verdict::Denied => messages::message(&denials, &hints, review),
            _ => String::new(),
        };
        ReviewResult {
            verdict,
            message,
            warnings: messages::truncated(&warnings),
            audit,
        }
    }
}

/// Returns the request for a plan that replaces aws-auth as a whole.
fn request(after: &Contents, sender: &RequestUser, facts: &Facts) -> Request {
    let user = User {
        username: sender.username.clone(),
        groups: sender.groups.clone(),
    };
    let caller = Caller {
        user,
        arn: sender.arn.clone(),
        session_name: sender.session_name.clone(),
        access_key_id: sender.access_key_id.clone(),
    };
    // With a known caller, guards also need to know the administrators.
    let is_known = facts.admins != Known::NotRequested;
    let is_known = is_known && !sender.username.starts_with(SERVICE_ACCOUNT);
    let entries = facts.access_entries.as_ref();
    let has_admin = entries.map(|entries| has_admin(entries, &facts.admins));
    Request {
        contents: Some(after.clone()),
        allow: Allowed {
            // Entries without effect are only worth a warning.
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
            living_principals: Vec::new(),
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
