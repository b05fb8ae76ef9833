//! M3: whether an access entry applies to the identity.

use crate::arn::Parts;
use crate::doctor::Evidence;
use crate::doctor::access_policies::{allow_none, reaches};
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::nodes::node_roles::problem_of_subject;
use crate::doctor::checks::permissions::bindings;
use crate::doctor::denied_request::DeniedRequest;
use crate::doctor::evidence::{Problem, SignedIn, Subject};
use crate::doctor::user_after_fix::with_groups_of_aws_auth;
use crate::doctor::{likely_access_entry, remedy};
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessTerms};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::rbac::Action;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "M3",
    title: "access entry",
    after: &["K7"],
    judge,
};

fn judge(evidence: &Evidence) -> CheckResult {
    let described = evidence.described.seen()?.as_ref();
    let described = described.map_err(|_| Skipped::needs("eks:DescribeCluster (M1)"))?;
    if described.mode == Some(AuthenticationMode::ConfigMap) {
        return Err(Skipped::needs("a cluster that uses access entries"));
    }
    let entries = match evidence.access_entries.seen()? {
        Ok(entries) => entries,
        Err(needs) => return not_read(evidence, needs),
    };
    let subject = evidence.subject();
    let subject = subject.ok_or_else(|| Skipped::needs("the token's identity (T5)"))?;
    let arn = &subject.canonical.arn;
    let Some(entry) = entries.of(arn) else {
        return Outcome::ok(format!("none for {arn}"));
    };
    let principal = &entry.principal_arn;
    let (name, quoted_arn) = (quoted(&described.name), quoted(principal));
    let is_for_nodes = entry.terms.as_ref().is_some_and(AccessTerms::is_for_nodes);
    if let (Some(problem), false) = (problem_of_subject(evidence), is_for_nodes) {
        return Outcome::from_problem(format!("there is one for {principal}"), &problem);
    }
    if let Some(problem) = only_for_instances(evidence, entry, &described.name, &subject) {
        return Outcome::from_problem(format!("there is one for {principal}"), &problem);
    }
    let is_rejected = evidence.signed_in.known() == Some(&SignedIn::Unauthorized);
    if is_rejected && !evidence.has_wrong_token() {
        return Outcome::problem(
            format!("there is one for {principal}"),
            format!(
                "the access entry of {principal} has no effect: the principal was deleted and created again in IAM, and the entry belongs to the old one"
            ),
            format!(
                "note its groups and policies, then create it again: aws eks describe-access-entry --cluster-name {name} --principal-arn {quoted_arn} && aws eks delete-access-entry --cluster-name {name} --principal-arn {quoted_arn} && aws eks create-access-entry --cluster-name {name} --principal-arn {}{}",
                current_arn(principal),
                kind_flag(entry)
            ),
        );
    }
    let Some(terms) = &entry.terms else {
        return Outcome::ok(format!(
            "there is one for {principal}; its contents are unknown"
        ));
    };
    let policies: Vec<&str> = terms.policies().iter().map(AccessPolicy::name).collect();
    let saw = format!(
        "{principal}: {}, groups [{}], policies [{}]",
        terms.kind,
        terms.groups.join(", "),
        policies.join(", ")
    );
    let is_of_nodes = remedy::node_kind(evidence, arn).is_some();
    let denied = DeniedRequest::of(evidence)
        .or_else(|| denied_later(evidence, terms))
        .filter(|_| terms.groups.is_empty() && !is_of_nodes);
    let (Some(denied), Some(policies)) = (denied, &terms.policies) else {
        return Outcome::ok(saw);
    };
    if policies.is_empty() && bindings::names_nearly(evidence) {
        return Outcome::ok(format!("{saw}: see B2"));
    }
    let cause = match policies.as_slice() {
        [] if described.mode == Some(AuthenticationMode::Api) => {
            format!("the access entry of {principal} has neither groups nor a policy")
        }
        [] => format!(
            "the access entry of {principal} has neither groups nor a policy, and takes precedence over the aws-auth entry"
        ),
        policies => {
            let listed = policies
                .iter()
                .map(|policy| format!("{} {}", policy.name(), policy.scope));
            format!(
                "the access entry of {principal} has only {}, which does not allow {}",
                listed.collect::<Vec<_>>().join(" and "),
                denied.question
            )
        }
    };
    let update = |groups: &[String]| {
        let groups: Vec<_> = groups.iter().map(|group| quoted(group)).collect();
        format!(
            "ask a user with eks:UpdateAccessEntry to run: aws eks update-access-entry --cluster-name {name} --principal-arn {quoted_arn} --kubernetes-groups {}",
            groups.join(" ")
        )
    };
    let explained = evidence.explanation().ok();
    let kept = explained
        .as_ref()
        .and_then(|explained| with_groups_of_aws_auth(evidence, explained));
    if let Some(user) = kept {
        let next = update(&user.groups);
        let next = format!("give it the groups of the aws-auth entry: {next}");
        return Outcome::problem(saw, cause, next);
    }
    let scope = denied.namespace().map_or_else(
        || "type=cluster".to_owned(),
        |namespace| format!("type=namespace,namespaces={}", quoted(namespace)),
    );
    let next = match policy_for(&denied).filter(|policy| !has(policies, policy, &denied)) {
        Some(policy) => format!(
            "ask a user with eks:AssociateAccessPolicy to run: aws eks associate-access-policy --cluster-name {name} --principal-arn {quoted_arn} --policy-arn arn:aws:eks::aws:cluster-access-policy/{policy} --access-scope {scope}"
        ),
        None => {
            let role = Parts::of(principal).map_or("GROUP", |parts| parts.name);
            let group = role.to_lowercase();
            format!(
                "no suitable access policy allows it, so give the entry a group and allow the group only this request: {}; then {}",
                update(std::slice::from_ref(&group)),
                denied.grant_to_group(&group)
            )
        }
    };
    Outcome::problem(saw, cause, next)
}

