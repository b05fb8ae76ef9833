//! Removes secrets from command lines and from the output of other programs, by pattern.

/// The replacement of a secret.
const HIDDEN: &str = "…";

/// Prefixes of access key IDs.
const KEY_IDS: [&str; 2] = ["AKIA", "ASIA"];

/// Prefixes of tokens: of EKS, GitHub, GitLab and Slack.
const TOKENS: [&str; 7] = [
    "k8s-aws-v1.",
    "ghp_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
];

/// Parts of the names of flags, variables and fields whose values are secret.
const SECRET_NAMES: [&str; 16] = [
    "token",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "secret",
    "credential",
    "signature",
    "samlresponse",
    "assertion",
    "bearer",
    "cookie",
    "external-id",
    "external_id",
    "mfa-code",
    "mfa_code",
];

/// Words of such names that occur within other words, too.
const SECRET_WORDS: [&str; 8] = ["pass", "pw", "pwd", "psk", "pin", "otp", "sig", "jwt"];

/// Whole names whose values are secret in data, but not in prose.
const DATA_NAMES: [&str; 2] = ["auth", "session"];

/// Error codes of AWS that look like the name of a secret; prose follows them.
const ERROR_CODES: [&str; 5] = [
    "ExpiredToken",
    "InvalidClientTokenId",
    "InvalidIdentityToken",
    "InvalidToken",
    "SignatureDoesNotMatch",
];

/// Words of a command line that precede a secret.
const SCHEMES: [&str; 3] = ["bearer", "basic", "apikey"];

/// Ends of the names of HTTP headers whose values are secret.
const SECRET_HEADERS: [&str; 2] = ["authorization", "cookie"];

/// The characters around names and values.
const QUOTES: [char; 3] = ['"', '\'', '\\'];

/// Flags with one dash that are no password after `-p`.
const NOT_A_PASSWORD: [&str; 8] = [
    "path",
    "plugin",
    "policy",
    "port",
    "principal",
    "profile",
    "project",
    "proxy",
];

/// The length of a secret access key, which is the shortest secret that is recognized without a name.
const SECRET_KEY_LENGTH: usize = 40;

/// Returns the last four characters of an access key ID.
pub fn last_four(key: &str) -> String {
    let count = key.chars().count();
    key.chars().skip(count.saturating_sub(4)).collect()
}

/// Removes secrets from the words of a command line. awsauth itself has no flag that takes a secret, but other programs
/// have.
pub fn arguments(words: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut redactor = Redactor::default();
    let words = words.into_iter().map(|argument| {
        if !argument.contains(char::is_whitespace) {
            return redactor.word(&argument);
        }
        let is_value = redactor.hides_value(&argument);
        redactor = Redactor::default();
        match argument.split_once('=') {
            _ if is_value => HIDDEN.to_owned(),
            Some((name, _)) if !name.contains(char::is_whitespace) && is_secret_name(name) => {
                format!("{name}={HIDDEN}")
            }
            _ => text(&argument),
        }
    });
    words.collect()
}

/// Removes secrets from text: tokens, signatures, passwords and keys. Shortens access key IDs to their last four
/// characters.
pub fn text(text: &str) -> String {
    let mut redactor = Redactor::default();
    let mut shown = String::with_capacity(text.len());
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if !word.is_empty() {
            shown += &redactor.word(word);
        }
        let space = &piece[word.len()..];
        if space == "\n" {
            redactor = Redactor::default();
        }
        shown += space;
    }
    shown
}

/// Which of the next words is secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    #[default]
    NoWord,
    /// The next word, unless it is a flag.
    Value,
    /// The next word, if it is not a word of prose.
    OpaqueValue,
    /// The next word, if it is a user with a password.
    UserAndPassword,
    /// The words up to the end of a value in quotes or brackets.
    Until(End),
    /// The rest of the line.
    Line,
}

/// The end of a value in quotes or brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    mark: char,
    /// Whether a backslash precedes it, as in JSON within JSON.
    is_escaped: bool,
}

