//! Generates identities as STS reports them, and maps that contain some of them. The same seed gives the same result.

use std::collections::BTreeMap;

use awsauth_core::arn::canonical;
use awsauth_core::authenticator::{Explanation, NOT_MAPPED, Placeholder, Question};
use awsauth_core::document::SectionName;
use fastrand::Rng;
use serde_json::{Value, json};

use super::authenticator_oracle::{Data, Identity, Login, Mapped, Request};
use super::generated_documents::{self, Draw};

const ACCOUNTS: [&str; 3] = ["111122223333", "444455556666", "012345678901"];

const ROLES: [&str; 8] = [
    "Dev",
    "dev",
    "Ops",
    "x+y=z,.@-_",
    "Admin_1",
    "KarpenterNodeRole-prod",
    "eksctl-prod-nodegroup-ng-1-NodeInstanceRole-1ABCDEF",
    "a",
];

const SESSIONS: [&str; 7] = [
    "i-0123456789abcdef0",
    "i-01234567",
    "i-0fedcba9876543210",
    "ann@example.com",
    "ann-example.com",
    "botocore-session-1700000000",
    "a=b,c+d",
];

const PERMISSION_SETS: [&str; 4] = ["Admin", "Admin_Extra", "ReadOnly_1", "admin"];

const USERNAMES: [&str; 12] = [
    "admin",
    "dev",
    "system:node:{{EC2PrivateDNSName}}",
    "{{SessionName}}",
    "u:{{SessionNameRaw}}",
    "{{AccountID}}",
    "{{AccessKeyID}}",
    "{{SessionName}}@{{AccountID}}",
    "{{Unknown}}",
    "{{ AccountID }}",
    "o'brien \"x\" \\ é",
    "a: b #c",
];

const GROUPS: [&str; 9] = [
    "system:masters",
    "system:bootstrappers",
    "system:nodes",
    "dev",
    "view only",
    "g:{{SessionName}}",
    "{{AccountID}}:{{AccessKeyID}}",
    "system:node:{{EC2PrivateDNSName}}",
    "dev",
];

/// Which identities to generate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Identities of every partition, including ones that STS would hardly return.
    Any,
    /// Identities that can sign in to a cluster in partition aws.
    OneCluster,
}

/// An identity, as STS reports it.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) arn: String,
    pub(crate) account: String,
    pub(crate) user_id: String,
    pub(crate) access_key: String,
}

impl Caller {
    pub(crate) fn draw(rng: &mut Rng, reach: Reach) -> Self {
        let partition = match reach {
            Reach::Any => rng.pick(&[
                "aws",
                "aws",
                "aws",
                "aws-cn",
                "aws-us-gov",
                "aws-eusc",
                "aws-none",
            ]),
            Reach::OneCluster => "aws",
        };
        let account = rng.pick(&ACCOUNTS);
        let name = rng.pick(&ROLES);
        let name = cased(rng, name);
        let mut session = rng.pick(&SESSIONS);
        if reach == Reach::Any && rng.one_in(40) {
            session = "{{AccessKeyID}}";
        }
        let (service, resource, user_id) = match rng.weighted(&[8, 4, 4, 1, 2]) {
            0 => of_role(&name, session),
            1 => of_role(&sso_role(rng), session),
            2 => {
                let path = rng.pick(&["", "", "team/", "a/b/"]);
                ("iam", format!("user/{path}{name}"), format!("AIDA{name}"))
            }
            3 => ("iam", "root".to_owned(), account.to_owned()),
            _ => {
                let id = format!("{account}:{session}");
                ("sts", format!("federated-user/{session}"), id)
            }
        };
        let reported = match (reach, rng.one_in(50)) {
            (Reach::Any, true) => rng.pick(&ACCOUNTS),
            _ => account,
        };
        Self {
            arn: format!("arn:{partition}:{service}::{account}:{resource}"),
            account: reported.to_owned(),
            user_id,
            access_key: format!("ASIA{:016X}", rng.u64(..)),
        }
    }

    /// The EC2 instance in the session name, if any.
    pub(crate) fn instance(&self) -> Option<&str> {
        let session = self.arn.rsplit('/').next()?;
        session.starts_with("i-").then_some(session)
    }

    /// The request to the authenticator's mapper.
    pub(crate) fn request(
        &self,
        data: &BTreeMap<String, String>,
        sso_gate: bool,
        instances: &BTreeMap<String, String>,
    ) -> Request {
        Request::Map {
            data: Data {
                texts: data.clone(),
                ..Data::default()
            },
            identity: Identity {
                sts_arn: self.arn.clone(),
                sts_account: self.account.clone(),
                sts_userid: self.user_id.clone(),
                access_key: self.access_key.clone(),
            },
            sso_gate,
            ec2: instances.clone(),
        }
    }

    /// The input of `explain`.
    pub(crate) fn question<'a>(
        &'a self,
        sso_gate: bool,
        instances: &'a BTreeMap<String, String>,
    ) -> Question<'a> {
        let name = self.instance().and_then(|id| instances.get(id));
        Question {
            arn: &self.arn,
            access_key_id: Some(&self.access_key),
            private_dns_name: name.map(String::as_str),
            account: Some(&self.account),
            sso_gate,
            ..Question::default()
        }
    }
}

fn of_role(role: &str, session: &str) -> (&'static str, String, String) {
    let resource = format!("assumed-role/{role}/{session}");
    ("sts", resource, format!("AROA{role}:{session}"))
}

