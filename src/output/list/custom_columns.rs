//! Columns that the user chooses, as in kubectl: `ARN:.arn,USERNAME:.username`.

use std::str::FromStr;

use serde_json::Value;

use super::json_path::{JsonPath, text};
use crate::output::table::{Cell, Table};
use awsauth_core::escape::one_line;

/// The headings and paths of columns.
#[derive(Clone, Debug)]
pub(crate) struct CustomColumns(Vec<(String, JsonPath)>);

impl FromStr for CustomColumns {
    type Err = String;

    fn from_str(spec: &str) -> Result<Self, String> {
        let column = |column: &str| {
            let named = column
                .split_once(':')
                .filter(|(heading, _)| !heading.is_empty());
            let (heading, path) = named.ok_or_else(|| {
                format!("{column:?} is not HEADING:PATH, as in ARN:.arn,USERNAME:.username")
            })?;
            let path = path
                .parse()
                .map_err(|error| format!("column {heading}: {error}"))?;
            Ok((heading.to_owned(), path))
        };
        let columns = spec.split(',').map(column);
        columns.collect::<Result<_, _>>().map(Self)
    }
}

impl CustomColumns {
    /// Returns the table of these columns of rows with such fields. Several values are separated by commas.
    pub(crate) fn table(&self, rows: &[Value]) -> Table {
        let headings = self
            .0
            .iter()
            .map(|(heading, _)| one_line(heading).into_owned());
        let mut table = Table::new(headings, 0);
        for fields in rows {
            let cell = |(_, path): &(String, JsonPath)| {
                let found: Vec<_> = path.find(fields).into_iter().map(text).collect();
                Cell::new(&found.join(","))
            };
            table.row(self.0.iter().map(cell).collect());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_show_fields_of_rows() {
        let columns: CustomColumns = "WHO:.arn,GROUPS:.groups[*]".parse().unwrap();
        let rows = [
            json!({"arn": "a", "groups": ["x", "y"]}),
            json!({"account": "1"}),
        ];
        let text = columns.table(&rows).render(None);
        let text = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(text, "WHO      GROUPS\na        x,y\n<none>   <none>\n");
    }

    #[test]
    fn invalid_columns_have_a_reason() {
        for (spec, reason) in [
            ("ARN", "\"ARN\" is not HEADING:PATH"),
            ("ARN:.arn,", "\"\" is not HEADING:PATH"),
            (":.arn", "\":.arn\" is not HEADING:PATH"),
            ("ARN:.a[", "column ARN: .a[ is not a JSONPath"),
        ] {
            let error = spec.parse::<CustomColumns>().unwrap_err();
            assert!(error.starts_with(reason), "{spec}: {error}");
        }
    }
}
