//! Any YAML: trees written with every construct, and tokens in no order at all.

use awsauth::document::SectionName;
use fastrand::Rng;

use super::{Draw, scalars};

const ANCHORS: [&str; 8] = ["a", "a", "b", "c", "x-1", "_", "A9", "é"];

struct Writer<'r> {
    rng: &'r mut Rng,
    text: String,
    /// Nodes still to be written: keeps trees small.
    budget: usize,
    /// One in so many places is laid out in a way that may not be YAML; 0 for none.
    chaos: u32,
}

/// A section as a tree of nodes, most of its entries of the right shape.
pub(super) fn section(rng: &mut Rng, name: SectionName) -> String {
    let chaos = rng.pick(&[0, 0, 60, 20, 8]);
    let budget = 4 + rng.usize(..30);
    let mut writer = Writer {
        rng,
        text: String::new(),
        budget,
        chaos,
    };
    writer.prologue();
    match writer.rng.weighted(&[10, 3, 2]) {
        0 => writer.entries(name),
        1 => writer.node(0, 0, false),
        _ => {
            writer.node(0, 0, false);
            writer.text.push_str("\n");
            writer.entries(name);
        }
    }
    if !writer.rng.one_in(4) {
        writer.text.push('\n');
    }
    if writer.rng.one_in(12) {
        let end = writer.rng.pick(&[
            "---\n",
            "...\n",
            "--- [\n",
            "...\n%TAG ! x\n--- *a\n",
            "# end",
            "--- a\n...\n",
            "...x",
            "---x",
        ]);
        writer.text.push_str(end);
    }
    writer.text
}

