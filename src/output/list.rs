//! The output formats of lists.

mod custom_columns;
mod json_path;

use std::cmp::Ordering;
use std::error::Error;

use clap::builder::{PossibleValue, TypedValueParser};
use serde::Serialize;
use serde_json::Value;

pub(crate) use custom_columns::CustomColumns;
pub(crate) use json_path::{JsonPath, JsonPathError, JsonPathTemplate};

use super::table::Table;
use awsauth_core::escape::{has_log_command, is_invisible, json_for_yaml, one_line};

/// A list that can be printed in every [`ListFormat`].
pub(crate) trait List {
    /// Returns the table; a wide one has every column.
    fn table(&self, wide: bool) -> Table;

    /// Returns the styled text below the table.
    fn footer(&self) -> String {
        String::new()
    }

    /// Returns the name of each row, as far as it has one.
    fn names(&self) -> Vec<String>;

    /// Returns what JSON, YAML and JSONPath templates show.
    fn data(&self) -> impl Serialize;

    /// Returns the rows as an `Access`; `None` for a list of anything but mappings.
    fn access_file(&self) -> Option<String> {
        None
    }

    /// Returns the fields of each row for custom columns and sorting.
    ///
    /// # Errors
    /// Never, because every key is a string.
    fn fields(&self) -> Result<Vec<Value>, serde_json::Error>;

    /// Puts the rows into this order of their indexes.
    fn reorder(&mut self, order: &[usize]);
}

/// The output format of a list.
#[derive(Clone, Debug)]
pub(crate) enum ListFormat {
    Table,
    Wide,
    Json,
    Yaml,
    Name,
    Csv,
    Markdown,
    /// An `Access`; only for lists that have one.
    Access,
    JsonPath(JsonPathTemplate),
    CustomColumns(CustomColumns),
}

/// The formats, as the help shows them.
const FORMATS: [(&str, &str); 9] = [
    ("table", "A table that fits the terminal"),
    ("wide", "A table with every column, nothing shortened"),
    ("json", "JSON for scripts"),
    ("yaml", "YAML for scripts"),
    ("name", "One ARN or account per line"),
    ("csv", "Comma-separated values with every column"),
    ("markdown", "A Markdown table with every column"),
    (
        "jsonpath=TEMPLATE",
        "A JSONPath template on the JSON, as in kubectl",
    ),
    (
        "custom-columns=HEADING:PATH,…",
        "A table of fields of each row, as in kubectl",
    ),
];

/// The format of lists that can be an `Access`.
const ACCESS: (&str, &str) = (
    "access",
    "A file of kind Access for apply, for aws-auth and access entries",
);

/// Parses a [`ListFormat`], and offers the formats to completion scripts.
#[derive(Clone, Debug)]
pub(crate) struct ListFormatParser {
    /// Whether the list can be an `Access`.
    pub(crate) has_access: bool,
}

impl TypedValueParser for ListFormatParser {
    type Value = ListFormat;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<ListFormat, clap::Error> {
        let text = value.to_string_lossy();
        let has_access = self.has_access;
        let parse = move |text: &str| ListFormat::parse(text, has_access);
        clap::builder::StringValueParser::new()
            .try_map(move |text| parse(&text))
            .parse_ref(command, arg, text.as_ref().as_ref())
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let formats = FORMATS.iter().chain(self.has_access.then_some(&ACCESS));
        let value =
            |(name, help): &(&'static str, &'static str)| PossibleValue::new(*name).help(*help);
        Some(Box::new(formats.map(value)))
    }
}

impl ListFormat {
    fn parse(text: &str, has_access: bool) -> Result<Self, String> {
        let (name, argument) = match text.split_once('=') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        Ok(match (name, argument) {
            ("table" | "human", None) => Self::Table,
            ("wide", None) => Self::Wide,
            ("json", None) => Self::Json,
            ("yaml", None) => Self::Yaml,
            ("name", None) => Self::Name,
            ("csv", None) => Self::Csv,
            ("markdown", None) => Self::Markdown,
            ("access", None) if has_access => Self::Access,
            ("jsonpath", Some(template)) => Self::JsonPath(
                template
                    .parse()
                    .map_err(|error: JsonPathError| error.to_string())?,
            ),
            ("custom-columns", Some(columns)) => Self::CustomColumns(columns.parse()?),
            ("jsonpath", None) => return Err("write jsonpath='{.roles[*].arn}'".to_owned()),
            ("custom-columns", None) => {
                return Err("write custom-columns=ARN:.arn,USERNAME:.username".to_owned());
            }
            _ => {
                let formats = FORMATS.iter().chain(has_access.then_some(&ACCESS));
                let names: Vec<_> = formats.map(|(name, _)| *name).collect();
                return Err(format!("the formats are {}", names.join(", ")));
            }
        })
    }
}

/// Sorts a list by a field of its rows. Rows without the field come first.
///
/// # Errors
/// If [`List::fields`] fails.
pub(crate) fn sort_by(list: &mut impl List, path: &JsonPath) -> Result<(), serde_json::Error> {
    let fields = list.fields()?;
    let keys: Vec<Option<&Value>> = fields
        .iter()
        .map(|fields| path.find(fields).into_iter().next())
        .collect();
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&one, &other| compare(keys[one], keys[other]));
    list.reorder(&order);
    Ok(())
}

/// Puts `rows` into this order of their indexes.
pub(super) fn permute<T>(rows: &mut Vec<T>, order: &[usize]) {
    let mut taken: Vec<Option<T>> = rows.drain(..).map(Some).collect();
    rows.extend(order.iter().filter_map(|&at| taken[at].take()));
}

/// Compares numbers as numbers, and everything else as text.
fn compare(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => one
            .as_f64()
            .partial_cmp(&other.as_f64())
            .unwrap_or(Ordering::Equal),
        (one, other) => one.map(json_path::text).cmp(&other.map(json_path::text)),
    }
}

/// Formats data as YAML. YAML writers escape neither every invisible character nor what the log of a CI system takes for a
/// command; if there is one, this returns JSON, which is YAML, too.
pub(crate) fn yaml(data: impl Serialize) -> Result<String, Box<dyn Error>> {
    let yaml = serde_yaml::to_string(&data)?;
    if !yaml.contains(|c| c != '\n' && is_invisible(c)) && !has_log_command(&yaml) {
        return Ok(yaml);
    }
    let json = serde_json::to_string_pretty(&data)? + "\n";
    Ok(json_for_yaml(&json).into_owned())
}

/// Formats one name per line.
pub(crate) fn name_lines(list: &impl List) -> String {
    let names = list.names();
    let lines = names.iter().map(|name| format!("{}\n", one_line(name)));
    lines.collect()
}
