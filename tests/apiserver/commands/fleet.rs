//! `fleet` on three real API servers, and on addresses where none responds.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::commands::halting_proxy::HaltingProxy;
use crate::commands::harness::{
    ExclusiveCluster, MYTESTROLE, NODES, Running, awsauth, eksctl_made, eventually,
};
use crate::commands::slow_proxy::SlowProxy;
use crate::support::aws_auth_client::Api;
use crate::support::browser::Browser;
use crate::support::completed_run::Run;
use crate::support::editor_session::Terminal;
use crate::support::static_users;

const NAMES: [&str; 3] = ["dev", "prod-1", "prod-2"];

const ACCESS: &str =
    "- rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: admin\n  groups: [admins]\n";

/// Three clusters, used by one test.
struct Fleet {
    clusters: [ExclusiveCluster; 3],
    _turn: MutexGuard<'static, ()>,
}

impl Fleet {
    fn start() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            clusters: ExclusiveCluster::three(),
            _turn: turn,
        }
    }

    fn folder(&self) -> &Path {
        self.clusters[0].cluster.folder()
    }

    /// Writes a kubeconfig with a context for each cluster, and for these other servers.
    fn kubeconfig(&self, others: &[(&str, &str)]) -> PathBuf {
        let real = NAMES.iter().zip(&self.clusters).map(|(name, session)| {
            let cluster = session.cluster;
            (*name, cluster.server_url(), cluster.ca())
        });
        let ca = self.clusters[0].cluster.ca();
        let others = others
            .iter()
            .map(|(name, server)| (*name, (*server).to_owned(), ca.clone()));
        let all: Vec<_> = real.chain(others).collect();
        write_kubeconfig(self.folder(), &all)
    }

    /// Writes the kubeconfig with another server for one cluster.
    fn kubeconfig_with(&self, name: &str, server: &str) -> PathBuf {
        let path = self.kubeconfig(&[]);
        let mut content: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let at = NAMES.iter().position(|known| *known == name).unwrap();
        content["clusters"][at]["cluster"]["server"] = server.into();
        fs::write(&path, content.to_string()).unwrap();
        path
    }

    fn command(&self, kubeconfig: &Path, args: &[&str]) -> Command {
        let mut command = awsauth(self.clusters[0].cluster, kubeconfig);
        // Reads of a server that does not exist are retried for this long.
        command.env("AWSAUTH_TIMEOUT", "5s");
        command.arg("fleet").args(args);
        command
    }

    fn run(&self, kubeconfig: &Path, args: &[&str]) -> Run {
        Run::of(&mut self.command(kubeconfig, args))
    }

    fn access(&self) -> String {
        let path = self.clusters[0].file("access.yaml", ACCESS);
        path.to_str().unwrap().to_owned()
    }

    fn maps(&self, cluster: usize) -> bool {
        self.clusters[cluster].text("mapRoles").contains(MYTESTROLE)
    }

    fn states(&self) -> Vec<PathBuf> {
        let folder = self.folder().join(".local/state/awsauth/fleet");
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        files.map(|file| file.path()).collect()
    }
}

/// Writes a kubeconfig with a context for each server: its name, its URL and the file of its CA.
pub(super) fn write_kubeconfig(folder: &Path, servers: &[(&str, String, PathBuf)]) -> PathBuf {
    let each = |entry: &dyn Fn(&(&str, String, PathBuf)) -> Value| -> Vec<Value> {
        servers.iter().map(entry).collect()
    };
    let content = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{"name": "admin", "user": {"token": static_users::ADMIN.token()}}],
        "clusters": each(&|(name, server, ca)| {
            let cluster = json!({
                "server": server, "certificate-authority": ca, "tls-server-name": "127.0.0.1",
            });
            json!({"name": name, "cluster": cluster})
        }),
        "contexts": each(&|(name, _, _)| {
            json!({"name": name, "context": {"cluster": name, "user": "admin"}})
        }),
    });
    let path = folder.join("fleet.kubeconfig");
    fs::write(&path, content.to_string()).unwrap();
    path
}

