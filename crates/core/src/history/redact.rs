//! Removes secrets from command lines and reasons.

/// The command in revisions that the controller writes.
pub const CONTROLLER: [&str; 2] = ["awsauth", "controller"];

/// The replacement of a secret.
const HIDDEN: &str = "…";

/// Parts of the names of flags whose values are secret.
const SECRET_FLAGS: [&str; 6] = [
    "token",
    "password",
    "secret",
    "external-id",
    "credential",
    "key",
];

/// Removes secrets from a command line: the values of secret flags, access keys, EKS tokens and passwords in URLs. awsauth itself
/// has no flag that takes a secret, but wrappers may.
pub fn without_secrets(arguments: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut hide_next = false;
    let arguments = arguments.into_iter().map(|argument| {
        let is_flag = argument.starts_with("--");
        if std::mem::take(&mut hide_next) && !is_flag {
            return HIDDEN.to_owned();
        }
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if is_flag => (name, Some(value)),
            _ => (argument.as_str(), None),
        };
        if is_flag && SECRET_FLAGS.iter().any(|part| name.contains(part)) {
            hide_next = value.is_none();
            return match value {
                Some(_) => format!("{name}={HIDDEN}"),
                None => argument,
            };
        }
        if value.unwrap_or(&argument).contains(' ') {
            // Free text, such as a reason.
            return match value {
                Some(value) => format!("{name}={}", text_without_secrets(value)),
                None => text_without_secrets(&argument),
            };
        }
        if is_secret(value.unwrap_or(&argument)) {
            return match value {
                Some(_) => format!("{name}={HIDDEN}"),
                None => HIDDEN.to_owned(),
            };
        }
        argument
    });
    arguments.collect()
}

/// Removes secrets from free text, word by word as in a command line.
pub fn text_without_secrets(text: &str) -> String {
    without_secrets(text.split(' ').map(str::to_owned)).join(" ")
}

fn is_secret(text: &str) -> bool {
    let begins_key = |word: &str| {
        (word.starts_with("AKIA") || word.starts_with("ASIA"))
            && word.len() >= 16
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let has_password = || {
        let (_, rest) = text.split_once("://")?;
        let (user, _) = rest.split(['/', '?']).next()?.rsplit_once('@')?;
        Some(user.contains(':'))
    };
    text.contains("k8s-aws-v1.")
        || text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(begins_key)
        || has_password().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_secrets_are_removed() {
        let cases = [
            (
                "map role arn:aws:iam::111122223333:role/x --username admin",
                "=",
            ),
            ("apply -f key/access.yaml --owner=token", "="),
            ("map --external-id abc role", "map --external-id … role"),
            (
                "x --token=abc --secret-key --yes",
                "x --token=… --secret-key --yes",
            ),
            (
                "x AKIAIOSFODNN7EXAMPLE --a=ASIAIOSFODNN7EXAMPLE",
                "x … --a=…",
            ),
            (
                "x https://me:pass@host/ https://host/a@b",
                "x … https://host/a@b",
            ),
            ("x k8s-aws-v1.aHR0", "x …"),
        ];
        for (given, expected) in cases {
            let words = given.split(' ').map(str::to_owned);
            let expected = if expected == "=" { given } else { expected };
            assert_eq!(without_secrets(words).join(" "), expected);
            assert_eq!(text_without_secrets(given), expected);
            for flag in ["--reason", "--reason="] {
                let words = match flag.ends_with('=') {
                    true => vec![format!("{flag}{given}")],
                    false => vec![flag.to_owned(), given.to_owned()],
                };
                let separator = &" "[..usize::from(!flag.ends_with('='))];
                assert_eq!(
                    without_secrets(words).join(" "),
                    format!("{flag}{separator}{expected}")
                );
            }
        }
    }
}
