//! YAML trees with every construct.

use awsauth_core::document::SectionName;
use fastrand::Rng;

use super::{Draw, scalars, yaml_fragments};

const ANCHORS: [&str; 8] = ["a", "a", "b", "b", "c", "c", "x-1", "A9"];

struct Writer<'r> {
    rng: &'r mut Rng,
    text: String,
    /// The number of nodes that may still be written. Keeps trees small.
    budget: usize,
    /// One in this many places may be invalid YAML; 0 for none.
    chaos: u32,
}

/// The kind of node that is expected in a place. Mostly it is generated.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Any,
    Text,
    Texts,
    Sso,
}

/// A section as a tree of nodes. Most entries have the right shape.
pub(super) fn section(rng: &mut Rng, name: SectionName) -> String {
    let chaos = rng.pick(&[0, 0, 0, 60, 20, 8]);
    let budget = 4 + rng.usize(..30);
    let mut writer = Writer {
        rng,
        text: String::new(),
        budget,
        chaos,
    };
    writer.prologue();
    if writer.rng.one_in(8) {
        writer.node(0, 0, false, Wanted::Any);
    } else {
        writer.entries(name);
    }
    if !writer.rng.one_in(4) {
        writer.text.push('\n');
    }
    if writer.rng.one_in(12) {
        writer.push(&yaml_fragments::AFTER_DOCUMENT);
    }
    writer.text
}

