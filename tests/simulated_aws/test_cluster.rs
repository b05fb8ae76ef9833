//! The test cluster itself: it works, survives a crash of its API server, and leaves nothing behind.

use std::fs;
use std::net::TcpStream;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::cluster::Cluster;
use crate::support::program_output;
use crate::support::python::Packages;
use crate::support::secrets::Prints;
use crate::support::static_users::StaticUser;

/// The file that the test process below writes when its cluster is ready. It then waits to be killed.
const OWNER_REPORT: &str = "AWSAUTH_TEST_OWNER_REPORT";

#[test]
fn configmap_survives_an_api_server_crash() {
    let reader = StaticUser {
        name: "reader",
        groups: &["readers"],
    };
    let cluster = Cluster::start_with(&[reader]);
    let traces = Traces::of(&cluster);
    assert!(
        traces.anything_left(),
        "a running cluster must be seen by the check for leftovers"
    );

    cluster.kubectl_fed(&["apply", "-f", "-"], AWS_AUTH);
    let get = [
        "get",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "-o",
        "jsonpath={.data.mapRoles}",
    ];
    assert_eq!(cluster.kubectl(&get), "[]\n");
    cluster.restart_apiserver();
    assert_eq!(cluster.kubectl(&get), "[]\n");

    let mut as_reader = cluster.kubectl_command();
    as_reader
        .args(get)
        .env("KUBECONFIG", cluster.kubeconfig_for(reader.name));
    let refused = program_output::output(&mut as_reader);
    let message = String::from_utf8_lossy(&refused.stderr);
    assert!(
        message.contains(r#"User "reader" cannot get resource "configmaps""#),
        "{message}"
    );

    cluster.stop();
    traces.assert_gone();
}

const AWS_AUTH: &str = "\
apiVersion: v1
kind: ConfigMap
metadata: {name: aws-auth, namespace: kube-system}
data:
  mapRoles: |
    []
";

#[test]
fn panicking_test_leaves_nothing_behind() {
    let report = tempfile::NamedTempFile::new().expect("a temporary file");
    let path = report.path().to_owned();
    let outcome = catch_unwind(move || {
        let cluster = Cluster::start();
        Traces::of(&cluster).write(&path);
        panic!("a failing test");
    });
    let message = *outcome
        .expect_err("it panics")
        .downcast::<&str>()
        .expect("a plain message");
    assert_eq!(message, "a failing test");
    Traces::read(report.path())
        .expect("the cluster came up")
        .assert_gone();
}

#[test]
fn killed_test_process_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = folder.path().join("report");
    let this_binary = std::env::current_exe().expect("a test binary knows its path");
    let mut owner = Command::new(this_binary)
        .args(["--exact", "test_cluster::owner_of_a_cluster", "--ignored"])
        .env(OWNER_REPORT, &report)
        .stdout(Stdio::null())
        .spawn()
        .expect("a test binary can be run");
    let traces = loop {
        if let Some(traces) = Traces::read(&report) {
            break traces;
        }
        let ended = owner.try_wait().expect("a child can be asked");
        assert!(
            ended.is_none(),
            "the owner ended before its cluster was up: {ended:?}"
        );
        sleep(Duration::from_millis(20));
    };
    assert!(traces.anything_left());
    owner.kill().expect("a child can be killed");
    owner.wait().expect("a child can be waited for");
    traces.assert_gone();
}

#[test]
#[ignore = "run, and killed, by the test above"]
fn owner_of_a_cluster() {
    // The kind of cluster with the most processes.
    let cluster = Cluster::start_eks(&[]);
    if let Some(report) = std::env::var_os(OWNER_REPORT) {
        Traces::of(&cluster).write(Path::new(&report));
        sleep(Duration::from_secs(600));
    }
}

#[test]
fn botocore_has_the_pinned_version() {
    let pins = include_str!("../python/botocore.txt");
    let output = program_output::output(Packages::Botocore.python().args([
        "-c",
        "import botocore; print('botocore==' + botocore.__version__)",
    ]));
    let version = String::from_utf8_lossy(&output.stdout);
    assert!(!version.is_empty(), "{output:?}");
    assert!(
        pins.contains(&format!("\n{} ", version.trim_end())),
        "{version}"
    );
}

/// The folder and address of a running cluster.
struct Traces {
    folder: PathBuf,
    /// HOST:PORT of the API server; etcd's ports close with its process.
    address: String,
}

impl Traces {
    fn of(cluster: &Cluster) -> Self {
        let address = cluster.server_url().replace("https://", "");
        Self {
            folder: cluster.folder().to_owned(),
            address,
        }
    }

    fn write(&self, report: &Path) {
        let partial = report.with_extension("partial");
        let content = format!("{}\n{}\n", self.folder.display(), self.address);
        fs::write(&partial, content)
            .and_then(|()| fs::rename(partial, report))
            .expect("a report");
    }

    fn read(report: &Path) -> Option<Self> {
        let content = fs::read_to_string(report).ok()?;
        let (folder, address) = content.trim_end().split_once('\n')?;
        Some(Self {
            folder: folder.into(),
            address: address.to_owned(),
        })
    }

    fn anything_left(&self) -> bool {
        self.folder.exists()
            || TcpStream::connect(&self.address).is_ok()
            || self.is_named_by_a_process()
    }

    /// Returns whether a process names the folder in its arguments. Every process of a cluster does, including its
    /// watchers.
    fn is_named_by_a_process(&self) -> bool {
        let mut list = Command::new("ps");
        // The list contains programs of other users, with all their arguments.
        let listed =
            program_output::output_of(list.args(["-A", "-o", "args="]), Prints::Credentials);
        String::from_utf8_lossy(&listed.stdout).contains(&*self.folder.to_string_lossy())
    }

    fn assert_gone(&self) {
        let deadline = Instant::now() + Duration::from_secs(180);
        while self.anything_left() {
            assert!(
                Instant::now() < deadline,
                "left behind: {}",
                self.folder.display()
            );
            sleep(Duration::from_millis(20));
        }
    }
}