#[test]
fn unreadable_clusters_are_rows_and_hold_up_no_other() {
    let fleet = Fleet::start();
    fleet.clusters[1].done(&["map", "role", MYTESTROLE, "--username", "admin"]);
    // Accepts connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = format!("https://{}", silent.local_addr().unwrap());
    let kubeconfig = fleet.kubeconfig(&[("gone", "https://127.0.0.1:1"), ("silent", &silent)]);

    let start = Instant::now();
    let get = [
        "get",
        "--all-contexts",
        "--deadline",
        "8s",
        "--timeout",
        "30s",
        "-o",
        "json",
    ];
    let run = fleet.run(&kubeconfig, &get);
    run.says(
        3,
        &["gone: error: ", "silent: error: ", "--deadline DURATION"],
    );
    assert!(start.elapsed() < Duration::from_secs(30), "{run:?}");
    let listed = run.json();
    let clusters = listed["clusters"].as_array().unwrap();
    let names: Vec<_> = clusters.iter().map(|one| &one["cluster"]).collect();
    assert_eq!(names, ["dev", "prod-1", "prod-2", "gone", "silent"]);
    for (one, session) in clusters.iter().zip(&fleet.clusters) {
        let alone = session.done(&["get", "-o", "json"]).json();
        assert_eq!(one["result"], alone);
        assert_eq!((&one["exitCode"], &one["error"]), (&json!(0), &Value::Null));
    }
    for one in &clusters[3..] {
        assert_eq!(
            (&one["exitCode"], &one["result"]),
            (&json!(3), &Value::Null)
        );
        let error = one["error"].as_str().unwrap();
        // A refused connection is retried for ten seconds, and the last random delay may end that before the deadline.
        let is_refused = one["cluster"] == "gone" && error.contains("Connection refused");
        assert!(is_refused || error.contains("not done in time"), "{one}");
    }

    let table = fleet.run(
        &kubeconfig,
        &["get", "--contexts", "prod-*,gone", "--arn", "*mytestrole"],
    );
    table.says(3, &["gone: error: "]);
    let rows: Vec<&str> = table.stdout.lines().collect();
    assert!(
        rows[0].starts_with("CLUSTER   KIND   IDENTITY"),
        "{table:?}"
    );
    assert!(
        rows[1].starts_with("prod-1    role   arn:aws:iam::111122223333:role/mytestrole"),
        "{table:?}"
    );
    assert!(
        rows[2].starts_with("gone ") && rows[2].contains("not read: cannot read aws-auth"),
        "{table:?}"
    );
    assert_eq!(rows.len(), 3, "{table:?}");
    let csv = fleet.run(
        &kubeconfig,
        &["get", "--contexts", "*", "-o", "csv", "--deadline", "8s"],
    );
    assert_eq!(
        csv.stdout
            .lines()
            .filter(|line| line.contains("not read: "))
            .count(),
        2,
        "{csv:?}"
    );

    fleet
        .run(&kubeconfig, &["get", "--contexts", "test-*"])
        .says(2, &["no context of the kubeconfig matches test-*"]);
}

#[test]
fn lint_diff_and_report_give_what_each_cluster_gives_alone() {
    let fleet = Fleet::start();
    let faulty = NODES.replace("system:bootstrappers", "system:bootstraper");
    fleet.clusters[2].put(&crate::support::aws_auth_client::configmap(&faulty));
    fleet.clusters[0].done(&[
        "map",
        "role",
        MYTESTROLE,
        "--username",
        "admin",
        "--group",
        "admins",
    ]);
    let kubeconfig = fleet.kubeconfig(&[]);
    let access = fleet.access();
    for (command, exit) in [
        (["lint", "-o", "json"].as_slice(), 1),
        (&["diff", "-f", &access, "-o", "json"], 1),
    ] {
        let run = fleet.run(&kubeconfig, &[command, &["--all-contexts"]].concat());
        assert_eq!(run.status, exit, "{run:?}");
        let together = run.json();
        for (number, session) in fleet.clusters.iter().enumerate() {
            let alone = session.run(command);
            let one = &together["clusters"][number];
            // Suggested kubectl commands name the context.
            let name = one["cluster"].as_str().unwrap();
            let own = alone.json().to_string();
            let own = own.replace(
                "kubectl --context admin ",
                &format!("kubectl --context {name} "),
            );
            assert_eq!(one["result"], serde_json::from_str::<Value>(&own).unwrap());
            assert_eq!(one["exitCode"], alone.status);
        }
    }
    let lint = fleet.run(&kubeconfig, &["lint", "--all-contexts"]);
    assert!(
        lint.stdout.contains("prod-2") && lint.stdout.contains("error"),
        "{lint:?}"
    );
    let diff = fleet.run(&kubeconfig, &["diff", "-f", &access, "--all-contexts"]);
    let rows: Vec<&str> = diff.stdout.lines().collect();
    assert!(rows[1].starts_with("dev       unchanged"), "{diff:?}");
    assert!(
        rows[2].starts_with("prod-1    would change")
            && rows[2].contains("gains user admin in group admins"),
        "{diff:?}"
    );

    let with_gone = fleet.kubeconfig(&[("gone", "https://127.0.0.1:1")]);
    for (format, parts) in [
        (
            "json",
            [
                "\"cluster\": \"prod-2\"",
                "\"principals\"",
                "\"cluster\": \"gone\"",
            ],
        ),
        (
            "csv",
            [
                "cluster,principal,",
                "dev,arn:aws:iam::111122223333:role/mytestrole,",
                "gone,",
            ],
        ),
        (
            "markdown",
            [
                "# Access to 4 clusters",
                "| dev | ",
                "| gone | **not read:**",
            ],
        ),
        (
            "html",
            [
                "Access to 4 clusters",
                "<option value=\"prod-2\">prod-2</option>",
                "data-cluster=\"dev\"",
            ],
        ),
    ] {
        let run = fleet.run(&with_gone, &["report", "--all-contexts", "-o", format]);
        run.says(3, &["gone: error: "]);
        for part in parts {
            assert!(run.stdout.contains(part), "no {part} in {}", run.stdout);
        }
    }
}

