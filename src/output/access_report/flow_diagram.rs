//! The diagram of a report: principals, what gives them permissions, bindings, and what they grant, in four columns.

use std::collections::BTreeMap;

use awsauth_core::access_report::{AccessReport, Level, PrincipalAccess, Right};

use super::short_name;

/// The maximum number of boxes in a column. The last one represents those beyond it.
const ROWS: usize = 40;

/// The number of principals from which those with the same permissions share a box.
const SHARE: usize = 12;

/// Boxes in columns, and lines between neighbors.
#[derive(Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Flow {
    pub(super) columns: [Vec<Box>; 4],
    pub(super) lines: Vec<Line>,
}

/// A box.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Box {
    pub(super) label: String,
    /// The complete label, or all principals of the box.
    pub(super) full: Vec<String>,
    pub(super) level: Level,
}

/// A line from a box to one in the next column, both as indexes.
#[derive(Debug, PartialEq, Eq, Hash, Clone, Copy)]
pub(super) struct Line {
    pub(super) column: usize,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) level: Level,
}

/// Principals with the same permissions.
struct Class<'a> {
    principals: Vec<&'a PrincipalAccess>,
    rights: &'a [Right],
}

impl Flow {
    /// Draws the permissions of all principals that can sign in and have any.
    pub(super) fn of(report: &AccessReport) -> Self {
        let classes = classes(report);
        let mut columns: [Column; 4] = Default::default();
        let mut lines: BTreeMap<(usize, usize, usize), Level> = BTreeMap::new();
        for class in &classes {
            let level = class.principals.iter().map(|one| one.level).max();
            let level = level.unwrap_or_default();
            let (label, full) = class.names();
            let principal = columns[0].place(&label, &full, level);
            for right in class.rights {
                let by = match class.principals.len() {
                    1 => right.by.as_str(),
                    _ => shared(&right.by),
                };
                let binding = right.binding.as_deref().unwrap_or("no binding needed");
                let role = format!("{} ({})", right.role, super::scope(right));
                let path = [
                    principal,
                    columns[1].place(by, &[by.to_owned()], right.level),
                    columns[2].place(binding, &[binding.to_owned()], right.level),
                    columns[3].place(&role, std::slice::from_ref(&role), right.level),
                ];
                for (column, ends) in path.windows(2).enumerate() {
                    let level = lines.entry((column, ends[0], ends[1])).or_default();
                    *level = (*level).max(right.level);
                }
            }
        }
        Self {
            columns: columns.map(Column::boxes),
            lines: lines
                .into_iter()
                .map(|((column, from, to), level)| Line {
                    column,
                    from,
                    to,
                    level,
                })
                .collect(),
        }
    }
}

impl Flow {
    /// Returns the number of boxes in the longest column.
    pub(super) fn rows(&self) -> usize {
        self.columns.iter().map(Vec::len).max().unwrap_or_default()
    }
}

/// A column that is being filled.
#[derive(Default)]
struct Column {
    boxes: Vec<Box>,
    places: BTreeMap<String, usize>,
    /// The number of labels that share the last box because the column is full.
    left_out: usize,
}

impl Column {
    /// Returns the index of the box with this label, which is added if it is new.
    fn place(&mut self, label: &str, full: &[String], level: Level) -> usize {
        let index = match self.places.get(label) {
            Some(&index) => index,
            None => {
                let index = self.boxes.len().min(ROWS);
                self.places.insert(label.to_owned(), index);
                if index < ROWS {
                    self.boxes.push(Box {
                        label: label.to_owned(),
                        full: full.to_owned(),
                        level,
                    });
                } else {
                    self.left_out += 1;
                }
                index
            }
        };
        if let Some(one) = self.boxes.get_mut(index) {
            one.level = one.level.max(level);
        }
        index
    }

    fn boxes(mut self) -> Vec<Box> {
        if self.left_out > 0 {
            let label = format!("{} more, in the table below", self.left_out);
            self.boxes.push(Box {
                full: vec![label.clone()],
                label,
                level: Level::None,
            });
        }
        self.boxes
    }
}

