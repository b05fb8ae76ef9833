//! The configuration's YAML.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::approval::{GROUPS_OF_KUBERNETES, RESERVED_USERNAMES};
use super::{Admission, Config, ConfigError, Grant, Protect};
use crate::arn::{Normalized, Parts, fold, normalize};
use crate::facts::accounts::is_account_id;
use crate::facts::partitions::PARTITIONS;
use crate::reconcile::pattern::Pattern;

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Whole {
    grants: Vec<Fitting>,
    protect: Protecting,
    admission: Admitting,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Granting {
    accounts: NotEmpty<Text<Account>>,
    arns: Option<NotEmpty<Text<Arn>>>,
    #[serde(default)]
    groups: Vec<Text<Group>>,
    usernames: Option<NotEmpty<Text<Username>>>,
    #[serde(default)]
    whole_accounts: bool,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Protecting {
    node_entries: Option<bool>,
    arns: Vec<Text<Arn>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Admitting {
    warn_only: Option<Vec<Text<User>>>,
    break_glass: BreakGlass,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BreakGlass {
    groups: Vec<Text<Literal>>,
}

impl Config {
    /// Reads a configuration; an empty text is the default one.
    ///
    /// # Errors
    /// When it is no YAML, has a field that is not known, or a value that can't be meant.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let whole: Option<Whole> =
            serde_yaml::from_str(text).map_err(|error| of_yaml(&error, text))?;
        let whole = whole.unwrap_or_default();
        let default = Self::default();
        let user = whole.admission.warn_only.map(texts);
        Ok(Self {
            grants: whole
                .grants
                .into_iter()
                .map(|grant| Grant::from(grant.0))
                .collect(),
            protect: Protect {
                node_entries: whole
                    .protect
                    .node_entries
                    .unwrap_or(default.protect.node_entries),
                arns: patterns(whole.protect.arns),
            },
            admission: Admission {
                warn_only: user.unwrap_or(default.admission.warn_only),
                break_glass_groups: texts(whole.admission.break_glass.groups),
            },
        })
    }
}

/// The error with its line, which the reader leaves out at the top.
fn of_yaml(error: &serde_yaml::Error, text: &str) -> ConfigError {
    let message = error.to_string();
    let field = message.split('`').nth(1).unwrap_or_default();
    let is_field = |line: &str| {
        let rest = line.strip_prefix(field);
        !field.is_empty() && rest.is_some_and(|rest| rest.starts_with(':'))
    };
    let lines = text.lines().zip(1..);
    let line = lines.filter(|(line, _)| is_field(line)).last();
    let line = line.filter(|_| !message.contains(" at line "));
    ConfigError {
        message: match line {
            Some((_, line)) => format!("{message} at line {line}"),
            None => message,
        },
    }
}

impl From<Granting> for Grant {
    fn from(granting: Granting) -> Self {
        Self {
            accounts: texts(granting.accounts.0),
            arns: granting
                .arns
                .map(|arns| patterns(arns.0))
                .unwrap_or_default(),
            groups: texts(granting.groups),
            usernames: granting
                .usernames
                .map(|names| texts(names.0))
                .unwrap_or_default(),
            whole_accounts: granting.whole_accounts,
        }
    }
}

/// A grant, each of whose ARNs can be in one of its accounts. The error ends before ` at line`, which is where the grant begins.
struct Fitting(Granting);

impl<'de> Deserialize<'de> for Fitting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fitting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a grant")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let granting = Granting::deserialize(MapAccessDeserializer::new(map))?;
                match granting.misfit() {
                    Some(arn) => Err(de::Error::custom(format!(
                        "`{}` matches nothing (take it out, or add its account): it is in none of the accounts of the grant",
                        arn.text
                    ))),
                    None => Ok(Fitting(granting)),
                }
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl Granting {
    /// An ARN that is in none of the accounts.
    fn misfit(&self) -> Option<&Written> {
        let Self { accounts, arns, .. } = self;
        let mut arns = arns.iter().flat_map(|arns| &arns.0).map(|arn| &arn.0);
        arns.find(|arn| {
            let mut accounts = accounts.0.iter();
            !accounts.any(|account| may_be_in(&arn.pattern, &account.0))
        })
    }
}

/// Whether a pattern may match an ARN in this account.
fn may_be_in(pattern: &Pattern, account: &str) -> bool {
    let text = pattern.text();
    // Five colons come before an ARN's last part. Where the pattern has them all, a * stands for none.
    let mut parts = text.splitn(6, ':').skip(4);
    if let (Some(part), Some(_)) = (parts.next(), parts.next()) {
        return Pattern::new(part).matches(account);
    }
    let head = text.split('*').next().unwrap_or_default();
    PARTITIONS.iter().any(|partition| {
        let arn = format!("arn:{}:iam::{account}:", partition.id);
        arn.starts_with(head) || head.starts_with(&arn)
    })
}

fn patterns(arns: Vec<Text<Arn>>) -> Vec<Pattern> {
    arns.into_iter().map(|arn| arn.0.pattern).collect()
}

fn texts<T: Checked>(texts: Vec<Text<T>>) -> Vec<T::Out> {
    texts.into_iter().map(|text| text.0).collect()
}

/// What a text has to be.
trait Checked {
    /// What is made of it.
    type Out;
    /// What is expected; a fragment.
    const WHAT: &'static str;
    /// Reads it, or says why it can't be meant; a sentence without a full stop.
    fn read(text: &str) -> Result<Self::Out, String>;
}

struct Account;
struct Arn;
struct Group;
struct Username;
struct User;
struct Literal;

impl Checked for Account {
    type Out = String;
    const WHAT: &'static str = "an account's twelve digits, in quotes";

    fn read(text: &str) -> Result<String, String> {
        match is_account_id(text) {
            true => Ok(text.to_owned()),
            false => Err(format!(
                "`{text}` is not an account id: give its twelve digits"
            )),
        }
    }
}

/// An ARN as somebody wrote it, and what it matches.
struct Written {
    text: String,
    pattern: Pattern,
}

impl Checked for Arn {
    type Out = Written;
    const WHAT: &'static str = "an ARN, in which * stands for any characters";

    fn read(text: &str) -> Result<Written, String> {
        let role = match normalize(text) {
            Normalized::Session { role } => Some(role),
            Normalized::PathDropped { arn, .. } => Some(arn),
            Normalized::AsGiven => {
                let parts = Parts::of(text);
                let pathed = parts.filter(|parts| parts.is("iam", "role") && parts.has_path());
                pathed.map(|parts| {
                    let before = text.len() - parts.path.len() - parts.name.len();
                    format!("{}/{}", &text[..before], parts.name)
                })
            }
        };
        if let Some(role) = role {
            return Err(format!(
                "`{text}` matches nobody: a session is compared as its role, and a role without its IAM path, as in {role}"
            ));
        }
        if !text.starts_with("arn:") && !text.starts_with('*') {
            return Err(format!("`{text}` is not an ARN"));
        }
        plain(text).map(|text| Written {
            text: text.to_owned(),
            pattern: Pattern::new(fold(text)),
        })
    }
}

impl Checked for Group {
    type Out = Pattern;
    const WHAT: &'static str = "a group, in which * stands for any characters";

    fn read(text: &str) -> Result<Pattern, String> {
        literal_where_reserved(text, &[GROUPS_OF_KUBERNETES])
    }
}

impl Checked for Username {
    type Out = Pattern;
    const WHAT: &'static str = "a username, in which * stands for any characters";

    fn read(text: &str) -> Result<Pattern, String> {
        literal_where_reserved(text, &RESERVED_USERNAMES)
    }
}

impl Checked for User {
    type Out = Pattern;
    const WHAT: &'static str = "a username, in which * stands for any characters";

    fn read(text: &str) -> Result<Pattern, String> {
        plain(text).map(Pattern::new)
    }
}

impl Checked for Literal {
    type Out = String;
    const WHAT: &'static str = "the name of a group";

    fn read(text: &str) -> Result<String, String> {
        match plain(text)?.contains('*') {
            true => Err(format!("`{text}`: groups are named one by one here")),
            false => Ok(text.to_owned()),
        }
    }
}

/// A pattern; where names are reserved, they are written out.
fn literal_where_reserved(text: &str, reserved: &[&str]) -> Result<Pattern, String> {
    let prefix = reserved.iter().find(|prefix| text.starts_with(**prefix));
    match prefix.filter(|_| text.contains('*')) {
        Some(prefix) => Err(format!(
            "`{text}` matches nothing: names that begin with {prefix} are granted one by one"
        )),
        None => plain(text).map(Pattern::new),
    }
}

fn plain(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Err("an empty text matches nothing".to_owned());
    }
    match text.trim() != text || text.contains(char::is_control) {
        true => Err(format!(
            "{text:?} has white space around it or a control character in it"
        )),
        false => Ok(text),
    }
}

/// A text that was checked while its place was known.
struct Text<T: Checked>(T::Out);

impl<'de, T: Checked> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<T: Checked> Visitor<'_> for Reader<T> {
            type Value = Text<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::WHAT)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::read(text).map(Text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// A list that means something only when something is in it.
struct NotEmpty<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for NotEmpty<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = NotEmpty<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                match items.is_empty() {
                    true => Err(de::Error::custom(
                        "the list is empty, so nothing is granted",
                    )),
                    false => Ok(NotEmpty(items)),
                }
            }
        }
        deserializer.deserialize_seq(Reader(PhantomData))
    }
}
