//! `who-can` answers like the API server's SubjectAccessReview, for generated RBAC objects.
//!
//! `AWSAUTH_RBAC_SETS` is the number of generated sets.

use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::commands::exclusive_cluster::{Run, awsauth};
use crate::support::aws_auth_client::{Api, configmap};
use crate::support::cluster::Cluster;

const API: &str = "/apis/rbac.authorization.k8s.io/v1";
const NAMESPACES: [&str; 2] = ["team-a", "team-b"];
const ACCOUNT: &str = "222233334444";

/// The mapped principals. Some usernames and groups depend on the session.
fn mapped() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    vec![
        ("admin", "admin", vec!["system:masters"]),
        ("dev", "dev", vec!["g0"]),
        ("ops", "ops", vec!["g1", "g2"]),
        ("plain", "plain", vec![]),
        ("session", "ci:{{SessionName}}", vec!["g3"]),
        ("team", "team", vec!["g-{{SessionName}}"]),
        ("may-be-admin", "m", vec!["system:{{SessionName}}"]),
        ("account", "{{AccountID}}-x", vec![]),
        ("raw", "{{SessionNameRaw}}", vec![]),
        ("runner", "system:serviceaccount:team-a:runner", vec![]),
        ("nobody", "nobody", vec!["system:unauthenticated"]),
        (
            "node",
            "system:node:{{EC2PrivateDNSName}}",
            vec!["system:bootstrappers", "system:nodes"],
        ),
    ]
}

const SESSIONS: [&str; 4] = ["ab", "masters", "x0", "alice"];

/// The identities of the mapped account that have no mapping of their own.
const OF_ACCOUNT: [&str; 2] = ["role/deploy", "user/alice"];

/// An identity that signs in: the row of `who-can` that covers it, and its user.
struct Identity {
    principal: String,
    username: String,
    groups: Vec<String>,
    /// Its ARN, if the mapping of its account admits it.
    arn: Option<String>,
}

fn identities() -> Vec<Identity> {
    let mut all = Vec::new();
    for (name, username, groups) in mapped() {
        let render = |text: &str, session: &str| {
            let text = text.replace("{{AccountID}}", "111122223333");
            let text = text.replace("{{EC2PrivateDNSName}}", "ip-10-0-0-1.ec2.internal");
            let text = text.replace("{{SessionNameRaw}}", session);
            text.replace("{{SessionName}}", session)
        };
        let is_template = username.contains("{{S") || groups.iter().any(|g| g.contains("{{S"));
        let sessions = if is_template { &SESSIONS[..] } else { &[""] };
        for session in sessions {
            let groups: Vec<String> = groups.iter().map(|group| render(group, session)).collect();
            all.push(Identity {
                principal: format!("arn:aws:iam::111122223333:role/{name}"),
                username: render(username, session),
                groups,
                arn: None,
            });
        }
    }
    all.extend(OF_ACCOUNT.map(|resource| Identity {
        principal: ACCOUNT.to_owned(),
        username: format!("arn:aws:iam::{ACCOUNT}:{resource}"),
        groups: Vec::new(),
        arn: Some(format!("arn:aws:iam::{ACCOUNT}:{resource}")),
    }));
    // The API server adds this group to every other user.
    for identity in &mut all {
        if !identity
            .groups
            .iter()
            .any(|group| group == "system:unauthenticated")
        {
            identity.groups.push("system:authenticated".to_owned());
        }
    }
    all
}

fn some<'a>(rng: &mut Rng, from: &[&'a str], most: usize) -> Vec<&'a str> {
    let count = rng.usize(1..=most);
    (0..count).map(|_| from[rng.usize(..from.len())]).collect()
}

