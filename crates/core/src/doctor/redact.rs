//! Removes secrets from the output of other programs.

/// Prefixes of access key ids.
const KEY_PREFIXES: [&str; 2] = ["AKIA", "ASIA"];
/// Text that precedes a secret.
const PREFIXES: [&str; 6] = [
    "k8s-aws-v1.",
    "X-Amz-Security-Token=",
    "X-Amz-Signature=",
    "aws_secret_access_key",
    "AWS_SECRET_ACCESS_KEY=",
    "AWS_SESSION_TOKEN=",
];

/// Returns the last four characters of an access key id.
pub fn last_four(key: &str) -> String {
    let count = key.chars().count();
    key.chars().skip(count.saturating_sub(4)).collect()
}

/// Removes tokens, signatures and secret keys, and shortens access key ids to their last four characters.
pub fn redacted(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words.map(word).collect()
}

fn word(word: &str) -> String {
    for before in PREFIXES {
        if let Some(at) = word.find(before) {
            let end = &word[word.trim_end().len()..];
            return format!("{}…{end}", &word[..at + before.len()]);
        }
    }
    let is_secret = |run: &str| {
        let long = run.len() >= 40;
        let mixed = run.bytes().any(|b| b.is_ascii_lowercase())
            && run.bytes().any(|b| b.is_ascii_uppercase())
            && run.bytes().any(|b| b.is_ascii_digit());
        long && mixed
    };
    let in_key = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
    let mut shown = String::new();
    let mut rest = word;
    while !rest.is_empty() {
        let length = rest.find(|c| !in_key(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length);
        if KEY_PREFIXES.iter().any(|prefix| run.starts_with(prefix)) && run.len() >= 16 {
            shown += &format!("…{}", last_four(run));
        } else if is_secret(run) {
            shown.push('…');
        } else {
            shown += run;
        }
        let other = after.find(in_key).unwrap_or(after.len());
        shown += &after[..other];
        rest = &after[other..];
    }
    shown
}

/// Replaces each account id by a name: the first is `ACCOUNT-1`.
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
    fn redacted_removes_secrets() {
        let key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1";
        let text = format!("sent k8s-aws-v1.aHR0 by ASIAIOSFODNN7EXAMPLE, secret={key}\nand more");
        assert_eq!(
            redacted(&text),
            "sent k8s-aws-v1.… by …MPLE, secret=…\nand more"
        );
        let plain = "arn:aws:sts::111122223333:assumed-role/Name/i-0123456789abcdef0 https://0123456789ABCDEF.gr7.us-east-1.eks.amazonaws.com";
        assert_eq!(redacted(plain), plain);
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
