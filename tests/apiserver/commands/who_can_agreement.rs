//! `who-can` answers like the API server's SubjectAccessReview, for generated RBAC objects.
//!
//! `AWSAUTH_RBAC_SETS` is the number of generated sets. Several are in the cluster at the same time: each has principals, roles,
//! bindings and namespaces of its own.

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};

use crate::commands::harness::{Run, awsauth};
use crate::support::aws_auth_client::{Api, configmap};
use crate::support::cluster::Cluster;

const API: &str = "/apis/rbac.authorization.k8s.io/v1";
const RBAC: &str = "rbac.authorization.k8s.io";

/// The number of sets in the cluster at the same time.
const SLOTS: usize = 20;

/// The number of sets without `AWSAUTH_RBAC_SETS`.
const DEFAULT_SETS: u64 = 100;

/// The session names. `#` is the set's slot, here and below.
const SESSIONS: [&str; 4] = ["ab#", "masters", "x0#", "alice#"];

/// The identities of the mapped account that have no mapping of their own.
const OF_ACCOUNT: [&str; 2] = ["role/deploy", "user/alice"];

/// Returns the text for the set in this slot.
fn of_slot(text: &str, slot: usize) -> String {
    text.replace('#', &format!("-{slot}"))
}

fn namespaces(slot: usize) -> [String; 2] {
    ["team-a#", "team-b#"].map(|name| of_slot(name, slot))
}

/// The account of the mapped principals.
fn account(slot: usize) -> String {
    format!("1111222233{slot:02}")
}

/// The account that mapAccounts lists.
fn mapped_account(slot: usize) -> String {
    format!("2222333344{slot:02}")
}

/// The mapped principals. Some usernames and groups depend on the session.
fn mapped() -> Vec<(&'static str, &'static str, Vec<&'static str>)> {
    vec![
        ("admin", "admin#", vec!["system:masters"]),
        ("dev", "dev#", vec!["g0#"]),
        ("ops", "ops#", vec!["g1#", "g2#"]),
        ("plain", "plain#", vec![]),
        ("session", "ci:{{SessionName}}", vec!["g3#"]),
        ("team", "team#", vec!["g-{{SessionName}}"]),
        ("may-be-admin", "m#", vec!["system:{{SessionName}}"]),
        ("account", "{{AccountID}}-x", vec![]),
        ("raw", "{{SessionNameRaw}}", vec![]),
        ("runner", "system:serviceaccount:team-a#:runner", vec![]),
        ("nobody", "nobody#", vec!["system:unauthenticated"]),
        (
            "node",
            "system:node:{{EC2PrivateDNSName}}",
            vec!["system:bootstrappers", "system:nodes"],
        ),
    ]
}

/// Returns the entry of aws-auth of each mapped principal.
fn entries(slot: usize) -> Vec<Value> {
    let entry = |(name, username, groups): (&str, &str, Vec<&str>)| {
        let groups: Vec<_> = groups.iter().map(|group| of_slot(group, slot)).collect();
        json!({
            "rolearn": format!("arn:aws:iam::{}:role/{name}", account(slot)),
            "username": of_slot(username, slot),
            "groups": groups,
        })
    };
    mapped().into_iter().map(entry).collect()
}

/// An identity that signs in.
struct Identity {
    /// The ARN or the account of its mapping.
    principal: String,
    username: String,
    groups: Vec<String>,
}