impl Class<'_> {
    fn names(&self) -> (String, Vec<String>) {
        let arns: Vec<String> = self
            .principals
            .iter()
            .map(|one| one.principal.clone())
            .collect();
        let label = match self.principals.as_slice() {
            [one] => short_name(one).into_owned(),
            [first, ..] => format!("{} and {} more", short_name(first), arns.len() - 1),
            [] => String::new(),
        };
        (label, arns)
    }
}

/// What permissions have in common for principals that share a box: subject, binding, role and namespaces.
type Path<'a> = (&'a str, Option<&'a str>, &'a str, Option<&'a [String]>);

/// Returns the principals with permissions, in the report's order; if there are many, those with the same permissions are
/// grouped.
fn classes(report: &AccessReport) -> Vec<Class<'_>> {
    let with_rights = report
        .principals
        .iter()
        .filter(|one| !one.rights.is_empty() && !one.is_dead);
    let with_rights: Vec<_> = with_rights.collect();
    let is_many = with_rights.len() > SHARE;
    let mut places: BTreeMap<Vec<Path<'_>>, usize> = BTreeMap::new();
    let mut classes: Vec<Class<'_>> = Vec::new();
    for principal in with_rights {
        let rights = principal.rights.iter();
        let key = rights.map(|right| {
            (
                shared(&right.by),
                right.binding.as_deref(),
                right.role.as_str(),
                right.namespaces.as_deref(),
            )
        });
        let key = key.collect();
        match places.get(&key) {
            Some(&place) if is_many => classes[place].principals.push(principal),
            _ => {
                places.insert(key, classes.len());
                classes.push(Class {
                    principals: vec![principal],
                    rights: &principal.rights,
                });
            }
        }
    }
    classes
}

/// Returns what several principals have in common: usernames differ.
fn shared(by: &str) -> &str {
    if by.starts_with("user ") {
        "their own usernames"
    } else {
        by
    }
}

#[cfg(test)]
mod tests {
    use awsauth_core::access_report::{Head, PrincipalKind, Source};

    use super::*;

    fn principal(number: usize, group: usize) -> PrincipalAccess {
        let right = Right {
            level: Level::Write,
            by: format!("group g{group}"),
            binding: Some(format!("RoleBinding b{group}")),
            role: "ClusterRole edit".to_owned(),
            namespaces: Some(vec![format!("n{group}")]),
            for_some_sessions: false,
        };
        PrincipalAccess {
            principal: format!("arn:aws:iam::111122223333:role/r{number}"),
            account: None,
            kind: PrincipalKind::Role,
            source: Source::AccessEntry { kind: None },
            username: None,
            groups: Vec::new(),
            level: right.level,
            rights: vec![right],
            expires: None,
            is_expired: false,
            last_use: None,
            is_dead: false,
        }
    }

    fn sizes(principals: impl Iterator<Item = PrincipalAccess>) -> ([usize; 4], Flow) {
        let flow = Flow::of(&AccessReport {
            head: Head::default(),
            principals: principals.collect(),
            findings: Vec::new(),
        });
        (flow.columns.each_ref().map(Vec::len), flow)
    }

    #[test]
    fn many_principals_with_the_same_rights_share_a_box() {
        let few = (0..5).map(|number| principal(number, number % 2));
        assert_eq!(sizes(few).0, [5, 2, 2, 2]);
        let (sizes, flow) = sizes((0..500).map(|number| principal(number, number % 3)));
        assert_eq!(sizes, [3, 3, 3, 3]);
        assert_eq!(flow.columns[0][0].label, "role/r0 and 166 more");
        assert_eq!(flow.lines.len(), 9);
    }

    #[test]
    fn a_full_column_ends_with_a_box_for_the_rest() {
        let (sizes, flow) = sizes((0..500).map(|number| principal(number, number)));
        assert_eq!(sizes, [ROWS + 1; 4]);
        assert_eq!(flow.columns[0][ROWS].label, "460 more, in the table below");
        let rows = flow.lines.iter().map(|line| line.from.max(line.to));
        assert_eq!(rows.max(), Some(ROWS));
    }
}
