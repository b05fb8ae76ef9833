//! Suggests commands for access entries if the cluster would ignore a mapping in aws-auth.

use crate::backend::Backend;
use crate::terminal::{self, Failure};
use awsauth_aws::eks::EksCluster;
use awsauth_core::arn::Parts;
use awsauth_core::authenticator::Override;
use awsauth_core::document::Principal;
use awsauth_core::document::edit::{Edit, Groups};
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_core::facts::groups::MASTERS;
use awsauth_core::facts::node_kinds::NodeKind;
use awsauth_core::facts::partitions::Partition;
use awsauth_core::plan::{Plan, aws_auth_is_ignored, is_change};
use awsauth_kube::shell_command::command_line;

/// The flag that overrides the guard.
const ALLOW: &str = "--allow-ignored";

/// The number of edits for which commands are printed.
const SHOWN: usize = 10;

/// The prefixes that usernames and groups of access entries must not have.
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
const RESERVED: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

/// Refuses to write an aws-auth that the cluster is known to ignore, and suggests commands for access entries instead of the edits.
pub(crate) fn refuse_if_ignored(backend: &Backend, edits: &[Edit]) -> Result<(), Failure> {
    let Some(cluster) = backend.eks() else {
        return Ok(());
    };
    let Some(refusal) = aws_auth_is_ignored(cluster.facts.authentication_mode) else {
        return Ok(());
    };
    let by = terminal::Refusal {
        guard: refusal.guard.id(),
        reason: refusal.guard.reason(),
    };
    let failure = Failure::refused(by, refusal.message);
    let has_arn = |edit: &&Edit| match edit.principal() {
        Principal::Role(arn) | Principal::User(arn) => Parts::of(arn).is_some(),
        Principal::Account(_) | Principal::Sso(_) => true,
    };
    let edits: Vec<&Edit> = edits.iter().filter(has_arn).collect();
    let failure = with_commands(failure, &edits, cluster);
    let failure = failure.hint(format!("to write it anyway, add {ALLOW}"));
    Err(failure.unless(ALLOW))
}

fn with_commands(mut failure: Failure, edits: &[&Edit], cluster: &EksCluster) -> Failure {
    for edit in edits.iter().take(SHOWN) {
        failure = match alternative(edit, cluster, None) {
            Alternative::Run { commands, without } => without
                .into_iter()
                .fold(failure, Failure::note)
                .hint(commands.join(" && ")),
            Alternative::None(why) => failure.note(why),
        };
    }
    if let Some(more @ 1..) = edits.len().checked_sub(SHOWN) {
        failure = failure.note(format!("and {more} more like these"));
    }
    if edits.iter().any(|edit| matches!(edit, Edit::Map { .. })) {
        failure = failure.note("use the principal's ARN with its path: aws iam get-role --role-name NAME --query Role.Arn");
    }
    failure
}

/// Adds the commands for access entries instead of mappings that would have no effect.
pub(crate) fn with_access_entry_commands(
    failure: Failure,
    plan: &Plan,
    backend: &Backend,
) -> Failure {
    let Some(cluster) = backend.eks() else {
        return failure;
    };
    let requested = plan.outcomes.iter().take(plan.requested_edits);
    if aws_auth_is_ignored(cluster.facts.authentication_mode).is_some() {
        let edits: Vec<&Edit> = requested.map(|(edit, _)| edit).collect();
        return with_commands(failure, &edits, cluster);
    }
    let Some(entries) = plan.access_entries() else {
        return failure;
    };
    let hidden = requested.filter_map(|(edit, outcome)| match edit {
        Edit::Map { .. } if is_change(outcome) => {
            match entries.override_for_principal(edit.principal())? {
                Override::AccessEntry(entry) => Some((edit, entry)),
                Override::Mode => None,
            }
        }
        _ => None,
    });
    hidden.take(SHOWN).fold(failure, |failure, (edit, entry)| {
        match alternative(edit, cluster, Some(entry)) {
            Alternative::Run { commands, without } => {
                let commands = commands.join(" && ");
                let failure = without.into_iter().fold(failure, Failure::note);
                failure.hint(format!("to change its access: {commands}"))
            }
            Alternative::None(why) => failure.note(why),
        }
    })
}

/// What to do instead of an edit.
enum Alternative {
    Run {
        commands: Vec<String>,
        /// What the commands leave out of the edit, and why.
        without: Option<String>,
    },
    None(String),
}

impl Alternative {
    fn run(commands: Vec<String>) -> Self {
        let without = None;
        Self::Run { commands, without }
    }
}

