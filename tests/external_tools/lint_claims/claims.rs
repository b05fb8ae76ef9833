//! The claims of each rule about the authenticator, as requests to it.

use awsauth_core::document::{Section, SectionName};
use awsauth_core::lint::{Finding, Severity, Site};

use super::single_entry_logins::{ACCOUNT, SingleEntryAuthenticator, USERS_KEY, session};
use super::{Judged, Taken, parse};
use crate::support::authenticator_oracle::Login;
use crate::support::lint_facts::Data;

const NODE_GROUPS: [&str; 2] = ["system:bootstrappers", "system:nodes"];
const MASTERS: &str = "system:masters";

type Answer = Option<Result<(), String>>;

/// Checks the claim of a finding. Returns `None` if the claim is not about the authenticator.
pub(super) fn check(
    judged: &Judged,
    finding: &Finding,
    authenticator: &mut SingleEntryAuthenticator<'_>,
) -> Answer {
    let text = match &finding.site {
        Site::Text(text) => text,
        Site::Key(key) => return Some(is_ignored_key(judged, key, authenticator)),
        Site::File(_) | Site::ConfigMap => return None,
    };
    let section = judged.document.section(text.section);
    let all = judged.taken(text.section);
    match finding.rule.id {
        "S04" | "S05" | "S06" => return verdict(all.is_empty(), "entries are left"),
        "S14" => return ends_at(judged, section, text.span.start(), authenticator),
        "S12" => return is_ignored_field(judged, section, finding, authenticator),
        _ => {}
    }
    let index = judged.index(section, finding)?;
    let kept = |end: usize| {
        section.entries()[..end]
            .iter()
            .filter(|entry| entry.mapping().is_some())
            .count()
    };
    if kept(section.entries().len()) != all.len() {
        // The authenticator's answers vary here, so no claim can match.
        return None;
    }
    let is_kept = section.entries()[index].mapping().is_some();
    match finding.rule.id {
        "S07" | "S08" | "S09" | "R15" => return verdict(!is_kept, "it is kept"),
        "A01" if !is_kept => return verdict(true, ""),
        _ if !is_kept => return None,
        _ => {}
    }
    let taken = &all[kept(index)];
    // Values of aliases and merge keys belong to another entry.
    let sso = taken.sso.as_ref();
    let principal = sso.map_or(&taken.principal, |sso| &sso.permission_set_name);
    if finding.principal.as_deref() != Some(principal.as_str()) {
        return None;
    }
    let (is, why) = entry_claim(
        judged,
        finding,
        (text.section, kept(index)),
        &all,
        authenticator,
    )?;
    verdict(is, &format!("{why}: {taken:?}"))
}

