//! EKS itself, as far as it is asked about clusters: `tests/python/eks.py`, which botocore's model of EKS holds to what EKS
//! may be asked and may answer.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use awsauth::aws::Surroundings;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::environment::Environment;
use super::python::Packages;
use super::secrets;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A running stand-in. It ends with its value, and with the process in any case.
pub(crate) struct EksService {
    process: Child,
    folder: TempDir,
    url: String,
}

impl EksService {
    /// One in which there is what `world` says, beside keys of its own.
    pub(crate) fn start(world: &Value) -> Self {
        secrets::know(SECRET);
        let folder = tempfile::tempdir().expect("a folder");
        let mut python = Packages::Botocore.python();
        python
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/eks.py"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = python.spawn().expect("python runs");
        let stdout = process.stdout.take().expect("a pipe");
        let mut url = String::new();
        BufReader::new(stdout).read_line(&mut url).expect("its URL");
        let service = Self {
            process,
            folder,
            url: url.trim().to_owned(),
        };
        service.set(world);
        service
    }

    /// Now there is this.
    pub(crate) fn set(&self, world: &Value) {
        let mut world = world.clone();
        if world.get("keys").is_none() {
            world["keys"] = json!({KEY: {"secret": SECRET, "token": null}});
        }
        let path = self.folder.path().join("world.json");
        let next = path.with_extension("next");
        fs::write(&next, world.to_string()).expect("a file");
        fs::rename(&next, &path).expect("a file");
    }

    /// `environment`, in which EKS is this one.
    pub(crate) fn under(&self, environment: Environment) -> Environment {
        environment.with("AWS_ENDPOINT_URL_EKS", &self.url)
    }

    /// The same with keys that it knows.
    pub(crate) fn with_keys(&self, environment: Environment) -> Environment {
        let environment = environment.with("AWS_ACCESS_KEY_ID", KEY);
        self.under(environment.with("AWS_SECRET_ACCESS_KEY", SECRET))
    }

    /// For asking it in this process, with keys that it knows.
    pub(crate) fn surroundings(&self) -> Surroundings {
        Surroundings::default()
            .with("AWS_ENDPOINT_URL_EKS", &self.url)
            .with("AWS_ACCESS_KEY_ID", KEY)
            .with("AWS_SECRET_ACCESS_KEY", SECRET)
    }

    /// The operations that it was asked for, and with what it refused some.
    pub(crate) fn asked(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.path().join("requests.jsonl"));
        let log = log.unwrap_or_default();
        let requests = log
            .lines()
            .map(|line| -> Value { serde_json::from_str(line).expect("a line of JSON") });
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        requests
            .map(|asked| {
                assert_eq!(asked.get("broken"), None, "{asked}");
                format!("{} {}", text(&asked["operation"]), text(&asked["refused"]))
                    .trim()
                    .to_owned()
            })
            .collect()
    }
}

impl Drop for EksService {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