#[test]
fn progress_is_shown_on_a_terminal_only() {
    let fleet = Fleet::start();
    let slow = Duration::from_millis(300);
    let proxy = SlowProxy::start(&fleet.clusters[2].cluster.server_url(), slow);
    let kubeconfig = fleet.kubeconfig_with("prod-2", &proxy.url);
    let get = ["get", "--all-contexts"];
    let mut command = fleet.command(&kubeconfig, &get);
    let terminal = Terminal::of(command.env("TERM", "xterm"));
    terminal.shows("Reading clusters: 2 of 3");
    let (status, screen) = terminal.end();
    assert_eq!(status, 0, "{screen}");
    // The counter's line is cleared before the table.
    let (_, after) = screen.rsplit_once("Reading clusters").unwrap();
    let (rest, table) = after.split_once("CLUSTER").unwrap();
    assert!(rest.contains("\u{1b}[2K"), "{screen:?}");
    assert!(table.contains("prod-2"), "{screen}");

    let piped = fleet.run(&kubeconfig, &get);
    assert_eq!((piped.status, piped.stderr.as_str()), (0, ""));
    assert!(
        piped.stdout.starts_with("CLUSTER ") && !piped.stdout.contains('\u{1b}'),
        "{piped:?}"
    );
    let mut command = fleet.command(&kubeconfig, &get);
    let (_, screen) = Terminal::of(command.env("TERM", "xterm").env("CI", "true")).end();
    assert!(!screen.contains("Reading clusters"), "{screen}");
}