fn identities(slot: usize) -> Vec<Identity> {
    let mut all = Vec::new();
    for (name, username, groups) in mapped() {
        let render = |text: &str, session: &str| {
            let text = text.replace("{{AccountID}}", &account(slot));
            let text = text.replace("{{EC2PrivateDNSName}}", "ip-10-0-0-1.ec2.internal");
            let text = text.replace("{{SessionNameRaw}}", session);
            of_slot(&text.replace("{{SessionName}}", session), slot)
        };
        let is_template = username.contains("{{S") || groups.iter().any(|g| g.contains("{{S"));
        let sessions = if is_template { &SESSIONS[..] } else { &[""] };
        for session in sessions {
            let groups: Vec<String> = groups.iter().map(|group| render(group, session)).collect();
            all.push(Identity {
                principal: format!("arn:aws:iam::{}:role/{name}", account(slot)),
                username: render(username, session),
                groups,
            });
        }
    }
    all.extend(OF_ACCOUNT.map(|resource| Identity {
        principal: mapped_account(slot),
        username: format!("arn:aws:iam::{}:{resource}", mapped_account(slot)),
        groups: Vec::new(),
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

fn subjects(rng: &mut Rng, slot: usize, everyone: bool) -> Vec<Value> {
    let count = rng.usize(1..=3);
    let subject = |_| {
        let of = |kind: &str, name: &str| json!({"kind": kind, "name": of_slot(name, slot), "apiGroup": RBAC});
        match rng.u8(..24) {
            0 if everyone => of("Group", "system:authenticated"),
            1 if everyone => of("Group", "system:unauthenticated"),
            2 => of(
                "User",
                &format!("arn:aws:iam::{}:user/alice", mapped_account(slot)),
            ),
            3 => of("User", &format!("{}-x", account(slot))),
            4 => {
                json!({"kind": "ServiceAccount", "name": "runner", "namespace": of_slot("team-a#", slot)})
            }
            5..=9 => of(
                "User",
                ["dev#", "ci:ab#", "ci:alice#", "x0#", "Dev#"][rng.usize(..5)],
            ),
            _ => of(
                "Group",
                ["g0#", "g1#", "g2#", "g3#", "g-ab#", "g-x0#", "dev#"][rng.usize(..7)],
            ),
        }
    };
    (0..count).map(subject).collect()
}

/// Returns the path of the list that an object belongs to.
fn list(resource: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) => format!("{API}/namespaces/{namespace}/{resource}"),
        None => format!("{API}/{resource}"),
    }
}

/// Returns the paths of lists and the objects to create there.
fn objects(rng: &mut Rng, slot: usize) -> Vec<(String, Value)> {
    let mut objects = Vec::new();
    let namespaces = namespaces(slot);
    let named = |number: u8| of_slot(&format!("gen{number}#"), slot);
    for role in 0..3 {
        let mut object = json!({"metadata": {"name": named(role)}, "rules": rules(rng, true)});
        if rng.u8(..4) == 0 {
            // No controller aggregates here, so the rules stay.
            object["aggregationRule"] =
                json!({"clusterRoleSelectors": [{"matchLabels": {"gen": "true"}}]});
        }
        objects.push((list("clusterroles", None), object));
    }
    for namespace in &namespaces {
        let object = json!({"metadata": {"name": named(0)}, "rules": rules(rng, false)});
        objects.push((list("roles", Some(namespace)), object));
    }
    for binding in 0..10 {
        let name = named(rng.u8(..4));
        let namespace = Some(namespaces[rng.usize(..2)].as_str());
        let (namespace, kind) = match rng.u8(..4) {
            0 | 1 => (None, "ClusterRole"),
            2 => (namespace, "ClusterRole"),
            _ => (namespace, "Role"),
        };
        let resource = match namespace {
            None => "clusterrolebindings",
            Some(_) => "rolebindings",
        };
        // What everyone can do in the cluster concerns the other sets, too, so only one of them decides it.
        let everyone = slot == 0 || namespace.is_some();
        let object = json!({
            "metadata": {"name": named(binding)},
            "roleRef": {"apiGroup": RBAC, "kind": kind, "name": name},
            "subjects": subjects(rng, slot, everyone),
        });
        objects.push((list(resource, namespace), object));
    }
    objects
}

/// Returns objects that allow user `sentinel` something in this batch only.
fn sentinels(batch: u64) -> Vec<(String, Value)> {
    let [namespace, _] = namespaces(0);
    let metadata = json!({"name": format!("sentinel-{batch}")});
    let subjects = json!([{"apiGroup": RBAC, "kind": "User", "name": "sentinel"}]);
    let objects = [
        ("clusterroles", "clusterrolebindings", None, "ClusterRole"),
        ("roles", "rolebindings", Some(namespace.as_str()), "Role"),
    ];
    let objects = objects.map(|(roles, bindings, namespace, kind)| {
        let role = json!({"apiGroup": RBAC, "kind": kind, "name": metadata["name"]});
        let resource = sentinel_resource(kind, batch);
        let rules = json!([{"verbs": ["get"], "apiGroups": ["sentinel"], "resources": [resource]}]);
        [
            (
                list(roles, namespace),
                json!({"metadata": metadata, "rules": rules}),
            ),
            (
                list(bindings, namespace),
                json!({"metadata": metadata, "roleRef": role, "subjects": subjects}),
            ),
        ]
    });
    objects.into_iter().flatten().collect()
}

/// A question: the arguments of `who-can`, and the attributes of the review without the namespace.
struct Question {
    args: Vec<String>,
    attributes: Value,
    scope: Scope,
}

/// Where a question asks for access.
enum Scope {
    Cluster,
    AllNamespaces,
    NamespaceOf(usize),
}

impl Question {
    /// Returns a question about all sets, or about one namespace of the set in a slot.
    fn new(rng: &mut Rng, slot: Option<usize>) -> Self {
        let verb = ["get", "list", "delete", "create", "*"][rng.usize(..5)];
        if slot.is_none() && rng.u8(..6) == 0 {
            let path = ["/metrics", "/metrics/slis", "/healthz/etcd", "/other"][rng.usize(..4)];
            return Self {
                args: vec![verb.to_owned(), path.to_owned()],
                attributes: json!({"nonResourceAttributes": {"verb": verb, "path": path}}),
                scope: Scope::Cluster,
            };
        }
        let (typed, group, resource) = [
            ("nodes", "", "nodes"),
            ("po", "", "pods"),
            ("deployment", "apps", "deployments"),
            ("secrets", "", "secrets"),
            ("*", "*", "*"),
        ][rng.usize(usize::from(slot.is_some())..5)];
        let name = ["", "", "web", "other"][rng.usize(..4)];
        let subresource = ["", "", "log"][rng.usize(..3)];
        let mut args = vec![verb.to_owned(), format!("{typed}/{name}")];
        if !subresource.is_empty() {
            args.push(format!("--subresource={subresource}"));
        }
        let scope = match slot {
            _ if resource == "nodes" => Scope::Cluster,
            None => Scope::AllNamespaces,
            Some(slot) => Scope::NamespaceOf(slot),
        };
        args.extend(match scope {
            Scope::Cluster => None,
            Scope::AllNamespaces => Some("-A".to_owned()),
            Scope::NamespaceOf(slot) => Some(format!("--namespace={}", namespaces(slot)[0])),
        });
        let attributes = json!({"resourceAttributes": {
            "verb": verb, "group": group, "resource": resource, "name": name, "subresource": subresource,
        }});
        Self {
            args,
            attributes,
            scope,
        }
    }

    /// Returns the namespaces to review for the set in a slot: an empty one for all namespaces and for objects without one.
    fn namespaces(&self, slot: usize) -> Vec<String> {
        let own = namespaces(slot);
        match self.scope {
            Scope::Cluster => vec![String::new()],
            Scope::AllNamespaces => [String::new()].into_iter().chain(own).collect(),
            Scope::NamespaceOf(asked) if asked == slot => own[..1].to_vec(),
            Scope::NamespaceOf(_) => Vec::new(),
        }
    }

    /// Returns the answer of `who-can`.
    fn ask(&self, cluster: &Cluster) -> Value {
        let mut command = awsauth(cluster, &cluster.kubeconfig());
        let run = Run::of(command.arg("who-can").args(&self.args).args(["-o", "json"]));
        run.says(0, &[]);
        run.json()
    }

    /// Returns the review of the API server.
    fn review(&self, namespace: &str, user: &str, groups: &[String]) -> (String, Option<Value>) {
        let mut spec = self.attributes.clone();
        spec["user"] = json!(user);
        spec["groups"] = json!(groups);
        if let Some(resource) = spec.get_mut("resourceAttributes") {
            resource["namespace"] = json!(namespace);
        }
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec});
        (path.to_owned(), Some(review))
    }
}

