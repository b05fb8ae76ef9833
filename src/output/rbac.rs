//! What RBAC allows a user, as text.

mod json;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

pub(super) use json::{RbacData, RoleData, SubjectData, UnreadData};

use super::style::{FAINT, GAIN, NOTICE, paint};
use awsauth_core::escape::one_line;
use awsauth_core::rbac::{Access, Allowance, Grant, Object, Role, Rules, Subject, Summary};

/// The number of roles, of verb sets in a role, and of names in a row that are shown before the rest is only counted.
const ROLES: usize = 20;
const ALLOWANCES: usize = 6;
const NAMES: usize = 8;

/// The grants of one role to the same subjects, in one or more namespaces.
struct Granted<'a> {
    first: &'a Grant<'a>,
    namespaces: BTreeSet<&'a str>,
    names: BTreeSet<&'a str>,
}

/// What a user can do and by which bindings: styled lines under a heading, with a note if the list is shortened.
pub(super) fn text(heading: &str, access: &Access<'_>) -> String {
    let mut text = format!("{heading}:\n");
    if access.user.may_do_everything() {
        line(
            &mut text,
            &paint(GAIN, "everything: group system:masters needs no binding"),
        );
    }
    if access.user.is_kubelet() {
        line(
            &mut text,
            "what a kubelet needs: the Node authorizer allows it without a binding",
        );
    }
    let (defaults, own): (Vec<_>, Vec<_>) = access
        .grants
        .iter()
        .partition(|grant| grant.is_default_binding());
    let merged = merge_namespaces(&own);
    let mut is_cut = merged.len() > ROLES;
    for granted in merged.iter().take(ROLES) {
        is_cut |= granted.write(&mut text);
    }
    if merged.len() > ROLES {
        line(
            &mut text,
            &format!("and {} more roles", merged.len() - ROLES),
        );
    }
    let lists = access.unread.iter().filter(|unread| !unread.is_one);
    let lists: Vec<&str> = lists.map(|unread| unread.resource.as_str()).collect();
    if !lists.is_empty() {
        let in_part = format!("not known in full: {} cannot be read", lists.join(" and "));
        line(&mut text, &paint(NOTICE, &in_part));
    } else if !access.exceeds_defaults() {
        let nothing = "nothing beyond what every authenticated user can do";
        line(&mut text, &paint(NOTICE, nothing));
    }
    if !defaults.is_empty() {
        let roles = defaults
            .iter()
            .map(|grant| grant.binding.role.name.as_str());
        let roles: BTreeSet<_> = roles.collect();
        let roles = few(roles.len(), roles.into_iter().map(plain_text)).0;
        let like_all = format!("as every authenticated user: ClusterRoles {roles}");
        line(&mut text, &paint(FAINT, &like_all));
    }
    if !access.user.open().is_empty() {
        let open = access.user.open().iter();
        let open: Vec<_> = open.map(|name| one_line(name)).collect();
        let left_out = format!("bindings that name {} were not searched", open.join(", "));
        line(&mut text, &paint(NOTICE, &left_out));
    }
    if is_cut {
        line(&mut text, &paint(FAINT, "shortened; -o json has all of it"));
    }
    text
}

/// Merges grants that differ only in their namespace, in the order of the first of each.
fn merge_namespaces<'a>(grants: &[&'a Grant<'a>]) -> Vec<Granted<'a>> {
    let mut places: BTreeMap<(bool, Role, &[&Subject]), usize> = BTreeMap::new();
    let mut all: Vec<Granted<'a>> = Vec::new();
    for &grant in grants {
        let binding = grant.binding;
        let key = (
            binding.namespace.is_some(),
            binding.role(),
            grant.subjects.as_slice(),
        );
        let place = *places.entry(key).or_insert_with(|| {
            all.push(Granted {
                first: grant,
                namespaces: BTreeSet::new(),
                names: BTreeSet::new(),
            });
            all.len() - 1
        });
        all[place].namespaces.extend(binding.namespace.as_deref());
        all[place].names.insert(&binding.name);
    }
    all
}