#[test]
fn report_has_clusters_as_a_dimension_and_shows_changes() {
    let fleet = Fleet::start();
    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    for (number, session) in fleet.clusters.iter().enumerate() {
        let map = ["--username", "dev", "--group", "devs"];
        session.done(&[&["map", "role", &role("dev")], &map[..]].concat());
        session.cluster.kubectl(&[
            "create",
            "rolebinding",
            "devs",
            "--clusterrole=cluster-admin",
            "--group=devs",
            "-n",
            "default",
        ]);
        if number == 0 {
            session.cluster.kubectl(&[
                "create",
                "clusterrolebinding",
                "devs",
                "--clusterrole=system:aggregate-to-view",
                "--group=devs",
            ]);
        }
    }
    let kubeconfig = fleet.kubeconfig(&[("gone", "https://127.0.0.1:1")]);
    let report = |more: &[&str]| {
        let args = ["report", "--all-contexts", "-o"];
        let run = fleet.run(&kubeconfig, &[&args[..], more].concat());
        run.says(3, &["gone: error: "]);
        run.stdout
    };
    let page = report(&["html"]);
    // prod-1 and prod-2 share a diagram, and all clusters a row of the namespaces.
    assert_eq!(page.matches("<svg").count(), 2, "{page}");
    for part in [
        "2 clusters: prod-1, prod-2",
        "<td>dev, prod-1, prod-2</td>",
        "Principals and clusters",
        "<span class=\"dead\">not read</span>",
        "RoleBinding devs",
    ] {
        assert!(page.contains(part), "no {part} in {page}");
    }
    let old = fleet.clusters[0].file("old.html", &page);
    let old = old.to_str().unwrap();

    fleet.clusters[1].done(&["unmap", "role", &role("dev")]);
    fleet.clusters[2].done(&["map", "role", &role("new"), "--username", "new"]);
    for (format, parts) in [
        (
            "json",
            [
                "\"change\": \"removed\"",
                "\"notCompared\": [",
                "\"cluster\": \"prod-2\",",
            ],
        ),
        ("csv", [",removed,\n", ",added,\n", "gone,,,"]),
        (
            "markdown",
            [
                "- - prod-1: arn:aws:iam::111122223333:role/dev: was write as dev in devs",
                "- + prod-2: arn:aws:iam::111122223333:role/new: none as new",
                "- ? gone: not compared: the later report could not read it",
            ],
        ),
        (
            "html",
            [
                "<span class=\"change loss\">removed</span>",
                "<td class=\"plain\">prod-1</td>",
                "not compared",
            ],
        ),
    ] {
        let text = report(&[format, "--previous", old]);
        for part in parts {
            assert!(text.contains(part), "no {part} in {text}");
        }
    }
    let new = fleet.clusters[0].file("new.json", &report(&["json"]));
    let diff = ["report", "diff", old, new.to_str().unwrap()];
    let diff = fleet.clusters[0].run(&diff);
    diff.says(1, &[]);
    let signs: Vec<_> = diff.stdout.lines().map(|line| &line[..9]).collect();
    assert_eq!(signs, ["- prod-1:", "+ prod-2:", "? gone: n"], "{diff:?}");
    let alone = fleet.clusters[0].run(&["report", "--previous", old]);
    alone.says(
        2,
        &["is of several clusters", "awsauth fleet report --previous"],
    );
    let alone = fleet.clusters[0].done(&["report", "-o", "json"]).stdout;
    let alone = fleet.clusters[0].file("alone.json", &alone);
    let alone = alone.to_str().unwrap();
    let run = fleet.run(
        &kubeconfig,
        &["report", "--all-contexts", "--previous", alone],
    );
    run.says(2, &["is of one cluster", "awsauth report --previous"]);
    let run = fleet.clusters[0].run(&["report", "diff", alone, old]);
    run.says(2, &["one report is of one cluster, the other of several"]);
}

