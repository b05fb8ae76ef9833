//! Access entries together with aws-auth.
//!
//! The authenticator does not implement access entries, but lets the cluster's creator sign in before it checks aws-auth. So
//! the creator has an access entry here. The behavior of EKS is from its guide:
//! <https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html>

use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on, with_cluster};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, map_args};
use crate::support::eks::{self, CREATOR};
use crate::support::moto::Moto;
use crate::support::simulated_eks_api::EksService;

const ADMIN: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
const VIEW: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy";
const NODE: &str = "arn:aws:iam::111122223333:role/nodes";
const DEV: &str = "arn:aws:iam::111122223333:role/team/dev";

/// The state of an EKS API with access entries. `more` overrides it.
pub(crate) fn world(mode: &str, denied: &Value) -> Value {
    let mut world = with_cluster(&json!({"accessConfig": {"authenticationMode": mode}}));
    let everywhere = json!({"type": "cluster", "namespaces": []});
    let some = json!({"type": "namespace", "namespaces": ["dev-*", "web"]});
    let entries = json!([
        {
            "principalArn": CREATOR, "type": "STANDARD", "username": "kubernetes-admin", "kubernetesGroups": [],
            "policies": [{"policyArn": ADMIN, "accessScope": everywhere}],
        },
        {
            "principalArn": DEV, "type": "STANDARD", "kubernetesGroups": ["devs"],
            "username": "arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}",
            "policies": [{"policyArn": VIEW, "accessScope": some}],
        },
        {
            "principalArn": NODE, "type": "EC2_LINUX", "kubernetesGroups": ["system:nodes"],
            "username": "system:node:{{EC2PrivateDNSName}}",
        },
    ]);
    world["entries"] = json!({eks::NAME: entries});
    world["denied"] = denied.clone();
    world
}

fn eks_with_access_entries(session: &ExclusiveCluster) -> &'static EksService {
    eks(session, &world("API_AND_CONFIG_MAP", &json!({})))
}

/// An aws-auth in which two entries are hidden by access entries.
pub(crate) fn put(session: &ExclusiveCluster) {
    let roles = format!(
        "- rolearn: {MYTESTROLE}\n  username: admin\n  groups: [system:masters]\n\
         - rolearn: arn:aws:iam::111122223333:role/dev\n  username: dev\n  groups: [ops]\n\
         - rolearn: {NODE}\n  username: system:node:{{{{EC2PrivateDNSName}}}}\n  groups: [system:bootstrappers, system:nodes]\n"
    );
    session.put(&json!({"mapRoles": roles}));
}

