//! Parses URLs like Go's `net/url`, as far as the authenticator uses them:
//! <https://github.com/golang/go/blob/go1.26.0/src/net/url/url.go>

use secrecy::zeroize::Zeroizing;

use super::FormatError;
use crate::arn::quote;

pub(super) struct Url<'a> {
    /// In lower case.
    pub(super) scheme: String,
    /// With the port, if there is one.
    pub(super) host: String,
    /// Unescaped.
    pub(super) path: String,
    /// Still escaped.
    pub(super) query: &'a str,
}

impl<'a> Url<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, FormatError> {
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        Self::parts(text)
            .and_then(|url| unescape(fragment, Part::Other).map(|_| url))
            .map_err(FormatError::Url)
    }

    fn parts(text: &'a str) -> Result<Self, String> {
        if text.bytes().any(|byte| byte.is_ascii_control()) {
            return Err("net/url: invalid control character in URL".to_owned());
        }
        let (scheme, rest) = scheme(text)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut url = Self {
            scheme: scheme.to_ascii_lowercase(),
            host: String::new(),
            path: String::new(),
            query,
        };
        if !rest.starts_with('/') && !scheme.is_empty() {
            return Ok(url);
        }
        let segment = rest.split('/').next().unwrap_or_default();
        if !rest.starts_with('/') && segment.contains(':') {
            return Err("first path segment in URL cannot contain colon".to_owned());
        }
        let path = match rest.strip_prefix("//") {
            Some(behind) if !scheme.is_empty() || !behind.starts_with('/') => {
                let slash = behind.find('/').unwrap_or(behind.len());
                let (authority, path) = behind.split_at(slash);
                url.host = host_of(&url.scheme, authority)?;
                path
            }
            _ => rest,
        };
        url.path = unescape(path, Part::Other)?.to_string();
        Ok(url)
    }
}

/// Returns the scheme, empty if there is none, and the text after its colon.
fn scheme(text: &str) -> Result<(&str, &str), String> {
    let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let end = text.bytes().position(|byte| !is_inner(byte));
    match end.map(|end| (end, text.as_bytes()[end])) {
        Some((0, b':')) => Err("missing protocol scheme".to_owned()),
        Some((end, b':')) if text.as_bytes()[0].is_ascii_alphabetic() => {
            Ok((&text[..end], &text[end + 1..]))
        }
        _ => Ok(("", text)),
    }
}

fn host_of(scheme: &str, authority: &str) -> Result<String, String> {
    let (user, host) = match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    };
    // No host of STS is in brackets, so the address in them needs no check.
    if host.contains('[') {
        return Err("invalid IP-literal".to_owned());
    }
    let is_strict = matches!(scheme, "http" | "https");
    let colon = if is_strict {
        host.find(':')
    } else {
        host.rfind(':')
    };
    if let Some(colon) = colon
        && !host[colon + 1..].bytes().all(|byte| byte.is_ascii_digit())
    {
        return Err(format!("invalid port {} after host", quote(&host[colon..])));
    }
    let host = unescape(host, Part::Host)?.to_string();
    if let Some(user) = user {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
        if !user.bytes().all(fits) {
            return Err("net/url: invalid userinfo".to_owned());
        }
        unescape(user, Part::Other)?;
    }
    Ok(host)
}

/// Returns names and values in order. Some values are secret.
pub(super) fn parameters(query: &str) -> Result<Vec<(String, Zeroizing<String>)>, FormatError> {
    let unescaped = |text| unescape(text, Part::Query).map_err(|_| FormatError::Query);
    let mut parameters = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pair.contains(';') {
            return Err(FormatError::Query);
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.push((unescaped(name)?.to_string(), unescaped(value)?));
    }
    Ok(parameters)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Query,
    Other,
}

fn unescape(text: &str, part: Part) -> Result<Zeroizing<String>, String> {
    let bytes = text.as_bytes();
    let mut plain = Zeroizing::new(Vec::with_capacity(bytes.len()));
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'%' => {
                let digits = bytes.get(at + 1..at + 3);
                let escaped = digits
                    .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                    .and_then(|_| u8::from_str_radix(&text[at + 1..at + 3], 16).ok())
                    // Hosts may only have escapes of non-ASCII bytes, and %25.
                    .filter(|byte| part != Part::Host || *byte >= 0x80 || *byte == b'%');
                let Some(escaped) = escaped else {
                    let mut end = (at + 3).min(bytes.len());
                    while !text.is_char_boundary(end) {
                        end += 1;
                    }
                    return Err(format!("invalid URL escape {}", quote(&text[at..end])));
                };
                plain.push(escaped);
                at += 2;
            }
            b'+' if part == Part::Query => plain.push(b' '),
            _ if part == Part::Host && !is_allowed_in_host(byte) => {
                let name = quote(&char::from(byte).to_string());
                return Err(format!("invalid character {name} in host name"));
            }
            _ => plain.push(byte),
        }
        at += 1;
    }
    Ok(Zeroizing::new(match std::str::from_utf8(&plain) {
        Ok(plain) => plain.to_owned(),
        Err(_) => String::from_utf8_lossy(&plain).into_owned(),
    }))
}

/// Returns whether a byte may occur unescaped in a host name. Non-ASCII bytes may.
fn is_allowed_in_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}
