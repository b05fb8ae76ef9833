//! `awsauth get`.

use std::collections::BTreeMap;

use clap::ValueEnum;
use clap::builder::FalseyValueParser;

use super::OutputArgs;
use crate::backend::Backend;
use crate::output::Listing;
use crate::terminal::{Exit, Failure, Out};
use awsauth_core::arn::{self, Parts};
use awsauth_core::authenticator::{Slot, Store};
use awsauth_core::document::{Document, Principal, SectionName};
use awsauth_core::facts::access_entries::AccessEntry;

/// Show the mappings as the authenticator sees them
///
/// Entries that a later one overrides are shown as shadowed, entries that the authenticator drops as ignored, each with the
/// reason. Also shows the errors that the authenticator will log.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only roles, users or accounts, or only the entries of this ARN or account
    #[arg(value_name = "roles|users|accounts|ARN")]
    what: Option<String>,

    #[command(flatten)]
    answer: OutputArgs<Format>,

    /// Exit with 1 if no selected entry is in effect
    #[arg(long, env = "AWSAUTH_MUST_EXIST", value_parser = FalseyValueParser::new())]
    must_exist: bool,
}

/// The output format.
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
    /// YAML for scripts
    Yaml,
    /// One ARN or account per line
    Name,
}

/// Reads aws-auth and prints the selected entries.
pub(crate) fn run(args: &Args, backend: &mut Backend, out: &mut Out) -> Result<Exit, Failure> {
    let filter = Filter::of(args.what.as_deref())?;
    let entries = backend.access_entries(&|_| true, out);
    let reading = backend.read(out)?;
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
    let mut listing = Listing::new(&document, &store, &file_line, |slot| filter.admits(slot));
    if let Some(entries) = &entries {
        listing = listing.with_access_entries(entries, |entry| filter.admits_entry(entry));
    }
    match args.answer.output {
        Format::Table => out.text(&listing.table(out.width()))?,
        Format::Wide => out.text(&listing.wide())?,
        Format::Json => out.stream_json(|stdout| listing.write_json(stdout))?,
        Format::Yaml => out.data(
            listing
                .yaml()
                .map_err(|error| Failure::bug(error.as_ref()))?
                .as_bytes(),
        )?,
        Format::Name => out.text(&listing.names())?,
    }
    if let Some(note) = backend.access_note(&reading) {
        out.note(&note);
    } else if !listing.has_effect() {
        out.note(&format!(
            "None of the selected entries is in effect in {backend}."
        ));
    }
    Ok(if args.must_exist && !listing.has_effect() {
        Exit::No
    } else {
        Exit::Done
    })
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
enum Filter {
    All,
    Section(SectionName),
    /// An ARN as given, and in the form that the authenticator compares.
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
            Self::Arn(_, compared) => arn::is_same_principal(arn, compared),
        }
    }
}
