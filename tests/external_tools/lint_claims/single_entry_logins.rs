//! Identities that sign in to an authenticator with a single entry.

use std::collections::BTreeMap;

use awsauth_core::document::SectionName;
use serde_json::{Value, json};

use super::Taken;
use crate::support::authenticator_oracle::{Answer, Data, Identity, Login, Oracle, Request};

/// A username that only the tested entry gives.
const USERNAME: &str = "it";
pub(super) const ACCOUNT: &str = "444455556666";
/// The access key of a user.
pub(super) const USERS_KEY: &str = "AKIAEXAMPLE";

pub(super) struct SingleEntryAuthenticator<'o>(pub(super) &'o mut Oracle);

/// Returns a session of a role.
pub(super) fn session(partition: &str, account: &str, role: &str, session: &str) -> Identity {
    Identity {
        sts_arn: format!("arn:{partition}:sts::{account}:assumed-role/{role}/{session}"),
        sts_account: account.to_owned(),
        sts_userid: format!("AROAEXAMPLE:{session}"),
        access_key: "ASIAEXAMPLE".to_owned(),
    }
}

/// Returns an identity that is not a role.
fn other(partition: &str, service: &str, account: &str, resource: &str) -> Identity {
    Identity {
        sts_arn: format!("arn:{partition}:{service}::{account}:{resource}"),
        sts_account: account.to_owned(),
        sts_userid: "AIDAEXAMPLE".to_owned(),
        access_key: USERS_KEY.to_owned(),
    }
}

/// Returns all identities that the author of an ARN may have intended.
fn intended_identities(arn: &str) -> Vec<Identity> {
    let parts: Vec<&str> = arn.split(':').collect();
    let digits: String = arn.chars().filter(char::is_ascii_digit).take(12).collect();
    let account = parts
        .iter()
        .find(|part| part.len() == 12 && part.bytes().all(|b| b.is_ascii_digit()));
    let account = account.map_or_else(
        || {
            if digits.len() == 12 {
                digits
            } else {
                ACCOUNT.to_owned()
            }
        },
        |id| (*id).to_owned(),
    );
    let resource = parts.last().copied().unwrap_or_default();
    let is_name = |name: &str| {
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
        !name.is_empty() && name.chars().all(is_of_name)
    };
    let names = resource.split('/').filter(|name| is_name(name));
    let path = resource.split_once('/').map_or(resource, |(_, path)| path);
    let mut identities = Vec::new();
    let given = parts
        .get(1)
        .map_or(String::new(), |partition| partition.to_ascii_lowercase());
    for partition in ["aws", &given] {
        if partition.is_empty()
            || !partition
                .chars()
                .all(|c| c.is_ascii_lowercase() || c == '-')
        {
            continue;
        }
        identities.push(other(partition, "iam", &account, "root"));
        if path.split('/').all(is_name) {
            identities.push(other(partition, "iam", &account, &format!("user/{path}")));
        }
        for name in names.clone() {
            identities.push(session(partition, &account, name, "i-0123456789abcdef0"));
            identities.push(other(partition, "iam", &account, &format!("user/{name}")));
            identities.push(other(
                partition,
                "sts",
                &account,
                &format!("federated-user/{name}"),
            ));
        }
    }
    identities
}

impl SingleEntryAuthenticator<'_> {
    /// Returns an identity that an entry with this ARN maps.
    pub(super) fn admitted_identity(
        &mut self,
        section: SectionName,
        arn: &str,
    ) -> Option<Identity> {
        let entry = entry(section, arn, USERNAME, &[]);
        let identities = intended_identities(arn);
        let requests: Vec<_> = identities
            .iter()
            .map(|who| request(section, &entry, who, false))
            .collect();
        let answers = self.0.ask(&requests);
        let found = answers.iter().position(is_admitted_by_entry);
        found.map(|at| identities[at].clone())
    }

    /// Returns whether an entry maps this identity.
    pub(super) fn matches(
        &mut self,
        section: SectionName,
        taken: &Taken,
        who: &Identity,
        gate: bool,
    ) -> bool {
        let entry = match &taken.sso {
            None => entry(section, &taken.principal, USERNAME, &[]),
            Some(sso) => json!([{"sso": sso, "username": USERNAME}]),
        };
        is_admitted_by_entry(&self.0.ask(&[request(section, &entry, who, gate)]).remove(0))
    }

    /// Returns the result of a sign-in: of a role session with this name, or of a user if there is none. The entry
    /// supplies the username and groups.
    pub(super) fn login(&mut self, taken: &Taken, session_name: Option<&str>) -> Login {
        let (section, arn, who) = match session_name {
            Some(name) => (
                SectionName::Roles,
                "role/x",
                session("aws", ACCOUNT, "x", name),
            ),
            None => (
                SectionName::Users,
                "user/x",
                other("aws", "iam", ACCOUNT, "user/x"),
            ),
        };
        let entry = entry(
            section,
            &format!("arn:aws:iam::{ACCOUNT}:{arn}"),
            &taken.username,
            &taken.groups,
        );
        outcome(
            self.0
                .ask(&[request(section, &entry, &who, false)])
                .remove(0),
        )
    }

    /// Returns the result of a sign-in by a role of a mapped account.
    pub(super) fn of_account(&mut self, account: &str) -> Login {
        let who = session("aws", account, "x", "ann");
        let entry = json!([account]);
        outcome(
            self.0
                .ask(&[request(SectionName::Accounts, &entry, &who, false)])
                .remove(0),
        )
    }
}

fn entry(section: SectionName, arn: &str, username: &str, groups: &[String]) -> Value {
    let key = match section {
        SectionName::Users => "userarn",
        _ => "rolearn",
    };
    json!([{key: arn, "username": username, "groups": groups}])
}

fn request(section: SectionName, entry: &Value, who: &Identity, sso_gate: bool) -> Request {
    let data = Data {
        texts: BTreeMap::from([(section.key().to_owned(), entry.to_string())]),
        ..Data::default()
    };
    Request::Map {
        data,
        identity: who.clone(),
        sso_gate,
        ec2: BTreeMap::new(),
    }
}

fn outcome(answer: Answer) -> Login {
    let Answer::Map(mapped) = answer else {
        panic!("{answer:?}");
    };
    mapped.result.expect("one outcome, of one entry")
}

fn is_admitted_by_entry(answer: &Answer) -> bool {
    let Answer::Map(mapped) = answer else {
        panic!("{answer:?}");
    };
    matches!(&mapped.result, Some(Login::Accepted { username, .. }) if username == USERNAME)
}
