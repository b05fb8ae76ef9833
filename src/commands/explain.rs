use super::access_entries::is_of;
use super::{Answer, Format};
use crate::arn::{self, ArnError};
use crate::cluster::shell::quoted;
use crate::document::Document;
use crate::edge::{Exit, Failure, Out};
use crate::effect::{Explanation, Question, explain};
use crate::rbac::{Access, Policy, Unread, UserInfo};
use crate::render::{explanation_json, explanation_text};
use crate::world::World;

/// So many things that can't be read are named.
const UNREAD: usize = 3;

/// Say which Kubernetes user and groups an identity becomes, and why
///
/// Takes the ARN of a role, a user, a role's session or a federated user, as aws sts get-caller-identity prints it. Says
/// which entry decides and which it shadows; and when none does, why not, and which entries come near. On a cluster, also what
/// RBAC then allows: the bindings that reach this user and these groups, and what their roles come to.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Its ARN, such as arn:aws:sts::111122223333:assumed-role/NAME/SESSION
    #[arg(value_name = "ARN")]
    arn: String,

    /// What {{SessionName}} stands for; taken from the ARN of a session when it has one
    #[arg(long, env = "AWSAUTH_SESSION_NAME", value_name = "NAME")]
    session_name: Option<String>,

    /// What {{AccessKeyID}} stands for
    #[arg(long, env = "AWSAUTH_ACCESS_KEY_ID", value_name = "ID")]
    access_key_id: Option<String>,

    /// What {{EC2PrivateDNSName}} stands for
    #[arg(long, env = "AWSAUTH_PRIVATE_DNS_NAME", value_name = "NAME")]
    private_dns_name: Option<String>,

    #[command(flatten)]
    answer: Answer,
}

/// Reads, and explains what the authenticator would make of the identity.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let question = Question {
        arn: &args.arn,
        session_name: args.session_name.as_deref(),
        access_key_id: args.access_key_id.as_deref(),
        private_dns_name: args.private_dns_name.as_deref(),
        ..Question::default()
    };
    let cannot = |error: &ArnError| {
        Failure::usage(format!("cannot explain {}", args.arn))
            .because(error)
            .hint("see who you are: aws sts get-caller-identity --query Arn --output text")
    };
    // An ARN that no caller can have is the user's to mend, before any cluster is asked.
    arn::canonical(&args.arn).map_err(|error| cannot(&error))?;
    let access_entries = world.access_entries(&|arn| is_of(arn, &args.arn), out);
    let reading = world.read(out)?;
    let document = Document::read(&reading.snapshot.data);
    let question = Question {
        access_entries: access_entries.as_deref(),
        ..question
    };
    let explanation = explain(&document, &question).map_err(|error| cannot(&error))?;
    let users = users(&explanation);
    let policy = if users.is_empty() {
        None
    } else {
        world.policy(&users, out)?
    };
    let access: Vec<_> = match &policy {
        Some(policy) => users.iter().map(|user| policy.access(user)).collect(),
        None => Vec::new(),
    };
    match args.answer.output {
        Format::Human => out.text(&explanation_text(&explanation, &access))?,
        Format::Json => out.data(
            explanation_json(&explanation, &access)
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
    }
    if let Some(note) = world.who_else_decides(&reading) {
        out.note(&note);
    }
    if let Some(policy) = &policy {
        advise(policy, &explanation, &access, world, out);
    }
    Ok(Exit::Done)
}

/// The users that it may become, as authorizers see them.
fn users(explanation: &Explanation) -> Vec<UserInfo> {
    let users = explanation.becomes();
    let users = users.map(|(user, missing)| UserInfo::new(user, missing));
    users.collect()
}

/// Whether it has rights that RBAC does not show, or may have.
fn may_more(explanation: &Explanation) -> bool {
    let entry = explanation
        .admitted
        .as_ref()
        .map(|admitted| &admitted.entry);
    let terms = entry.and_then(|entry| entry.terms.as_ref());
    let policies = terms.map(|terms| terms.policies.as_deref());
    policies.is_some_and(|policies| policies != Some(&[]))
}

/// Says what could not be read; else, when it may do nothing of its own, how that could change.
fn advise(
    policy: &Policy,
    explanation: &Explanation,
    access: &[Access<'_>],
    world: &World,
    out: &mut Out,
) {
    for unread in policy.unread.iter().take(UNREAD) {
        let Unread { resource, why, .. } = unread;
        out.note(&format!(
            "warning: cannot read {resource} of {world}: {why}"
        ));
    }
    if let Some(left) = policy
        .unread
        .len()
        .checked_sub(UNREAD)
        .filter(|&left| left > 0)
    {
        out.note(&format!("warning: and {left} more cannot be read"));
    }
    let kubectl = world.kubectl();
    if let Some(permission) = policy
        .unread
        .iter()
        .find_map(|unread| unread.permission.as_deref())
    {
        out.note(&format!(
            "hint: see what you may do, or ask somebody who may: {kubectl} auth can-i {permission}"
        ));
    }
    let [access] = access else { return };
    if !policy.unread.is_empty() || access.is_beyond_everybody() || may_more(explanation) {
        return;
    }
    if let Some((flag, name)) = access.user.to_bind() {
        let bind = |kind, role, place| {
            let binding = quoted(&format!("{}-{role}", name.replace(['/', '%'], "-")));
            let subject = quoted(&format!("--{flag}={name}"));
            format!("{kubectl} create {kind} {binding} --clusterrole={role} {subject}{place}")
        };
        out.note(&format!(
            "hint: to let it read across the cluster: {}",
            bind("clusterrolebinding", "view", "")
        ));
        out.note(&format!(
            "hint: to let it work in one namespace: {}",
            bind("rolebinding", "edit", " -n NAMESPACE")
        ));
    }
}