fn rules(rng: &mut Rng, with_urls: bool) -> Vec<Value> {
    let rule = |rng: &mut Rng| {
        let verbs = some(
            rng,
            &["get", "list", "delete", "create", "*", "*", "impersonate"],
            4,
        );
        if with_urls && rng.u8(..5) == 0 {
            let urls = some(rng, &["/metrics", "/metrics/*", "/healthz*", "*"], 2);
            return json!({"verbs": verbs, "nonResourceURLs": urls});
        }
        let mut rule = json!({
            "verbs": verbs,
            "apiGroups": some(rng, &["", "apps", "*"], 3),
            "resources": some(rng, &["pods", "pods/log", "*/log", "*", "deployments", "secrets", "nodes", "pods/*", "users"], 4),
        });
        if rng.u8(..4) == 0 {
            rule["resourceNames"] = json!(some(rng, &["web", "db"], 2));
        }
        rule
    };
    let count = rng.usize(1..=3);
    (0..count).map(|_| rule(rng)).collect()
}

fn subjects(rng: &mut Rng) -> Vec<Value> {
    let account_arn = format!("arn:aws:iam::{ACCOUNT}:user/alice");
    let count = rng.usize(1..=3);
    let subject = |_| {
        let api = "rbac.authorization.k8s.io";
        let of = |kind: &str, name: &str| json!({"kind": kind, "name": name, "apiGroup": api});
        match rng.u8(..24) {
            0 => of("Group", "system:authenticated"),
            1 => of("Group", "system:unauthenticated"),
            2 => of("User", &account_arn),
            3 => of("User", "111122223333-x"),
            4 => json!({"kind": "ServiceAccount", "name": "runner", "namespace": "team-a"}),
            5..=9 => of(
                "User",
                ["dev", "ci:ab", "ci:alice", "x0", "Dev"][rng.usize(..5)],
            ),
            _ => of(
                "Group",
                ["g0", "g1", "g2", "g3", "g-ab", "g-x0", "dev"][rng.usize(..7)],
            ),
        }
    };
    (0..count).map(subject).collect()
}

/// Returns the paths of lists and the objects to create there. The last ones are for user `sentinel`.
fn objects(rng: &mut Rng, set: u64) -> Vec<(String, Value)> {
    let mut objects = Vec::new();
    let namespaced =
        |resource: &str, namespace: &str| format!("{API}/namespaces/{namespace}/{resource}");
    for role in 0..3 {
        let mut object =
            json!({"metadata": {"name": format!("gen-{role}")}, "rules": rules(rng, true)});
        if rng.u8(..4) == 0 {
            // No controller aggregates here, so the rules stay.
            object["aggregationRule"] =
                json!({"clusterRoleSelectors": [{"matchLabels": {"gen": "true"}}]});
        }
        objects.push((format!("{API}/clusterroles"), object));
    }
    for namespace in NAMESPACES {
        let object = json!({"metadata": {"name": "gen-0"}, "rules": rules(rng, false)});
        objects.push((namespaced("roles", namespace), object));
    }
    for binding in 0..10 {
        let name = format!("gen-{}", rng.u8(..4));
        let role = |kind: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
        let namespace = NAMESPACES[rng.usize(..2)];
        let (path, role) = match rng.u8(..4) {
            0 | 1 => (format!("{API}/clusterrolebindings"), role("ClusterRole")),
            2 => (namespaced("rolebindings", namespace), role("ClusterRole")),
            _ => (namespaced("rolebindings", namespace), role("Role")),
        };
        let metadata = json!({"name": format!("gen-{binding}")});
        let object = json!({"metadata": metadata, "roleRef": role, "subjects": subjects(rng)});
        objects.push((path, object));
    }
    let sentinel = format!("sentinel-{set}");
    let metadata = json!({"name": sentinel});
    let subjects =
        json!([{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "sentinel"}]);
    for (roles, bindings, kind) in [
        (
            format!("{API}/clusterroles"),
            format!("{API}/clusterrolebindings"),
            "ClusterRole",
        ),
        (
            namespaced("roles", "team-a"),
            namespaced("rolebindings", "team-a"),
            "Role",
        ),
    ] {
        let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": sentinel});
        let resource = sentinel_resource(kind, set);
        let rules = json!([{"verbs": ["get"], "apiGroups": ["sentinel"], "resources": [resource]}]);
        objects.push((roles, json!({"metadata": metadata, "rules": rules})));
        objects.push((
            bindings,
            json!({"metadata": metadata, "roleRef": role, "subjects": subjects}),
        ));
    }
    objects
}