/// The commands for EKS, given the principal's access entry if it has one.
fn alternative(edit: &Edit, cluster: &EksCluster, entry: Option<&AccessEntry>) -> Alternative {
    let arn = match edit.principal() {
        Principal::Role(arn) | Principal::User(arn) => {
            entry.map_or(arn.as_str(), |entry| &entry.principal_arn)
        }
        Principal::Account(id) => {
            return Alternative::None(format!(
                "an access entry is for one principal, so there is none for account {id}"
            ));
        }
        Principal::Sso(_) => {
            return Alternative::None(
                "an access entry is for one principal: use the full ARN of the SSO role".to_owned(),
            );
        }
    };
    let facts = &cluster.facts;
    let command = |verb: &str, more: &[&str]| {
        let words = [
            "aws",
            "eks",
            verb,
            "--region",
            facts.region(),
            "--cluster-name",
            &facts.name,
        ];
        let words = words.into_iter().chain(["--principal-arn", arn]);
        command_line(words.chain(more.iter().copied()))
    };
    let Edit::Map {
        username,
        groups: groups_edit,
        ..
    } = edit
    else {
        // No hint: the user may want to keep the access entry and remove only the mapping.
        return Alternative::None(format!(
            "to remove the access that an access entry gives {arn}: {}",
            command("delete-access-entry", &[])
        ));
    };
    let groups: &[String] = match groups_edit {
        Groups::Set(groups) => groups,
        Groups::Adjust { add, .. } => add,
        Groups::Keep => &[],
    };
    let terms = entry.and_then(|entry| entry.terms.as_ref());
    if entry.is_some() && terms.is_none() {
        return Alternative::run(vec![command("describe-access-entry", &[])]);
    }
    if let Some(terms) = terms.filter(|terms| terms.is_for_nodes()) {
        let kind = &terms.kind;
        return Alternative::None(format!("the access entry is of type {kind}, for nodes"));
    }
    if let Some(kind) = kind_of(username.as_deref(), groups) {
        let made = command("create-access-entry", &["--type", kind.access_entry_type()]);
        // The type of an access entry cannot be changed.
        let gone = entry.map(|_| command("delete-access-entry", &[]));
        return Alternative::run(gone.into_iter().chain([made]).collect());
    }
    let mut more = Vec::new();
    if let Some(username) = username.as_deref().filter(|name| may_be_username(name)) {
        more.extend(["--username", username]);
    }
    let own = groups.iter().map(String::as_str);
    let own: Vec<&str> = own.filter(|group| !is_reserved(group)).collect();
    let own = match (&terms, groups_edit) {
        // `update-access-entry` takes the whole list.
        (Some(terms), Groups::Adjust { remove, .. }) => {
            let kept = terms.groups.iter().filter(|group| !remove.contains(group));
            let kept = kept
                .map(String::as_str)
                .filter(|group| !own.contains(group));
            kept.chain(own.iter().copied()).collect()
        }
        _ => own,
    };
    if !own.is_empty() {
        more.push("--kubernetes-groups");
        more.extend(own);
    }
    let mut commands = match entry {
        None => vec![command("create-access-entry", &more)],
        Some(_) if more.is_empty() => Vec::new(),
        Some(_) => vec![command("update-access-entry", &more)],
    };
    if groups.iter().any(|group| group == MASTERS) {
        let partition = Partition::of_region(facts.region()).id;
        let policy =
            format!("arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy");
        let more = ["--policy-arn", &policy, "--access-scope", "type=cluster"];
        commands.push(command("associate-access-policy", &more));
    }
    if commands.is_empty() {
        return Alternative::None(
            "an access entry cannot have this username or these groups".to_owned(),
        );
    }
    let without = left_out(username.as_deref(), groups);
    Alternative::Run { commands, without }
}

/// Names what an access entry cannot have of this.
fn left_out(username: Option<&str>, groups: &[String]) -> Option<String> {
    let username = username.filter(|name| !may_be_username(name));
    let groups = groups
        .iter()
        .filter(|group| is_reserved(group) && *group != MASTERS);
    let words = username.map(|name| format!("username {name:?}"));
    let words = words.into_iter();
    let words: Vec<_> = words
        .chain(groups.map(|group| format!("group {group:?}")))
        .collect();
    (!words.is_empty()).then(|| format!("an access entry cannot have {}", words.join(" or ")))
}

/// The kind of nodes whose username and groups these are.
fn kind_of(username: Option<&str>, groups: &[String]) -> Option<NodeKind> {
    NodeKind::ALL.into_iter().find(|kind| {
        let mut theirs = kind.groups().iter();
        username == Some(kind.username())
            && groups.len() == kind.groups().len()
            && theirs.all(|group| groups.iter().any(|own| own == group))
    })
}

fn is_reserved(name: &str) -> bool {
    RESERVED.iter().any(|reserved| name.starts_with(reserved))
}

/// Whether an access entry accepts the username. Without one, EKS names the user after the principal.
fn may_be_username(name: &str) -> bool {
    let plain = match name.split_once("{{SessionName") {
        // EKS requires a prefix with a colon, so that the session name alone does not determine the user.
        Some((before, after)) => {
            before.contains(':') && !before.contains("{{") && !after.contains("{{")
        }
        None => !name.contains("{{"),
    };
    plain && !is_reserved(name)
}
