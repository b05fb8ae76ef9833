//! `awsauth get`.

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::builder::FalseyValueParser;

use super::list_args::ListArgs;
use super::selector_args::{SELECT, SelectorArgs};
use crate::backend::{Backend, Reading};
use crate::output::{ListFormatParser, ListedRows, Listing};
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::arn::{self, Parts};
use awsauth_core::authenticator::{AccessEntries, Slot, Store, User, is_node, template};
use awsauth_core::document::{Document, Principal, SectionName};
use awsauth_core::entry_selection::Selector;
use awsauth_core::facts::access_entries::{AccessEntry, AccessPolicy, AccessTerms, Liveness};
use awsauth_core::facts::iam_inventory::Principals;
use awsauth_core::owners_annotation::Owners;
use awsauth_core::plan::{Admins, Known, admin_reason};

/// Show the mappings as the authenticator sees them
///
/// Entries that a later one overrides are shown as shadowed, entries that the authenticator drops as ignored, each with the
/// reason. Also shows the errors that the authenticator will log.
#[derive(Debug, clap::Args)]
#[command(mut_arg("output", |output| output.value_parser(ListFormatParser { has_access: true })))]
#[command(after_help = "\
Examples:
  # Who has access to the cluster of the current context?
  awsauth get

  # The entries of one role, or of a group
  awsauth get arn:aws:iam::111122223333:role/dev
  awsauth get --group 'dev-*'

  # In a manifest, for a script
  awsauth get --file aws-auth.yaml -o jsonpath='{.roles[*].arn}'")]
pub(crate) struct Args {
    #[command(flatten)]
    answer: ListArgs,

    /// Print the entries again after each change of aws-auth, until you press Ctrl-C
    #[arg(short, long, env = "AWSAUTH_WATCH", value_parser = FalseyValueParser::new(), conflicts_with = "must_exist")]
    watch: bool,

    #[command(flatten)]
    query: Query,
}

/// Which entries to show.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Query {
    /// Only roles, users or accounts, or only the entries of this ARN or account
    #[arg(value_name = "roles|users|accounts|ARN")]
    what: Option<String>,

    /// Exit with 1 if no selected entry is in effect
    #[arg(long, env = "AWSAUTH_MUST_EXIST", value_parser = FalseyValueParser::new())]
    must_exist: bool,

    /// Ask IAM which access entries belong to no existing principal; needs --cluster-name
    #[arg(long, env = "AWSAUTH_CHECK_PRINCIPALS", value_parser = FalseyValueParser::new())]
    check_principals: bool,

    // The last one, because its heading applies to all that follow.
    #[command(flatten)]
    selectors: Selectors,
}

/// Conditions that an entry must meet to be shown.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = SELECT)]
struct Selectors {
    #[command(flatten)]
    selector: SelectorArgs,

    /// Only administrators: members of system:masters; on a cluster, also what is bound to cluster-admin or has an admin policy
    #[arg(long, env = "AWSAUTH_ADMINS", value_parser = FalseyValueParser::new())]
    admins: bool,

    /// Only entries of nodes
    #[arg(long, env = "AWSAUTH_NODES", value_parser = FalseyValueParser::new())]
    nodes: bool,
}

/// Reads aws-auth and prints the selected entries; with `--watch`, again after each change.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    if args.watch && !backend.has_server() {
        return Err(Failure::usage("cannot watch a file")
            .hint("leave out --watch, or leave out --file to watch a cluster"));
    }
    let filter = Filter::of(&args.query, backend, out)?;
    let entries = KnownEntries::read(&args.query, backend, out);
    let mut reading = backend.read(out)?;
    let show = |reading: &Reading, backend: &Backend, out: &mut Out| {
        let print = |listing: &mut Listing<'_>, out: &mut Out| args.answer.print(listing, out);
        let (exit, ()) = list(&args.query, &filter, &entries, reading, backend, out, print)?;
        Ok::<_, Failure>(exit)
    };
    let exit = show(&reading, backend, out)?;
    if !args.watch {
        return Ok(exit);
    }
    while let Some(next) = backend.next_change(&reading, out)? {
        reading = next;
        let version = reading.snapshot.resource_version.as_deref();
        out.note(&match version {
            Some(version) => format!("aws-auth changed (resource version {version}):"),
            None => "aws-auth was deleted:".to_owned(),
        });
        show(&reading, backend, out)?;
    }
    Ok(Exit::Interrupted)
}

/// The access entries, and what IAM reports about their principals.
struct KnownEntries {
    all: Option<Arc<AccessEntries>>,
    /// `None` if IAM was not asked, `Some(None)` if it returned nothing.
    principals: Option<Option<Principals>>,
}