/// Whether the API server allows what each review asks.
fn reviews(api: &Api, reviews: &[(String, Option<Value>)]) -> Vec<bool> {
    let answers = api.ask_all("POST", reviews).unwrap();
    let answers = answers.iter();
    answers
        .map(|answer| answer["status"]["allowed"] == true)
        .collect()
}

/// Whether a row shows that the identity is allowed the request in the namespace; `None` if the Node authorizer decides.
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
    let sets =
        std::env::var("AWSAUTH_RBAC_SETS").map_or(DEFAULT_SETS, |text| text.parse().unwrap());
    let cluster = Cluster::start();
    let api = Api::of(&cluster, "eksctl");
    let created = (0..SLOTS).flat_map(namespaces).map(|name| {
        let object = json!({"metadata": {"name": name}});
        ("/api/v1/namespaces".to_owned(), Some(object))
    });
    api.ask_all("POST", &created.collect::<Vec<_>>()).unwrap();
    let roles: Vec<Value> = (0..SLOTS).flat_map(entries).collect();
    let mut aws_auth = configmap(&serde_yaml::to_string(&roles).unwrap());
    let accounts: Vec<String> = (0..SLOTS).map(mapped_account).collect();
    aws_auth["data"]["mapAccounts"] = json!(serde_yaml::to_string(&accounts).unwrap());
    api.create(&aws_auth).unwrap();
    let identities: Vec<Vec<Identity>> = (0..SLOTS).map(identities).collect();

    let (mut asked, mut allowed) = (0, 0);
    for batch in 0..sets.div_ceil(SLOTS as u64) {
        let mut rng = Rng::with_seed(batch);
        let generated = (0..SLOTS).flat_map(|slot| objects(&mut rng, slot));
        let generated: Vec<_> = generated.collect();
        let sentinels = sentinels(batch);
        // The authorizer sees the later ones last.
        for objects in [&generated, &sentinels] {
            let created = objects.iter().cloned();
            let created = created.map(|(path, object)| (path, Some(object)));
            api.ask_all("POST", &created.collect::<Vec<_>>()).unwrap();
        }
        wait_for_authorizer(&api, batch);

        let about_all = (0..2).map(|_| None);
        let about_one = (0..4).map(|_| Some(rng.usize(..SLOTS)));
        let about: Vec<_> = about_all.chain(about_one).collect();
        let questions = about.into_iter().map(|slot| Question::new(&mut rng, slot));
        let questions: Vec<Question> = questions.collect();
        let answers: Vec<Value> = thread::scope(|scope| {
            let asking = questions
                .iter()
                .map(|question| scope.spawn(|| question.ask(&cluster)));
            let asking: Vec<_> = asking.collect();
            asking
                .into_iter()
                .map(|asking| asking.join().unwrap())
                .collect()
        });
        for (question, answer) in questions.iter().zip(&answers) {
            let (count, yes) = compare(&api, question, answer, &identities, batch);
            asked += count;
            allowed += yes;
        }

        let deleted = generated.iter().chain(&sentinels).map(|(path, object)| {
            let name = object["metadata"]["name"].as_str().unwrap();
            (format!("{path}/{name}"), None)
        });
        api.ask_all("DELETE", &deleted.collect::<Vec<_>>()).unwrap();
    }
    // The sets allow much more than group system:masters, and not everything.
    assert!(
        allowed * 8 > asked && allowed * 8 < asked * 7,
        "{allowed} of {asked}"
    );
}

