//! `awsauth explain`.

use std::collections::HashMap;

use jiff::Timestamp;

use super::principal_validation::not_an_identity;
use super::unreadable_rbac_warnings::print_unread;
use super::{Format, OutputArgs};
use crate::backend::Backend;
use crate::output::{explanation_json, explanation_text};
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::access_entries::recorded_expiry;
use awsauth_core::arn::{self, ArnError, is_same_principal};
use awsauth_core::authenticator::{Explanation, Question, explain};
use awsauth_core::document::{Document, SectionName};
use awsauth_core::expiry::RecordedExpiry;
use awsauth_core::owners_annotation::Owners;
use awsauth_core::rbac::{Access, Policy, UserInfo};
use awsauth_core::shell_quote::quoted;

/// Explain which user and groups an identity gets, and why
///
/// Takes the ARN of a role, a user, a role's session or a federated user, as aws sts get-caller-identity prints it. Shows
/// which entry applies and which entries it shadows or, if none matches, why not, and which entries are similar. On a
/// cluster, also shows what RBAC allows: the bindings of this user and these groups, and the rules of their roles.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Which user and groups does this session get?
  awsauth explain arn:aws:sts::111122223333:assumed-role/dev/ann@example.com

  # According to a manifest
  awsauth explain arn:aws:iam::111122223333:role/dev --file aws-auth.yaml")]
pub(crate) struct Args {
    /// The ARN, such as arn:aws:sts::111122223333:assumed-role/NAME/SESSION
    #[arg(value_name = "ARN")]
    arn: String,

    /// The value of {{SessionName}}; by default, that of the session's ARN
    #[arg(long, env = "AWSAUTH_SESSION_NAME", value_name = "NAME")]
    session_name: Option<String>,

    /// The value of {{AccessKeyID}}
    #[arg(long, env = "AWSAUTH_ACCESS_KEY_ID", value_name = "ID")]
    access_key_id: Option<String>,

    /// The value of {{EC2PrivateDNSName}}
    #[arg(long, env = "AWSAUTH_PRIVATE_DNS_NAME", value_name = "NAME")]
    private_dns_name: Option<String>,

    #[command(flatten)]
    answer: OutputArgs,
}

/// Reads aws-auth and explains how the authenticator maps the identity.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let question = Question {
        arn: &args.arn,
        session_name: args.session_name.as_deref(),
        access_key_id: args.access_key_id.as_deref(),
        private_dns_name: args.private_dns_name.as_deref(),
        ..Question::default()
    };
    let cannot = |error: &ArnError| {
        let what = format!("cannot explain {}", args.arn);
        not_an_identity(&what, &args.arn, error)
            .hint("for your own identity: aws sts get-caller-identity --query Arn --output text")
    };
    // Reports an invalid ARN before any request to the cluster.
    arn::canonical(&args.arn).map_err(|error| cannot(&error))?;
    let access_entries = backend.access_entries(&|arn| is_same_principal(arn, &args.arn), out);
    let (reading, bindings) = backend.read_with_bindings(out)?;
    let document = Document::read(&reading.snapshot.data);
    let question = Question {
        access_entries: access_entries.as_deref(),
        ..question
    };
    let explanation = explain(&document, &question).map_err(|error| cannot(&error))?;
    let users = users(&explanation);
    let mut policy = bindings.filter(|_| !users.is_empty());
    if let Some(policy) = &mut policy {
        backend.complete_policy(policy, &users, out)?;
    }
    let access: Vec<_> = match &policy {
        Some(policy) => users.iter().map(|user| policy.access(user)).collect(),
        None => Vec::new(),
    };
    let owners = Owners::read(reading.snapshot.owners_annotation.as_deref());
    let expires = expires(&explanation, &owners.expiries(&document));
    match args.answer.output {
        Format::Human => out.text(&explanation_text(&explanation, &access))?,
        Format::Json => out.json(
            &explanation_json(&explanation, &access, expires)
                .map_err(|error| Failure::bug(&error))?,
        )?,
    }
    if let Some(at) = expires {
        if at <= Timestamp::now() {
            out.note(&format!(
                "warning: this entry expired at {at}, and still gives access"
            ));
            out.note("hint: end it: awsauth expire");
        } else {
            out.note(&format!("This entry expires at {at}."));
        }
    }
    if let Some(note) = backend.access_note(&reading) {
        out.note(&note);
    }
    if let Some(policy) = &policy {
        advise(policy, &explanation, &access, backend, out);
    }
    Ok(Exit::Done)
}

/// Returns when the entry in force expires, unless the entry was changed after its expiry was recorded.
fn expires(
    explanation: &Explanation,
    recorded: &HashMap<(SectionName, usize), RecordedExpiry>,
) -> Option<Timestamp> {
    let expiry = match &explanation.access_entry {
        Some(mapped) => recorded_expiry(&mapped.entry),
        None => {
            let place = &explanation.answers.first()?.place;
            recorded.get(&(place.section, place.line)).copied()
        }
    };
    let expiry = expiry.filter(|expiry| !expiry.is_changed);
    expiry.map(|expiry| expiry.at)
}

/// Returns the possible users, as authorizers see them.
fn users(explanation: &Explanation) -> Vec<UserInfo> {
    let users = explanation.users();
    let users = users.map(|(user, missing)| UserInfo::new(user, missing));
    users.collect()
}

/// Returns whether the identity has, or may have, permissions outside RBAC.
fn may_more(explanation: &Explanation) -> bool {
    let entry = explanation
        .access_entry
        .as_ref()
        .map(|mapped| &mapped.entry);
    let terms = entry.and_then(|entry| entry.terms.as_ref());
    let policies = terms.map(|terms| terms.policies.as_deref());
    policies.is_some_and(|policies| policies != Some(&[]))
}

/// Prints what could not be read. Otherwise, if the identity has no permissions of its own, prints how to grant some.
fn advise(
    policy: &Policy,
    explanation: &Explanation,
    access: &[Access<'_>],
    backend: &Backend,
    out: &mut Out,
) {
    print_unread(policy, backend, out);
    let kubectl = backend.kubectl_as_user();
    let [access] = access else { return };
    if !policy.unread.is_empty() || access.exceeds_defaults() || may_more(explanation) {
        return;
    }
    if let Some((flag, name)) = access.user.to_bind() {
        let bind = |kind, role, place| {
            let binding = quoted(&format!("{}-{role}", name.replace(['/', '%'], "-")));
            let subject = quoted(&format!("--{flag}={name}"));
            format!("{kubectl} create {kind} {binding} --clusterrole={role} {subject}{place}")
        };
        out.note(&format!(
            "hint: to grant it read access to one namespace: {}",
            bind("rolebinding", "view", " -n NAMESPACE")
        ));
        out.note(&format!(
            "hint: to grant it write access to one namespace: {}",
            bind("rolebinding", "edit", " -n NAMESPACE")
        ));
    }
}