/// Removes secrets from words in order.
#[derive(Default)]
struct Redactor {
    next: Next,
    /// Whether the last word is the name of a secret.
    is_after_name: bool,
}

impl Redactor {
    /// Whether a value is secret because of the words before it.
    fn hides_value(&self, value: &str) -> bool {
        match self.next {
            Next::NoWord => false,
            Next::Value => !value.starts_with("--"),
            Next::OpaqueValue => value.starts_with(QUOTES) || is_opaque(value),
            Next::UserAndPassword => value.contains(':') && !value.starts_with("arn:"),
            Next::Until(_) | Next::Line => true,
        }
    }

    fn word(&mut self, word: &str) -> String {
        let (shown, hidden, is_header) = if self.hides_value(word) {
            (String::new(), word.to_owned(), false)
        } else {
            within(word)
        };
        let end = match self.next {
            Next::Until(end) => Some(end),
            _ => None,
        };
        self.next = match end_of_value(&hidden, end) {
            _ if is_header || self.next == Next::Line => Next::Line,
            Some(end) => Next::Until(end),
            None => self.next_after(word),
        };
        self.is_after_name = is_secret_name(name_at_end(word.trim_end_matches(QUOTES)));
        shown + if hidden.is_empty() { "" } else { HIDDEN }
    }

    /// Returns which of the next words is secret because of this one.
    fn next_after(&self, word: &str) -> Next {
        let bare = word.trim_matches(['"', '\'', ',']);
        let last = name_at_end(bare);
        match bare {
            "=" | "=>" | ":=" if self.is_after_name => Next::Value,
            ":" if self.is_after_name => Next::OpaqueValue,
            "-u" | "--user" => Next::UserAndPassword,
            "-p" => Next::Value,
            _ if SCHEMES.iter().any(|it| last.eq_ignore_ascii_case(it)) => Next::OpaqueValue,
            _ if bare.starts_with('-') && !bare.contains('=') && is_secret_name(bare) => {
                Next::Value
            }
            _ => match bare.strip_suffix(':') {
                Some(name) if ERROR_CODES.contains(&name) => Next::NoWord,
                Some(before) => match secret_field(before, ':') {
                    Some(Field::Header) => Next::Line,
                    Some(Field::Value) => Next::OpaqueValue,
                    None => Next::NoWord,
                },
                None => Next::NoWord,
            },
        }
    }
}

/// Returns the end of the value in quotes or brackets that is still open after this text. `end` is that of the value that
/// was open before it.
fn end_of_value(text: &str, mut end: Option<End>) -> Option<End> {
    if end.is_none() && text.starts_with('[') {
        end = Some(End {
            mark: ']',
            is_escaped: false,
        });
    }
    let (mut before, mut is_escaped) = (' ', false);
    for mark in text.chars() {
        let is_end = end.is_some_and(|end| end == End { mark, is_escaped });
        // An apostrophe opens nothing.
        if is_end {
            end = None;
        } else if end.is_none() && ['"', '\''].contains(&mark) && !before.is_alphanumeric() {
            end = Some(End { mark, is_escaped });
        }
        is_escaped = mark == '\\' && !is_escaped;
        before = mark;
    }
    end
}

/// Splits a word into what may be shown and a secret, which is empty if there is none. The third is whether the secret is
/// the value of an HTTP header.
fn within(word: &str) -> (String, String, bool) {
    let word = without_user_info(word);
    let named = secret_value(&word);
    let begins = named
        .map(|(at, _)| at)
        .into_iter()
        .chain(token(&word))
        .min();
    let (shown, secret) = word.split_at(begins.unwrap_or(word.len()));
    let is_header = named.is_some_and(|(_, field)| field == Field::Header);
    (without_keys(shown), secret.to_owned(), is_header)
}

