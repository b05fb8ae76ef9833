//! Syntax errors of Go's JSON decoder, with which the authenticator reads JSON:
//! <https://github.com/golang/go/blob/go1.26.0/src/encoding/json/scanner.go>.

/// The maximum depth of nested brackets that Go reads.
pub const MAX_DEPTH: usize = 10_000;

/// Returns Go's message for a bracket that exceeds the maximum depth.
pub fn too_deep(bracket: u8) -> String {
    format!("invalid character {} exceeded max depth", quote(bracket))
}

/// Returns Go's syntax error and its byte offset; `None` for valid JSON.
pub fn syntax_error(text: &str) -> Option<(usize, String)> {
    let mut scanner = Scanner {
        step: Step::Value,
        nesting: Vec::new(),
    };
    for (at, byte) in text.bytes().enumerate() {
        if let Err(message) = scanner.feed(byte) {
            return Some((at, message));
        }
    }
    if scanner.step == Step::Top {
        return None;
    }
    // At the end Go feeds one space, to end a number.
    let message = match scanner.feed(b' ') {
        Ok(()) if scanner.step == Step::Top => return None,
        Ok(()) => "unexpected end of JSON input".to_owned(),
        Err(message) => message,
    };
    Some((text.len(), message))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Nesting {
    Key,
    Value,
    Array,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Value,
    ValueOrEndOfArray,
    Key,
    KeyOrEndOfObject,
    AfterValue,
    Top,
    Text,
    Escape,
    /// The number of hexadecimal digits that must follow.
    Hex(u8),
    Literal {
        word: &'static str,
        at: usize,
    },
    Minus,
    Zero,
    Digits,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
}

struct Scanner {
    step: Step,
    nesting: Vec<Nesting>,
}

impl Scanner {
    fn feed(&mut self, byte: u8) -> Result<(), String> {
        let is_space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        match self.step {
            Step::Value
            | Step::ValueOrEndOfArray
            | Step::Key
            | Step::KeyOrEndOfObject
            | Step::Top
            | Step::AfterValue
                if is_space => {}
            Step::ValueOrEndOfArray if byte == b']' => self.end_value(byte)?,
            Step::Value | Step::ValueOrEndOfArray => self.begin_value(byte)?,
            Step::KeyOrEndOfObject if byte == b'}' => {
                self.set_nesting(Nesting::Value);
                self.end_value(byte)?;
            }
            Step::Key | Step::KeyOrEndOfObject => match byte {
                b'"' => self.step = Step::Text,
                _ => return invalid(byte, "looking for beginning of object key string"),
            },
            Step::AfterValue => self.end_value(byte)?,
            Step::Top => return invalid(byte, "after top-level value"),
            Step::Text => match byte {
                b'"' => self.end(),
                b'\\' => self.step = Step::Escape,
                0..0x20 => return invalid(byte, "in string literal"),
                _ => {}
            },
            Step::Escape => match byte {
                b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => self.step = Step::Text,
                b'u' => self.step = Step::Hex(4),
                _ => return invalid(byte, "in string escape code"),
            },
            Step::Hex(left) if byte.is_ascii_hexdigit() => {
                self.step = if left == 1 {
                    Step::Text
                } else {
                    Step::Hex(left - 1)
                };
            }
            Step::Hex(_) => return invalid(byte, "in \\u hexadecimal character escape"),
            Step::Literal { word, at } => self.literal(word, at, byte)?,
            Step::Minus => match byte {
                b'0' => self.step = Step::Zero,
                b'1'..=b'9' => self.step = Step::Digits,
                _ => return invalid(byte, "in numeric literal"),
            },
            Step::Digits if byte.is_ascii_digit() => {}
            Step::Digits | Step::Zero if byte == b'.' => self.step = Step::Point,
            Step::Digits | Step::Zero | Step::Fraction if matches!(byte, b'e' | b'E') => {
                self.step = Step::Exponent
            }
            Step::Point if byte.is_ascii_digit() => self.step = Step::Fraction,
            Step::Point => return invalid(byte, "after decimal point in numeric literal"),
            Step::Fraction if byte.is_ascii_digit() => {}
            Step::Exponent if matches!(byte, b'+' | b'-') => self.step = Step::ExponentSign,
            Step::Exponent | Step::ExponentSign if byte.is_ascii_digit() => {
                self.step = Step::ExponentDigits
            }
            Step::Exponent | Step::ExponentSign => {
                return invalid(byte, "in exponent of numeric literal");
            }
            Step::ExponentDigits if byte.is_ascii_digit() => {}
            Step::Digits | Step::Zero | Step::Fraction | Step::ExponentDigits => {
                self.end();
                self.feed(byte)?;
            }
        }
        Ok(())
    }

    fn begin_value(&mut self, byte: u8) -> Result<(), String> {
        self.step = match byte {
            b'{' => self.open(byte, Nesting::Key, Step::KeyOrEndOfObject)?,
            b'[' => self.open(byte, Nesting::Array, Step::ValueOrEndOfArray)?,
            b'"' => Step::Text,
            b'-' => Step::Minus,
            b'0' => Step::Zero,
            b'1'..=b'9' => Step::Digits,
            b't' => Step::Literal {
                word: "true",
                at: 1,
            },
            b'f' => Step::Literal {
                word: "false",
                at: 1,
            },
            b'n' => Step::Literal {
                word: "null",
                at: 1,
            },
            _ => return invalid(byte, "looking for beginning of value"),
        };
        Ok(())
    }

    fn open(&mut self, byte: u8, nesting: Nesting, step: Step) -> Result<Step, String> {
        self.nesting.push(nesting);
        if self.nesting.len() > MAX_DEPTH {
            return Err(too_deep(byte));
        }
        Ok(step)
    }

    fn literal(&mut self, word: &'static str, at: usize, byte: u8) -> Result<(), String> {
        let expected = word.as_bytes()[at];
        if byte != expected {
            return invalid(
                byte,
                &format!("in literal {word} (expecting {})", quote(expected)),
            );
        }
        if at + 1 == word.len() {
            self.end();
        } else {
            self.step = Step::Literal { word, at: at + 1 };
        }
        Ok(())
    }

    fn end(&mut self) {
        self.step = if self.nesting.is_empty() {
            Step::Top
        } else {
            Step::AfterValue
        };
    }

    fn set_nesting(&mut self, nesting: Nesting) {
        if let Some(last) = self.nesting.last_mut() {
            *last = nesting;
        }
    }

    fn end_value(&mut self, byte: u8) -> Result<(), String> {
        match (self.nesting.last(), byte) {
            (Some(Nesting::Key), b':') => {
                self.set_nesting(Nesting::Value);
                self.step = Step::Value;
            }
            (Some(Nesting::Key), _) => return invalid(byte, "after object key"),
            (Some(Nesting::Value), b',') => {
                self.set_nesting(Nesting::Key);
                self.step = Step::Key;
            }
            (Some(Nesting::Array), b',') => self.step = Step::Value,
            (Some(Nesting::Value), b'}') | (Some(Nesting::Array), b']') => {
                self.nesting.pop();
                self.end();
            }
            (Some(Nesting::Value), _) => return invalid(byte, "after object key:value pair"),
            (Some(Nesting::Array), _) => return invalid(byte, "after array element"),
            (None, _) => return invalid(byte, "after top-level value"),
        }
        Ok(())
    }
}

fn invalid(byte: u8, context: &str) -> Result<(), String> {
    Err(format!("invalid character {} {context}", quote(byte)))
}

/// Returns a byte in single quotes as Go prints it: as a Latin-1 character, escaped if it is not printable.
fn quote(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        0x07 => r"'\a'".to_owned(),
        0x08 => r"'\b'".to_owned(),
        0x0b => r"'\v'".to_owned(),
        0x0c => r"'\f'".to_owned(),
        0..0x20 | 0x7f => format!("'\\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!("'\\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}
