//! `nodes`: the roles of nodes, with EKS and access entries by botocore's model, EC2, Auto Scaling and IAM by moto, and nodes
//! and node classes on the API server.

use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on, on_terminal};
use crate::eks_cluster::harness::ExclusiveCluster;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::simulated_aws::trusts_service;
use crate::support::simulated_eks_api::EksService;

const A: &str = "arn:aws:iam::111122223333";
const AUTO_NODE: &str = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSAutoNodePolicy";

/// The relevant parts of the CRDs of Karpenter and Auto Mode.
const CRDS: [(&str, &str, &str); 2] = [
    ("karpenter.k8s.aws", "EC2NodeClass", "ec2nodeclasses"),
    ("eks.amazonaws.com", "NodeClass", "nodeclasses"),
];

fn crd((group, kind, plural): (&str, &str, &str)) -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.{group}")},
        "spec": {
            "group": group,
            "names": {
                "kind": kind, "listKind": format!("{kind}List"), "plural": plural,
                "singular": kind.to_lowercase(),
            },
            "scope": "Cluster",
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema},
            }],
        },
    })
}

fn node(name: &str, provider_id: &str, labels: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {"name": name, "labels": labels}, "spec": {"providerID": provider_id},
    })
}

/// A cluster with nodes of every source. Its objects are deleted when it is dropped.
struct Nodes {
    session: ExclusiveCluster,
    service: &'static EksService,
    caller: Environment,
    moto: Moto,
}

impl Nodes {
    fn start(mode: &str, more: &Value) -> Self {
        let session = ExclusiveCluster::start();
        let tags = json!({format!("kubernetes.io/cluster/{}", eks::NAME): "owned"});
        let roles = [
            "eks/nodes",
            "pods",
            "team/self",
            "untagged",
            "zero",
            "karpenter",
            "in-profile",
            "auto",
            "auto-custom",
        ];
        let roles = roles.map(|role| (role.to_owned(), trusts_service("ec2.amazonaws.com")));
        let mut world = json!({
            "account": "111122223333",
            "roles": roles.into_iter().collect::<serde_json::Map<_, _>>(),
            "profiles": {"self": "self", "untagged": "untagged", "zero": "zero", "workers": "in-profile"},
            "instances": {
                "joined": {"profile": "self", "tags": tags},
                "rejected": {"profile": "self", "tags": tags},
                "bare": {"tags": tags},
                "untagged": {"profile": "untagged"},
                "other": {"profile": "zero", "tags": {"kubernetes.io/cluster/other": "owned"}},
            },
            "templates": {"own": "zero", "none": null},
            "configurations": {"old": "self"},
            "groups": {
                "at-zero": {"template": "own", "tags": tags},
                "by-configuration": {"configuration": "old", "tags": tags},
                "without-profile": {"template": "none", "tags": tags},
                "of-ng-1": {"template": "own", "tags": {"eks:nodegroup-name": "ng-1", format!("kubernetes.io/cluster/{}", eks::NAME): "owned"}},
                "other": {"template": "none", "tags": {"kubernetes.io/cluster/other": "owned"}},
            },
            "page": 1,
        });
        merge(&mut world, more);
        let moto = Moto::start(&[&world.to_string()]);
        let service = eks(&session, &cluster(mode));
        let caller = holding(&session, service, CREATOR_SESSION);
        let caller = ["IAM", "EC2", "AUTO_SCALING"]
            .into_iter()
            .fold(caller, |caller, name| {
                caller.with(&format!("AWS_ENDPOINT_URL_{name}"), moto.url())
            });
        let nodes = Self {
            session,
            service,
            caller,
            moto,
        };
        nodes.create_objects();
        nodes
    }

