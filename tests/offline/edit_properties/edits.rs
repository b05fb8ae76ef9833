//! Generates batches of edits for a document: of existing and new entries, valid and invalid.

use awsauth_core::document::edit::{Edit, Groups};
use awsauth_core::document::{Document, Entry, Principal, SectionName, SsoRole, Status};
use fastrand::Rng;

/// Usernames and groups that need care in some YAML style.
const WORDS: [&str; 44] = [
    "admin",
    "system:masters",
    "system:node:{{EC2PrivateDNSName}}",
    "{{SessionName}}",
    "dev:{{SessionNameRaw}}",
    "yes",
    "NO",
    "123",
    "0123",
    "0x1f",
    "1e3",
    "1_000",
    "12:30:45",
    "2001-12-14",
    "null",
    "~",
    "",
    " ",
    " lead",
    "trail ",
    "a: b",
    "a:",
    "a #b",
    "#",
    "- a",
    "-",
    "? a",
    "[a]",
    "{a}",
    "a, b",
    "'",
    "o'brien",
    "\"",
    "say \"hi\"",
    "back\\slash",
    "two\nlines",
    "tab\tbed",
    "cr\r",
    "éva",
    "\u{feff}bom",
    "\u{2028}\u{85}",
    "\u{1f600}",
    "\0\u{7f}",
    "<<",
];

/// Generates one to five edits.
pub(crate) fn batch(rng: &mut Rng, document: &Document) -> Vec<Edit> {
    // Few principals, so that several edits of a batch refer to the same one.
    let mut principals: Vec<_> = (0..1 + rng.usize(..3))
        .map(|_| principal(rng, document))
        .collect();
    if rng.u8(..4) == 0 {
        let twin = principals[0].clone();
        principals.push(respelt(rng, twin));
    }
    (0..1 + rng.usize(..5))
        .map(|at| {
            let principal = match principals.get(at) {
                Some(principal) if rng.bool() => principal.clone(),
                _ => rng.choice(&principals).cloned().unwrap_or_else(new_role),
            };
            edit(rng, document, principal, at == 0)
        })
        .collect()
}

fn new_role() -> Principal {
    Principal::Role("arn:aws:iam::111122223333:role/fresh".to_owned())
}

fn edit(rng: &mut Rng, document: &Document, principal: Principal, is_first: bool) -> Edit {
    if rng.u8(..3) == 0 {
        let names_line = if is_first { 4 } else { 40 };
        let only_line = (rng.u8(..names_line) == 0).then(|| {
            let entries = document.section(principal.section()).entries();
            let known = rng.choice(entries).map(|entry| entry.line);
            known
                .filter(|_| rng.u8(..8) != 0)
                .unwrap_or_else(|| rng.usize(..9))
        });
        return Edit::Unmap {
            principal,
            only_line,
        };
    }
    let username = (rng.u8(..5) != 0).then(|| word(rng));
    let entries = document.section(principal.section()).entries();
    let groups = rng.choice(entries).map_or_else(Vec::new, groups_of);
    if rng.u8(..6) == 0 {
        return Edit::RenameGroup {
            principal,
            from: rng.choice(&groups).cloned().unwrap_or_else(|| word(rng)),
            to: word(rng),
        };
    }
    let groups = match rng.u8(..6) {
        0 => Groups::Keep,
        1..=3 => Groups::Set(words(rng, &groups)),
        _ => Groups::Adjust {
            add: words(rng, &groups),
            remove: words(rng, &groups),
        },
    };
    Edit::Map {
        principal,
        username,
        groups,
    }
}

/// Generates a few words, some of which are in use.
fn words(rng: &mut Rng, used: &[String]) -> Vec<String> {
    (0..rng.usize(..4))
        .map(|_| match rng.choice(used) {
            Some(group) if rng.bool() => group.clone(),
            _ => word(rng),
        })
        .collect()
}

fn word(rng: &mut Rng) -> String {
    let common = rng.u8(..4) == 0;
    let some = if common { &WORDS[..5] } else { &WORDS[..] };
    rng.choice(some).copied().unwrap_or_default().to_owned()
}

fn principal(rng: &mut Rng, document: &Document) -> Principal {
    let name = SectionName::ALL[[0, 0, 1, 2][rng.usize(..4)]];
    let section = document.section(name);
    // Entries that may not be changed are rare.
    let is_odd = |entry: &&Entry| entry.fields.is_repeated || entry.fields.is_mistyped;
    let odd = section.entries().iter().find(is_odd);
    match odd
        .filter(|_| rng.bool())
        .or_else(|| rng.choice(section.entries()))
    {
        Some(entry) if rng.u8(..4) != 0 => {
            let principal = principal_of(entry);
            if rng.u8(..3) == 0 {
                respelt(rng, principal)
            } else {
                principal
            }
        }
        _ => other(rng, section.name()),
    }
}

fn groups_of(entry: &Entry) -> Vec<String> {
    match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => mapping.groups().to_vec(),
    }
}

fn principal_of(entry: &Entry) -> Principal {
    match &entry.status {
        Status::Kept(mapping) | Status::Dropped { mapping, .. } => mapping.principal.clone(),
    }
}

/// Returns the same principal or a similar one: in other letter case, as a session of the role, in the other list.
fn respelt(rng: &mut Rng, principal: Principal) -> Principal {
    let spell = |rng: &mut Rng, arn: String| match rng.u8(..4) {
        0 => arn.to_uppercase(),
        1 => arn.to_lowercase(),
        2 => arn.replace('s', "\u{17f}"),
        _ => {
            arn.replace(":iam:", ":sts:")
                .replace(":role/", ":assumed-role/")
                + "/session"
        }
    };
    match principal {
        Principal::Role(arn) if rng.u8(..4) == 0 => Principal::User(arn),
        Principal::User(arn) if rng.u8(..4) == 0 => Principal::Role(arn),
        Principal::Role(arn) => Principal::Role(spell(rng, arn)),
        Principal::User(arn) => Principal::User(spell(rng, arn)),
        Principal::Sso(mut sso) => {
            sso.permission_set_name = sso.permission_set_name.to_uppercase();
            Principal::Sso(sso)
        }
        Principal::Account(id) => Principal::Account(format!("0{id}")),
    }
}

/// Generates a principal that is in the document only by chance.
fn other(rng: &mut Rng, section: SectionName) -> Principal {
    let name = match rng.u8(..8) {
        0 => word(rng),
        1 => "team/Dev".to_owned(),
        2 => "İ".to_owned(),
        _ => ["fresh", "new", "Ops", "opſ"][rng.usize(..4)].to_owned(),
    };
    let arn = |kind: &str| match name.as_str() {
        "" => String::new(),
        _ => format!("arn:aws:iam::111122223333:{kind}/{name}"),
    };
    match section {
        SectionName::Roles if rng.u8(..6) == 0 => Principal::Sso(Box::new(SsoRole {
            permission_set_name: ["Admin", "ReadOnly_1", "a b", ""][rng.usize(..4)].to_owned(),
            account_id: ["111122223333", "012345678901", "1"][rng.usize(..3)].to_owned(),
            partition: ["", "", "aws", "aws-cn", "moon"][rng.usize(..5)].to_owned(),
        })),
        SectionName::Roles => Principal::Role(arn("role")),
        SectionName::Users => Principal::User(arn("user")),
        SectionName::Accounts => Principal::Account(match rng.u8(..3) {
            0 => word(rng),
            1 => "012345678901".to_owned(),
            _ => "444455556666".to_owned(),
        }),
    }
}