/// Checks a claim about an entry that the authenticator kept. The text explains a failure.
fn entry_claim(
    judged: &Judged,
    finding: &Finding,
    (section, number): (SectionName, usize),
    all: &[Taken],
    authenticator: &mut SingleEntryAuthenticator<'_>,
) -> Option<(bool, &'static str)> {
    let taken = &all[number];
    let Taken {
        principal,
        username,
        groups,
        ..
    } = taken;
    let has = |group: &str| groups.iter().any(|have| have == group);
    let is_of_nodes = || NODE_GROUPS.into_iter().any(has);
    let values = || groups.iter().chain([principal, username]);
    let is_error = finding.severity == Severity::Error;
    let mut nobody = || {
        authenticator
            .admitted_identity(section, principal)
            .is_none()
    };
    Some(match finding.rule.id {
        // The limit is IAM's: the authenticator would match such a name.
        "R01" if finding.message.contains("64 characters") => (
            principal.rsplit('/').next()?.len() > 64,
            "the name is short enough",
        ),
        "R01" | "R02" | "R03" | "R05" | "R06" | "R07" | "R08" | "R09" => (nobody(), "it matches"),
        "R04" => {
            let (_, role) = principal.rsplit_once('/')?;
            let role = format!("{role}_0123456789abcdef");
            let who = session("aws", principal.split(':').nth(4)?, &role, "ann");
            (
                !authenticator.matches(section, taken, &who, false),
                "it matches",
            )
        }
        "R10" => {
            let who = authenticator.admitted_identity(section, principal);
            (
                who.is_some_and(|who| who.sts_arn.ends_with(":root")),
                "it is not root's",
            )
        }
        "R11" => (!nobody(), "it matches no identity"),
        "R13" | "R14" | "R16" => {
            let sso = taken.sso.as_ref()?;
            let more = if finding.rule.id == "R16" {
                "_Other"
            } else {
                ""
            };
            let role = format!(
                "AWSReservedSSO_{}{more}_0123456789abcdef",
                sso.permission_set_name
            );
            let who = session("aws", &sso.account_id, &role, "ann");
            let without = authenticator.matches(section, taken, &who, false);
            let with = authenticator.matches(section, taken, &who, true);
            (
                !without && with != (finding.rule.id == "R14"),
                "the gate says otherwise",
            )
        }
        "D01" | "D02" => (
            all[number + 1..].iter().any(|later| later.key == taken.key),
            "no later one",
        ),
        "D03" => {
            let is_twin = |other: &Taken| {
                other.key != taken.key && other.key.to_lowercase() == taken.key.to_lowercase()
            };
            (all.iter().any(is_twin), "no twin")
        }
        "D04" => {
            let key = principal.to_lowercase();
            (
                judged.parsed.roles.iter().any(|role| role.key == key),
                "no role has it",
            )
        }
        "D05" => {
            let (_, name) = principal.rsplit_once('/')?;
            let twin = format!(":role/{}", name.to_lowercase());
            let has_twin = all.iter().any(|other| other.key.ends_with(&twin));
            (nobody() && has_twin, "it matches, or there is no twin")
        }
        "S10" | "G01" => (groups.is_empty(), "it has groups"),
        "S11" if finding.message.ends_with("ignores it") => return None,
        "S11" => (username.is_empty() || has(""), "nothing is empty"),
        "S13" => return repeated_field_claim(finding, taken),
        "S15" => (
            groups
                .iter()
                .any(|group| group.contains(' ') || group.contains(','))
                || username.contains(" - "),
            "no such group or username",
        ),
        "S16" => (
            values().any(|text| is_stray(text)) || principal.ends_with(','),
            "nothing has strayed in",
        ),
        "S17" if !is_error => return None,
        "S17" => {
            let (placeholder, _) = finding.message.split_once(" is a placeholder")?;
            let is_there = values().any(|text| text.contains(placeholder));
            // IAM allows a role with the name XXXX, but its ARN is that of an example.
            let is_name = principal.ends_with(&format!("/{placeholder}"));
            let is_lost = !principal.contains(placeholder) || is_name || nobody();
            (is_there && is_lost, "it is not there, or matches")
        }
        "U01" => (username.is_empty(), "it has a username"),
        "U02" => match authenticator.login(taken, Some("i-0123456789abcdef0")) {
            Login::Accepted { username, groups } => (
                groups
                    .iter()
                    .chain([&username])
                    .any(|text| text.contains("{{")),
                "all is filled in",
            ),
            Login::Refused { .. } => return None,
        },
        "U03" => session_claim(taken, is_error, authenticator),
        "U04" => (
            login_satisfies(taken, authenticator, |username, _| {
                username.starts_with("ann")
            })?,
            "not chosen",
        ),
        "U05" => {
            let is_odd = username == "system:node:"
                || ["{", "[[", "%7B"].iter().any(|odd| username.contains(odd));
            (is_odd, "nothing was eaten")
        }
        "U06" => {
            let reserved = ["system:", "eks:", "aws:", "amazon:", "iam:"];
            (
                reserved.iter().any(|prefix| username.starts_with(prefix)),
                "no such name",
            )
        }
        "U07" => (
            login_satisfies(taken, authenticator, |username, _| {
                username.contains("ASIAEXAMPLE")
            })?,
            "no key in it",
        ),
        "G03" | "G04" | "G08" => (
            groups
                .iter()
                .any(|group| finding.message.contains(group.as_str())),
            "no such group",
        ),
        "G05" => (has(MASTERS), "no such group"),
        "G06" => (
            has(MASTERS) && (is_of_nodes() || username.starts_with("system:node:")),
            "no such groups, or no node",
        ),
        "G07" => (
            is_of_nodes() && !username.starts_with("system:node:"),
            "it is a node",
        ),
        "G09" => {
            let is_chosen = |_: &str, groups: &[String]| {
                groups
                    .iter()
                    .any(|group| group.contains("ann") || group.contains("ASIAEXAMPLE"))
            };
            (
                login_satisfies(taken, authenticator, is_chosen)?,
                "not chosen",
            )
        }
        "N04" => {
            let lacks = NODE_GROUPS.iter().any(|group| !has(group));
            (
                lacks && username.starts_with("system:node:"),
                "it lacks nothing",
            )
        }
        "N05" => {
            let right = [
                "system:node:{{EC2PrivateDNSName}}",
                "system:node:{{SessionName}}",
            ];
            (
                is_of_nodes() && !right.contains(&username.as_str()),
                "it is right",
            )
        }
        "A01" => {
            let is_one =
                principal.len() == 12 && principal.bytes().all(|byte| byte.is_ascii_digit());
            (!is_one, "it is an account")
        }
        "A02" | "A03" | "A04" => match authenticator.of_account(principal) {
            Login::Accepted { username, groups } => {
                let arn = format!("arn:aws:iam::{principal}:role/x");
                (
                    username == arn && groups.is_empty(),
                    "the result is another user",
                )
            }
            Login::Refused { .. } => (false, "no identity can sign in"),
        },
        _ => return None,
    })
}

