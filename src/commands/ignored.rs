//! The access entries to make instead of what a cluster would ignore in aws-auth.

use crate::cluster::shell::command_line;
use crate::document::Principal;
use crate::document::edit::{Edit, Groups};
use crate::edge::{self, Failure};
use crate::effect::Hidden;
use crate::facts::access_entries::AccessEntry;
use crate::facts::groups::MASTERS;
use crate::facts::node_kinds::NodeKind;
use crate::facts::partitions::Partition;
use crate::plan::{Plan, is_change, nobody_reads};
use crate::world::{EksCluster, World};

/// The flag that lowers the guard.
const ALLOW: &str = "--allow-ignored";

/// For so many edits, the commands are printed.
const SHOWN: usize = 10;

/// With these, neither usernames nor groups of access entries may begin.
/// <https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html>
const RESERVED: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

/// The refusal to write what nobody reads, with what to run instead; `None` where the cluster reads aws-auth, as far as is known.
pub(super) fn refusal(world: &World, edits: &[Edit]) -> Option<Failure> {
    let cluster = world.eks()?;
    let refusal = nobody_reads(cluster.facts.authentication_mode)?;
    let by = edge::Refusal {
        guard: refusal.guard.id(),
        reason: refusal.guard.reason(),
    };
    let failure = Failure::refused(by, refusal.message);
    let failure = with_commands(failure, edits.iter(), cluster);
    let failure = failure.hint(format!("to write it all the same, add {ALLOW}"));
    Some(failure.unless(ALLOW))
}

fn with_commands<'e>(
    mut failure: Failure,
    edits: impl ExactSizeIterator<Item = &'e Edit> + Clone,
    cluster: &EksCluster,
) -> Failure {
    for edit in edits.clone().take(SHOWN) {
        failure = match instead(edit, cluster, None) {
            Instead::Run { commands, without } => without
                .into_iter()
                .fold(failure, Failure::note)
                .hint(commands.join(" && ")),
            Instead::Nothing(why) => failure.note(why),
        };
    }
    if let Some(more @ 1..) = edits.len().checked_sub(SHOWN) {
        failure = failure.note(format!("and {more} more like these"));
    }
    let mut edits = edits;
    if edits.any(|edit| matches!(edit, Edit::Map { .. })) {
        failure = failure.note("a principal's ARN is given with its path: aws iam get-role --role-name NAME --query Role.Arn");
    }
    failure
}

/// The failure with what to run instead of mappings that count for nothing.
pub(super) fn with_hints(failure: Failure, plan: &Plan, world: &World) -> Failure {
    let Some(cluster) = world.eks() else {
        return failure;
    };
    let asked = plan.outcomes.iter().take(plan.asked);
    if nobody_reads(cluster.facts.authentication_mode).is_some() {
        return with_commands(failure, asked.map(|(edit, _)| edit), cluster);
    }
    let Some(entries) = plan.access_entries() else {
        return failure;
    };
    let hidden = asked.filter_map(|(edit, outcome)| match edit {
        Edit::Map { .. } if is_change(outcome) => match entries.hide_principal(edit.principal())? {
            Hidden::ByEntry(entry) => Some((edit, entry)),
            Hidden::ByMode => None,
        },
        _ => None,
    });
    hidden.take(SHOWN).fold(failure, |failure, (edit, entry)| {
        match instead(edit, cluster, Some(entry)) {
            Instead::Run { commands, without } => {
                let commands = commands.join(" && ");
                let failure = without.into_iter().fold(failure, Failure::note);
                failure.hint(format!("to change what it gets: {commands}"))
            }
            Instead::Nothing(why) => failure.note(why),
        }
    })
}

/// What to do instead of an edit.
enum Instead {
    Run {
        commands: Vec<String>,
        /// What was asked for and is not in them, and why.
        without: Option<String>,
    },
    Nothing(String),
}

impl Instead {
    fn run(commands: Vec<String>) -> Self {
        let without = None;
        Self::Run { commands, without }
    }
}

/// What to do at EKS, where there is this access entry already or none.
fn instead(edit: &Edit, cluster: &EksCluster, entry: Option<&AccessEntry>) -> Instead {
    let arn = match edit.principal() {
        Principal::Role(arn) | Principal::User(arn) => {
            entry.map_or(arn.as_str(), |entry| &entry.principal_arn)
        }
        Principal::Account(id) => {
            return Instead::Nothing(format!(
                "an access entry is for one principal, so that there is none for account {id}"
            ));
        }
        Principal::Sso(_) => {
            return Instead::Nothing(
                "an access entry is for one principal: that of an SSO role is its whole ARN"
                    .to_owned(),
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
        // No hint: the access entry may be wanted, and only what is left of it in aws-auth is to go.
        return Instead::Nothing(format!(
            "to take away what an access entry gives {arn}: {}",
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
        return Instead::run(vec![command("describe-access-entry", &[])]);
    }
    if let Some(terms) = terms.filter(|terms| terms.is_for_nodes()) {
        let kind = &terms.kind;
        return Instead::Nothing(format!("the access entry is of type {kind}, for nodes"));
    }
    if let Some(kind) = kind_of(username.as_deref(), groups) {
        let made = command("create-access-entry", &["--type", kind.access_entry_type()]);
        // The type of one can't be changed.
        let gone = entry.map(|_| command("delete-access-entry", &[]));
        return Instead::run(gone.into_iter().chain([made]).collect());
    }
    let mut more = Vec::new();
    if let Some(username) = username.as_deref().filter(|name| may_be_username(name)) {
        more.extend(["--username", username]);
    }
    let own = groups.iter().map(String::as_str);
    let own: Vec<&str> = own.filter(|group| !is_reserved(group)).collect();
    let own = match (&terms, groups_edit) {
        // An update gives the whole list.
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
        return Instead::Nothing(
            "an access entry can't have this username or these groups".to_owned(),
        );
    }
    let without = left_out(username.as_deref(), groups);
    Instead::Run { commands, without }
}

/// What an access entry can't have of this, in words.
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
    (!words.is_empty()).then(|| format!("an access entry can't have {}", words.join(" or ")))
}

/// The kind of nodes that this entry is for.
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

/// Whether an access entry takes it; without one, EKS names the user after the principal.
fn may_be_username(name: &str) -> bool {
    let plain = match name.split_once("{{SessionName") {
        // Who it is must not be for the session's name alone to say.
        Some((before, after)) => {
            before.contains(':') && !before.contains("{{") && !after.contains("{{")
        }
        None => !name.contains("{{"),
    };
    plain && !is_reserved(name)
}