/// `AWSReservedSSO_SET_0123456789abcdef`
fn sso_role(rng: &mut Rng) -> String {
    let set = rng.pick(&PERMISSION_SETS);
    format!("AWSReservedSSO_{set}_{:016x}", rng.u64(..4))
}

/// Sometimes changes the letter case.
fn cased(rng: &mut Rng, text: &str) -> String {
    match rng.u32(..8) {
        0 => text.to_uppercase(),
        1 => text.to_lowercase(),
        _ => text.to_owned(),
    }
}

/// Generates a map that contains some of the identities, and always `users`.
pub(crate) fn map(rng: &mut Rng, callers: &[Caller], users: &[Value]) -> BTreeMap<String, String> {
    let kept = users;
    let (mut roles, mut users, mut accounts) = (Vec::new(), users.to_vec(), Vec::new());
    for caller in callers {
        for _ in 0..rng.weighted(&[4, 8, 3, 1]) {
            let is_role = caller.arn.contains(":assumed-role/");
            let (fields, list) = if is_role && rng.one_in(10) {
                (sso_fields(rng, caller), &mut roles)
            } else if is_role != rng.one_in(10) {
                (json!({"rolearn": written(rng, caller)}), &mut roles)
            } else {
                (json!({"userarn": written(rng, caller)}), &mut users)
            };
            list.push(entry(rng, fields));
        }
        if rng.one_in(12) {
            accounts.push(caller.account.clone());
        }
    }
    rng.shuffle(&mut roles);
    rng.shuffle(&mut users);
    let mut data = BTreeMap::from([
        ("mapRoles".to_owned(), section(rng, &roles)),
        ("mapUsers".to_owned(), section(rng, &users)),
        ("mapAccounts".to_owned(), json!(accounts).to_string()),
    ]);
    if rng.one_in(6) {
        // Of another identity.
        let mut names = SectionName::ALL.to_vec();
        names.retain(|name| kept.is_empty() || *name != SectionName::Users);
        let name = rng.pick(&names);
        data.insert(
            name.key().to_owned(),
            generated_documents::realistic(rng, name),
        );
    }
    data
}

fn entry(rng: &mut Rng, mut fields: Value) -> Value {
    fields["username"] = rng.pick(&USERNAMES).into();
    let groups: Vec<_> = (0..rng.usize(..4)).map(|_| rng.pick(&GROUPS)).collect();
    fields["groups"] = groups.into();
    fields
}

/// The ARN of an identity as an entry may spell it, correctly or not.
fn written(rng: &mut Rng, caller: &Caller) -> String {
    let arn = canonical(&caller.arn).map_or_else(|_| caller.arn.clone(), |canonical| canonical.arn);
    match rng.weighted(&[24, 4, 4, 2, 1, 2, 1, 1, 1]) {
        0 => arn,
        1 => arn.to_uppercase().replacen("ARN:", "arn:", 1),
        2 => arn.to_lowercase(),
        3 => arn.replacen("role/", "role/team/", 1),
        4 => caller.arn.clone(),
        5 => arn.replacen(&caller.account, rng.pick(&ACCOUNTS), 1),
        6 => format!("{arn} "),
        7 => format!("{}*", &arn[..arn.len() - 1]),
        _ => arn.replacen("arn:aws:", "arn:aws-cn:", 1),
    }
}

fn sso_fields(rng: &mut Rng, caller: &Caller) -> Value {
    let mut sso =
        json!({"permissionSetName": rng.pick(&PERMISSION_SETS), "accountID": caller.account});
    if rng.one_in(4) {
        sso["partition"] = rng.pick(&["aws", "aws-cn"]).into();
    }
    json!({"sso": sso})
}

/// Writes JSON, or a block with JSON strings. Both are YAML.
fn section(rng: &mut Rng, entries: &[Value]) -> String {
    if rng.one_in(4) {
        return Value::from(entries).to_string();
    }
    let mut text = String::new();
    for entry in entries {
        let mut lead = "-";
        for (key, value) in entry.as_object().into_iter().flatten() {
            text += &format!("{lead} {key}: {value}\n");
            lead = " ";
        }
    }
    text
}

/// The result of `explain` in the form of the mapper.
pub(crate) fn explained(explanation: &Explanation) -> Vec<Login> {
    let refused = |error: String| Login::Refused { error };
    let mut logins: Vec<Login> = explanation
        .answers
        .iter()
        .map(|answer| match &answer.user {
            Err(error) => refused(error.to_string()),
            Ok(_) if answer.missing.contains(&Placeholder::Ec2PrivateDnsName) => {
                refused(UNKNOWN_NODE.to_owned())
            }
            Ok(user) => Login::Accepted {
                username: user.username.clone(),
                groups: user.groups.clone(),
            },
        })
        .collect();
    if logins.is_empty() {
        logins.push(refused(NOT_MAPPED.to_owned()));
    }
    logins.sort();
    logins.dedup();
    logins
}

/// The mapper's result in the same form.
pub(crate) fn answered(mapped: Mapped) -> Vec<Login> {
    let mut logins: Vec<Login> = mapped.result.into_iter().chain(mapped.any_of).collect();
    for login in &mut logins {
        // EC2 does not know the instance. explain sends no request and reports that it needs the name.
        if let Login::Refused { error } = login
            && error.contains("failed to find node")
        {
            *error = UNKNOWN_NODE.to_owned();
        }
    }
    logins.sort();
    logins.dedup();
    logins
}

const UNKNOWN_NODE: &str = "unknown node";