impl Writer<'_> {
    fn strange(&mut self) -> bool {
        self.chaos > 0 && self.rng.one_in(self.chaos)
    }

    /// Chooses one of these, preferably without a reference to a missing anchor.
    fn push(&mut self, from: &[&str]) {
        let mut text = self.rng.pick(from);
        for _ in 0..6 {
            if self.knows_anchors_of(text) {
                break;
            }
            text = self.rng.pick(from);
        }
        self.text.push_str(text);
    }

    fn knows_anchors_of(&self, text: &str) -> bool {
        let mut names = text.split('*').skip(1);
        names.all(|rest| rest.starts_with(|name| self.text.contains(&format!("&{name}"))))
    }

    /// Mostly chooses a valid one.
    fn push_or(&mut self, sound: &[&str], strange: &[&str]) {
        let from = if self.strange() { strange } else { sound };
        self.push(from);
    }

    fn prologue(&mut self) {
        if !self.rng.one_in(6) {
            return;
        }
        self.push_or(
            &yaml_fragments::SOUND_PROLOGUES,
            &yaml_fragments::STRANGE_PROLOGUES,
        );
    }

    fn entries(&mut self, name: SectionName) {
        let column = self.rng.pick(&[0, 0, 0, 2]);
        if self.rng.bool() {
            self.anchored_entries(name, column);
        }
        for _ in 0..1 + self.rng.usize(..4) {
            self.text.push_str(&" ".repeat(column));
            self.text.push('-');
            let gap = self.rng.pick(&[1, 1, 1, 3]);
            if name == SectionName::Accounts && !self.rng.one_in(8) {
                self.text.push(' ');
                self.node(column + 2, 2, false, Wanted::Text);
                self.end_line();
                continue;
            }
            if self.rng.one_in(14) {
                self.push(&yaml_fragments::ENTRIES_OF_ALIASES);
                self.end_line();
                continue;
            }
            self.text.push_str(&" ".repeat(gap));
            let inner = column + 1 + gap;
            if self.rng.one_in(6) {
                self.properties();
                self.text.push('\n');
                self.text.push_str(&" ".repeat(inner));
            }
            self.pairs(inner, Some(name));
        }
    }

    /// Defines an anchor for later aliases.
    fn anchored_entries(&mut self, name: SectionName, column: usize) {
        let dash = format!("{}- ", " ".repeat(column));
        let arn = arn_field(name);
        let map = self.rng.pick(&yaml_fragments::ANCHORED_FIELDS);
        let second = self.rng.pick(&yaml_fragments::ANCHORED_NODES);
        self.text.push_str(&match self.rng.u32(..4) {
            0 => format!("{dash}&a {{{arn}: r, {map}}}\n{dash}&b {second}\n"),
            1 => format!(
                "{dash}&a\n{}{arn}: r\n{}username: &c u\n{dash}&b {second}\n",
                " ".repeat(column + 2),
                " ".repeat(column + 2)
            ),
            2 => format!(
                "{dash}{arn}: &a r\n{}groups: &b [g, &c h]\n",
                " ".repeat(column + 2)
            ),
            _ => format!("{dash}&a {second}\n{dash}&b {second}\n{dash}&c {second}\n")
                .replace("&c [q", "[q")
                .replace("&c x", "x"),
        });
    }

    fn end_line(&mut self) {
        if self.rng.one_in(12) {
            self.push_or(&[" # c", " ", "\t", " \t# c"], &["#", "\r", " x"]);
        }
        self.text.push('\n');
        if self.rng.one_in(20) {
            self.push_or(
                &["\n", "# c\n", "  # c\n", " \n", "\r\n"],
                &["\t\n", "\t# c\n", "\r"],
            );
        }
    }

    fn indent(&mut self, column: usize) {
        let column = if self.strange() {
            (column + self.rng.usize(..3)).saturating_sub(1)
        } else {
            column
        };
        self.text.push_str(&" ".repeat(column));
        if self.strange() {
            self.text.push('\t');
        }
    }

    /// Writes the pairs of a block mapping, the first on the current line. With `of`, those of an entry.
    fn pairs(&mut self, column: usize, of: Option<SectionName>) {
        for at in 0..1 + self.rng.usize(..5) {
            if at > 0 {
                self.indent(column);
            }
            if self.rng.one_in(14) {
                self.push_or(
                    &yaml_fragments::MERGES,
                    &["<<: m", "<<: [*a, x]", "<<:", "<<: [[]]", "<<"],
                );
                self.end_line();
                continue;
            }
            let wanted = self.key(column, of, false);
            if self.rng.one_in(25) {
                self.end_line();
                continue;
            }
            self.text.push(' ');
            self.node(column, 2, false, wanted);
            self.end_line();
        }
    }

    /// Writes a key and its colon. Returns the expected kind of value.
    fn key(&mut self, column: usize, of: Option<SectionName>, in_flow: bool) -> Wanted {
        let explicit = self.rng.one_in(16);
        if explicit {
            self.push_or(&["? ", "?  ", "? "], &["?\n", "?", "?\t"]);
        }
        if self.rng.one_in(14) {
            self.properties();
        }
        let mut wanted = Wanted::Any;
        if let Some(name) = of.filter(|_| !self.rng.one_in(9)) {
            let arn = arn_field(name);
            let (key, value) = self.rng.pick(&[
                (arn, Wanted::Text),
                (arn, Wanted::Text),
                (arn, Wanted::Text),
                ("username", Wanted::Text),
                ("username", Wanted::Text),
                ("groups", Wanted::Texts),
                ("groups", Wanted::Texts),
                ("Groups", Wanted::Texts),
                ("GROUPS", Wanted::Texts),
                ("USERNAME", Wanted::Text),
                ("userid", Wanted::Text),
                ("sso", Wanted::Sso),
                ("group\u{17f}", Wanted::Texts),
                ("u\u{17f}ername", Wanted::Text),
            ]);
            self.text.push_str(key);
            wanted = value;
        } else {
            match self.rng.weighted(&[6, 2, 1, 1]) {
                0 => self.push(&[
                    "a",
                    "b",
                    "k: v",
                    "accountID",
                    "permissionSetName",
                    "partition",
                    "x y",
                ]),
                1 => self.push_or(
                    &yaml_fragments::SCALAR_KEYS,
                    &["~", "18446744073709551615", "", "[]", "{}", "[a]", "{a: b}"],
                ),
                2 => self.push(&["*a ", "*b ", "&a a", "&b b"]),
                _ => {
                    let in_flow = in_flow || self.rng.bool();
                    self.node(column, 4, in_flow, Wanted::Text);
                }
            }
        }
        if explicit {
            if !in_flow {
                self.end_line();
                self.indent(column);
            }
            self.push_or(&[":", ": "], &[" :", "", "\n"]);
        } else {
            self.push_or(
                &[":", ":", ":", ":", " :"],
                &["", "::", ":\t", "=", " ", ":\n"],
            );
        }
        wanted
    }

    fn properties(&mut self) {
        for at in 0..1 + self.rng.usize(..2) {
            if self.rng.bool() == (at == 0) {
                self.text.push('&');
                self.push(&ANCHORS);
                self.push_or(&[" ", "  ", "\t"], &["", ":", ","]);
            } else {
                self.push_or(
                    &["!!str ", "! ", "!x ", "!!str ", "!<tag:yaml.org,2002:str> "],
                    &yaml_fragments::TYPE_TAGS,
                );
            }
        }
    }

    /// Writes a node after an indicator. `column` is that of its collection.
    fn node(&mut self, column: usize, depth: usize, in_flow: bool, wanted: Wanted) {
        self.budget = self.budget.saturating_sub(1);
        if self.rng.one_in(14) {
            self.push(&["*a", "*b", "*c", "*x-1", "*A9", "x"]);
            return;
        }
        if self.rng.one_in(14) {
            self.properties();
        }
        let is_leaf = self.budget == 0 || depth > 8;
        let in_block = u32::from(!(is_leaf || in_flow));
        let weights = if self.rng.one_in(8) || wanted == Wanted::Any {
            [8, 4, 2, 2, 3 * in_block, 3 * in_block]
        } else {
            match wanted {
                Wanted::Texts => [0, 0, 2, 0, 4 * in_block, 0],
                Wanted::Sso => [0, 0, 0, 2, 0, 4 * in_block],
                _ => [8, 2, 0, 0, 0, 0],
            }
        };
        let inner = if wanted == Wanted::Texts {
            Wanted::Text
        } else {
            Wanted::Any
        };
        match self.rng.weighted(&weights) {
            0 => self.push(&yaml_fragments::SCALARS),
            1 if self.strange() || wanted == Wanted::Any => {
                let scalar = scalars::written(self.rng, column, in_flow);
                self.text.push_str(&scalar);
            }
            1 => {
                let text = scalars::wild_text(self.rng);
                let scalar = scalars::spell(self.rng, &text, column, in_flow);
                self.text.push_str(&scalar);
            }
            2 => self.flow_list(column, depth, inner),
            3 => self.flow_map(column, depth),
            4 => {
                self.end_line();
                let column = column + self.rng.pick(&[0, 2, 2, 1]);
                for _ in 0..1 + self.rng.usize(..3) {
                    self.indent(column);
                    self.push_or(&["- ", "- ", "- ", "-   "], &["-", "- - ", "-\t"]);
                    self.node(column + 2, depth + 1, false, inner);
                    self.end_line();
                }
                self.text.pop();
            }
            _ => {
                self.end_line();
                let column = column + self.rng.pick(&[2, 2, 1, 4]);
                self.indent(column);
                if wanted == Wanted::Sso {
                    self.push(&[
                        "accountID: '111122223333'\n",
                        "accountId: '111122223333'\n",
                        "accountID: 1\n",
                    ]);
                    self.indent(column);
                    self.push(&[
                        "permissionSetName: A\n",
                        "permissionsetname: b\n",
                        "permissionSetName: ~\n",
                    ]);
                    self.indent(column);
                }
                self.pairs(column, None);
                self.text.pop();
            }
        }
    }

    fn flow_list(&mut self, column: usize, depth: usize, inner: Wanted) {
        self.text.push('[');
        for at in 0..self.rng.usize(..4) {
            if at > 0 {
                self.separator(column);
            }
            if self.rng.one_in(12) {
                self.push_or(
                    &yaml_fragments::FLOW_PAIRS,
                    &["?", "-", "- a", "? ", "&a a: *a", ":"],
                );
                continue;
            }
            self.node(column, depth + 1, true, inner);
        }
        self.push_or(
            &["]", "]", "]", ",]", " ]", "\n ]"],
            &[",,]", "}", "", "]]", "\n]"],
        );
    }

    fn flow_map(&mut self, column: usize, depth: usize) {
        self.text.push('{');
        for at in 0..self.rng.usize(..4) {
            if at > 0 {
                self.separator(column);
            }
            if self.rng.one_in(12) {
                self.push_or(
                    &yaml_fragments::FLOW_MAP_PAIRS,
                    &["?", "? [a]: b", "[a]: b", "{}: b", "a: , b: c", ":"],
                );
                continue;
            }
            let wanted = self.key(column, Some(SectionName::Roles), true);
            self.text.push(' ');
            self.node(column, depth + 1, true, wanted);
        }
        self.push_or(
            &["}", "}", "}", ",}", " }", "\n }"],
            &[",,}", "]", "", "}}", "\n}"],
        );
    }

    fn separator(&mut self, column: usize) {
        self.push_or(
            &[", ", ", ", ",", " , ", ",\n ", ", # c\n ", ",\n\t"],
            &["", ",,", "\n"],
        );
        if self.text.ends_with('\n') {
            self.indent(column);
        }
    }
}

fn arn_field(name: SectionName) -> &'static str {
    if name == SectionName::Users {
        "userarn"
    } else {
        "rolearn"
    }
}