/// A question: the arguments of `who-can`, and the attributes of the review without the namespace.
struct Question {
    args: Vec<String>,
    attributes: Value,
    /// The namespaces to review, an empty one for all namespaces and for objects without one.
    namespaces: Vec<&'static str>,
}

fn question(rng: &mut Rng) -> Question {
    let verb = ["get", "list", "delete", "create", "*"][rng.usize(..5)];
    if rng.u8(..6) == 0 {
        let path = ["/metrics", "/metrics/slis", "/healthz/etcd", "/other"][rng.usize(..4)];
        return Question {
            args: vec![verb.to_owned(), path.to_owned()],
            attributes: json!({"nonResourceAttributes": {"verb": verb, "path": path}}),
            namespaces: vec![""],
        };
    }
    let (typed, group, resource) = [
        ("po", "", "pods"),
        ("deployment", "apps", "deployments"),
        ("secrets", "", "secrets"),
        ("nodes", "", "nodes"),
        ("*", "*", "*"),
    ][rng.usize(..5)];
    let name = ["", "", "web", "other"][rng.usize(..4)];
    let subresource = ["", "", "log"][rng.usize(..3)];
    let mut args = vec![verb.to_owned(), format!("{typed}/{name}")];
    if !subresource.is_empty() {
        args.push(format!("--subresource={subresource}"));
    }
    let namespaces = match rng.u8(..3) {
        _ if resource == "nodes" => vec![""],
        0 => {
            args.push("-A".to_owned());
            vec!["", NAMESPACES[0], NAMESPACES[1]]
        }
        _ => {
            let namespace = NAMESPACES[rng.usize(..2)];
            args.push(format!("--namespace={namespace}"));
            vec![namespace]
        }
    };
    let attributes = json!({"resourceAttributes": {
        "verb": verb, "group": group, "resource": resource, "name": name, "subresource": subresource,
    }});
    Question {
        args,
        attributes,
        namespaces,
    }
}

/// Whether the API server allows it.
fn review(api: &Api, attributes: &Value, namespace: &str, user: &str, groups: &[String]) -> bool {
    let mut spec = attributes.clone();
    spec["user"] = json!(user);
    spec["groups"] = json!(groups);
    if let Some(resource) = spec.get_mut("resourceAttributes") {
        resource["namespace"] = json!(namespace);
    }
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
    let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    let answer = api.ask("POST", path, Some(&review)).unwrap();
    answer["status"]["allowed"] == true
}

/// Whether a row says that the identity is allowed it in the namespace; `None` if the Node authorizer decides.
fn says(row: &Value, identity: &Identity, namespace: &str) -> Option<bool> {
    if row["by"]["kind"] == "NodeAuthorizer" {
        return None;
    }
    let only_in = &row["onlyInNamespace"];
    if !only_in.is_null() && only_in != namespace {
        return Some(false);
    }
    let is_of_session = match (row["by"]["kind"].as_str(), row["subject"]["kind"].as_str()) {
        (Some("Group"), _) => identity
            .groups
            .iter()
            .any(|group| group == "system:masters"),
        (_, Some("User")) => row["subject"]["name"] == identity.username.as_str(),
        (_, Some("Group")) => {
            let mut groups = identity.groups.iter();
            groups.any(|group| row["subject"]["name"] == group.as_str())
        }
        _ => true,
    };
    if row["answer"] == "yes" {
        assert!(is_of_session, "{row}");
    }
    Some(is_of_session)
}

