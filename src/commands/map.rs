//! `awsauth map`.

mod sso;

use clap::Subcommand;
use clap::builder::FalseyValueParser;
use jiff::Timestamp;

use super::permission_set_role;
use super::principal_validation::check_principal;
use super::store_args::StoreArgs;
use super::unbound_groups;
use super::write_args::{VerifyArgs, WriteArgs};
use crate::backend::{Backend, Target};
use crate::output::PlanFormat;
use crate::terminal::{Exit, Failure, Out};
use crate::write::{
    EntryRequest, NamedOptions, Transaction, note_new_mappings, read_stores,
    refuse_unrecorded_expiry,
};
use awsauth_core::access_entries::NamedPolicy;
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::Principal;
use awsauth_core::document::edit::{Edit, Groups};
use awsauth_core::expiry::{Expiry, ExpiryError};
use awsauth_core::facts::node_kinds::NodeKind;
use awsauth_core::plan::Request;

/// Merge one mapping: add it, or change only what differs
///
/// An entry that already matches stays as it is. If the identity is mapped already, --username and --group replace what it has;
/// --add-group and --remove-group keep its other groups. All other text in aws-auth is preserved byte for byte. With --cluster-name, the
/// mapping can be an EKS access entry instead, see --backend.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  awsauth map role arn:aws:iam::111122223333:role/dev --username dev --group developers
  awsauth map user arn:aws:iam::111122223333:user/ann --username ann --group developers
  awsauth map node-role arn:aws:iam::111122223333:role/nodes --kind linux
  awsauth map account 111122223333")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Map an IAM role to a Kubernetes user and groups
    #[command(after_help = "\
Examples:
  # Show what would change, then write
  awsauth map role arn:aws:iam::111122223333:role/dev --username dev --group developers --dry-run
  awsauth map role arn:aws:iam::111122223333:role/dev --username dev --group developers

  # Add one group, and keep the others
  awsauth map role arn:aws:iam::111122223333:role/dev --add-group on-call

  # As an access entry of EKS
  awsauth map role arn:aws:iam::111122223333:role/dev --policy view --cluster-name prod")]
    Role(RoleOrUser),
    /// Map an IAM user to a Kubernetes user and groups
    #[command(after_help = "\
Examples:
  awsauth map user arn:aws:iam::111122223333:user/ann --username ann --group developers

  # In a manifest
  awsauth map user arn:aws:iam::111122223333:user/ann --username ann --group developers --file aws-auth.yaml")]
    #[command(mut_arg("arn", |arn| arn.help("Its ARN, such as arn:aws:iam::111122223333:user/NAME")))]
    User(RoleOrUser),
    /// Let every role and user of an AWS account sign in, with its ARN as the username and without groups
    #[command(after_help = "\
Examples:
  awsauth map account 111122223333")]
    Account(Account),
    /// Map a node role so that its nodes can join the cluster
    #[command(after_help = "\
Examples:
  awsauth map node-role arn:aws:iam::111122223333:role/nodes --kind linux")]
    NodeRole(NodeRole),
    /// Map the role of an IAM Identity Center permission set, in place of a deleted one
    ///
    /// Finds the role in IAM by the name of the permission set. Removes the entries of roles of the same set and account that no
    /// longer exist; the new entry takes over their username, groups and access policies.
    #[command(after_help = "\
Examples:
  # Permission set AdministratorAccess; the new role takes over what the deleted one had
  awsauth map sso AdministratorAccess --account 111122223333

  # As an access entry of EKS
  awsauth map sso AdministratorAccess --policy cluster-admin --cluster-name prod --backend access-entries")]
    Sso(sso::Args),
}

#[derive(Debug, clap::Args)]
struct RoleOrUser {
    /// Its ARN, such as arn:aws:iam::111122223333:role/NAME
    #[arg(value_name = "ARN")]
    arn: String,

    #[command(flatten)]
    access: AccessArgs,
}