#[test]
fn report_page_filters_by_cluster_and_search() {
    if !Browser::is_available() {
        return;
    }
    let fleet = Fleet::start();
    let roles: String = (0..30)
        .map(|number| format!("- rolearn: arn:aws:iam::111122223333:role/r-{number}\n  username: \"<b>{number}\"\n  groups: [devs]\n"))
        .collect();
    fleet.clusters[1].put(&crate::support::aws_auth_client::configmap(&roles));
    let with_gone = fleet.kubeconfig(&[("gone", "https://127.0.0.1:1")]);
    let run = fleet.run(&with_gone, &["report", "--all-contexts", "-o", "html"]);
    run.says(3, &["gone: error: "]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fleet.html");
    fs::write(&file, run.stdout).unwrap();
    for (width, is_dark) in [(400, false), (900, true), (1400, false)] {
        let profile = folder.path().join(format!("profile-{width}"));
        let browser = Browser::open(width, is_dark, &profile);
        browser.show(&file);
        browser.assert_readable();
        // One node role each in dev and prod-2, and what was written to prod-1.
        let count = || browser.run("return document.getElementById('count').textContent");
        assert_eq!(count(), "32 of 32");
        let input = |id: &str, value: &str| {
            browser.run(&format!(
                "const i = document.getElementById('{id}'); i.value = '{value}'; \
                 i.dispatchEvent(new Event(i.tagName === 'SELECT' ? 'change' : 'input'))"
            ));
        };
        input("cluster", "prod-1");
        assert_eq!(count(), "30 of 32");
        input("search", "r-1");
        // r-1, and r-10 to r-19.
        assert_eq!(count(), "11 of 32");
        input("cluster", "dev");
        assert_eq!(count(), "0 of 32");
        assert_eq!(
            browser.run("return document.querySelectorAll('b').length"),
            0
        );
        let not_read = browser.run("return document.querySelector('section.gaps').textContent");
        assert!(not_read.as_str().unwrap().contains("gone: "), "{not_read}");
    }
}

#[test]
fn apply_stops_at_the_first_failure_and_resumes() {
    let fleet = Fleet::start();
    let kubeconfig = fleet.kubeconfig(&[]);
    let access = fleet.access();
    let mut immutable = eksctl_made();
    immutable["immutable"] = true.into();
    fleet.clusters[1].put(&immutable);
    let apply = ["apply", "-f", &access, "--all-contexts", "--wave", "1"];
    let dry_run = fleet.run(&kubeconfig, &[&apply[..], &["--dry-run=client"]].concat());
    dry_run.says(0, &[]);
    assert!(!fleet.maps(0) && fleet.states().is_empty(), "{dry_run:?}");

    // The canary must exist, and its failure stops everything.
    let with_canary = |canary| [&apply[..], &["--canary", canary]].concat();
    fleet
        .run(&kubeconfig, &with_canary("nowhere"))
        .says(2, &["no selected cluster has the name or label nowhere"]);
    let list = fleet.clusters[0].file(
        "clusters.yaml",
        "- context: dev\n- {context: prod-1, labels: {stage: test}}\n- context: prod-2\n",
    );
    let list = list.to_str().unwrap();
    let by_label = ["apply", "-f", &access, "--clusters", list, "--canary"];
    let run = fleet.run(&kubeconfig, &[&by_label[..], &["stage=none"]].concat());
    run.says(2, &["no selected cluster has the name or label stage=none"]);
    let run = fleet.run(&kubeconfig, &[&by_label[..], &["stage=test"]].concat());
    run.says(
        4,
        &[
            "prod-1: refused",
            "Done: 0, failed: 1, not started: 2.",
            "--resume",
        ],
    );
    assert!(!fleet.maps(0) && !fleet.maps(2), "{run:?}");

    let run = fleet.run(&kubeconfig, &[&apply[..], &["-o", "json"]].concat());
    run.says(4, &["Done: 1, failed: 1, not started: 1."]);
    let clusters = &run.json()["clusters"];
    assert_eq!(clusters[0]["exitCode"], 0);
    assert_eq!(clusters[0]["result"]["changed"], true);
    assert_eq!(clusters[1]["exitCode"], 4);
    assert_eq!(
        clusters[2],
        json!({"cluster": "prod-2", "exitCode": null, "result": null, "error": null})
    );
    assert!(fleet.maps(0) && !fleet.maps(2));
    let [state] = &fleet.states()[..] else {
        panic!("{:?}", fleet.states())
    };
    assert_eq!(
        fs::metadata(state).unwrap().permissions().mode() & 0o777,
        0o600
    );
    assert_eq!(
        progress(state),
        [("dev", "done"), ("prod-1", "failed")].map(owned)
    );

    fleet.clusters[1].put(&eksctl_made());
    let version = fleet.clusters[0].resource_version();
    let resume = [&apply[..], &["--resume"]].concat();
    // The state is not about another cluster of the same name.
    let other = fleet.kubeconfig_with("dev", "https://127.0.0.1:1");
    let run = fleet.run(&other, &resume);
    assert!(run.stdout.contains("dev       failed"), "{run:?}");
    let kubeconfig = fleet.kubeconfig(&[]);
    let run = fleet.run(&kubeconfig, &resume);
    run.says(0, &[]);
    let rows: Vec<&str> = run.stdout.lines().collect();
    assert!(rows[1].starts_with("dev       done before"), "{run:?}");
    assert!(rows[2].starts_with("prod-1    changed"), "{run:?}");
    assert!(fleet.maps(1) && fleet.maps(2));
    assert_eq!(fleet.clusters[0].resource_version(), version);
    assert!(fleet.states().is_empty());
    fleet
        .run(&kubeconfig, &resume)
        .says(2, &["there is nothing to resume"]);

    let unmap = ["unmap", "role", MYTESTROLE, "--all-contexts"];
    let run = fleet.run(&kubeconfig, &unmap);
    run.says(0, &["prod-2: Wrote aws-auth"]);
    assert!((0..3).all(|cluster| !fleet.maps(cluster)), "{run:?}");
}

fn owned((name, progress): (&str, &str)) -> (String, String) {
    (name.to_owned(), progress.to_owned())
}

/// Returns the names of the clusters in the state of a rollout, and how far it is on each.
fn progress(state: &Path) -> Vec<(String, String)> {
    let state: Value = serde_json::from_str(&fs::read_to_string(state).unwrap()).unwrap();
    let clusters = state["clusters"].as_object().unwrap().iter();
    clusters
        .map(|(key, progress)| {
            let (name, _) = key.split_once(' ').unwrap();
            (name.to_owned(), progress.as_str().unwrap().to_owned())
        })
        .collect()
}

#[test]
fn write_without_a_response_stops_the_rollout() {
    let fleet = Fleet::start();
    let access = fleet.access();
    let second = &fleet.clusters[1];
    let proxy = SlowProxy::start(&second.cluster.server_url(), Duration::from_millis(500));
    let kubeconfig = fleet.kubeconfig_with("prod-1", &proxy.url);
    let apply = ["apply", "-f", &access, "--all-contexts", "--wave", "1"];
    let run = Running::start(fleet.command(&kubeconfig, &apply), &[] as &[&str]);
    // The write is stored, and its response is delayed.
    eventually(|| fleet.maps(1));
    proxy.drop_responses();
    let run = run.end();
    run.says(
        3,
        &[
            "prod-1: error: ",
            "it is unknown whether kube-system/aws-auth was written",
            "Done: 1, failed: 1, not started: 1.",
        ],
    );
    assert!(!fleet.maps(2), "{run:?}");
}

#[test]
fn credential_plugin_that_does_not_end_holds_up_no_other_cluster() {
    let fleet = Fleet::start();
    let path = fleet.kubeconfig(&[]);
    let mut content: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let plugin = json!({
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "sleep",
        "args": ["90"],
        "interactiveMode": "Never",
    });
    let users = content["users"].as_array_mut().unwrap();
    users.push(json!({"name": "hangs", "user": {"exec": plugin}}));
    content["contexts"][0]["context"]["user"] = "hangs".into();
    fs::write(&path, content.to_string()).unwrap();

    let start = Instant::now();
    let unmap = [
        "unmap",
        "role",
        MYTESTROLE,
        "--all-contexts",
        "--deadline",
        "4s",
    ];
    let run = fleet.run(&path, &unmap);
    run.says(3, &["dev: error: not done in time; nothing was written"]);
    assert!(run.stdout.contains("prod-2    unchanged"), "{run:?}");
    assert!(start.elapsed() < Duration::from_secs(60), "{run:?}");
}

#[test]
fn killed_rollout_resumes_without_a_second_write() {
    let fleet = Fleet::start();
    let access = fleet.access();
    let apply = ["apply", "-f", &access, "--all-contexts", "--wave", "1"];
    // The first request to the second cluster gets no response.
    let proxy = HaltingProxy::start(&fleet.clusters[1].cluster.server_url(), 1, false);
    let kubeconfig = fleet.kubeconfig_with("prod-1", &proxy.url);
    let run = Running::start(fleet.command(&kubeconfig, &apply), &[] as &[&str]);
    eventually(|| proxy.is_halted());
    assert!(fleet.maps(0) && !fleet.maps(1) && !fleet.maps(2));
    // Killed by SIGKILL.
    drop(run);

    let [state] = &fleet.states()[..] else {
        panic!("{:?}", fleet.states())
    };
    assert_eq!(
        progress(state),
        [("dev", "done"), ("prod-1", "started")].map(owned)
    );
    let version = fleet.clusters[0].resource_version();
    let kubeconfig = fleet.kubeconfig(&[]);
    let run = fleet.run(&kubeconfig, &[&apply[..], &["--resume"]].concat());
    run.says(0, &[]);
    assert_eq!(fleet.clusters[0].resource_version(), version);
    for session in &fleet.clusters {
        assert_eq!(
            session.text("mapRoles").matches(MYTESTROLE).count(),
            1,
            "{run:?}"
        );
    }
    assert!(fleet.states().is_empty());
}

#[test]
fn change_that_another_client_reverts_stops_the_rollout() {
    let fleet = Fleet::start();
    let access = fleet.access();
    let first = &fleet.clusters[0];
    let delay = Duration::from_millis(200);
    let proxy = SlowProxy::start(&first.cluster.server_url(), delay);
    let kubeconfig = fleet.kubeconfig_with("dev", &proxy.url);
    let is_over = AtomicBool::new(false);
    let run = thread::scope(|scope| {
        scope.spawn(|| {
            let other = Api::of(first.cluster, "gitops");
            while !is_over.load(Ordering::Relaxed) {
                let mut object = other.object();
                if object["data"]["mapRoles"] != NODES {
                    object["data"]["mapRoles"] = NODES.into();
                    let _ = other.replace(&object);
                }
            }
        });
        let run = fleet.run(&kubeconfig, &["apply", "-f", &access, "--all-contexts"]);
        is_over.store(true, Ordering::Relaxed);
        run
    });
    run.says(
        7,
        &[
            "dev: error: aws-auth was written, but another client changed it",
            "not started: 2.",
        ],
    );
    assert!(!fleet.maps(1) && !fleet.maps(2), "{run:?}");
}