#[test]
fn get_shows_entries_of_both_stores() {
    let session = ExclusiveCluster::start();
    let ci = holding(&session, eks_with_access_entries(&session), CREATOR_SESSION);
    put(&session);
    let run = on(&session, &ci, &["get"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    let rows: Vec<Vec<&str>> = run
        .stdout
        .lines()
        .map(|line| {
            line.split("   ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    let heading = [
        "KIND", "IDENTITY", "USERNAME", "GROUPS", "POLICIES", "SOURCE", "STATUS",
    ];
    assert_eq!(rows[0], heading);
    assert_eq!(
        rows[1],
        [
            "role",
            MYTESTROLE,
            "admin",
            "system:masters",
            "<none>",
            "aws-auth",
            "effective"
        ]
    );
    assert_eq!(rows[2].last(), Some(&"shadowed by its access entry"));
    assert_eq!(
        rows[4],
        [
            "role",
            CREATOR,
            "kubernetes-admin",
            "<none>",
            "AmazonEKSClusterAdminPolicy",
            "access entry",
            "effective"
        ]
    );
    assert_eq!(rows[5][4], "AmazonEKSViewPolicy(dev-*,web)");
    assert_eq!(rows[6][5], "access entry (EC2_LINUX)");

    let json = on(&session, &ci, &["get", "-o", "json"]).json();
    let statuses = json["roles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|role| &role["status"]);
    assert_eq!(
        statuses.collect::<Vec<_>>(),
        ["effective", "shadowed", "shadowed"]
    );
    assert_eq!(
        json["accessEntries"][1],
        json!({
            "principalArn": DEV, "type": "STANDARD", "groups": ["devs"],
            "username": "arn:aws:sts::111122223333:assumed-role/dev/{{SessionName}}",
            "policies": [{"policyArn": VIEW, "namespaces": ["dev-*", "web"]}],
        })
    );
    let of_dev = on(
        &session,
        &ci,
        &["get", "arn:aws:iam::111122223333:role/dev", "-o", "name"],
    );
    assert_eq!(
        of_dev.stdout,
        format!("arn:aws:iam::111122223333:role/dev\n{DEV}\n")
    );
    on(&session, &ci, &["get", CREATOR, "--must-exist"]).says(0, &[]);
    on(&session, &ci, &["get", "users", "--must-exist"]).says(1, &[]);

    // With a kubeconfig, only aws-auth is read.
    let json = session.done(&["get", "-o", "json"]).json();
    assert_eq!(json.get("accessEntries"), None);
    assert_eq!(json["roles"][1]["status"], "effective");
}

#[test]
fn explain_shows_the_deciding_store_and_access_policies() {
    let session = ExclusiveCluster::start();
    let ci = holding(&session, eks_with_access_entries(&session), CREATOR_SESSION);
    put(&session);
    let ann = "arn:aws:sts::111122223333:assumed-role/dev/ann@example.com";
    let run = on(&session, &ci, &["explain", ann]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    assert_eq!(
        run.stdout,
        format!(
            "the authenticator looks up {ann} as arn:aws:iam::111122223333:role/dev\n\
             arn:aws:iam::111122223333:role/dev becomes user arn:aws:sts::111122223333:assumed-role/dev/ann-example.com in group devs\n\
             \x20 by the access entry of {DEV}, of type STANDARD\n\
             \x20 shadows mapRoles line 4\n\
             What access policies of EKS allow besides RBAC:\n\
             \x20 AmazonEKSViewPolicy in namespaces dev-*, web\n\
             What RBAC allows it:\n\
             \x20 nothing beyond what every authenticated user can do\n\
             \x20 as every authenticated user: ClusterRoles system:basic-user, system:discovery, system:public-info-viewer\n"
        )
    );
    let json = on(&session, &ci, &["explain", ann, "-o", "json"]).json();
    assert_eq!(json["accessEntry"]["principalArn"], DEV);
    assert_eq!(json["groups"], json!(["devs"]));
    assert_eq!(
        (&json["line"], &json["shadowed"]),
        (&Value::Null, &json!([4]))
    );
    assert_eq!(json["rbac"]["everything"], false);

    let run = on(&session, &ci, &["explain", MYTESTROLE]);
    run.says(0, &[]);
    assert!(run.stdout.contains("  by mapRoles line 1\n"), "{run:?}");
}

#[test]
fn mapping_hidden_by_an_access_entry_is_refused() {
    let session = ExclusiveCluster::start();
    let ci = holding(&session, eks_with_access_entries(&session), CREATOR_SESSION);
    let on = |args: &[&str]| on(&session, &ci, args);
    put(&session);
    let map = |more: &[&'static str]| {
        let map = [
            "map",
            "role",
            DEV,
            "--backend",
            "aws-auth",
            "--add-group",
            "system:masters",
            "--add-group",
            "more",
        ];
        on(&[&map, more].concat())
    };
    map(&[]).says(
        4,
        &[
            &format!("refused (mode-ignores-aws-auth): the access entry of {DEV} takes precedence, so the mapping would have no effect\n"),
            "hint: if this is intended, add --allow-ignored\n",
            "hint: to change access entries instead, use map, unmap or apply without --backend aws-auth\n",
        ],
    );
    let json = map(&["-o", "json"]);
    json.says(4, &[]);
    assert_eq!(json.json()["refusals"][0]["guard"], "WG03");
    assert_eq!(json.json()["refusals"][0]["override"], "--allow-ignored");

    let run = map(&["--allow-ignored", "--dry-run", "-o", "json"]);
    run.says(
        0,
        &[&format!(
            "The mapping of role/dev has no effect: the access entry of {DEV} takes precedence.\n"
        )],
    );
    assert_eq!(
        (&run.json()["changed"], &run.json()["access"]),
        (&json!(true), &json!([]))
    );
    map(&["--allow-ignored"]).says(0, &["Wrote aws-auth"]);

    // Principals without an access entry are mapped as usual.
    on(&[
        "map",
        "role",
        MYTESTROLE,
        "--group",
        "system:masters",
        "--verify-as",
        CREATOR,
        "--dry-run",
    ])
    .says(0, &[]);
    let run = on(&["unmap", "role", MYTESTROLE, "--dry-run"]);
    assert!(
        run.stdout
            .contains("- arn:aws:iam::111122223333:role/mytestrole loses user admin"),
        "{run:?}"
    );
}

#[test]
fn hidden_entries_can_be_removed_including_nodes() {
    let session = ExclusiveCluster::start();
    let ci = holding(&session, eks_with_access_entries(&session), CREATOR_SESSION);
    let on = |args: &[&str]| on(&session, &ci, args);
    put(&session);
    let run = on(&["unmap", "role", "arn:aws:iam::111122223333:role/dev"]);
    run.says(0, &["Wrote aws-auth", &format!("arn:aws:iam::111122223333:role/dev still has access through the access entry of {DEV}, as user arn:aws:sts::111122223333:assumed-role/dev/{{{{SessionName}}}} in group devs.\n")]);
    // While the access entry is unknown, the node entry stays.
    let kubeconfig = session.cluster.kubeconfig().display().to_string();
    let admin = ci.clone().with("KUBECONFIG", &kubeconfig);
    session
        .awsauth(&admin, &["unmap", "role", NODE])
        .says(4, &["node-guard"]);
    let run = on(&["unmap", "role", NODE]);
    run.says(
        0,
        &[&format!(
            "{NODE} still has access through the access entry of {NODE}"
        )],
    );
    let left = on(&["get", "roles", "-o", "json"]).json();
    assert_eq!(left["roles"].as_array().unwrap().len(), 1);
}

#[test]
fn whoami_and_verify_show_the_admitting_store() {
    let session = ExclusiveCluster::start();
    let ci = holding(&session, eks_with_access_entries(&session), CREATOR_SESSION);
    // A user expects this to have an effect.
    let roles = format!("- rolearn: {CREATOR}\n  username: nobody\n");
    session.put(&json!({"mapRoles": roles}));
    let by = format!("by the access entry of {CREATOR}, of type STANDARD\n");
    let run = on(
        &session,
        &ci,
        &["verify", "--expect-username", "kubernetes-admin"],
    );
    run.says(0, &[]);
    assert!(
        run.stdout
            .ends_with(&format!("system:authenticated\n  {by}")),
        "{run:?}"
    );
    let json = on(&session, &ci, &["verify", "-o", "json"]).json();
    assert_eq!(json["accessEntry"]["principalArn"], CREATOR);
    let run = on(&session, &ci, &["whoami"]);
    assert!(
        run.stdout
            .ends_with(&format!("system:authenticated\n    {by}")),
        "{run:?}"
    );
    let json = on(&session, &ci, &["whoami", "-o", "json"]).json();
    assert_eq!(
        json["cluster"]["accessEntry"]["policies"],
        json!([{"policyArn": ADMIN}])
    );
    assert_eq!(json["cluster"]["section"], Value::Null);

    // Verification of a write honors it, too: the access entry determines the user, not aws-auth.
    let run = on(
        &session,
        &ci,
        &[&map_args(MYTESTROLE)[..], &["--verify"]].concat(),
    );
    run.says(0, &["Wrote aws-auth"]);
    assert!(
        run.stdout
            .ends_with(&format!("  by the access entry of {CREATOR}\n")),
        "{run:?}"
    );
    let run = on(
        &session,
        &ci,
        &[
            "map",
            "role",
            CREATOR,
            "--username",
            "still",
            "--allow-ignored",
            "--verify",
        ],
    );
    run.says(0, &["Wrote aws-auth"]);

    // An identity that should be able to sign in but cannot.
    let mut world = world("API_AND_CONFIG_MAP", &json!({}));
    world["entries"][eks::NAME][1]["principalArn"] = json!(MYTESTROLE);
    session.put(&json!({"mapRoles": "[]"}));
    let mytestrole = holding(&session, eks(&session, &world), MYTESTROLE_SESSION);
    on(&session, &mytestrole, &["verify", "--timeout", "0"]).says(
        1,
        &[
            &format!("{MYTESTROLE} cannot sign in through its access entry"),
            &format!("aws eks describe-access-entry --region us-east-1 --cluster-name my-cluster --principal-arn {MYTESTROLE}\n"),
            "hint: check when its principal was created: aws iam get-role --role-name mytestrole\n",
        ],
    );
}

#[test]
fn unreadable_eks_facts_are_reported() {
    let session = ExclusiveCluster::start();
    let ci = "arn:aws:sts::111122223333:assumed-role/cluster-creator/ci";
    let denied = |action: &str| {
        let message =
            format!("User: {ci} is not authorized to perform: eks:{action} on resource: x");
        world("API_AND_CONFIG_MAP", &json!({action: message}))
    };
    let environment = holding(
        &session,
        eks(&session, &denied("ListAccessEntries")),
        CREATOR_SESSION,
    );
    put(&session);
    let statement = r#"{"Action":["eks:ListAccessEntries","eks:DescribeAccessEntry","eks:ListAssociatedAccessPolicies"],"Effect":"Allow","Resource":["arn:aws:eks:us-east-1:"#;
    let message = [
        "warning: EKS did not return the access entries of cluster my-cluster: AccessDeniedException: User: ",
        &format!("hint: ask an administrator to add this to a policy of {ci}: {statement}"),
    ];
    let run = on(&session, &environment, &["get", "-o", "json"]);
    run.says(0, &message);
    assert_eq!(run.json()["accessEntries"], Value::Null);
    assert!(run.json().get("accessEntries").is_some());
    assert_eq!(run.json()["roles"][1]["status"], "effective");
    let map = [&map_args(MYTESTROLE)[..], &["--dry-run"]].concat();
    on(&session, &environment, &map).says(0, &message);

    eks(&session, &denied("DescribeAccessEntry"));
    let run = on(&session, &environment, &["explain", DEV]);
    run.says(
        0,
        &["warning: EKS did not return the contents of the access entries of cluster my-cluster: "],
    );
    assert!(run.stdout.contains(&format!(
        "role/dev has access\n  by the access entry of {DEV}\n  the contents of its access entry are unknown\n"
    )), "{run:?}");
    let json = on(&session, &environment, &["explain", DEV, "-o", "json"]).json();
    assert_eq!(
        (&json["allowed"], &json["username"]),
        (&json!(true), &Value::Null)
    );
    on(&session, &environment, &["get"]).says(0, &[]);

    eks(&session, &denied("ListAssociatedAccessPolicies"));
    let run = on(&session, &environment, &["explain", DEV]);
    assert!(
        run.stdout
            .contains("Its access policies in EKS are unknown\n"),
        "{run:?}"
    );

    // In mode CONFIG_MAP, access entries are not requested.
    let service = eks(&session, &world("CONFIG_MAP", &json!({})));
    let before = service.asked().len();
    on(&session, &environment, &["get"]).says(0, &[]);
    assert_eq!(service.asked().split_off(before), ["DescribeCluster"]);
}

#[test]
fn mode_api_ignores_aws_auth() {
    let session = ExclusiveCluster::start();
    let ci = holding(
        &session,
        eks(&session, &world("API", &json!({}))),
        CREATOR_SESSION,
    );
    put(&session);
    let json = on(&session, &ci, &["get", "-o", "json"]).json();
    assert_eq!(json["roles"][0]["status"], "shadowed");
    assert_eq!(
        json["roles"][0]["reason"],
        "in authentication mode API, the cluster ignores aws-auth"
    );
    let run = on(&session, &ci, &["explain", MYTESTROLE]);
    let expected = format!(
        "{MYTESTROLE} is not mapped\n  in authentication mode API, the cluster ignores aws-auth\n  no effect: mapRoles line 1\n"
    );
    assert_eq!(run.stdout, expected, "{run:?}");
    let json = on(&session, &ci, &["explain", MYTESTROLE, "-o", "json"]).json();
    assert_eq!(json["allowed"], false);
    let mytestrole = holding(
        &session,
        eks(&session, &world("API", &json!({}))),
        MYTESTROLE_SESSION,
    );
    session.put(&json!({"mapRoles": "[]"}));
    on(&session, &mytestrole, &["verify", "--timeout", "0"]).says(
        1,
        &[
            "in authentication mode API, the cluster ignores aws-auth\n",
            &format!("aws eks create-access-entry --region us-east-1 --cluster-name my-cluster --principal-arn {MYTESTROLE}\n"),
        ],
    );
}

/// An entry belongs to the principal of its time. IAM reports when the present one was created.
#[test]
fn get_finds_entries_of_deleted_principals() {
    let session = ExclusiveCluster::start();
    let mut world = world("API_AND_CONFIG_MAP", &json!({}));
    let entries = &mut world["entries"][eks::NAME];
    // In 2100, and in 2020. The roles of moto are created now.
    entries[0]["createdAt"] = json!(4_102_444_800_u64);
    entries[1]["createdAt"] = json!(1_600_000_000);
    let ec2 = json!({"Version": "2012-10-17", "Statement": []});
    let name = |arn: &str| arn.split_once(":role/").unwrap().1.to_owned();
    let iam = |denied: &[&str]| {
        let roles = json!({name(CREATOR): ec2, name(DEV): ec2});
        let world = json!({"account": "111122223333", "roles": roles, "users": [], "profiles": {}, "denied": denied});
        Moto::start(&[&world.to_string()])
    };
    let seen = iam(&[]);
    let ci = holding(&session, eks(&session, &world), CREATOR_SESSION);
    put(&session);
    let check = |iam: &Moto, args: &[&str]| {
        let here = ci.clone().with("AWS_ENDPOINT_URL_IAM", iam.url());
        on(
            &session,
            &here,
            &[&["get", "--check-principals"], args].concat(),
        )
    };
    let json = check(&seen, &["-o", "json"]).json();
    let statuses: Vec<_> = json["accessEntries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["effective", "dead", "orphaned"]);
    check(&seen, &[DEV, "--must-exist"]).says(1, &[]);
    let table = check(&seen, &[]);
    for text in [
        "dead: it is older than its principal, which was deleted and created again",
        "orphaned: its principal does not exist",
    ] {
        assert!(table.stdout.contains(text), "{table:?}");
    }

    // Without the permission, nothing is claimed.
    let unseen = iam(&["list_roles", "get_role"]);
    let run = check(&unseen, &["-o", "custom-columns=S:.status"]);
    run.says(
        0,
        &["warning: IAM did not return everything", "iam:GetRole"],
    );
    assert!(
        run.stdout.ends_with("unknown\nunknown\nunknown\n"),
        "{run:?}"
    );
}