impl Writer<'_> {
    fn strange(&mut self) -> bool {
        self.chaos > 0 && self.rng.one_in(self.chaos)
    }

    fn push(&mut self, from: &[&str]) {
        self.text.push_str(self.rng.pick(from));
    }

    fn prologue(&mut self) {
        if self.rng.one_in(8) {
            self.push(&[
                "---\n",
                "--- ",
                "%YAML 1.1\n---\n",
                "%TAG !t! tag:yaml.org,2002:\n---\n",
                "%TAG ! tag:yaml.org,2002:\n--- ",
                "%TAG !! !\n---\n",
                "%YAML 1.2\n---\n",
                "%YAML 1.1\n%YAML 1.1\n---\n",
                "%FOO bar\n---\n",
                "%TAG !t! x\n%TAG !t! y\n---\n",
                "%YAML 1.1 # c\n---\n",
                "%YAML\n",
                "%TAG !t !x\n---\n",
                "%YAML 1.1\n",
                "# c\n",
                "\u{feff}# c\n",
                "\u{feff}--- ",
                "...\n",
                "---\n...\n",
                "%TAG !e! %c3%a9\n---\n",
                "% \n---\n",
                "%YAML 001.1\n---\n",
                "%TAG !t! \n---\n",
                "%TAG !t! !t-\n--- !t!x\n",
            ]);
        }
    }

    fn entries(&mut self, name: SectionName) {
        let column = self.rng.pick(&[0, 0, 0, 2]);
        for _ in 0..1 + self.rng.usize(..4) {
            self.text.push_str(&" ".repeat(column));
            self.text.push('-');
            let gap = self.rng.pick(&[1, 1, 1, 3]);
            if name == SectionName::Accounts && !self.rng.one_in(4) {
                self.text.push(' ');
                self.node(column + 2, 2, false);
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
            self.pairs(inner, true, name);
        }
    }

    fn end_line(&mut self) {
        if self.rng.one_in(12) {
            self.push(&[" # c", "#", " ", "\t", "\r", " \t# c"]);
        }
        self.text.push('\n');
        if self.rng.one_in(20) {
            self.push(&["\n", "# c\n", "  # c\n", " \n", "\t\n", "\r\n"]);
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

    /// Pairs of a block mapping, the first on the current line.
    fn pairs(&mut self, column: usize, is_entry: bool, name: SectionName) {
        let count = 1 + self.rng.usize(..4);
        for at in 0..count {
            if at > 0 {
                self.indent(column);
            }
            if self.rng.one_in(14) {
                self.push(&[
                    "<<: *a",
                    "<<: [*a, *b]",
                    "<<: {username: m, rolearn: m, groups: [m]}",
                    "!!merge <<: *b",
                    "'<<': *a",
                    "<<: *c",
                    "<<: [{rolearn: q}, *a]",
                    "<<:\n  - *a",
                    "<<: m",
                    "! <<: *a",
                    "<<: [*a, x]",
                    "<<: []",
                ]);
                self.end_line();
                continue;
            }
            self.key(column, is_entry, name);
            if self.rng.one_in(25) {
                self.end_line();
                continue;
            }
            self.text.push(' ');
            self.node(column, 2, false);
            self.end_line();
        }
    }

    fn key(&mut self, column: usize, is_entry: bool, name: SectionName) {
        let explicit = self.rng.one_in(16);
        if explicit {
            self.push(&["? ", "? ", "?\n", "?"]);
        }
        if self.rng.one_in(12) {
            self.properties();
        }
        if is_entry && !self.rng.one_in(6) {
            let arn = if name == SectionName::Users {
                "userarn"
            } else {
                "rolearn"
            };
            let key = self.rng.pick(&[
                arn, arn, "username", "username", "groups", "groups", "sso", "Groups", "USERNAME",
                "userid",
            ]);
            self.text.push_str(key);
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
                1 => self.push(&[
                    "1",
                    "~",
                    "true",
                    ".nan",
                    "18446744073709551615",
                    "1.5",
                    "",
                    "'q'",
                    "\"d\"",
                    "2001-01-01",
                    "0x10",
                    "[]",
                    "{}",
                    "[a]",
                    "{a: b}",
                    "<<",
                    "!!str 1",
                    "!!binary YQ==",
                    "'1'",
                ]),
                2 => self.push(&["*a", "*a ", "*b", "&a a", "&b "]),
                _ => {
                    let in_flow = self.rng.bool();
                    self.node(column, 3, in_flow);
                }
            }
        }
        if explicit {
            if self.rng.bool() {
                self.end_line();
                self.indent(column);
            }
            self.push(&[":", ":", " :", "", "\n"]);
        } else if self.strange() {
            self.push(&["", " :", "::", ":\t", "=", " "]);
        } else {
            self.text.push(':');
        }
    }

    fn properties(&mut self) {
        for _ in 0..1 + self.rng.usize(..2) {
            if self.rng.bool() {
                self.text.push('&');
                self.push(&ANCHORS);
                self.push(&[" ", " ", " ", "\t", "", ":"]);
            } else {
                self.push(&[
                    "!!str ",
                    "!!map ",
                    "!!seq ",
                    "! ",
                    "!x ",
                    "!!null ",
                    "!!int ",
                    "!!binary ",
                    "!!float ",
                    "!!str,",
                    "!!bool ",
                    "!<tag:yaml.org,2002:str> ",
                    "!t!str ",
                    "!",
                ]);
            }
        }
    }

    /// A node behind an indicator. `column` is that of the collection it stands in.
    fn node(&mut self, column: usize, depth: usize, in_flow: bool) {
        self.budget = self.budget.saturating_sub(1);
        if self.rng.one_in(10) {
            self.properties();
        }
        if self.rng.one_in(14) {
            self.text.push('*');
            self.push(&ANCHORS);
            return;
        }
        let is_leaf = self.budget == 0 || depth > 8;
        match self.rng.weighted(&[
            8,
            4,
            2,
            2,
            if is_leaf || in_flow { 0 } else { 3 },
            if is_leaf || in_flow { 0 } else { 4 },
        ]) {
            0 => self.push(&[
                "a",
                "dev",
                "'x'",
                "\"y\"",
                "arn:aws:iam::111122223333:role/Dev",
                "a b",
                "'111122223333'",
                "Admin",
            ]),
            1 => {
                let scalar = scalars::written(self.rng, column, in_flow);
                self.text.push_str(&scalar);
            }
            2 if !is_leaf => self.flow_list(column, depth),
            3 if !is_leaf => self.flow_map(column, depth),
            4 => {
                self.end_line();
                let column = column + self.rng.pick(&[0, 2, 2, 1]);
                for _ in 0..1 + self.rng.usize(..3) {
                    self.indent(column);
                    self.push(&["- ", "- ", "- ", "-", "-   ", "- - "]);
                    self.node(column + 2, depth + 1, false);
                    self.end_line();
                }
                self.text.pop();
            }
            5 => {
                self.end_line();
                let column = column + self.rng.pick(&[2, 2, 1, 4, 0]);
                self.indent(column);
                self.pairs(column, false, SectionName::Roles);
                self.text.pop();
            }
            _ => {}
        }
    }

    fn flow_list(&mut self, column: usize, depth: usize) {
        self.text.push('[');
        for at in 0..self.rng.usize(..4) {
            if at > 0 {
                self.separator(column);
            }
            if self.rng.one_in(10) {
                self.push(&[
                    "a: b",
                    "? a: b",
                    "? a",
                    "a:",
                    "? ",
                    ": b",
                    "{a: b}: c",
                    "[a]: b",
                    "\"a\":b",
                    "'a' : b",
                    "a: [b]: c",
                    "*a : b",
                    "&a a: *a",
                    "?",
                    "-",
                    "- a",
                ]);
                continue;
            }
            self.node(column, depth + 1, true);
        }
        self.push(&[
            "]", "]", "]", "]", "]", "]", "]", "]", "]", ",]", " ]", ",,]", "\n]", "}", "", "]]",
        ]);
    }

    fn flow_map(&mut self, column: usize, depth: usize) {
        self.text.push('{');
        for at in 0..self.rng.usize(..4) {
            if at > 0 {
                self.separator(column);
            }
            if self.rng.one_in(10) {
                self.push(&[
                    "a",
                    "? a",
                    "? a: b",
                    "?",
                    ": b",
                    "? [a]: b",
                    "[a]: b",
                    "{}: b",
                    "\"a\":b",
                    "a:b",
                    "*a : b",
                    "<<: *a",
                    "<<: {rolearn: f}",
                    "? : b",
                    "a: , b: c",
                ]);
                continue;
            }
            self.key(column, true, SectionName::Roles);
            self.text.push(' ');
            self.node(column, depth + 1, true);
        }
        self.push(&[
            "}", "}", "}", "}", "}", "}", "}", "}", "}", ",}", " }", ",,}", "\n}", "]", "", "}}",
        ]);
    }

    fn separator(&mut self, column: usize) {
        self.push(&[", ", ", ", ",", " , ", ",\n", ", # c\n", ",\n\t", ""]);
        if self.text.ends_with('\n') {
            self.indent(column);
        }
    }
}

const TOKENS: [&str; 88] = [
    "- ",
    "- ",
    "-",
    "-\t",
    "? ",
    "?",
    ": ",
    ": ",
    ":",
    ":\t",
    "[",
    "]",
    "[]",
    "{",
    "}",
    "{}",
    ",",
    ", ",
    "&a ",
    "&a",
    "*a",
    "*a ",
    "*b ",
    "!",
    "! ",
    "!!str ",
    "!!int ",
    "!!map ",
    "!x ",
    "!<y> ",
    "|",
    "|-",
    "|+",
    "|1",
    ">",
    ">-",
    ">2+",
    "'",
    "''",
    "'a'",
    "\"",
    "\"\"",
    "\"a\"",
    "\\",
    "\\\n",
    "#",
    " #",
    " # c\n",
    "\n",
    "\n",
    "\n",
    "\n",
    "\n ",
    "\n  ",
    "\n  ",
    "\n    ",
    "\n\t",
    "\r",
    "\r\n",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{a0}",
    "\t",
    " ",
    "  ",
    "---",
    "\n---",
    "--- ",
    "...",
    "\n...\n",
    "%YAML 1.1\n",
    "%TAG !t! x\n",
    "%",
    "@",
    "`",
    "a",
    "b",
    "a b",
    "a:",
    "rolearn: x",
    "username: y\n",
    "groups:\n",
    "~",
    "<<: ",
    "1",
    "é",
    "\u{1f600}",
];

/// Tokens in a row.
pub(super) fn soup(rng: &mut Rng) -> String {
    let mut text = String::new();
    if rng.one_in(4) {
        text.push_str("- rolearn: x\n");
    }
    for _ in 0..1 + rng.usize(..18) {
        text.push_str(rng.pick(&TOKENS));
    }
    text
}
