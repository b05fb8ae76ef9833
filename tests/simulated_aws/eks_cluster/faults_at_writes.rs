//! Each command that moves principals between aws-auth and access entries, with a fault at each request that writes.
//!
//! A fault leaves each principal its access before or after the command, and the same command finishes afterwards. The normal
//! run injects one fault at each request; `AWSAUTH_ALL_FAULTS=1` injects every fault at each.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::on;
use crate::eks_cluster::harness::{MYTESTROLE, PATIENCE};
use crate::eks_cluster::migrate_apply::{ADMINS, Migration};
use crate::eks_cluster::token_review::Who;
use crate::support::aws_auth_client::Refusal;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::kubernetes_proxy::KubernetesProxy;
use crate::support::simulated_aws::Credentials;

const AWS_AUTH: &str = "/api/v1/namespaces/kube-system/configmaps/aws-auth";
const HISTORY: &str = "/api/v1/namespaces/kube-system/configmaps/awsauth-history";
const BINDING: &str =
    "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/awsauth:cluster-admins";

/// The username that EKS gives to a session of the caller's role by default.
const DEFAULT_USERNAME: &str =
    "arn:aws:sts::111122223333:assumed-role/mytestrole/i-0123456789abcdef0";

/// What happens at a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// The process is killed, and the request is not carried out.
    KilledBefore,
    /// The process is killed, and the request is carried out.
    KilledAfter,
    LostRequest,
    LostAnswer,
    Throttled,
    /// Another client makes the same request just before.
    OtherClient,
}

const FAULTS: [Fault; 6] = [
    Fault::KilledAfter,
    Fault::LostRequest,
    Fault::OtherClient,
    Fault::KilledBefore,
    Fault::LostAnswer,
    Fault::Throttled,
];

impl Fault {
    fn kills(self) -> bool {
        matches!(self, Self::KilledBefore | Self::KilledAfter)
    }

    /// Returns the name in the simulated APIs.
    fn name(self) -> &'static str {
        match self {
            Self::KilledBefore => "stall",
            Self::KilledAfter => "hold",
            Self::LostRequest => "drop",
            Self::LostAnswer => "lose",
            Self::Throttled => "throttle",
            Self::OtherClient => "first",
        }
    }
}

/// A command, and the state of the cluster before it.
struct Scenario {
    args: &'static [&'static str],
    start: Start,
    /// The EKS API calls that write, and the Kubernetes objects, without the history. If another client has just written
    /// aws-auth, awsauth writes the history last.
    writes: &'static [&'static str],
    /// The users that the caller may be in between.
    between: &'static [(&'static str, &'static [&'static str])],
    /// Whether it gives the caller a policy, which needs a second call.
    has_policy: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Start {
    /// The cluster reads aws-auth only.
    AwsAuth,
    /// After `migrate --apply`.
    Migrated,
    /// The cluster reads aws-auth only, which another client has emptied.
    LockedOut,
    /// aws-auth was emptied, and the caller's access entry belongs to a deleted role of the same name.
    LockedOutWithDeadEntry,
}

const SCENARIOS: [Scenario; 7] = [
    Scenario {
        args: &["migrate", "--apply", "--yes"],
        start: Start::AwsAuth,
        writes: &[
            "UpdateClusterConfig",
            "CreateAccessEntry",
            "CreateAccessEntry",
            "clusterrolebindings",
            // Again after the update of the mode, with the new plan.
            "clusterrolebindings",
        ],
        between: &[],
        has_policy: false,
    },
    Scenario {
        args: &["migrate", "--apply", "--yes", "--masters", "policy"],
        start: Start::AwsAuth,
        writes: &[
            "UpdateClusterConfig",
            "CreateAccessEntry",
            "CreateAccessEntry",
            "AssociateAccessPolicy",
        ],
        between: &[],
        has_policy: true,
    },
    Scenario {
        args: &["migrate", "--clean", "--yes"],
        start: Start::Migrated,
        writes: &["aws-auth"],
        between: &[],
        has_policy: false,
    },
    Scenario {
        args: &["migrate", "--finish", "--yes"],
        start: Start::Migrated,
        writes: &["UpdateClusterConfig"],
        between: &[],
        has_policy: false,
    },
    Scenario {
        args: &["migrate", "--revert", "--yes"],
        start: Start::Migrated,
        writes: &[
            "DeleteAccessEntry",
            "DeleteAccessEntry",
            "awsauth:cluster-admins",
        ],
        between: &[],
        has_policy: false,
    },
    Scenario {
        args: &["rescue", "--yes", "--from", "history", "--leave-no-trace"],
        start: Start::LockedOut,
        writes: &[
            "UpdateClusterConfig",
            "CreateAccessEntry",
            "AssociateAccessPolicy",
            "DeleteAccessEntry",
            "aws-auth",
        ],
        between: &[(DEFAULT_USERNAME, &[])],
        has_policy: true,
    },
    Scenario {
        args: &["rescue", "--yes", "--from", "history", "--leave-no-trace"],
        start: Start::LockedOutWithDeadEntry,
        writes: &[
            "DeleteAccessEntry",
            "CreateAccessEntry",
            "AssociateAccessPolicy",
            "DeleteAccessEntry",
            "aws-auth",
        ],
        between: &[(DEFAULT_USERNAME, &[])],
        has_policy: true,
    },
];