/// The access of one principal, and how to write it.
#[derive(Debug, clap::Args)]
struct AccessArgs {
    /// The Kubernetes username; a new mapping in aws-auth needs one
    #[arg(long, env = "AWSAUTH_USERNAME", value_name = "USER")]
    username: Option<String>,

    /// A Kubernetes group; repeat it for the complete list, which replaces the groups of an existing entry
    #[arg(long = "group", env = "AWSAUTH_GROUP", value_name = "GROUP", conflicts_with_all = ["add_groups", "remove_groups"])]
    groups: Vec<String>,

    /// A group to add; may be repeated
    #[arg(long = "add-group", env = "AWSAUTH_ADD_GROUP", value_name = "GROUP")]
    add_groups: Vec<String>,

    /// A group to remove; may be repeated
    #[arg(
        long = "remove-group",
        env = "AWSAUTH_REMOVE_GROUP",
        value_name = "GROUP"
    )]
    remove_groups: Vec<String>,

    /// An access policy of the access entry, such as view or cluster-admin, by default for the whole cluster; repeat it for the
    /// complete list
    #[arg(
        long = "policy",
        env = "AWSAUTH_POLICY",
        value_name = "NAME[:NAMESPACE,…]"
    )]
    policies: Vec<NamedPolicy>,

    /// An access policy to remove from the access entry; may be repeated
    #[arg(
        long = "remove-policy",
        env = "AWSAUTH_REMOVE_POLICY",
        value_name = "NAME"
    )]
    remove_policies: Vec<NamedPolicy>,

    #[command(flatten)]
    expiry: ExpiryArg,

    /// Write the ARN as given, even if it can never match
    #[arg(long)]
    as_written: bool,

    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    creating: Creating,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    verify: VerifyArgs,
}

#[derive(Debug, clap::Args)]
struct Account {
    /// The account's twelve digits
    #[arg(value_name = "ID")]
    id: String,

    /// Write the ID as given, even if it can never match
    #[arg(long)]
    as_written: bool,

    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    creating: Creating,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    verify: VerifyArgs,
}

#[derive(Debug, clap::Args)]
struct NodeRole {
    /// The role's ARN, such as arn:aws:iam::111122223333:role/NAME
    #[arg(value_name = "ARN")]
    arn: String,

    /// The kind of nodes, which determines the username and groups
    #[arg(long, env = "AWSAUTH_KIND", value_name = "KIND", value_parser = kinds())]
    kind: NodeKind,

    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    creating: Creating,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    verify: VerifyArgs,
}

/// When the access ends.
#[derive(Clone, Copy, Debug, clap::Args)]
struct ExpiryArg {
    /// When the access ends, such as 8h, 2027-01-31 or never
    ///
    /// Nothing ends it unless awsauth expire runs after that time, so schedule that. A duration such as 30m, 8h or 2d, a time such as
    /// 2027-01-31T18:00:00Z, a date (its end in UTC), or never. Without it, a recorded expiry is kept.
    #[arg(long, env = "AWSAUTH_EXPIRES", value_name = "TIME", value_parser = expiry)]
    expires: Option<Expiry>,
}

fn expiry(text: &str) -> Result<Expiry, ExpiryError> {
    Expiry::parse_after(text, Timestamp::now())
}

/// What to do if aws-auth does not exist, or if the mapping exists.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Creating {
    /// Fail if aws-auth does not exist, instead of creating it
    #[arg(long, env = "AWSAUTH_NO_CREATE", value_parser = FalseyValueParser::new())]
    pub(crate) no_create: bool,

    /// Fail instead of changing an existing mapping
    #[arg(long, env = "AWSAUTH_CREATE_ONLY", value_parser = FalseyValueParser::new())]
    pub(crate) create_only: bool,
}

fn kinds() -> impl clap::builder::TypedValueParser<Value = NodeKind> {
    use clap::builder::{PossibleValuesParser, TypedValueParser};
    PossibleValuesParser::new(NodeKind::ALL.map(NodeKind::name)).map(|name| {
        NodeKind::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .unwrap_or(NodeKind::Linux)
    })
}