impl KnownEntries {
    fn read(query: &Query, backend: &Backend, out: &mut Out) -> Self {
        let all = backend.access_entries(&|_| true, out);
        let asked = all.as_ref().filter(|_| query.check_principals);
        let principals = asked.map(|entries| backend.principals_of(entries, out));
        Self { all, principals }
    }

    /// `None` if IAM was not asked.
    fn liveness(&self, entry: &AccessEntry) -> Option<Liveness> {
        let principals = self.principals.as_ref()?;
        Some(Liveness::of(entry, principals.as_ref()))
    }
}

/// Reads the selected entries of one cluster, for a list of several clusters.
pub(super) fn rows(
    query: &Query,
    backend: &mut Backend,
    out: &mut Out,
) -> Result<(Exit, ListedRows), Failure> {
    let filter = Filter::of(query, backend, out)?;
    let entries = KnownEntries::read(query, backend, out);
    let reading = backend.read(out)?;
    let keep = |listing: &mut Listing<'_>, _: &mut Out| {
        listing.rows().map_err(|error| Failure::bug(&error))
    };
    list(query, &filter, &entries, &reading, backend, out, keep)
}

/// Lists the selected entries and passes them to `take`. Returns its result, and the exit code.
fn list<T>(
    query: &Query,
    filter: &Filter<'_>,
    entries: &KnownEntries,
    reading: &Reading,
    backend: &Backend,
    out: &mut Out,
    take: impl FnOnce(&mut Listing<'_>, &mut Out) -> Result<T, Failure>,
) -> Result<(Exit, T), Failure> {
    let document = Document::read(&reading.snapshot.data);
    for section in document
        .sections()
        .filter(|section| section.is_unreadable())
    {
        out.note(&format!(
            "{} cannot be read: none of its entries is in effect.",
            section.name().key()
        ));
    }
    for (key, name) in misspelt(&reading.snapshot.data) {
        out.note(&format!(
            "{key} is ignored: the authenticator reads {}.",
            name.key()
        ));
    }
    let store = Store::new(&document);
    let file_line = |section: SectionName, line| backend.file_line(section, line);
    let owners = Owners::read(reading.snapshot.owners_annotation.as_deref());
    let expiries = owners.expiries(&document);
    let is_shown = |slot: &Slot<'_>| filter.admits(slot);
    let mut listing = Listing::new(&document, &store, &file_line, &expiries, is_shown);
    if let Some(all) = &entries.all {
        let liveness = |entry: &AccessEntry| entries.liveness(entry);
        listing = listing.with_access_entries(all, &liveness, |entry| filter.admits_entry(entry));
    }
    let taken = take(&mut listing, out)?;
    note_expired(listing.expired(), out);
    if let Some(note) = backend.access_note(reading) {
        out.note(&note);
    } else if !listing.has_effect() {
        out.note(&format!("No selected entry is in effect in {backend}."));
    }
    let mut unreadable = document
        .sections()
        .filter(|section| section.is_unreadable());
    let exit = if unreadable.any(|section| filter.which.reads(section.name())) {
        Exit::Usage
    } else if query.must_exist && !listing.has_effect() {
        Exit::No
    } else {
        Exit::Done
    };
    Ok((exit, taken))
}

/// Warns of expired entries that still give access.
pub(super) fn note_expired(number: usize, out: &mut Out) {
    let what = match number {
        0 => return,
        1 => "1 entry has expired, and still gives access".to_owned(),
        number => format!("{number} entries have expired, and still give access"),
    };
    out.note(&format!("warning: {what}"));
    out.note("hint: remove what has expired: awsauth expire");
}

/// Returns the keys of `data` that differ from a section's name only in case, with that section.
fn misspelt<T>(data: &BTreeMap<String, T>) -> impl Iterator<Item = (&str, SectionName)> {
    data.keys().filter_map(|key| {
        let name = SectionName::ALL
            .into_iter()
            .find(|name| name.key().eq_ignore_ascii_case(key))?;
        (name.key() != key).then_some((key.as_str(), name))
    })
}

/// Which entries to show.
#[derive(Debug)]
struct Filter<'a> {
    which: Which,
    selectors: &'a Selectors,
    selector: Selector,
    admins: Known<Admins>,
}

/// The first argument.
#[derive(Debug)]
enum Which {
    All,
    Section(SectionName),
    /// An ARN as given, and in the form that the authenticator compares.
    Arn(String, String),
    Account(String),
}

