//! The options of commands that print a list.

use clap::builder::FalseyValueParser;

use crate::output::{
    JsonPath, List, ListFormat, ListFormatParser, Table, name_lines, sort_by, yaml,
};
use crate::terminal::{Failure, Out};
use awsauth_core::escape::without_log_commands;

/// The options `-o`, `--no-headers` and `--sort-by`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// The output format
    #[arg(
        short,
        long,
        env = "AWSAUTH_OUTPUT",
        value_name = "FORMAT",
        default_value = "table",
        value_parser = ListFormatParser { has_access: false }
    )]
    pub(crate) output: ListFormat,

    /// Leave out the headings of tables and CSV
    #[arg(long, env = "AWSAUTH_NO_HEADERS", value_parser = FalseyValueParser::new())]
    no_headers: bool,

    /// Sort the rows by this field, such as .username
    #[arg(long, env = "AWSAUTH_SORT_BY", value_name = "JSONPATH")]
    sort_by: Option<JsonPath>,
}

impl ListArgs {
    /// Prints a list.
    pub(super) fn print(&self, list: &mut impl List, out: &mut Out) -> Result<(), Failure> {
        if let Some(path) = &self.sort_by {
            sort_by(list, path).map_err(|error| Failure::bug(&error))?;
        }
        let table = |mut table: Table| {
            if self.no_headers {
                table.hide_headings();
            }
            table
        };
        let bug = |error: &dyn std::error::Error| Failure::bug(error);
        match &self.output {
            ListFormat::Table => {
                let table = table(list.table(false));
                out.text(&with_footer(&table, out.width(), list.footer()))?;
            }
            ListFormat::Wide => {
                let table = table(list.table(true));
                out.text(&with_footer(&table, None, list.footer()))?;
            }
            ListFormat::Json => out.stream_json(|mut stdout| {
                serde_json::to_writer_pretty(&mut stdout, &list.data())?;
                stdout.write_all(b"\n")
            })?,
            ListFormat::Yaml => {
                let yaml = yaml(list.data()).map_err(|error| bug(error.as_ref()))?;
                out.data(yaml.as_bytes())?;
            }
            ListFormat::Name => out.text(&name_lines(list))?,
            ListFormat::Csv => {
                let csv = table(list.table(true)).csv().map_err(|error| bug(&error))?;
                out.data(&csv)?;
            }
            ListFormat::Markdown => {
                out.data(&without_commands(list.table(true).markdown().as_bytes()))?;
            }
            ListFormat::Access => {
                let file = list.access_file();
                let file = file.ok_or_else(|| Failure::usage("this list cannot be an Access"))?;
                out.data(file.as_bytes())?;
            }
            ListFormat::JsonPath(template) => {
                let data = serde_json::to_value(list.data()).map_err(|error| bug(&error))?;
                out.data(&without_commands(template.render(&data).as_bytes()))?;
            }
            ListFormat::CustomColumns(columns) => {
                let fields = list.fields().map_err(|error| bug(&error))?;
                let table = table(columns.table(&fields));
                out.text(&table.render(None))?;
            }
        }
        Ok(())
    }
}

/// Returns the table, unless it has no rows, and the text below it.
fn with_footer(table: &Table, width: Option<usize>, footer: String) -> String {
    match (table.is_empty(), footer.is_empty()) {
        (true, _) => footer,
        (false, true) => table.render(width),
        (false, false) => table.render(width) + "\n" + &footer,
    }
}

/// Escapes what the log of a CI system takes for a command.
fn without_commands(text: &[u8]) -> Vec<u8> {
    without_log_commands(&String::from_utf8_lossy(text))
        .into_owned()
        .into_bytes()
}
