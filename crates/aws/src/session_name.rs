//! Names of role sessions.

use super::AwsEnvironment;

/// The longest session name that STS accepts.
/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
const MAX_LENGTH: usize = 64;

/// Returns the default name of role sessions, which appears in CloudTrail and in the authenticator's log:
/// `awsauth-USER@HOST`, reduced to the characters that STS accepts.
pub fn session_name(environment: &AwsEnvironment) -> String {
    let user = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(|name| environment.get(name));
    let host = environment
        .host()
        .map(|host| host.split('.').next().unwrap_or(host));
    let mut name = String::from("awsauth");
    for (separator, part) in [('-', user), ('@', host)] {
        let Some(part) = part.filter(|part| !part.is_empty()) else {
            continue;
        };
        name.push(separator);
        name.extend(part.chars().map(|c| if is_allowed(c) { c } else { '-' }));
    }
    name.truncate(MAX_LENGTH);
    name
}

/// Whether STS accepts the name of a session: 2 to 64 letters, digits and `_+=,.@-`.
pub(super) fn is_session_name(name: &str) -> bool {
    (2..=MAX_LENGTH).contains(&name.len()) && name.chars().all(is_allowed)
}

fn is_allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_+=,.@-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(user: Option<&str>, host: Option<&str>, expected: &str) {
        let mut environment = AwsEnvironment::default();
        if let Some(user) = user {
            environment = environment.with("USER", user);
        }
        if let Some(host) = host {
            environment = environment.on_host(host);
        }
        let name = session_name(&environment);
        assert_eq!(name, expected);
        assert!(is_session_name(&name), "{name}");
    }

    #[test]
    fn session_name_consists_of_user_and_host() {
        check(Some("ann"), Some("build-7"), "awsauth-ann@build-7");
        check(
            Some("ann"),
            Some("ip-10-0-0-1.ec2.internal"),
            "awsauth-ann@ip-10-0-0-1",
        );
        check(Some(r"CORP\ann lee"), Some("x"), "awsauth-CORP-ann-lee@x");
        check(Some("björn"), None, "awsauth-bj-rn");
        check(None, Some("pod-0"), "awsauth@pod-0");
        check(None, None, "awsauth");
        let long = "a".repeat(80);
        check(Some(&long), None, &format!("awsauth-{}", "a".repeat(56)));
    }
}