/// The API groups of Kubernetes whose resources the policies for viewing and editing contain.
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
const GROUPS: [&str; 7] = [
    "",
    "apps",
    "autoscaling",
    "batch",
    "discovery.k8s.io",
    "networking.k8s.io",
    "policy",
];

/// Returns the access policy that allows the request and the least besides; `None` if none does, or only one that allows
/// everything.
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html>
fn policy_for(denied: &DeniedRequest<'_>) -> Option<&'static str> {
    let Action::Resource {
        verb,
        group,
        resource,
        ..
    } = &denied.action
    else {
        return None;
    };
    let reads = ["get", "list", "watch"].contains(&verb.as_str());
    match (group.as_str(), resource.as_str(), reads) {
        ("rbac.authorization.k8s.io", "roles" | "rolebindings", _) => Some("AmazonEKSAdminPolicy"),
        ("", "secrets", true) => Some("AmazonEKSAdminViewPolicy"),
        ("", "namespaces", true) => Some("AmazonEKSViewPolicy"),
        (group, ..) if !GROUPS.contains(&group) || denied.is_without_namespace() => None,
        (_, _, true) => Some("AmazonEKSViewPolicy"),
        (_, _, false) => Some("AmazonEKSEditPolicy"),
    }
}

/// Returns whether the policy is associated already and applies to the request's namespace.
fn has(policies: &[AccessPolicy], name: &str, denied: &DeniedRequest<'_>) -> bool {
    let mut policies = policies.iter();
    policies.any(|policy| policy.name() == name && reaches(&policy.scope, denied))
}

/// Returns the request that the user will be denied, although it cannot sign in yet: only if the entry has policies, and all of
/// them are known not to allow it.
fn denied_later<'e>(evidence: &'e Evidence, terms: &AccessTerms) -> Option<DeniedRequest<'e>> {
    if !evidence.is_future() || terms.policies().is_empty() {
        return None;
    }
    let denied = DeniedRequest::of_user(evidence, &evidence.user()?)?;
    allow_none(terms.policies(), &denied).then_some(denied)
}

/// Returns a principal's ARN for a command: that of a role as IAM has it, because a role created again may have a path.
fn current_arn(principal: &str) -> String {
    match Parts::of(principal) {
        Some(parts) if parts.is("iam", "role") => format!(
            "\"$(aws iam get-role --role-name {} --query Role.Arn --output text)\"",
            quoted(parts.name)
        ),
        _ => quoted(principal),
    }
}

/// Returns the flag for the type of an access entry, unless that is the default.
fn kind_flag(entry: &AccessEntry) -> String {
    match entry.terms.as_ref().map(|terms| terms.kind.as_str()) {
        None | Some("" | "STANDARD") => String::new(),
        Some(kind) => format!(" --type {}", quoted(kind)),
    }
}

/// Returns the problem that the type of an access entry admits only EC2 instances, whose session name is the instance's id,
/// if the rejected session is not that of an instance:
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
fn only_for_instances(
    evidence: &Evidence,
    entry: &AccessEntry,
    cluster: &str,
    subject: &Subject<'_>,
) -> Option<Problem> {
    let kind = &entry.terms.as_ref()?.kind;
    let session = subject.session_name.unwrap_or_default();
    let is_rejected = evidence.signed_in.known() == Some(&SignedIn::Unauthorized);
    if !is_rejected
        || evidence.has_wrong_token()
        || !kind.starts_with("EC2")
        || session.starts_with("i-")
    {
        return None;
    }
    let principal = &entry.principal_arn;
    let (name, arn) = (quoted(cluster), quoted(principal));
    let who = match session {
        "" => "this identity".to_owned(),
        session => format!("session {session}"),
    };
    Some(Problem {
        cause: format!(
            "the access entry of {principal} has the type {kind}, which admits only EC2 instances, and {who} does not belong to one"
        ),
        next: match remedy::node_kind(evidence, &subject.canonical.arn) {
            Some(_) => "sign in with another role: this is the role of nodes".to_owned(),
            None => format!(
                "create it again with type STANDARD: aws eks delete-access-entry --cluster-name {name} --principal-arn {arn} && aws eks create-access-entry --cluster-name {name} --principal-arn {arn} --kubernetes-groups GROUP"
            ),
        },
    })
}

/// Judges an access entry that could not be read, but replaces an entry of aws-auth that was read.
fn not_read(evidence: &Evidence, needs: &str) -> CheckResult {
    let likely = likely_access_entry::find(evidence);
    let Some((likely, _)) = likely.zip(DeniedRequest::of(evidence)) else {
        return Err(Skipped::needs(needs));
    };
    let Some(instead_of) = likely.instead_of else {
        return Err(Skipped::needs(needs));
    };
    Outcome::problem(
        format!("not read: {needs}"),
        format!("an access entry applies instead of {instead_of}, and gives other permissions"),
        likely.next,
    )
}