/// Replaces the user and the password in URLs, and in `USER:PASSWORD@HOST:PORT`.
fn without_user_info(word: &str) -> String {
    let mut parts = word.split("://");
    let first = parts.next().unwrap_or_default();
    let mut shown = if first.len() == word.len() {
        without_user_of_host(word)
    } else {
        first.to_owned()
    };
    for part in parts {
        let url = part.split(['"', '\'']).next().unwrap_or_default();
        let host = url.split(['/', '?', '#']).next().unwrap_or_default();
        let port = host.split_once(':').map_or("", |(_, port)| port);
        // A password may contain a slash. A port and an IPv6 address are not passwords.
        let is_password = !host.starts_with('[') && !port.bytes().all(|it| it.is_ascii_digit());
        let end = if is_password { url } else { host };
        shown += "://";
        shown += &match end.rfind('@') {
            Some(at) => HIDDEN.to_owned() + &part[at..],
            None => part.to_owned(),
        };
    }
    shown
}

fn without_user_of_host(word: &str) -> String {
    let split = || {
        let (user, host) = word.rsplit_once('@')?;
        let (host, port) = host.split_once(':')?;
        let digits = port.bytes().take_while(u8::is_ascii_digit).count();
        let is_port = (1..=5).contains(&digits)
            && !port[digits..].starts_with(|c: char| c.is_ascii_alphanumeric());
        let (name, _) = user.split_once(':')?;
        let start = name.rfind(|c| !is_of_name(c)).map_or(0, |at| at + 1);
        let is_user = start < name.len() && &name[start..] != "arn";
        (is_port && is_user && host.chars().all(is_of_name))
            .then(|| format!("{}{HIDDEN}{}", &word[..start], &word[user.len()..]))
    };
    split().unwrap_or_else(|| word.to_owned())
}

/// What is secret after a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Value,
    /// The rest of the line.
    Header,
}

/// Returns what is secret after a separator, if the text before it ends with the name of a secret.
fn secret_field(before: &str, separator: char) -> Option<Field> {
    let unquoted = before.trim_end_matches(QUOTES);
    let name = name_at_end(unquoted);
    let rest = &unquoted[..unquoted.len() - name.len()];
    // Names with colons are those of Kubernetes users and ARNs.
    if separator == ':' && rest.ends_with([':', '/']) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let is_secret = is_secret_name(name);
    let is_data = separator == '=' || unquoted.len() < before.len();
    if SECRET_HEADERS.iter().any(|header| lower.ends_with(header))
        || is_secret && separator == ':' && lower.starts_with("x-")
    {
        return Some(Field::Header);
    }
    let is_code = lower == "code" && rest.ends_with(['?', '&']);
    let is_secret = is_secret || is_code || is_data && DATA_NAMES.contains(&lower.as_str());
    is_secret.then_some(Field::Value)
}

/// Returns the longest end of a string that could be a name.
fn name_at_end(text: &str) -> &str {
    text.rsplit(|c| !is_of_name(c)).next().unwrap_or_default()
}

/// Returns where the value of a secret begins in `NAME=VALUE`, `NAME:VALUE`, `-uUSER:PASSWORD` or `-pPASSWORD`.
fn secret_value(word: &str) -> Option<(usize, Field)> {
    if (word.starts_with("-u") && word.contains(':')) || has_password(word) {
        return Some((2, Field::Value));
    }
    let end = word.trim_end_matches(['"', '\'', ',']).len();
    let separators = word[..end].match_indices(['=', ':']);
    // Without a value, the next word is secret.
    let separators = separators.filter(|(at, _)| at + 1 < end);
    separators.into_iter().find_map(|(at, separator)| {
        let field = secret_field(&word[..at], if separator == "=" { '=' } else { ':' })?;
        Some((at + 1, field))
    })
}

/// Whether a word is `-pPASSWORD`.
fn has_password(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or(word);
    let flag = name.strip_prefix('-').filter(|flag| flag.starts_with('p'));
    flag.is_some_and(|flag| {
        flag.len() > 1 && !NOT_A_PASSWORD.contains(&flag) && !is_secret_name(flag)
    })
}