/// Merges the mapping.
pub(crate) fn run(
    args: &Args,
    target: &Target,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<Exit, Failure> {
    match &args.what {
        What::Role(RoleOrUser { access, .. })
        | What::User(RoleOrUser { access, .. })
        | What::Sso(sso::Args { access, .. }) => access.check()?,
        What::Account(_) | What::NodeRole(_) => {}
    }
    let (principal, as_written) = match &args.what {
        What::Role(args) => (Principal::Role(args.arn.clone()), args.access.as_written),
        What::User(args) => (Principal::User(args.arn.clone()), args.access.as_written),
        What::Account(args) => (Principal::Account(args.id.clone()), args.as_written),
        What::NodeRole(args) => (Principal::Role(args.arn.clone()), false),
        What::Sso(args) => (args.role(target, backend, out)?, args.access.as_written),
    };
    let named = check_principal(principal.clone(), as_written)?;
    let edit = args.edit(principal);
    let (creating, write) = match &args.what {
        What::Role(RoleOrUser { access, .. })
        | What::User(RoleOrUser { access, .. })
        | What::Sso(sso::Args { access, .. }) => (access.creating, &access.write),
        What::Account(args) => (args.creating, &args.write),
        What::NodeRole(args) => (args.creating, &args.write),
    };
    let (verify, options) = (args.verify().verify_as(), write.options(backend));
    let choice = args.store().choice(&write.overrides);
    let verify_role = verify.as_ref().and_then(|verify| verify.role.as_deref());
    let requested = [(edit.clone(), choice)];
    let is_permission_set = matches!(args.what, What::Sso(_));
    let of_sets: Vec<Principal> = is_permission_set
        .then(|| edit.principal().clone())
        .into_iter()
        .collect();
    let read = read_stores(&requested, &of_sets, false, verify_role, backend, out)?;
    let options_of_entry = args.entry_options();
    let mut expiries = Vec::new();
    let (mut edits, mut requests) = (Vec::new(), Vec::new());
    if read.as_ref().is_some_and(|read| read.is_for_entries(0)) {
        requests.push(EntryRequest {
            edit: edit.clone(),
            options: options_of_entry,
            place: None,
            is_permission_set,
        });
    } else {
        options_of_entry.refuse_in_aws_auth()?;
        if let Some(correction) = &named.correction {
            out.note(correction);
        }
        let expiry = options_of_entry.expiry;
        expiries.extend(expiry.map(|expiry| (named.principal.clone(), expiry)));
        edits.push(edit.clone().of(named.principal));
    }
    let entries = read.map(|read| read.plan(&requests, backend, out));
    let entries = entries.transpose()?;
    let create_only = creating.create_only.then(|| edit.principal().clone());
    let of_sets = edits.iter().filter(|_| is_permission_set);
    let permission_set_roles: Vec<Principal> =
        of_sets.map(|edit| edit.principal().clone()).collect();
    let request = Request {
        create_only: create_only.into_iter().collect(),
        edits,
        expiries,
        as_written,
        ..Request::default()
    };
    let completed_request = |snapshot: &Snapshot| {
        refuse_unrecorded_expiry(&request, snapshot)?;
        Ok(permission_set_role::replace_deleted(
            &request,
            &permission_set_roles,
            snapshot,
        ))
    };
    let plan = Transaction {
        edits: &request.edits,
        request: &completed_request,
        create: !creating.no_create,
        entries,
        verify,
        options: &options,
    }
    .run(backend, out)?;
    note_new_mappings(choice, &plan, out);
    unbound_groups::warn(&plan, backend, out)?;
    Ok(Exit::Done)
}

impl Args {
    /// The output format.
    pub(crate) fn output(&self) -> PlanFormat {
        match &self.what {
            What::Role(RoleOrUser { access, .. })
            | What::User(RoleOrUser { access, .. })
            | What::Sso(sso::Args { access, .. }) => access.write.answer.output,
            What::Account(args) => args.write.answer.output,
            What::NodeRole(args) => args.write.answer.output,
        }
    }

    /// Whether the command verifies the write by signing in.
    pub(crate) fn is_verified(&self) -> bool {
        self.verify().is_requested()
    }

    /// Returns the edit that the arguments request.
    fn edit(&self, principal: Principal) -> Edit {
        let (username, groups) = match &self.what {
            What::Role(RoleOrUser { access, .. })
            | What::User(RoleOrUser { access, .. })
            | What::Sso(sso::Args { access, .. }) => (access.username.clone(), access.groups()),
            What::Account(_) => (None, Groups::Keep),
            What::NodeRole(args) => return Edit::map_nodes(args.arn.clone(), args.kind),
        };
        Edit::Map {
            principal,
            username,
            groups,
        }
    }

    fn store(&self) -> StoreArgs {
        match &self.what {
            What::Role(RoleOrUser { access, .. })
            | What::User(RoleOrUser { access, .. })
            | What::Sso(sso::Args { access, .. }) => access.store,
            What::Account(args) => args.store,
            What::NodeRole(args) => args.store,
        }
    }

    fn entry_options(&self) -> NamedOptions {
        match &self.what {
            What::Role(RoleOrUser { access, .. })
            | What::User(RoleOrUser { access, .. })
            | What::Sso(sso::Args { access, .. }) => NamedOptions {
                policies: Some(access.policies.clone()).filter(|policies| !policies.is_empty()),
                remove: access.remove_policies.clone(),
                expiry: access.expiry.expires,
                ..NamedOptions::default()
            },
            What::Account(_) | What::NodeRole(_) => NamedOptions::default(),
        }
    }

    fn verify(&self) -> &VerifyArgs {
        match &self.what {
            What::Role(RoleOrUser { access, .. })
            | What::User(RoleOrUser { access, .. })
            | What::Sso(sso::Args { access, .. }) => &access.verify,
            What::Account(args) => &args.verify,
            What::NodeRole(args) => &args.verify,
        }
    }
}

impl AccessArgs {
    fn check(&self) -> Result<(), Failure> {
        let sets = [
            ("--group", &self.groups),
            ("--add-group", &self.add_groups),
            ("--remove-group", &self.remove_groups),
        ];
        check_terms(self.username.as_ref(), &sets)
    }

    fn groups(&self) -> Groups {
        if !self.groups.is_empty() {
            Groups::Set(self.groups.clone())
        } else if self.add_groups.is_empty() && self.remove_groups.is_empty() {
            Groups::Keep
        } else {
            Groups::Adjust {
                add: self.add_groups.clone(),
                remove: self.remove_groups.clone(),
            }
        }
    }
}

/// Refuses empty values, which come from unset variables in scripts, and several groups in one value. `sets` are groups, each
/// with its flag.
pub(super) fn check_terms(
    username: Option<&String>,
    sets: &[(&'static str, &Vec<String>)],
) -> Result<(), Failure> {
    let texts = username
        .into_iter()
        .map(|username| ("--username", username));
    let groups = sets
        .iter()
        .flat_map(|(flag, groups)| groups.iter().map(move |group| (*flag, group)));
    for (flag, text) in texts.chain(groups.clone()) {
        if text.trim().is_empty() {
            return Err(Failure::usage(format!(
                "{flag} is empty: is the shell variable in its value set?"
            )));
        }
    }
    // A group whose name contains a comma must remain removable.
    match groups
        .clone()
        .find(|(flag, group)| *flag != "--remove-group" && group.contains(','))
    {
        Some((flag, group)) => {
            let each: Vec<String> = group
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(|name| format!("{flag} {name}"))
                .collect();
            Err(Failure::usage(format!(
                "{flag} {group:?} contains a comma and would be one group with that name"
            ))
            .hint(format!("repeat {flag} for each: {}", each.join(" "))))
        }
        None => Ok(()),
    }
}