impl Which {
    fn of(what: Option<&str>) -> Result<Self, Failure> {
        let Some(what) = what else {
            return Ok(Self::All);
        };
        Ok(match what {
            "roles" | "role" | "mapRoles" => Self::Section(SectionName::Roles),
            "users" | "user" | "mapUsers" => Self::Section(SectionName::Users),
            "accounts" | "account" | "mapAccounts" => Self::Section(SectionName::Accounts),
            // Words of eksctl.
            "accessentry" | "accessentries" | "iamidentitymapping" | "iamidentitymappings" => {
                Self::All
            }
            arn if arn.starts_with("arn:") => {
                let compared =
                    arn::canonical(arn).map_or_else(|_| arn.to_owned(), |canonical| canonical.arn);
                Self::Arn(arn.to_owned(), arn::comparable(&compared))
            }
            id if id.bytes().all(|byte| byte.is_ascii_digit()) => Self::Account(id.to_owned()),
            other => {
                return Err(Failure::usage(format!(
                    "cannot show {other}: it is not roles, users, accounts, an ARN or an account"
                ))
                .hint("give the full ARN, such as arn:aws:iam::111122223333:role/NAME"));
            }
        })
    }

    /// Returns whether the conditions can select entries of this section.
    fn reads(&self, name: SectionName) -> bool {
        match self {
            Self::All => true,
            Self::Section(section) => *section == name,
            Self::Arn(..) => name != SectionName::Accounts,
            Self::Account(_) => name == SectionName::Accounts,
        }
    }

    fn has(&self, slot: &Slot<'_>) -> bool {
        match (self, &slot.mapping.principal) {
            (Self::All, _) => true,
            (Self::Section(section), _) => slot.place.section == *section,
            (Self::Arn(given, compared), Principal::Role(arn) | Principal::User(arn)) => {
                arn == given || arn::equal_fold(arn, compared) || arn::equal_fold(arn, given)
            }
            (Self::Account(id), Principal::Account(account)) => id == account,
            _ => false,
        }
    }

    fn has_entry(&self, entry: &AccessEntry) -> bool {
        let arn = &entry.principal_arn;
        let is = |kind| Parts::of(arn).is_some_and(|parts| parts.is("iam", kind));
        match self {
            Self::All => true,
            Self::Section(SectionName::Roles) => is("role"),
            Self::Section(SectionName::Users) => is("user"),
            Self::Section(SectionName::Accounts) | Self::Account(_) => false,
            Self::Arn(_, compared) => arn::is_same_principal(arn, compared),
        }
    }
}

impl<'a> Filter<'a> {
    /// Reads which principals are administrators, if the conditions depend on it.
    fn of(query: &'a Query, backend: &Backend, out: &mut Out) -> Result<Self, Failure> {
        if query.check_principals && backend.eks().is_none() {
            return Err(Failure::usage(
                "--check-principals is about access entries, which EKS lists by cluster",
            )
            .hint("name the cluster with --cluster-name NAME"));
        }
        let which = Which::of(query.what.as_deref())?;
        let admins = match query.selectors.admins {
            true => backend.admins(out)?,
            false => Known::NotRequested,
        };
        if let Known::Unknown { needs } = &admins {
            out.note(&format!(
                "warning: what is bound to cluster-admin is not known without {needs}"
            ));
        }
        Ok(Self {
            which,
            selectors: &query.selectors,
            selector: query.selectors.selector.selector().unwrap_or_default(),
            admins,
        })
    }

    fn admits(&self, slot: &Slot<'_>) -> bool {
        let user = User::from(slot.mapping);
        self.which.has(slot)
            && self.selector.matches(&slot.mapping.principal, &user)
            && (!self.selectors.nodes || is_node(slot.mapping))
            && (!self.selectors.admins || self.is_admin(&user))
    }

    fn admits_entry(&self, entry: &AccessEntry) -> bool {
        let terms = entry.terms.as_ref();
        let is_admin = || {
            let user = terms.map(|terms| template(entry, terms));
            let mut policies = terms.map_or(&[][..], AccessTerms::policies).iter();
            user.is_some_and(|user| self.is_admin(&user))
                || policies.any(AccessPolicy::is_cluster_admin)
        };
        self.which.has_entry(entry)
            && self.selector.matches_entry(entry)
            && (!self.selectors.nodes || terms.is_some_and(AccessTerms::is_for_nodes))
            && (!self.selectors.admins || is_admin())
    }

    fn is_admin(&self, user: &User) -> bool {
        admin_reason(user, &self.admins).is_some()
    }
}