fn verdict(is: bool, why: &str) -> Answer {
    Some(if is { Ok(()) } else { Err(why.to_owned()) })
}

/// Checks a claim about session names. A user has an empty one; for a role, the session name of an instance is used.
fn session_claim(
    taken: &Taken,
    is_error: bool,
    authenticator: &mut SingleEntryAuthenticator<'_>,
) -> (bool, &'static str) {
    let is_user = !taken.principal.contains(":role/");
    let name = if is_user { None } else { Some("ann") };
    let is_empty = |text: &str, written: &String| {
        let written = written
            .replace("{{SessionNameRaw}}", "")
            .replace("{{SessionName}}", "");
        let filled = written
            .replace("{{AccountID}}", ACCOUNT)
            .replace("{{AccessKeyID}}", USERS_KEY);
        text == filled
    };
    match authenticator.login(taken, name) {
        // The authenticator never reaches the second template of such an entry.
        Login::Refused { error } => (error.contains("instance id"), "refused otherwise"),
        Login::Accepted { username, groups } => {
            let mut pairs = groups.iter().zip(&taken.groups);
            let all = is_empty(&username, &taken.username)
                && pairs.all(|(group, written)| is_empty(group, written));
            (!is_error && all, "not refused, or not empty")
        }
    }
}

/// Returns the result for a session named ann, or `None` if the entry rejects it for another reason.
fn login_satisfies(
    taken: &Taken,
    authenticator: &mut SingleEntryAuthenticator<'_>,
    is: impl Fn(&str, &[String]) -> bool,
) -> Option<bool> {
    match authenticator.login(taken, Some("ann")) {
        Login::Accepted { username, groups } => Some(is(&username, &groups)),
        Login::Refused { .. } => None,
    }
}

fn repeated_field_claim(finding: &Finding, taken: &Taken) -> Option<(bool, &'static str)> {
    let (_, message) = finding.message.split_once("the authenticator uses ")?;
    let groups = taken.groups.join(", ");
    let texts = [&taken.principal, &taken.username, &groups];
    let is_one = texts
        .into_iter()
        .chain(&taken.groups)
        .any(|text| message.contains(text.as_str()));
    Some((is_one || taken.sso.is_some(), "it takes another"))
}

/// Returns whether no name starts or ends with this string.
fn is_stray(text: &str) -> bool {
    let is_odd = |c: char| {
        c.is_whitespace()
            || matches!(c, '\'' | '"' | '<' | '>' | '`')
            || (!c.is_ascii() && !c.is_alphanumeric())
    };
    text.starts_with(is_odd) || text.ends_with(is_odd)
}

/// Returns whether the authenticator ignores a key.
fn is_ignored_key(
    judged: &Judged,
    key: &str,
    authenticator: &mut SingleEntryAuthenticator<'_>,
) -> Result<(), String> {
    let text = judged.data.get(key).cloned().unwrap_or_default();
    let parsed = parse(&Data::from([(key.to_owned(), text)]), authenticator.0);
    let is_empty = parsed.is_none_or(|parsed| {
        parsed.roles.is_empty() && parsed.users.is_empty() && parsed.accounts.is_empty()
    });
    if is_empty {
        Ok(())
    } else {
        Err("it is read".to_owned())
    }
}

/// Returns whether the section has the same meaning if it ends at `at`.
fn ends_at(
    judged: &Judged,
    section: &Section,
    at: usize,
    authenticator: &mut SingleEntryAuthenticator<'_>,
) -> Answer {
    let text = section.text()?.get(..at)?;
    same_with(judged, section, text.to_owned(), authenticator)
}

/// Returns whether the section has the same meaning if a field is renamed.
fn is_ignored_field(
    judged: &Judged,
    section: &Section,
    finding: &Finding,
    authenticator: &mut SingleEntryAuthenticator<'_>,
) -> Answer {
    let Site::Text(place) = &finding.site else {
        return None;
    };
    let mut text = section.text()?.to_owned();
    let key = text.get(place.span.range())?;
    let is_plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !is_plain {
        return None;
    }
    // The new key takes the position of the old one.
    let other = format!("{key}Zz9");
    text.replace_range(place.span.range(), &other);
    same_with(judged, section, text, authenticator)
}

fn same_with(
    judged: &Judged,
    section: &Section,
    text: String,
    authenticator: &mut SingleEntryAuthenticator<'_>,
) -> Answer {
    let mut data = judged.data.clone();
    data.insert(section.name().key().to_owned(), text);
    let parsed = parse(&data, authenticator.0)?;
    let was = &judged.parsed;
    let is_same =
        (&parsed.roles, &parsed.users, &parsed.accounts) == (&was.roles, &was.users, &was.accounts);
    verdict(is_same, "it says something else")
}