/// A state of the cluster that a test can restore.
#[derive(Clone)]
struct Snapshot {
    eks: Value,
    /// The path of each object, and the object.
    objects: BTreeMap<&'static str, Value>,
}

/// What a command changes for principals, without times and identifiers.
#[derive(Debug, PartialEq)]
struct State {
    mode: Value,
    /// The principals with their access entries.
    entries: BTreeMap<String, Value>,
    aws_auth: Value,
    has_binding: bool,
}

/// The requests of a run that write.
#[derive(Default)]
struct Writes {
    eks: Vec<Value>,
    kubernetes: Vec<Value>,
}

impl Writes {
    fn names(&self) -> Vec<String> {
        let eks = self.eks.iter();
        let eks = eks.map(|write| write["operation"].as_str().unwrap().to_owned());
        let kubernetes = self.kubernetes.iter().map(|write| {
            let path = write["path"].as_str().unwrap();
            let object = path.rsplit('/').next().unwrap();
            object.to_owned()
        });
        eks.chain(kubernetes).collect()
    }
}

/// The cluster behind a proxy.
struct Site {
    migration: Migration,
    proxy: KubernetesProxy,
}

impl Site {
    fn start() -> Self {
        let migration = Migration::start();
        let proxy = KubernetesProxy::start(migration.session.cluster);
        migration.change(|state| {
            let cluster = &mut state["clusters"][eks::NAME];
            cluster["endpoint"] = json!(proxy.url());
            cluster["certificateAuthority"] = json!({"data": BASE64_STANDARD.encode(proxy.ca())});
        });
        // The history has the text of aws-auth.
        let session = &migration.session;
        session.done(&["unmap", "role", "arn:aws:iam::111122223333:role/dev"]);
        session.done(&["undo", "--yes"]);
        let site = Self { migration, proxy };
        // The first requests to EC2 and Auto Scaling load their code, which takes long on a busy machine.
        site.run(&["nodes"]);
        site
    }

    /// Returns each state in which a command starts.
    fn snapshots(&self) -> BTreeMap<Start, Snapshot> {
        let aws_auth = self.snapshot();
        self.run(&["migrate", "--apply", "--yes"]).says(0, &[]);
        let migrated = self.snapshot();
        let mut locked_out = aws_auth.clone();
        locked_out.objects.get_mut(AWS_AUTH).unwrap()["data"]["mapRoles"] = json!("");
        let mut with_dead_entry = locked_out.clone();
        let eks = &mut with_dead_entry.eks;
        eks["clusters"][eks::NAME]["accessConfig"]["authenticationMode"] =
            json!("API_AND_CONFIG_MAP");
        eks["entries"] = json!({eks::NAME: [{
            "principalArn": MYTESTROLE, "type": "STANDARD", "username": "old", "kubernetesGroups": ["viewers"],
            "principalId": "AROAOLD", "policies": [], "createdAt": 1_600_000_000, "modifiedAt": 1_600_000_000,
        }]});
        BTreeMap::from([
            (Start::AwsAuth, aws_auth),
            (Start::Migrated, migrated),
            (Start::LockedOut, locked_out),
            (Start::LockedOutWithDeadEntry, with_dead_entry),
        ])
    }

    fn object(&self, path: &str) -> Option<Value> {
        match self.migration.session.api.ask("GET", path, None) {
            Ok(object) => Some(object),
            Err(Refusal::Missing) => None,
            Err(refusal) => panic!("{refusal:?}"),
        }
    }

    fn snapshot(&self) -> Snapshot {
        let objects = [AWS_AUTH, HISTORY, BINDING].into_iter();
        let objects = objects.filter_map(|path| Some((path, self.object(path)?)));
        let objects = objects.map(|(path, mut object)| {
            let metadata = object["metadata"].as_object_mut().unwrap();
            for key in [
                "uid",
                "resourceVersion",
                "creationTimestamp",
                "managedFields",
            ] {
                metadata.remove(key);
            }
            (path, object)
        });
        Snapshot {
            objects: objects.collect(),
            eks: self.migration.service.state(),
        }
    }