impl Granted<'_> {
    /// Writes the namespaces, the role and its bindings, then what the role allows. Returns whether it left something out.
    fn write(&self, text: &mut String) -> bool {
        let binding = self.first.binding;
        let count = self.namespaces.len();
        let (namespaces, cut_namespaces) = few(count, self.namespaces.iter().map(plain_text));
        let place = match count {
            0 => "in the whole cluster".to_owned(),
            1 => format!("in namespace {namespaces}"),
            _ => format!("in namespaces {namespaces}"),
        };
        let (names, cut_names) = few(self.names.len(), self.names.iter().map(plain_text));
        let plural = if self.names.len() > 1 { "s" } else { "" };
        let (kind, role) = (binding.role.kind.name(), one_line(&binding.role.name));
        let subjects = subjects(&self.first.subjects);
        line(
            text,
            &format!(
                "{place}: {kind} {role}, by {}{plural} {names} of {subjects}",
                binding.kind()
            ),
        );
        let below = |text: &mut String, line: &str| {
            let _ = writeln!(text, "    {line}");
        };
        let rules = match self.first.rules {
            Rules::Known(rules) => rules,
            Rules::NoSuchRole => {
                below(
                    text,
                    &paint(NOTICE, &format!("nothing: there is no {kind} {role}")),
                );
                return false;
            }
            Rules::Unread => {
                below(
                    text,
                    &paint(NOTICE, &format!("not known: {kind} {role} cannot be read")),
                );
                return false;
            }
        };
        let summary = Summary::of(rules, binding.namespace.is_some());
        let mut is_cut = summary.cut || cut_namespaces || cut_names;
        if summary.allowances.is_empty() {
            let why = match rules.as_slice() {
                [] => "nothing: it has no rules",
                _ => "nothing: its rules apply only in the whole cluster",
            };
            below(text, &paint(NOTICE, why));
        }
        for allowance in summary.allowances.iter().take(ALLOWANCES) {
            let (line, cut) = allowed(allowance);
            is_cut |= cut;
            below(text, &line);
        }
        let left = summary.allowances.len().saturating_sub(ALLOWANCES);
        if left > 0 {
            below(text, &format!("and {left} more"));
        }
        is_cut || left > 0
    }
}

fn allowed(allowance: &Allowance) -> (String, bool) {
    let verbs = if allowance.is_of_all() {
        ("every verb".to_owned(), false)
    } else {
        let verbs = allowance.verbs.iter();
        few(allowance.verbs.len(), verbs.map(plain_text))
    };
    let objects = &allowance.objects;
    let mut is_cut = verbs.1;
    let (objects, cut) = few(
        objects.len(),
        objects.iter().map(|object| {
            let shown = plain_text(object.to_string());
            match object {
                Object::Resource { names, .. } if !names.is_empty() => {
                    let (names, cut) = few(names.len(), names.iter().map(plain_text));
                    is_cut |= cut;
                    format!("{shown} (only {names})")
                }
                _ => shown,
            }
        }),
    );
    (format!("{}: {objects}", verbs.0), is_cut | cut)
}

fn subjects(subjects: &[&Subject]) -> String {
    let one = |subject: &&Subject| match subject {
        Subject::User(name) => format!("user {}", one_line(name)),
        Subject::Group(name) => format!("group {}", one_line(name)),
        Subject::ServiceAccount { namespace, name } => {
            format!("service account {}/{}", one_line(namespace), one_line(name))
        }
    };
    let subjects: Vec<_> = subjects.iter().map(one).collect();
    subjects.join(", ")
}

/// Returns the first names with the number of the others, and whether there are others.
fn few(count: usize, names: impl Iterator<Item = String>) -> (String, bool) {
    let shown: Vec<_> = names.take(NAMES).collect();
    let mut text = shown.join(", ");
    let left = count.saturating_sub(NAMES);
    if left > 0 {
        let _ = write!(text, " and {left} more");
    }
    (text, left > 0)
}

fn plain_text(text: impl AsRef<str>) -> String {
    one_line(text.as_ref()).into_owned()
}

fn line(text: &mut String, content: &str) {
    let _ = writeln!(text, "  {content}");
}