/// Returns where the secret part of a token begins.
fn token(word: &str) -> Option<usize> {
    let prefixed = TOKENS
        .iter()
        .find_map(|prefix| Some(word.find(prefix)? + prefix.len()));
    // The first segment of a JWT begins with `{"`.
    let jwt = || word.find("eyJ").filter(|at| word[*at..].contains('.'));
    prefixed.or_else(jwt)
}

/// Removes secret access keys and session tokens, and shortens access key IDs.
fn without_keys(word: &str) -> String {
    let in_key = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    let arn = word.find("arn:aws").unwrap_or(word.len());
    let mut shown = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let length = rest.find(|c| !in_key(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length);
        if KEY_IDS.iter().any(|prefix| run.starts_with(prefix)) && run.len() >= 16 {
            shown += &format!("{HIDDEN}{}", last_four(run));
        } else if is_secret_key(run) && word.len() - rest.len() < arn {
            shown += HIDDEN;
        } else {
            shown += run;
        }
        let other = after.find(in_key).unwrap_or(after.len());
        shown += &after[..other];
        rest = &after[other..];
    }
    shown
}

/// Whether characters look like those of a secret access key. A path has more slashes.
fn is_secret_key(run: &str) -> bool {
    let slashes = run.bytes().filter(|byte| *byte == b'/').count();
    run.len() >= SECRET_KEY_LENGTH
        && slashes <= run.len() / 10
        && run.bytes().any(|byte| byte.is_ascii_lowercase())
        && run.bytes().any(|byte| byte.is_ascii_uppercase())
        && run.bytes().any(|byte| byte.is_ascii_digit())
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let mut words = name.split(['-', '_', '.']);
    name.chars().all(is_of_name)
        && (name.ends_with("key")
            || SECRET_NAMES.iter().any(|part| name.contains(part))
            || words.any(|word| SECRET_WORDS.contains(&word)))
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// Whether a word after a name such as `token:` is a value and not prose.
fn is_opaque(word: &str) -> bool {
    let is_marked = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    word.bytes().any(is_marked) && !word.ends_with(':')
}

/// Replaces each account ID by a name: the first is `ACCOUNT-1`.
pub fn without_accounts(text: &str) -> String {
    let mut known: Vec<&str> = Vec::new();
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let digits = rest[start..]
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len() - start);
        let run = &rest[start..start + digits];
        let before = rest[..start].chars().next_back();
        shown += &rest[..start];
        if digits == 12 && !before.is_some_and(char::is_alphanumeric) {
            let number = known.iter().position(|account| *account == run);
            let number = number.unwrap_or_else(|| {
                known.push(run);
                known.len() - 1
            });
            shown += &format!("ACCOUNT-{}", number + 1);
        } else {
            shown += run;
        }
        rest = &rest[start + digits..];
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_removed_and_other_text_stays() {
        let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln";
        let cases = [
            (
                "map role arn:aws:iam::111122223333:role/x --username admin",
                "=",
            ),
            (
                "apply -f key/access.yaml --owner=token -u root eks get-token",
                "=",
            ),
            ("map --external-id abc role", "map --external-id … role"),
            (
                "x --token=abc --secret-key --yes",
                "x --token=… --secret-key --yes",
            ),
            ("kubectl --token abc get", "kubectl --token … get"),
            (
                "x --oidc-client-secret=abc -password abc",
                "x --oidc-client-secret=… -password …",
            ),
            (
                "x AKIAIOSFODNN7EXAMPLE --a=ASIAIOSFODNN7EXAMPLE",
                "x …MPLE --a=…MPLE",
            ),
            (
                "AWS_ACCESS_KEY_ID=ASIAIOSFODNN7EXAMPLE",
                "AWS_ACCESS_KEY_ID=…MPLE",
            ),
            (
                "x https://me:pass@host/ https://host/a@b",
                "x https://…@host/ https://host/a@b",
            ),
            ("http://t0ken@proxy:3128", "http://…@proxy:3128"),
            (
                "curl -u admin:abc -uadmin:abc --user me:abc",
                "curl -u … -u… --user …",
            ),
            (
                "get --user arn:aws:eks:eu-west-1:111122223333:cluster/x",
                "=",
            ),
            ("x k8s-aws-v1.aHR0 ghp_aHR0", "x k8s-aws-v1.… ghp_…"),
            ("invalid bearer token: x509: expired", "="),
            ("ExpiredToken: The security token is expired", "="),
            ("SignatureDoesNotMatch: The request signature", "="),
            ("with Bearer a8c, basic YTpi", "with Bearer … basic …"),
            ("Authorization: AWS4 Credential=a b", "Authorization: … … …"),
            (
                "client_secret: Abc1 password=abc",
                "client_secret: … password=…",
            ),
            ("aws_secret_access_key = abc", "aws_secret_access_key = …"),
            (
                r#"{"password":"abc"} "idToken": "A1""#,
                r#"{"password":… "idToken": …"#,
            ),
            (
                "saml --pass abc -p abc -pabc --otp=1 --psk abc --pin 1 --mfa-code 1",
                "saml --pass … -p … -p… --otp=… --psk … --pin … --mfa-code …",
            ),
            ("x -profile dev -path=/etc/x kubectl -n prod", "="),
            (
                "curl --oauth2-bearer abc --cookie abc apikey A1 passphrase=abc pw:abc pass:abc",
                "curl --oauth2-bearer … --cookie … apikey … passphrase=… pw:… pass:…",
            ),
            ("Cookie: sid=abc b=c", "Cookie: … …"),
            (
                "with proxy bot:abc@proxy.example:3128 and URL https://bot:a/b@host/x",
                "with proxy …@proxy.example:3128 and URL https://…@host/x",
            ),
            ("http://127.0.0.1:8080/a@b https://[::1]:1/a@b", "="),
            (
                "--username oidc:bob@example.com arn:aws:sts::111122223333:assumed-role/x/bob@example.com",
                "=",
            ),
            ("image example/app:1.2@sha256:123abc", "="),
            (
                "x SAMLResponse=abc client_assertion=abc auth=abc session=abc jwt=abc",
                "x SAMLResponse=… client_assertion=… auth=… session=… jwt=…",
            ),
            (
                "GET https://idp.example/cb?code=abc grant_type=x&code=abc",
                "GET https://idp.example/cb?code=… grant_type=x&code=…",
            ),
            (
                "status code=403 aws-auth: Changed session: Foo auth: Bar",
                "=",
            ),
            ("Set-Cookie: sid=abc", "Set-Cookie: …"),
            (
                "https://x.blob.core.windows.net/c?sv=1&sig=abc xoxb-abc",
                "https://x.blob.core.windows.net/c?sv=1&sig=… xoxb-…",
            ),
            ("exit code: E1 design=A1 pinned:A1 bypass=A1", "="),
            (
                "https://sts.eu-west-1.amazonaws.com/?Action=x&X-Amz-Signature=abc",
                "https://sts.eu-west-1.amazonaws.com/?Action=x&X-Amz-Signature=…",
            ),
            (
                "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db",
                "=",
            ),
            (
                "system:serviceaccount:secrets-store:reader is forbidden",
                "=",
            ),
            (
                "/home/ci/Workspace/Project1/Deploy/kubernetes/prod.yaml",
                "=",
            ),
            (
                "arn:aws:iam::111122223333:role/Team1/ProductionDeployerOfEverythingInEurope",
                "=",
            ),
            (
                "https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com i-0123456789abcdef0",
                "=",
            ),
        ];
        for (given, expected) in cases {
            let expected = if expected == "=" { given } else { expected };
            assert_eq!(text(given), expected);
            let words = given.split(' ').map(str::to_owned);
            assert_eq!(arguments(words).join(" "), expected);
            // A value with spaces, such as a reason.
            let reason = ["--reason".to_owned(), given.to_owned()];
            assert_eq!(arguments(reason)[1], expected);
        }
        for secret in [key, jwt] {
            assert_eq!(
                text(&format!("it is\n  {secret}\nand more")),
                "it is\n  …\nand more"
            );
        }
        let spaced = ["--password", "a b", "--token=a b"].map(str::to_owned);
        assert_eq!(arguments(spaced), ["--password", "…", "--token=…"]);
    }

    #[test]
    fn value_of_a_named_field_is_removed_to_its_end() {
        for (given, expected) in [
            (
                r#"{"access_token": "abc", "expires": 3}"#,
                r#"{"access_token": … "expires": 3}"#,
            ),
            ("{'client_secret': 'abc'}", "{'client_secret': …"),
            (r#"[{"token": "abc"}]"#, r#"[{"token": …"#),
            (r#"{"auth": "abc", "x": 1}"#, r#"{"auth": … "x": 1}"#),
            (r#"{"token" : "abc"}"#, r#"{"token" : …"#),
            (r#"{"token": "abc","password": "abc"}"#, r#"{"token": … …"#),
            (
                r#""{\"password\": \"a b\", \"x\": 1}""#,
                r#""{\"password\": … … \"x\": 1}""#,
            ),
            (
                "(token: A1) error(password: A1)",
                "(token: … error(password: …",
            ),
            ("a;token: A1", "a;token: …"),
            (
                "{SecretAccessKey: A1 SessionToken: A1} x",
                "{SecretAccessKey: … SessionToken: … x",
            ),
            (
                r#"password: "correct horse battery" is wrong"#,
                "password: … … … is wrong",
            ),
            (
                r#"{"password":"correct \"horse battery","x": 1}"#,
                r#"{"password":… … … 1}"#,
            ),
            (
                r#"{"password":"a","token":"b c","x": 1}"#,
                r#"{"password":… … 1}"#,
            ),
            (
                r#"msg="login failed" token="abc x" b="c""#,
                r#"msg="login failed" token=… … b="c""#,
            ),
            ("tokens: [A1, A2] and more", "tokens: … … and more"),
            ("token => abc more", "token => … more"),
            ("token := abc more", "token := … more"),
            (
                "map[Accept:[x] Authorization:[Bearer abc]]",
                "map[Accept:[x] Authorization:… …",
            ),
            (
                r#"{"headers":{"Authorization":"Bearer abc"}}"#,
                r#"{"headers":{"Authorization":… …"#,
            ),
            (
                "headers={'Authorization': 'Bearer abc'}",
                "headers={'Authorization': … …",
            ),
            ("Authorization=Bearer abc", "Authorization=… …"),
            (
                "curl --header=Authorization:Bearer abc",
                "curl --header=Authorization:… …",
            ),
            ("Authorization:Basic abc", "Authorization:… …"),
            ("Cookie:sid=abc b=c", "Cookie:… …"),
            ("X-Vault-Token: abc d", "X-Vault-Token: … …"),
            ("rbac.authorization.k8s.io: forbidden", "="),
            ("token: Bearer abc1", "token: … …"),
            ("couldn't parse the token: it's not a JWT", "="),
        ] {
            let expected = if expected == "=" { given } else { expected };
            assert_eq!(text(given), expected);
            assert_eq!(text(&format!("{given}\nnext")), format!("{expected}\nnext"));
        }
        let header = ["-H", "Authorization:Bearer abc", "x"].map(str::to_owned);
        assert_eq!(arguments(header), ["-H", "Authorization:… …", "x"]);
    }

    #[test]
    fn without_accounts_names_each_account() {
        assert_eq!(
            without_accounts(
                "arn:aws:iam::111122223333:role/a 444455556666 111122223333 i-0123456789012 1234567890123"
            ),
            "arn:aws:iam::ACCOUNT-1:role/a ACCOUNT-2 ACCOUNT-1 i-0123456789012 1234567890123"
        );
    }
}
