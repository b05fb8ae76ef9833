//! The audit log of the API server.
//! <https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/>

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A request that the API server answered. A watch counts when it starts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    pub(crate) user: String,
    /// `get`, `watch`, `update`…
    pub(crate) verb: String,
    /// Such as `configmaps` or `awsauthmappings/status`.
    pub(crate) resource: String,
    pub(crate) name: String,
    pub(crate) dry_run: bool,
    pub(crate) status: u64,
}

/// Writes the audit policy and returns the flags that enable the audit log.
pub(super) fn keep(folder: &Path) -> io::Result<[String; 3]> {
    let policy = folder.join("audit-policy.json");
    let rules = json!([{"level": "Metadata", "omitStages": ["RequestReceived"]}]);
    let text = json!({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules});
    fs::write(&policy, text.to_string())?;
    Ok([
        format!("--audit-policy-file={}", policy.display()),
        format!("--audit-log-path={}", log(folder).display()),
        "--audit-log-mode=blocking".to_owned(),
    ])
}

/// The size of the log in bytes.
pub(super) fn size(folder: &Path) -> u64 {
    fs::metadata(log(folder)).map_or(0, |log| log.len())
}

/// Returns the requests after the first `skipped` bytes of the log.
pub(super) fn read(folder: &Path, skipped: u64) -> Vec<Request> {
    let mut text = String::new();
    // Without a log, there are no requests.
    let _ = File::open(log(folder)).and_then(|mut log| {
        log.seek(SeekFrom::Start(skipped))?;
        log.read_to_string(&mut text)
    });
    // The last line may be incomplete.
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let begun = |line: &Value| {
        let is_watch = line["verb"] == "watch";
        line["stage"]
            == if is_watch {
                "ResponseStarted"
            } else {
                "ResponseComplete"
            }
    };
    lines.filter(begun).map(|line| request(&line)).collect()
}

fn request(line: &Value) -> Request {
    let text = |pointer: &str| {
        let text = line.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let (resource, part) = (text("/objectRef/resource"), text("/objectRef/subresource"));
    Request {
        user: text("/user/username"),
        verb: text("/verb"),
        resource: match part.as_str() {
            "" => resource,
            part => format!("{resource}/{part}"),
        },
        name: text("/objectRef/name"),
        dry_run: text("/requestURI").contains("dryRun=All"),
        status: line["responseStatus"]["code"].as_u64().unwrap_or(0),
    }
}

fn log(folder: &Path) -> PathBuf {
    folder.join("audit.log")
}
