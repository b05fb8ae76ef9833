//! Parses the configuration file.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::approval::{EMAIL_PARTS, RESERVED_GROUP_PREFIXES, RESERVED_USERNAME_PREFIXES};
use super::{Admission, Config, ConfigError, Grant, OnWithdrawal, Protect, Requesters};
use crate::access_entries::{NamedPolicy, Store, StoreChoice};
use crate::arn::{Normalized, Parts, fold, normalize};
use crate::escape::is_invisible;
use crate::facts::accounts::is_account_id;
use crate::wildcard_pattern::Pattern;

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    grants: Vec<CheckedGrant>,
    protect: ProtectFields,
    admission: AdmissionFields,
    backend: BackendField,
}

/// The values of `backend`, which are those of the option `--backend`.
#[derive(Clone, Copy, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum BackendField {
    #[default]
    Auto,
    AwsAuth,
    AccessEntries,
}

impl From<BackendField> for StoreChoice {
    fn from(field: BackendField) -> Self {
        match field {
            BackendField::Auto => Self::Auto,
            BackendField::AwsAuth => Self::Only(Store::AwsAuth),
            BackendField::AccessEntries => Self::Only(Store::AccessEntries),
        }
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct GrantFields {
    accounts: NotEmpty<Text<Account>>,
    arns: Option<NotEmpty<Text<Arn>>>,
    #[serde(default)]
    groups: Vec<Text<Group>>,
    usernames: Option<NotEmpty<Text<Username>>>,
    #[serde(default)]
    policies: Vec<Text<Policy>>,
    #[serde(default)]
    whole_accounts: bool,
    requesters: Option<RequesterFields>,
    #[serde(default)]
    on_withdrawal: OnWithdrawal,
    #[serde(rename = "maxKiB")]
    max_kib: Option<u32>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RequesterFields {
    #[serde(default)]
    users: Vec<Text<Requester>>,
    #[serde(default)]
    groups: Vec<Text<Requester>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct ProtectFields {
    node_entries: Option<bool>,
    arns: Vec<Text<Arn>>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct AdmissionFields {
    warn_only: Option<Vec<Text<Requester>>>,
    break_glass: BreakGlass,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BreakGlass {
    groups: Vec<Text<Literal>>,
}

impl Config {
    /// Parses a configuration; an empty file is the default configuration.
    ///
    /// # Errors
    /// If the text is not YAML, or contains an unknown field or an invalid value.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let file: Option<ConfigFile> =
            serde_yaml::from_str(text).map_err(|error| with_line(&error, text))?;
        let file = file.unwrap_or_default();
        let default = Self::default();
        let user = file.admission.warn_only.map(texts);
        Ok(Self {
            grants: file
                .grants
                .into_iter()
                .map(|grant| Grant::from(grant.0))
                .collect(),
            protect: Protect {
                node_entries: file
                    .protect
                    .node_entries
                    .unwrap_or(default.protect.node_entries),
                arns: patterns(file.protect.arns),
            },
            admission: Admission {
                warn_only: user.unwrap_or(default.admission.warn_only),
                break_glass_groups: texts(file.admission.break_glass.groups),
            },
            backend: file.backend.into(),
        })
    }
}

/// Returns the error with its line, which `serde_yaml` omits for fields at the top level.
fn with_line(error: &serde_yaml::Error, text: &str) -> ConfigError {
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

impl From<GrantFields> for Grant {
    fn from(fields: GrantFields) -> Self {
        Self {
            accounts: texts(fields.accounts.0),
            arns: fields.arns.map(|arns| patterns(arns.0)).unwrap_or_default(),
            groups: texts(fields.groups),
            usernames: fields
                .usernames
                .map(|names| texts(names.0))
                .unwrap_or_default(),
            policies: texts(fields.policies),
            whole_accounts: fields.whole_accounts,
            requesters: fields.requesters.map(|requesters| Requesters {
                users: texts(requesters.users),
                groups: texts(requesters.groups),
            }),
            on_withdrawal: fields.on_withdrawal,
            max_kib: fields.max_kib,
        }
    }
}

/// A grant whose ARNs are all in its accounts. `serde_yaml` adds the line of the grant to the end of the error.
struct CheckedGrant(GrantFields);

impl<'de> Deserialize<'de> for CheckedGrant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = CheckedGrant;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a grant")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let fields = GrantFields::deserialize(MapAccessDeserializer::new(map))?;
                let requesters = fields.requesters.as_ref();
                if requesters.is_some_and(|of| of.users.is_empty() && of.groups.is_empty()) {
                    return Err(de::Error::custom(
                        "requesters has neither users nor groups, so no user may use the grant",
                    ));
                }
                match fields.arn_of_other_account() {
                    Some(arn) => Err(de::Error::custom(format!(
                        "`{}` matches nothing (remove it, or add its account): it is in none of the accounts of the grant",
                        arn.text
                    ))),
                    None => Ok(CheckedGrant(fields)),
                }
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl GrantFields {
    /// Returns an ARN that is in none of the accounts.
    fn arn_of_other_account(&self) -> Option<&ArnPattern> {
        let Self { accounts, arns, .. } = self;
        let mut arns = arns.iter().flat_map(|arns| &arns.0).map(|arn| &arn.0);
        arns.find(|arn| {
            let mut accounts = accounts.0.iter();
            !accounts.any(|account| may_match_account(&arn.pattern, &account.0))
        })
    }
}

/// Returns whether a pattern may match an ARN in this account. The last part of an ARN follows five colons, and a pattern contains
/// all five, so no `*` can match a colon before that part.
fn may_match_account(pattern: &Pattern, account: &str) -> bool {
    let part = pattern.text().split(':').nth(4).unwrap_or_default();
    Pattern::new(part).matches(account)
}

fn patterns(arns: Vec<Text<Arn>>) -> Vec<Pattern> {
    arns.into_iter().map(|arn| arn.0.pattern).collect()
}

fn texts<T: ParseText>(texts: Vec<Text<T>>) -> Vec<T::Out> {
    texts.into_iter().map(|text| text.0).collect()
}

/// A kind of value in the configuration.
trait ParseText {
    type Out;
    /// The expected value, for error messages; a sentence fragment.
    const EXPECTED: &'static str;
    /// Parses the text, or returns why it is invalid; a sentence without a full stop.
    fn parse(text: &str) -> Result<Self::Out, String>;
}

struct Account;
struct Arn;
struct Group;
struct Username;
struct Policy;
struct Requester;
struct Literal;

impl ParseText for Account {
    type Out = String;
    const EXPECTED: &'static str = "a twelve-digit account ID in quotes";

    fn parse(text: &str) -> Result<String, String> {
        match is_account_id(text) {
            true => Ok(text.to_owned()),
            false => Err(format!("`{text}` is not a twelve-digit account ID")),
        }
    }
}

/// An ARN as the user wrote it, and as a pattern.
struct ArnPattern {
    text: String,
    pattern: Pattern,
}

impl ParseText for Arn {
    type Out = ArnPattern;
    const EXPECTED: &'static str = "an ARN, in which * matches any characters";

    fn parse(text: &str) -> Result<ArnPattern, String> {
        let role = match normalize(text) {
            Normalized::Session { role } => Some(role),
            Normalized::PathDropped { arn, .. } => Some(arn),
            Normalized::AsGiven => {
                let parts = Parts::of(text);
                let with_path = parts.filter(|parts| parts.is("iam", "role") && parts.has_path());
                with_path.map(|parts| {
                    let before = text.len() - parts.path.len() - parts.name.len();
                    format!("{}/{}", &text[..before], parts.name)
                })
            }
        };
        if let Some(role) = role {
            return Err(format!(
                "`{text}` matches no identity: the authenticator compares roles without session and IAM path, such as {role}"
            ));
        }
        if !text.starts_with("arn:") && !text.starts_with('*') {
            return Err(format!("`{text}` is not an ARN"));
        }
        if text.matches(':').count() < 5 {
            return Err(format!(
                "`{text}` has fewer than five colons, so its * could match accounts: write all parts of the ARN, such as arn:aws:iam::111122223333:role/team-*"
            ));
        }
        plain(text).map(|text| ArnPattern {
            text: text.to_owned(),
            pattern: Pattern::new(fold(text)),
        })
    }
}

impl ParseText for Group {
    type Out = Pattern;
    const EXPECTED: &'static str = "a group, in which * matches any characters";

    fn parse(text: &str) -> Result<Pattern, String> {
        pattern_unless_reserved(text, &RESERVED_GROUP_PREFIXES)
    }
}

impl ParseText for Username {
    type Out = Pattern;
    const EXPECTED: &'static str = "a username, in which * matches any characters";

    fn parse(text: &str) -> Result<Pattern, String> {
        let part = EMAIL_PARTS.iter().find(|part| text.contains(**part));
        match part.filter(|_| text.contains('*')) {
            Some(part) => Err(format!(
                "`{text}` matches nothing: list names that contain {part} one by one"
            )),
            None => pattern_unless_reserved(text, &RESERVED_USERNAME_PREFIXES),
        }
    }
}

impl ParseText for Policy {
    type Out = NamedPolicy;
    const EXPECTED: &'static str = "an access policy, such as view or edit:NAMESPACE";

    fn parse(text: &str) -> Result<NamedPolicy, String> {
        let policy: NamedPolicy = plain(text)?
            .parse()
            .map_err(|error| format!("`{text}` is not an access policy: {error}"))?;
        match policy.name.contains('*') {
            true => Err(format!(
                "`{text}` contains * in the name of an access policy, which is not supported: list the policies one by one"
            )),
            false => Ok(policy),
        }
    }
}

impl ParseText for Requester {
    type Out = Pattern;
    const EXPECTED: &'static str = "a name, in which * matches any characters";

    fn parse(text: &str) -> Result<Pattern, String> {
        plain(text).map(Pattern::new)
    }
}

impl ParseText for Literal {
    type Out = String;
    const EXPECTED: &'static str = "the name of a group";

    fn parse(text: &str) -> Result<String, String> {
        match plain(text)?.contains('*') {
            true => Err(format!(
                "`{text}` contains *, which is not supported here: list the groups one by one"
            )),
            false => Ok(text.to_owned()),
        }
    }
}

/// Parses a pattern, which must not contain `*` if it starts with a reserved prefix.
fn pattern_unless_reserved(text: &str, reserved: &[&str]) -> Result<Pattern, String> {
    let prefix = reserved.iter().find(|prefix| text.starts_with(**prefix));
    match prefix.filter(|_| text.contains('*')) {
        Some(prefix) => Err(format!(
            "`{text}` matches nothing: list names that start with {prefix} one by one"
        )),
        None => plain(text).map(Pattern::new),
    }
}

fn plain(text: &str) -> Result<&str, String> {
    if text.is_empty() {
        return Err("an empty string matches nothing".to_owned());
    }
    match text.trim() != text || text.contains(is_invisible) {
        true => Err(format!(
            "{text:?} starts or ends with white space, or contains a character that is not visible"
        )),
        false => Ok(text),
    }
}

/// A string that is parsed during deserialization, so that errors contain its line.
struct Text<T: ParseText>(T::Out);

impl<'de, T: ParseText> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<T: ParseText> Visitor<'_> for Reader<T> {
            type Value = Text<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                T::parse(text).map(Text).map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// A list with at least one item.
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