#[test]
fn answers_agree_with_the_api_server() {
    let sets = std::env::var("AWSAUTH_RBAC_SETS").map_or(24, |text| text.parse().unwrap());
    let cluster = Cluster::start();
    let api = Api::of(&cluster, "eksctl");
    for namespace in NAMESPACES {
        let object = json!({"metadata": {"name": namespace}});
        api.ask("POST", "/api/v1/namespaces", Some(&object))
            .unwrap();
    }
    let entries = mapped().into_iter().map(|(name, username, groups)| {
        let arn = format!("arn:aws:iam::111122223333:role/{name}");
        json!({"rolearn": arn, "username": username, "groups": groups})
    });
    let entries: Vec<Value> = entries.collect();
    let mut aws_auth = configmap(&serde_yaml::to_string(&entries).unwrap());
    aws_auth["data"]["mapAccounts"] = json!(format!("- '{ACCOUNT}'\n"));
    api.create(&aws_auth).unwrap();
    let identities = identities();
    let (mut reviews, mut allowed_reviews) = (0, 0);
    for set in 0..sets {
        let mut rng = Rng::with_seed(set);
        let objects = objects(&mut rng, set);
        for (path, object) in &objects {
            api.ask("POST", path, Some(object)).unwrap();
        }
        wait_for_authorizer(&api, set);
        for _ in 0..4 {
            let question = question(&mut rng);
            let mut command = awsauth(&cluster, &cluster.kubeconfig());
            let run = Run::of(
                command
                    .arg("who-can")
                    .args(&question.args)
                    .args(["-o", "json"]),
            );
            run.says(0, &[]);
            let answer = run.json();
            for identity in &identities {
                let rows = answer["allowed"].as_array().unwrap().iter();
                let rows: Vec<&Value> = rows
                    .filter(|row| match &identity.arn {
                        Some(_) => row["kind"] == "account",
                        None => row["arn"] == identity.principal.as_str(),
                    })
                    .collect();
                for namespace in &question.namespaces {
                    let answers = rows.iter().map(|row| says(row, identity, namespace));
                    let answers: Vec<Option<bool>> = answers.collect();
                    let (user, groups) = (&identity.username, &identity.groups);
                    let allowed = review(&api, &question.attributes, namespace, user, groups);
                    reviews += 1;
                    allowed_reviews += usize::from(allowed);
                    let is_listed = answers.contains(&Some(true));
                    assert!(
                        allowed == is_listed || (allowed && answers.contains(&None)),
                        "set {set}, {:?} in {namespace:?}: the API server allows {user} {groups:?}: {allowed}, rows: {rows:?}",
                        question.args
                    );
                }
            }
        }
        for (path, object) in &objects {
            let name = object["metadata"]["name"].as_str().unwrap();
            api.ask("DELETE", &format!("{path}/{name}"), None).unwrap();
        }
    }
    // The sets allow much more than group system:masters, and not everything.
    assert!(
        allowed_reviews * 8 > reviews && allowed_reviews * 8 < reviews * 7,
        "{allowed_reviews} of {reviews}"
    );
}

/// The resource that only the role of this kind allows user `sentinel` to get.
fn sentinel_resource(kind: &str, set: u64) -> String {
    format!("{}-{set}", kind.to_lowercase())
}

/// Waits until the API server's authorizer has seen the objects of the set.
fn wait_for_authorizer(api: &Api, set: u64) {
    let deadline = Instant::now() + Duration::from_secs(60);
    for kind in ["ClusterRole", "Role"] {
        let resource = sentinel_resource(kind, set);
        let attributes = json!({"resourceAttributes": {"verb": "get", "group": "sentinel", "resource": resource}});
        while !review(api, &attributes, "team-a", "sentinel", &[]) {
            assert!(Instant::now() < deadline, "timed out");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
