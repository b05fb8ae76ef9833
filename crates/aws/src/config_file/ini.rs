//! The INI format of Python's `RawConfigParser`, with botocore's nested options.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::zeroize::Zeroizing;

/// A file of sections in the format of Python's `RawConfigParser` and botocore: option names in lower case, values of
/// several lines, and nested options in a value that begins on the next line.
/// <https://docs.python.org/3/library/configparser.html>
#[derive(Clone, Debug, Default)]
pub struct Ini {
    /// In the order of the file.
    pub sections: Vec<(String, Section)>,
}

/// A section. `Debug` shows no values, because some are secret.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Section {
    /// The line of its header, counted from 1.
    pub line: usize,
    options: BTreeMap<String, Value>,
}

/// The value of an option; wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// With line breaks, if it has several lines.
    Text(Zeroizing<String>),
    /// Nested options, such as those of `s3`.
    Nested(BTreeMap<String, Zeroizing<String>>),
}

/// Why a file cannot be parsed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IniError {
    pub(super) line: usize,
    pub(super) problem: String,
}

impl Section {
    /// Returns the text of an option; `None` if it has nested options.
    pub fn text(&self, option: &str) -> Option<&str> {
        match self.options.get(option)? {
            Value::Text(text) => Some(text),
            Value::Nested(_) => None,
        }
    }

    /// Returns a nested option.
    pub(crate) fn nested(&self, option: &str, inner: &str) -> Option<&str> {
        match self.options.get(option)? {
            Value::Nested(options) => options.get(inner).map(|value| value.as_str()),
            Value::Text(_) => None,
        }
    }

    /// Whether the section has this option.
    pub fn has(&self, option: &str) -> bool {
        self.options.contains_key(option)
    }

    /// Returns the options by name.
    pub fn options(&self) -> &BTreeMap<String, Value> {
        &self.options
    }

    /// Adds the options of another section, which have precedence.
    pub(super) fn update(&mut self, other: &Self) {
        let options = other.options.iter();
        self.options
            .extend(options.map(|(name, value)| (name.clone(), value.clone())));
    }
}

impl fmt::Debug for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.options.keys()).finish()
    }
}

/// The section whose options are the defaults of all others.
const DEFAULTS: &str = "DEFAULT";

/// The parser's position.
struct Reader {
    sections: Vec<(String, Draft)>,
    defaults: Draft,
    /// An index into `sections`, or `None` for the defaults.
    section: Option<Option<usize>>,
    option: Option<String>,
    indent: usize,
}

#[derive(Default)]
struct Draft {
    line: usize,
    options: BTreeMap<String, (usize, Zeroizing<String>)>,
}

pub(super) fn read(text: &str) -> Result<Ini, IniError> {
    let mut reader = Reader {
        sections: Vec::new(),
        defaults: Draft::default(),
        section: None,
        option: None,
        indent: 0,
    };
    // Python accepts all three line endings.
    let text = Zeroizing::new(text.replace("\r\n", "\n").replace('\r', "\n"));
    for (index, line) in text.split('\n').enumerate() {
        reader.line(index + 1, line)?;
    }
    reader.finish()
}

impl Reader {
    fn line(&mut self, number: usize, line: &str) -> Result<(), IniError> {
        let value = line.trim();
        if value.starts_with(['#', ';']) {
            return Ok(());
        }
        if value.is_empty() {
            self.append("");
            return Ok(());
        }
        let indent = line
            .chars()
            .take_while(|character| character.is_whitespace())
            .count();
        if self.section.is_some() && self.option.is_some() && indent > self.indent {
            self.append(value);
            return Ok(());
        }
        self.indent = indent;
        let problem = |problem: &str| IniError {
            line: number,
            problem: problem.to_owned(),
        };
        if let Some(name) = header(value) {
            return self.begin(number, name);
        }
        if self.section.is_none() {
            return Err(problem("is before the first [section]"));
        }
        match value.split_once(['=', ':']) {
            Some((name, value)) if !name.trim().is_empty() => {
                self.set(number, name.trim(), value.trim())
            }
            _ => Err(problem("is neither a [section] nor an option = value")),
        }
    }

    fn begin(&mut self, line: usize, name: &str) -> Result<(), IniError> {
        self.option = None;
        if name == DEFAULTS {
            self.section = Some(None);
            return Ok(());
        }
        if let Some((_, first)) = self.sections.iter().find(|(other, _)| other == name) {
            let problem = format!("repeats the section [{name}] of line {}", first.line);
            return Err(IniError { line, problem });
        }
        self.section = Some(Some(self.sections.len()));
        let draft = Draft {
            line,
            ..Draft::default()
        };
        self.sections.push((name.to_owned(), draft));
        Ok(())
    }

    fn set(&mut self, line: usize, name: &str, value: &str) -> Result<(), IniError> {
        let name = name.to_lowercase();
        let options = &mut self.draft().options;
        if let Some((first, _)) = options.get(&name) {
            let problem = format!("repeats the option {name} of line {first}");
            return Err(IniError { line, problem });
        }
        options.insert(name.clone(), (line, Zeroizing::new(value.to_owned())));
        self.option = Some(name);
        Ok(())
    }

    /// Appends a line to the option's value.
    fn append(&mut self, line: &str) {
        let Some(option) = self.option.take() else {
            return;
        };
        if let Some((_, value)) = self.draft().options.get_mut(&option) {
            value.push('\n');
            value.push_str(line);
        }
        self.option = Some(option);
    }

    fn draft(&mut self) -> &mut Draft {
        match self.section {
            Some(Some(index)) => &mut self.sections[index].1,
            _ => &mut self.defaults,
        }
    }

    fn finish(self) -> Result<Ini, IniError> {
        let defaults = values(&self.defaults)?;
        let sections = self.sections.into_iter().map(|(name, draft)| {
            let mut options = defaults.clone();
            options.extend(values(&draft)?);
            let line = draft.line;
            Ok((name, Section { line, options }))
        });
        let sections = sections.collect::<Result<_, IniError>>()?;
        Ok(Ini { sections })
    }
}

/// Returns the name between the first and the last bracket. As in Python, text after that is ignored.
fn header(line: &str) -> Option<&str> {
    let name = &line.strip_prefix('[')?;
    let name = &name[..name.rfind(']')?];
    (!name.is_empty()).then_some(name)
}

fn values(draft: &Draft) -> Result<BTreeMap<String, Value>, IniError> {
    let options = draft.options.iter();
    options
        .map(|(name, (line, text))| Ok((name.clone(), value(name, *line, text)?)))
        .collect()
}

fn value(name: &str, line: usize, text: &str) -> Result<Value, IniError> {
    let text = text.trim_end();
    if !text.starts_with('\n') {
        return Ok(Value::Text(Zeroizing::new(text.to_owned())));
    }
    let mut options = BTreeMap::new();
    let lines = text.split('\n').map(str::trim);
    for inner in lines.filter(|inner| !inner.is_empty()) {
        let (key, value) = inner.split_once('=').ok_or_else(|| IniError {
            line,
            problem: format!(
                "begins {name} on the next line, and one of the lines is not option = value"
            ),
        })?;
        let value = Zeroizing::new(value.trim().to_owned());
        options.insert(key.trim().to_owned(), value);
    }
    Ok(Value::Nested(options))
}