    fn restore(&self, snapshot: &Snapshot) {
        let api = &self.migration.session.api;
        self.proxy.set_fault(&json!({"times": 0}));
        self.migration.service.set(&snapshot.eks);
        for path in [BINDING, HISTORY, AWS_AUTH] {
            match api.ask("DELETE", path, None) {
                Ok(_) | Err(Refusal::Missing) => {}
                Err(refusal) => panic!("{refusal:?}"),
            }
            if let Some(object) = snapshot.objects.get(path) {
                let (collection, _) = path.rsplit_once('/').unwrap();
                api.ask("POST", collection, Some(object)).unwrap();
            }
        }
        self.migration.session.outdate_tokens();
    }

    fn state(&self) -> State {
        let mut state = self.migration.service.state();
        let aws_auth = self.object(AWS_AUTH).unwrap();
        let entries = state["entries"][eks::NAME].as_array().into_iter().flatten();
        let entries = entries.map(|entry| {
            let scopes = entry["policies"].as_array().into_iter().flatten();
            let scopes: Vec<_> = scopes
                .map(|policy| json!([policy["policyArn"], policy["accessScope"]]))
                .collect();
            let terms = json!([
                entry["type"],
                entry["username"],
                entry["kubernetesGroups"],
                scopes
            ]);
            (entry["principalArn"].as_str().unwrap().to_owned(), terms)
        });
        State {
            entries: entries.collect(),
            mode: state["clusters"][eks::NAME]["accessConfig"]["authenticationMode"].take(),
            aws_auth: aws_auth["data"].clone(),
            has_binding: self.object(BINDING).is_some(),
        }
    }

    fn run(&self, args: &[&str]) -> Run {
        on(&self.migration.session, &self.migration.caller, args)
    }

    /// Returns the requests that write, since the process began.
    fn writes(&self) -> Writes {
        let requests = self.migration.service.requests().into_iter();
        let is_write = |request: &Value| request["method"] != "GET";
        Writes {
            eks: requests.filter(is_write).collect(),
            kubernetes: self.proxy.writes(),
        }
    }

    fn writes_since(&self, before: &Writes) -> Writes {
        let mut writes = self.writes();
        writes.eks.drain(..before.eks.len());
        writes.kubernetes.drain(..before.kubernetes.len());
        writes
    }

    fn who(&self, credentials: &Credentials) -> Who {
        let session = &self.migration.session;
        session.who(&session.fresh_token(credentials))
    }

    /// Waits until the principal signs in as one of these users.
    fn becomes_one_of(&self, credentials: &Credentials, users: &[Who], case: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let who = self.who(credentials);
            if users.contains(&who) {
                return;
            }
            let name = &credentials.arn;
            assert!(Instant::now() < deadline, "{case}: {name} is {who:?}");
            sleep(Duration::from_millis(50));
        }
    }

    /// Runs a command with a fault at its nth request that writes, of those of a run without faults.
    fn run_with(&self, fault: Fault, number: usize, known: &Writes, args: &[&str]) -> Option<Run> {
        let before = self.writes();
        match number.checked_sub(known.eks.len()) {
            None => self.migration.change(|state| {
                let mut input = known.eks[number]["given"].clone();
                input.as_object_mut().unwrap().remove("clientRequestToken");
                let calls = match fault {
                    Fault::OtherClient => json!([[known.eks[number]["operation"], input]]),
                    _ => json!([]),
                };
                state["faults"] = json!([{
                    "operation": "*", "fault": fault.name(), "skip": number, "calls": calls,
                    "seconds": if fault.kills() { 120 } else { 0 },
                }]);
            }),
            Some(number) => {
                let fault = json!({"fault": fault.name(), "skip": number, "times": 1});
                self.proxy.set_fault(&fault);
            }
        }
        if !fault.kills() {
            return Some(self.run(args));
        }
        let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
        let mut command = self.migration.caller.command(program);
        command.args(args).args(["--cluster-name", eks::NAME]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut run = command.stderr(Stdio::piped()).spawn().unwrap();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let writes = self.writes_since(&before);
            let mut all = writes.eks.iter().chain(&writes.kubernetes);
            if all.any(|write| write["fault"] == fault.name()) {
                break;
            }
            assert!(Instant::now() < deadline, "{:?}", writes.names());
            sleep(Duration::from_millis(20));
        }
        run.kill().unwrap();
        Run::ended(run).says(-1, &[]);
        None
    }
}

/// A scenario on a cluster, and what it does without faults.
struct Prepared<'a> {
    site: &'a Site,
    scenario: &'a Scenario,
    start: &'a Snapshot,
    writes: Writes,
    after: State,
    /// The users that the caller may be during the command, first and last those before and after it.
    caller: Vec<Who>,
    dev: [Who; 2],
}