/// Compares an answer with a review for each identity and namespace. Returns the number of reviews, and how many allow.
fn compare(
    api: &Api,
    question: &Question,
    answer: &Value,
    identities: &[Vec<Identity>],
    batch: u64,
) -> (usize, usize) {
    let mut rows: HashMap<&str, Vec<&Value>> = HashMap::new();
    for row in answer["allowed"].as_array().unwrap() {
        let principal = row["arn"].as_str().or(row["account"].as_str());
        rows.entry(principal.unwrap()).or_default().push(row);
    }
    let mut cases = Vec::new();
    for (slot, identities) in identities.iter().enumerate() {
        for namespace in question.namespaces(slot) {
            cases.extend(
                identities
                    .iter()
                    .map(|identity| (identity, namespace.clone())),
            );
        }
    }
    let asked = cases.iter().map(|(identity, namespace)| {
        question.review(namespace, &identity.username, &identity.groups)
    });
    let reviews = reviews(api, &asked.collect::<Vec<_>>());
    for ((identity, namespace), &allowed) in cases.iter().zip(&reviews) {
        let rows = rows
            .get(identity.principal.as_str())
            .map_or(&[][..], Vec::as_slice);
        let answers: Vec<_> = rows
            .iter()
            .map(|row| says(row, identity, namespace))
            .collect();
        let is_listed = answers.contains(&Some(true));
        assert!(
            allowed == is_listed || (allowed && answers.contains(&None)),
            "batch {batch}, {:?} in {namespace:?}: the API server allows {} {:?}: {allowed}, rows: {rows:?}",
            question.args,
            identity.username,
            identity.groups
        );
    }
    let allowed = reviews.iter().filter(|&&allowed| allowed).count();
    (reviews.len(), allowed)
}

/// The resource that only the role of this kind allows user `sentinel` to get.
fn sentinel_resource(kind: &str, batch: u64) -> String {
    format!("{}-{batch}", kind.to_lowercase())
}

/// Waits until the API server's authorizer has seen the objects of the batch.
fn wait_for_authorizer(api: &Api, batch: u64) {
    let deadline = Instant::now() + Duration::from_secs(180);
    let [namespace, _] = namespaces(0);
    let asked = ["ClusterRole", "Role"].map(|kind| {
        let resource = sentinel_resource(kind, batch);
        let question = Question {
            args: Vec::new(),
            attributes: json!({"resourceAttributes": {"verb": "get", "group": "sentinel", "resource": resource}}),
            scope: Scope::Cluster,
        };
        question.review(&namespace, "sentinel", &[])
    });
    while reviews(api, &asked) != [true, true] {
        assert!(Instant::now() < deadline, "timed out");
        thread::sleep(Duration::from_millis(5));
    }
}
