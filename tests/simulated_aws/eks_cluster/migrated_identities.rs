//! Each kind of identity before `migrate --apply`, when the real authenticator signs it in, and afterwards, when access entries
//! do.

use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::on;
use crate::eks_cluster::harness::MYTESTROLE;
use crate::eks_cluster::migrate_apply::{ADMINS, DEV, Migration, NODE};
use crate::eks_cluster::token_review::Who;
use crate::support::eks;
use crate::support::simulated_aws::Credentials;

const ANN: &str = "arn:aws:iam::111122223333:user/people/ann";
/// A role of another account, whose path IAM does not show.
const PARTNER: &str = "arn:aws:iam::777788889999:role/ext/partner";
const INSTANCE: &str = "i-0123456789abcdef0";
const DNS_NAME: &str = "ip-10-0-0-1.ec2.internal";
/// What aws-auth gives nodes. EKS gives them only the second group.
const NODE_GROUPS: [&str; 2] = ["system:bootstrappers", "system:nodes"];

/// An identity, and its user in each mode.
struct Identity {
    credentials: Credentials,
    before: Who,
    /// Through an access entry, or through aws-auth if it can have none.
    after: Who,
    /// In mode API.
    finished: Who,
}

impl Identity {
    fn same(credentials: Credentials, user: Who) -> Self {
        Self {
            credentials,
            before: user.clone(),
            after: user.clone(),
            finished: user,
        }
    }
}

/// Returns an entry of mapRoles.
fn role(arn: &str, username: &str, groups: &[&str]) -> Value {
    json!({"rolearn": arn, "username": username, "groups": groups})
}

#[test]
fn every_kind_of_identity_has_the_same_user_before_and_after() {
    let migration = Migration::start();
    let session = &migration.session;
    let aws = session.aws();
    aws.instance(&json!({"id": INSTANCE, "privateDnsName": DNS_NAME}));
    let ann = aws.user(ANN);
    let in_account = |name: &str| format!("arn:aws:sts::111122223333:assumed-role/{name}");
    let sessions = aws.sessions(&[
        &in_account("deploy/build@example.com"),
        &in_account("ci/build@example.com"),
        "arn:aws:sts::777788889999:assumed-role/partner/bob@example.com",
        "arn:aws:sts::444455556666:assumed-role/anyone/bob",
        &in_account(&format!("nodes/{INSTANCE}")),
        &in_account(&format!("others/{INSTANCE}")),
    ]);
    let [deploy, ci, partner, member, node, other_node]: [Credentials; 6] =
        sessions.try_into().ok().unwrap();

    let of_account = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let node_name = "system:node:{{EC2PrivateDNSName}}";
    let roles = json!([
        role(MYTESTROLE, "admin", &["system:masters"]),
        role(&of_account("dev"), "dev:{{SessionName}}", &["devs"]),
        role(NODE, node_name, &NODE_GROUPS),
        role(&of_account("others"), node_name, &NODE_GROUPS),
        role(
            &of_account("deploy"),
            "deploy:{{AccountID}}:{{SessionName}}",
            &["deployers"]
        ),
        role(
            &of_account("ci"),
            "ci:{{SessionNameRaw}}",
            &["ci", "builders"]
        ),
        role(
            "arn:aws:iam::777788889999:role/partner",
            "partner:{{SessionName}}",
            &["partners"]
        ),
    ]);
    let users = json!([{"userarn": ANN, "username": "ann", "groups": ["people"]}]);
    session.put(&json!({
        "mapRoles": roles.to_string(),
        "mapUsers": users.to_string(),
        "mapAccounts": "- \"444455556666\"\n",
    }));
    migration.change(|state| {
        let id = |of: &Credentials| json!({"id": of.user_id.split(':').next().unwrap()});
        let principals = &mut state["principals"];
        principals[ANN] = id(&ann);
        principals[PARTNER] = id(&partner);
        for (name, of) in [("deploy", &deploy), ("ci", &ci), ("others", &other_node)] {
            principals[of_account(name)] = id(of);
        }
        state["instances"] = json!({INSTANCE: DNS_NAME});
    });

    let name = format!("system:node:{DNS_NAME}");
    let of_nodes = |credentials| Identity {
        credentials,
        before: Who::user(&name, &NODE_GROUPS),
        after: Who::user(&name, &NODE_GROUPS[1..]),
        finished: Who::user(&name, &NODE_GROUPS[1..]),
    };
    let by_account = Who::user("arn:aws:iam::444455556666:role/anyone", &[]);
    let identities = [
        Identity {
            credentials: migration.caller_session.clone(),
            before: Who::user("admin", &["system:masters"]),
            after: Who::user("admin", &[ADMINS]),
            finished: Who::user("admin", &[ADMINS]),
        },
        Identity::same(
            migration.dev.clone(),
            Who::user("dev:ann-example.com", &["devs"]),
        ),
        Identity::same(ann, Who::user("ann", &["people"])),
        Identity::same(
            deploy,
            Who::user("deploy:111122223333:build-example.com", &["deployers"]),
        ),
        Identity::same(ci, Who::user("ci:build@example.com", &["ci", "builders"])),
        Identity::same(partner, Who::user("partner:bob-example.com", &["partners"])),
        of_nodes(node),
        of_nodes(other_node),
        Identity {
            credentials: member,
            before: by_account.clone(),
            after: by_account,
            finished: Who::Unauthorized,
        },
    ];
    for identity in &identities {
        session.becomes(&identity.credentials, &identity.before);
    }

    let run = |args: &[&str]| {
        let known = ["migrate", "--principal", PARTNER, "--accept", PARTNER];
        on(session, &migration.caller, &[&known[..], args].concat())
    };
    // The plan names what changes for the others.
    let plan = run(&[]);
    plan.says(4, &[]);
    for part in [
        "444455556666: not possible",
        "EKS gives nodes the group system:nodes but not system:bootstrappers",
        "system:masters",
    ] {
        assert!(plan.stdout.contains(part), "{part}\n{}", plan.stdout);
    }
    run(&["--apply", "--yes"]).says(0, &[]);
    let state = migration.service.state();
    let entries = state["entries"][eks::NAME].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["principalArn"] == DEV));
    for identity in &identities {
        session.becomes(&identity.credentials, &identity.after);
    }

    // Only the account has no access entry.
    run(&["--check"]).says(1, &["1 of 9 mappings in effect have no access entry"]);
    let unmap = ["unmap", "account", "444455556666"];
    on(session, &migration.caller, &unmap).says(0, &[]);
    run(&["--check"]).says(0, &[]);
    run(&["--finish", "--yes"]).says(0, &[]);
    for identity in &identities {
        session.becomes(&identity.credentials, &identity.finished);
    }
}