    fn create_objects(&self) {
        let kubectl = &self.session.cluster;
        for one in CRDS {
            kubectl.kubectl_fed(&["apply", "-f", "-"], &crd(one).to_string());
            let name = format!("crd/{}.{}", one.2, one.0);
            kubectl.kubectl(&["wait", "--for=condition=Established", &name]);
        }
        let class = |group: &str, kind: &str, name: &str, spec: &Value| json!({"apiVersion": format!("{group}/v1"), "kind": kind, "metadata": {"name": name}, "spec": spec});
        let id = |name: &str| format!("aws:///us-east-1a/{}", self.moto.instance(name));
        let objects = [
            class(
                "karpenter.k8s.aws",
                "EC2NodeClass",
                "by-role",
                &json!({"role": "karpenter"}),
            ),
            class(
                "karpenter.k8s.aws",
                "EC2NodeClass",
                "by-profile",
                &json!({
                    "instanceProfile": "workers", "amiSelectorTerms": [{"alias": "windows2022@latest"}],
                }),
            ),
            class(
                "eks.amazonaws.com",
                "NodeClass",
                "own",
                &json!({"role": "auto-custom"}),
            ),
            node("ip-10-0-0-1", &id("joined"), &json!({})),
            node("ip-10-0-0-2", &id("untagged"), &json!({})),
            node(
                "mi-1",
                "eks-hybrid:///us-east-1/my-cluster/mi-1",
                &json!({}),
            ),
            node(
                "stale",
                "aws:///us-east-1a/i-0123456789abcdef0",
                &json!({"eks.amazonaws.com/nodegroup": "ng-1"}),
            ),
        ];
        for object in objects {
            kubectl.kubectl_fed(&["apply", "-f", "-"], &object.to_string());
        }
    }

    fn run(&self, args: &[&str]) -> Run {
        on(&self.session, &self.caller, &[&["nodes"], args].concat())
    }

    /// Runs `nodes --fix` on a terminal, and answers its question. Returns the exit code and all output.
    fn fix_on_a_terminal(&self, question: &str, answer: &str) -> (i32, String) {
        let mut terminal = on_terminal(&self.caller, &["nodes", "--fix"]);
        terminal.shows(question);
        terminal.type_in(answer);
        terminal.end()
    }

    fn json(&self, args: &[&str], status: i32) -> Value {
        let run = self.run(&[args, &["-o", "json"]].concat());
        assert_eq!(run.status, status, "{run:?}");
        run.json()
    }

    /// Returns the principals with access entries and their types.
    fn entries(&self) -> Vec<String> {
        let state = self.service.state();
        let entries = state["entries"][eks::NAME].as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut all: Vec<String> = entries
            .map(|entry| format!("{} {}", text(&entry["principalArn"]), text(&entry["type"])))
            .collect();
        all.sort();
        all
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.session.cluster.kubectl(&["delete", "node", "--all"]);
        for (group, _, plural) in CRDS {
            let name = format!("crd/{plural}.{group}");
            self.session
                .cluster
                .kubectl(&["delete", &name, "--ignore-not-found"]);
        }
    }
}

/// Asserts the exit code and parts of stdout.
#[track_caller]
fn shows(run: &Run, status: i32, parts: &[&str]) {
    assert_eq!(run.status, status, "{run:?}");
    for part in parts {
        assert!(run.stdout.contains(part), "no {part:?} in:\n{}", run.stdout);
    }
}

fn merge(into: &mut Value, more: &Value) {
    for (key, value) in more.as_object().unwrap() {
        into[key] = value.clone();
    }
}

fn cluster(mode: &str) -> Value {
    json!({
        "clusters": {eks::NAME: {
            "accessConfig": {"authenticationMode": mode},
            "computeConfig": {"enabled": true, "nodePools": ["system"], "nodeRoleArn": format!("{A}:role/auto")},
        }},
        "entries": {eks::NAME: [
            {
                "principalArn": format!("{A}:role/cluster-creator"), "type": "STANDARD", "username": "kubernetes-admin",
                "kubernetesGroups": ["system:masters"],
            },
            {
                "principalArn": format!("{A}:role/auto"), "type": "EC2", "policies": [],
                "username": "system:node:{{EC2PrivateDNSName}}", "kubernetesGroups": ["system:nodes"],
            },
            {
                "principalArn": format!("{A}:role/zero"), "type": "STANDARD", "username": "x", "policies": [],
                "kubernetesGroups": [],
            },
            // Before the role, which moto creates now.
            {
                "principalArn": format!("{A}:role/in-profile"), "type": "EC2_WINDOWS", "createdAt": 1_600_000_000,
                "username": "system:node:{{EC2PrivateDNSName}}", "kubernetesGroups": ["system:nodes"], "policies": [],
            },
            {
                "principalArn": format!("{A}:role/hybrid"), "type": "HYBRID_LINUX", "policies": [],
                "username": "system:node:{{SessionName}}", "kubernetesGroups": ["system:nodes"],
            },
        ]},
        "nodegroups": {eks::NAME: [{
            "nodegroupName": "ng-1", "nodeRole": format!("{A}:role/eks/nodes"), "status": "ACTIVE",
            "amiType": "AL2023_x86_64_STANDARD",
        }]},
        "profiles": {eks::NAME: [{
            "fargateProfileName": "fp", "podExecutionRoleArn": format!("{A}:role/pods"), "status": "ACTIVE",
        }]},
    })
}