impl<'a> Prepared<'a> {
    fn new(site: &'a Site, scenario: &'a Scenario, start: &'a Snapshot) -> Self {
        let Migration {
            caller_session,
            dev,
            ..
        } = &site.migration;
        let [caller_before, dev_before] = match scenario.start {
            Start::AwsAuth => [Who::user("admin", &["system:masters"]), developer()],
            Start::Migrated => [Who::user("admin", &[ADMINS]), developer()],
            Start::LockedOut | Start::LockedOutWithDeadEntry => {
                [Who::Unauthorized, Who::Unauthorized]
            }
        };
        site.restore(start);
        let session = &site.migration.session;
        session.becomes(caller_session, &caller_before);
        session.becomes(dev, &dev_before);
        let before = site.writes();
        site.run(scenario.args).says(0, &[]);
        let between = scenario.between.iter();
        let between = between.map(|(name, groups)| Who::user(name, groups));
        let mut caller: Vec<Who> = [caller_before].into_iter().chain(between).collect();
        caller.push(site.who(caller_session));
        assert_ne!(caller.last(), Some(&Who::Unauthorized));
        assert_eq!(site.who(dev), developer());
        Self {
            site,
            scenario,
            start,
            writes: site.writes_since(&before),
            after: site.state(),
            caller,
            dev: [dev_before, developer()],
        }
    }

    fn run_with(&self, number: usize, fault: Fault, case: &str) {
        let site = self.site;
        let args = self.scenario.args;
        let Migration {
            session,
            caller_session,
            dev,
            ..
        } = &site.migration;
        site.restore(self.start);
        session.becomes(caller_session, &self.caller[0]);
        session.becomes(dev, &self.dev[0]);
        let first = site.run_with(fault, number, &self.writes, args);
        site.becomes_one_of(caller_session, &self.caller, case);
        site.becomes_one_of(dev, &self.dev, case);
        if let Some(first) = &first {
            // A write to Kubernetes is not repeated if its answer was lost.
            let is_eks = number < self.writes.eks.len();
            let is_known = first.status == 0 || (!is_eks && [3, 5].contains(&first.status));
            assert!(is_known, "{case}: {first:?}");
        }
        let may_lack_policy = fault.kills() && self.scenario.has_policy;
        for (arn, terms) in site.state().entries {
            let lacks_rights = terms[2] == json!([]) && terms[3] == json!([]);
            assert!(!lacks_rights || may_lack_policy, "{case}: {arn} {terms}");
        }

        site.migration.change(|state| state["faults"] = json!([]));
        site.proxy.set_fault(&json!({"times": 0}));
        let again = site.run(args);
        assert_eq!(again.status, 0, "{case}: {again:?} {first:?}");
        assert_eq!(site.state(), self.after, "{case}: {again:?}");
        let last = self.caller.len() - 1;
        site.becomes_one_of(caller_session, &self.caller[last..], case);
        site.becomes_one_of(dev, &self.dev[1..], case);
    }
}

fn developer() -> Who {
    Who::user("dev:ann-example.com", &["devs"])
}

/// Injects faults into the requests of these scenarios.
fn inject_faults(is_chosen: impl Fn(&Scenario) -> bool) {
    let all = std::env::var_os("AWSAUTH_ALL_FAULTS").is_some();
    let site = Site::start();
    let snapshots = site.snapshots();
    let mut failed = Vec::new();
    for (offset, scenario) in SCENARIOS.iter().enumerate() {
        if !is_chosen(scenario) {
            continue;
        }
        let prepared = Prepared::new(&site, scenario, &snapshots[&scenario.start]);
        let writes = prepared.writes.names();
        let (mut found, mut expected) = (writes.clone(), scenario.writes.to_vec());
        found.retain(|name| name != "awsauth-history");
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{:?}", scenario.args);
        for (number, write) in writes.iter().enumerate() {
            let faults = match all {
                true => &FAULTS[..],
                false => &FAULTS[(3 * offset + number) % FAULTS.len()..][..1],
            };
            for &fault in faults {
                let (args, start) = (scenario.args.join(" "), scenario.start);
                let case = format!("{args} from {start:?}, {write} ({number}), {fault:?}");
                let run = || prepared.run_with(number, fault, &case);
                if catch_unwind(AssertUnwindSafe(run)).is_err() {
                    failed.push(case);
                }
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

// A fault leaves the access before or after the command, and the next run finishes.

#[test]
fn migration_finishes_after_a_fault() {
    inject_faults(|scenario| scenario.start == Start::AwsAuth);
}

#[test]
fn steps_after_a_migration_finish_after_a_fault() {
    inject_faults(|scenario| scenario.start == Start::Migrated);
}

#[test]
fn rescue_finishes_after_a_fault() {
    inject_faults(|scenario| scenario.start > Start::Migrated);
}
