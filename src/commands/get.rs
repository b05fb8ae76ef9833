use std::collections::BTreeMap;

use clap::ValueEnum;
use clap::builder::FalseyValueParser;

use super::{Answer, access_entries, principal};
use crate::arn::{self, Parts};
use crate::document::{Document, Principal, SectionName};
use crate::edge::{Exit, Failure, Out};
use crate::effect::{Slot, Store};
use crate::facts::access_entries::AccessEntry;
use crate::render::Listing;
use crate::world::World;

/// Show the mappings as the authenticator sees them
///
/// Entries that a later one replaces are shown as shadowed, entries that the authenticator drops as ignored, each with the
/// reason; and what it will log as errors.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only roles, users or accounts, or only the entries of this ARN or account
    #[arg(value_name = "roles|users|accounts|ARN")]
    what: Option<String>,

    #[command(flatten)]
    answer: Answer<Format>,

    /// Exit with 1 when nothing is in force for what was asked
    #[arg(long, env = "AWSAUTH_MUST_EXIST", value_parser = FalseyValueParser::new())]
    must_exist: bool,
}

/// How to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table that fits the terminal
    #[default]
    #[value(alias = "human")]
    Table,
    /// A table with every column, nothing shortened
    Wide,
    /// JSON for scripts
    Json,
    /// The same as YAML
    Yaml,
    /// One ARN or account to a line
    Name,
}

/// Reads, and answers in the form asked for.
pub(crate) fn run(args: &Args, world: &mut World, out: &mut Out) -> Result<Exit, Failure> {
    let filter = Filter::of(args.what.as_deref())?;
    let entries = world.access_entries(&|_| true, out);
    let reading = world.read(out)?;
    let document = Document::read(&reading.snapshot.data);
    for section in document
        .sections()
        .filter(|section| section.is_unreadable())
    {
        out.note(&format!(
            "{} can't be read: none of its entries is in force.",
            section.name().key()
        ));
    }
    for (key, name) in misspelt(&reading.snapshot.data) {
        out.note(&format!(
            "{key} is not read: the authenticator knows it as {}.",
            name.key()
        ));
    }
    let store = Store::new(&document);
    let file_line = |section: SectionName, line| world.file_line(section, line);
    let mut listing = Listing::new(&document, &store, &file_line, |slot| filter.admits(slot));
    if let Some(entries) = &entries {
        listing = listing.with_access_entries(entries, |entry| filter.admits_entry(entry));
    }
    match args.answer.output {
        Format::Table => out.text(&listing.table(out.width()))?,
        Format::Wide => out.text(&listing.wide())?,
        Format::Json => out.stream(|stdout| listing.write_json(stdout))?,
        Format::Yaml => out.data(
            listing
                .yaml()
                .map_err(|error| Failure::bug(&error))?
                .as_bytes(),
        )?,
        Format::Name => out.text(&listing.names())?,
    }
    if let Some(note) = world.who_else_decides(&reading) {
        out.note(&note);
    } else if !listing.has_effect() {
        out.note(&format!("Nothing of this is in force in {world}."));
    }
    Ok(if args.must_exist && !listing.has_effect() {
        Exit::No
    } else {
        Exit::Done
    })
}

/// The keys of `data` that are a section's name in other letter case, each with that section.
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
enum Filter {
    All,
    Section(SectionName),
    /// An ARN as given, and as the authenticator would compare it.
    Arn(String, String),
    Account(String),
}

impl Filter {
    fn of(what: Option<&str>) -> Result<Self, Failure> {
        let Some(what) = what else {
            return Ok(Self::All);
        };
        Ok(match what {
            "roles" | "role" | "mapRoles" => Self::Section(SectionName::Roles),
            "users" | "user" | "mapUsers" => Self::Section(SectionName::Users),
            "accounts" | "account" | "mapAccounts" => Self::Section(SectionName::Accounts),
            arn if arn.starts_with("arn:") => {
                let compared =
                    arn::canonical(arn).map_or_else(|_| arn.to_owned(), |canonical| canonical.arn);
                Self::Arn(arn.to_owned(), principal::as_matched(&compared))
            }
            id if id.bytes().all(|byte| byte.is_ascii_digit()) => Self::Account(id.to_owned()),
            other => {
                return Err(Failure::usage(format!("cannot show {other}: it is neither roles, users, accounts, an ARN nor an account"))
                    .hint("give the whole ARN, such as arn:aws:iam::111122223333:role/NAME"));
            }
        })
    }

    fn admits(&self, slot: &Slot<'_>) -> bool {
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

    fn admits_entry(&self, entry: &AccessEntry) -> bool {
        let arn = &entry.principal_arn;
        let is = |kind| Parts::of(arn).is_some_and(|parts| parts.is("iam", kind));
        match self {
            Self::All => true,
            Self::Section(SectionName::Roles) => is("role"),
            Self::Section(SectionName::Users) => is("user"),
            Self::Section(SectionName::Accounts) | Self::Account(_) => false,
            Self::Arn(_, compared) => access_entries::is_of(arn, compared),
        }
    }
}