const EC2: &str =
    "username: system:node:{{EC2PrivateDNSName}}\n  groups: [system:bootstrappers, system:nodes]";

fn role<'a>(report: &'a Value, name: &str) -> &'a Value {
    let mut roles = report["roles"].as_array().unwrap().iter();
    let role = roles.find(|role| role["roleArn"] == format!("{A}:role/{name}"));
    role.unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

fn state<'a>(report: &'a Value, name: &str) -> &'a str {
    role(report, name)["state"].as_str().unwrap()
}

#[test]
fn every_role_of_nodes_is_compared_with_both_stores_and_missing_ones_are_mapped() {
    let nodes = Nodes::start("API_AND_CONFIG_MAP", &json!({}));
    let roles = format!(
        "- rolearn: {A}:role/nodes\n  {EC2}\n\
         - rolearn: {A}:role/pods\n  username: system:node:{{{{SessionName}}}}\n  groups: [system:bootstrappers, system:nodes]\n\
         - rolearn: {A}:role/team/self\n  {EC2}\n\
         - rolearn: {A}:role/forgotten\n  {EC2}\n"
    );
    nodes.session.put(&json!({"mapRoles": roles}));
    let report = nodes.json(&[], 1);
    let states: Vec<(&str, &str)> = [
        "eks/nodes",
        "pods",
        "team/self",
        "untagged",
        "zero",
        "karpenter",
        "in-profile",
        "auto",
        "auto-custom",
    ]
    .map(|name| (name, state(&report, name)))
    .into();
    assert_eq!(
        states,
        [
            ("eks/nodes", "mapped"),
            ("pods", "wrongTerms"),
            ("team/self", "missing"),
            ("untagged", "missing"),
            ("zero", "wrongType"),
            ("karpenter", "missing"),
            ("in-profile", "deadEntry"),
            ("auto", "missingPolicy"),
            ("auto-custom", "missing"),
        ],
        "{report:#}"
    );
    assert_eq!(report["roles"].as_array().unwrap().len(), states.len());
    let own = role(&report, "team/self");
    assert_eq!((&own["instances"], &own["joined"]), (&json!(2), &json!(1)));
    assert_eq!(
        own["message"],
        "nothing maps the role: its nodes are rejected. Line 7 of mapRoles names it, but has no effect: STS reports roles without their IAM path, so it never matches"
    );
    assert_eq!(
        role(&report, "auto-custom")["requiredIn"],
        "accessEntry",
        "{report:#}"
    );
    let unknown = report["unknown"].to_string();
    for text in [
        "Auto Scaling group without-profile\",\"why\":\"the launch template lt-",
        "\"why\":\"without an instance profile, they cannot sign in\"",
        "nodes mi-1\",\"why\":\"EKS Hybrid Nodes: no service of AWS lists the role of a hybrid node",
        "nodes stale\",\"why\":\"node group ng-1: EC2 does not return the instance i-0123456789abcdef0",
    ] {
        assert!(unknown.contains(text), "{text}: {unknown}");
    }
    let unused: Vec<&str> = report["unused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["roleArn"].as_str().unwrap())
        .collect();
    assert_eq!(
        unused,
        [format!("{A}:role/forgotten"), format!("{A}:role/hybrid")]
    );

    shows(
        &nodes.run(&[]),
        1,
        &[
            "The nodes of 1 of 9 roles can join, 8 cannot.\n",
            "the access entry has type STANDARD, which is not for nodes, and needs EC2_LINUX\n",
            "  to fix it: create the access entry again; in between, its nodes have no access: aws eks delete-access-entry --cluster-name my-cluster",
            "  to fix it: awsauth map node-role arn:aws:iam::111122223333:role/pods --kind fargate --cluster-name my-cluster\n",
            "lacks the access policy AmazonEKSAutoNodePolicy\n",
            "Node entries that no known node uses:\n",
        ],
    );

    // A dry run changes nothing.
    let before = nodes.service.state();
    nodes.run(&["--fix", "--dry-run"]).says(1, &[
        "Would run: aws eks create-access-entry --cluster-name my-cluster --principal-arn arn:aws:iam::111122223333:role/team/self --type EC2_LINUX\n",
    ]);
    assert_eq!(nodes.service.state(), before);

    let asked = "Change access entries on EKS cluster my-cluster (";
    let (status, screen) = nodes.fix_on_a_terminal(asked, "n\n");
    assert_eq!(status, 4, "{screen}");
    assert!(
        screen.contains("the answer was no; nothing was changed\n"),
        "{screen}"
    );
    assert_eq!(nodes.service.state(), before);
    let (status, screen) = nodes.fix_on_a_terminal(asked, "y\n");
    assert_eq!(status, 1, "{screen}");
    let fixed = nodes.entries();
    nodes.service.set(&before);

    // The roles that nothing maps get access entries; what needs a decision stays.
    nodes.run(&["--fix"]).says(
        1,
        &["Done: Nodes with arn:aws:iam::111122223333:role/team/self"],
    );
    assert_eq!(
        nodes.entries(),
        [
            "auto EC2",
            "auto-custom EC2",
            "cluster-creator STANDARD",
            "hybrid HYBRID_LINUX",
            "in-profile EC2_WINDOWS",
            "karpenter EC2_LINUX",
            "team/self EC2_LINUX",
            "untagged EC2_LINUX",
            "zero STANDARD",
        ]
        .map(|entry| format!("{A}:role/{entry}"))
    );
    assert_eq!(nodes.entries(), fixed);
    let report = nodes.json(&["--fix"], 1);
    let left: Vec<&str> = report["roles"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|role| role["state"] != "mapped")
        .map(|role| role["state"].as_str().unwrap())
        .collect();
    assert_eq!(left, ["wrongTerms", "wrongType"], "{report:#}");
    let policies = nodes.service.state()["entries"][eks::NAME].to_string();
    assert_eq!(policies.matches(AUTO_NODE).count(), 2, "{policies}");
    let run = on(&nodes.session, &nodes.caller, &["history", "-o", "json"]);
    let history = run.json();
    let revisions = history["revisions"].as_array().unwrap();
    let of_entries = revisions.iter().any(|one| {
        let entries = one["accessEntries"].to_string();
        entries.contains(":role/auto\"")
    });
    assert!(of_entries, "{history:#}");
}

#[test]
fn missing_roles_are_written_to_aws_auth_in_mode_config_map() {
    let nodes = Nodes::start("CONFIG_MAP", &json!({}));
    nodes.session.put(&json!({"mapRoles": "[]\n"}));
    let report = nodes.json(&[], 1);
    assert_eq!(role(&report, "auto")["requiredIn"], "anotherMode");
    assert_eq!(state(&report, "zero"), "missing");
    nodes
        .run(&["--fix", "--dry-run"])
        .says(1, &["Nothing was written.\n"]);
    assert_eq!(state(&nodes.json(&[], 1), "zero"), "missing");
    // Only a tag connects the Auto Scaling group with the cluster.
    let run = nodes.run(&["--fix", "--reason", "lost"]);
    run.says(
        1,
        &[
            "Wrote aws-auth to",
            "Not mapped: arn:aws:iam::111122223333:role/zero, used by Auto Scaling group at-zero: only the tag kubernetes.io/cluster/my-cluster connects it with the cluster\n",
            "hint: if these are nodes of the cluster, add --node-role arn:aws:iam::111122223333:role/zero\n",
        ],
    );
    assert_eq!(state(&nodes.json(&[], 1), "zero"), "missing");
    let zero = format!("{A}:role/zero");
    nodes
        .run(&["--fix", "--node-role", &zero])
        .says(1, &["Wrote aws-auth to"]);
    nodes
        .run(&[
            "--fix",
            "--node-role",
            "arn:aws:iam::111122223333:role/other",
        ])
        .says(
            2,
            &["--node-role arn:aws:iam::111122223333:role/other is not a role of a known node\n"],
        );
    let report = nodes.json(&[], 1);
    for name in [
        "eks/nodes",
        "pods",
        "team/self",
        "untagged",
        "zero",
        "karpenter",
        "in-profile",
    ] {
        assert_eq!(state(&report, name), "mapped", "{report:#}");
    }
    let windows = role(&report, "in-profile")["awsAuth"]["groups"].to_string();
    assert!(windows.contains("eks:kube-proxy-windows"), "{windows}");
    // aws-auth cannot map the nodes of Auto Mode.
    for name in ["auto", "auto-custom"] {
        assert_eq!(state(&report, name), "missing");
    }
    nodes.run(&["--fix"]).says(
        1,
        &["Nothing to map: see above for what needs a decision.\n"],
    );

    // On a terminal, the user decides about the role that only a tag connects with the cluster.
    for (answer, zero) in [("n\n", "missing"), ("y\n", "mapped")] {
        nodes.session.put(&json!({"mapRoles": "[]\n"}));
        let asked = "Map this role? Everyone who can use it can sign in as a node of EKS cluster my-cluster (";
        let (status, screen) = nodes.fix_on_a_terminal(asked, answer);
        assert_eq!(status, 1, "{screen}");
        assert!(
            screen.contains("Known by a tag: arn:aws:iam::111122223333:role/zero, "),
            "{screen}"
        );
        let report = nodes.json(&[], 1);
        assert_eq!(state(&report, "zero"), zero, "{screen}");
        assert_eq!(state(&report, "pods"), "mapped", "{screen}");
    }
}

#[test]
fn what_cannot_be_read_is_reported() {
    let refused = json!({"refused": ["DescribeInstances", "DescribeLaunchTemplateVersions"], "denied": ["get_role"]});
    let nodes = Nodes::start("API", &refused);
    nodes
        .session
        .put(&json!({"mapRoles": format!("- rolearn: {A}:role/nodes\n  {EC2}\n")}));
    let run = nodes.run(&[]);
    shows(
        &run,
        1,
        &[
            "AWS did not return the instances: ec2:DescribeInstances: UnauthorizedOperation: User: arn:aws:iam::111122223333:user/x is not authorized",
            "hint: ask an administrator to add this to a policy of arn:aws:iam::111122223333:user/x: {\"Effect\":\"Allow\",\"Action\":\"ec2:DescribeInstances\",\"Resource\":\"*\"}",
            "AWS did not return the Auto Scaling groups: ec2:DescribeLaunchTemplateVersions: UnauthorizedOperation",
            "AWS did not return whether the roles exist: iam:GetRole: AccessDenied",
            "Line 1 of mapRoles names it, but has no effect: in authentication mode API, the cluster ignores aws-auth\n",
            "the instances were not read",
        ],
    );

    // Without a problem, the exit code still shows that something is unknown.
    nodes.service.set(&{
        let mut state = nodes.service.state();
        for name in ["nodegroups", "profiles", "entries"] {
            state[name] = json!({});
        }
        state["clusters"][eks::NAME]["computeConfig"] = json!({"enabled": false});
        state
    });
    nodes
        .session
        .cluster
        .kubectl(&["delete", "ec2nodeclasses,nodeclasses", "--all"]);
    shows(&nodes.run(&[]), 3, &["No role of nodes is known.\n"]);

    // Only Kubernetes: the kubeconfig's user can list everything, and AWS is not asked.
    nodes.create_objects();
    let kubeconfig = nodes.session.cluster.kubeconfig();
    let alone = Environment::new(nodes.session.cluster.folder())
        .with("KUBECONFIG", &kubeconfig.display().to_string());
    let run = nodes.session.awsauth(&alone, &["nodes"]);
    shows(
        &run,
        0,
        &[
            "Karpenter's node class by-role: it names the role karpenter, which aws-auth does not map; an access entry may\n",
            "nodes stale: node group ng-1: the instances were not read\n",
            "EKS, EC2, Auto Scaling and IAM were not asked: ",
        ],
    );
    nodes.session.done(&[
        "map",
        "node-role",
        &format!("{A}:role/karpenter"),
        "--kind",
        "linux",
    ]);
    let run = nodes.session.awsauth(&alone, &["nodes", "-o", "json"]);
    assert_eq!(state(&run.json(), "karpenter"), "mapped", "{run:?}");
    let run = nodes.session.awsauth(&alone, &["nodes", "--yes"]);
    run.says(
        2,
        &["--yes needs --fix: without it, nodes writes nothing\n"],
    );
    nodes
        .session
        .awsauth(&alone, &["nodes", "--file", "x"])
        .says(2, &["a file does not contain the nodes of a cluster"]);
}

/// Mode API would stop nodes that join today, although no aws-auth entry of theirs would lose its effect.
#[test]
fn migration_is_not_finished_while_nodes_have_no_live_entry_of_their_type() {
    let nodes = Nodes::start("API_AND_CONFIG_MAP", &json!({}));
    nodes.session.put(&json!({"mapRoles": "[]"}));
    let finish = || {
        let args = ["migrate", "--finish", "--yes"];
        on(&nodes.session, &nodes.caller, &args)
    };
    let run = finish();
    run.says(
        4,
        &[
            "role/eks/nodes, the role of node group ng-1, has no access entry for nodes\n",
            "role/pods, the role of Fargate profile fp, has no access entry for nodes\n",
            "role/untagged, the role of instance i-",
            "role/in-profile, the role of Karpenter's node class by-profile: the access entry is older than the role",
            "hint: aws eks delete-access-entry",
            "role/auto, the role of Auto Mode's node pools: the access entry lacks the access policy AmazonEKSAutoNodePolicy\n",
            "role/auto-custom, the role of Auto Mode's node class own, has no access entry for nodes\n",
            "Not checked: nodes mi-1: EKS Hybrid Nodes: no service of AWS lists the role of a hybrid node.\n",
        ],
    );
    // No instance runs with it, and anyone can set its tag.
    assert!(!run.stderr.contains("role/zero"), "{run:?}");

    let with_types = |types: &[(&str, &str)]| {
        let mut state = nodes.service.state();
        let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
        entries.truncate(1);
        entries.extend(types.iter().map(|(role, kind)| {
            let policies = match *kind {
                "EC2" => json!([{"policyArn": AUTO_NODE, "accessScope": {"type": "cluster", "namespaces": []}}]),
                _ => json!([]),
            };
            json!({
                "principalArn": format!("{A}:role/{role}"), "type": kind, "policies": policies,
                "username": "system:node:{{EC2PrivateDNSName}}", "kubernetesGroups": ["system:nodes"],
                "createdAt": 4_000_000_000_u64,
            })
        }));
        nodes.service.set(&state);
    };
    let mut types = [
        ("eks/nodes", "EC2_WINDOWS"),
        ("pods", "FARGATE_LINUX"),
        ("team/self", "EC2_LINUX"),
        ("untagged", "EC2_LINUX"),
        ("karpenter", "EC2_LINUX"),
        ("in-profile", "EC2_WINDOWS"),
        ("auto", "EC2"),
        ("auto-custom", "EC2"),
    ];
    with_types(&types);
    let run = finish();
    run.says(
        4,
        &["role/eks/nodes, the role of node group ng-1: the access entry has type EC2_WINDOWS, and its nodes need EC2_LINUX\n"],
    );
    assert_eq!(run.stderr.matches("hint: ").count(), 1, "{run:?}");
    // Without EC2, the role of an instance is unknown.
    types[0].1 = "EC2_LINUX";
    with_types(&types);
    let blind = nodes
        .caller
        .clone()
        .with("AWS_ENDPOINT_URL_EC2", "http://127.0.0.1:1");
    on(&nodes.session, &blind, &["migrate", "--finish", "--yes"])
        .says(4, &["the nodes and their roles could not all be read\n"]);
    finish().says(0, &["aws-auth is kept, and has no effect.\n"]);
}
