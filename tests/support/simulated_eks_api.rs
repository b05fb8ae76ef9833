//! A simulated EKS API: `tests/python/eks_api.py`, which validates requests and responses with botocore's model of EKS.
//! `tests/python/eks_access_entries.py` has its rules of access entries.

use std::fs;
use std::path::PathBuf;

use awsauth_aws::AwsEnvironment;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::environment::Environment;
use super::python::Packages;
use super::python_server::PythonServer;
use super::secrets;

const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// A running EKS API. It ends when it is dropped, at the latest with the process.
pub(crate) struct EksService {
    server: PythonServer,
    folder: PathBuf,
    /// Removes the folder, if it is the API's own.
    _own_folder: Option<TempDir>,
}

impl EksService {
    /// Starts an EKS API with the state `world` and its own access keys.
    pub(crate) fn start(world: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().to_owned();
        let mut service = Self::start_in(path, world);
        service._own_folder = Some(folder);
        service
    }

    /// Starts an EKS API with its state in this folder.
    pub(crate) fn start_in(folder: PathBuf, world: &Value) -> Self {
        secrets::know(SECRET);
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.display().to_string();
        let service = Self {
            server: PythonServer::start(Packages::Botocore, "eks_api.py", &[&path]),
            folder,
            _own_folder: None,
        };
        service.set(world);
        service
    }

    /// Replaces the state.
    pub(crate) fn set(&self, world: &Value) {
        let mut world = world.clone();
        if world.get("keys").is_none() {
            world["keys"] = json!({KEY: {"secret": SECRET, "token": null}});
        }
        let path = self.folder.join("world.json");
        let next = path.with_extension("next");
        fs::write(&next, world.to_string()).expect("a file");
        fs::rename(&next, &path).expect("a file");
    }

    /// Whether a fault has delayed a request.
    pub(crate) fn has_delayed(&self) -> bool {
        self.folder.join("delayed").exists()
    }

    /// Returns the state after the requests so far.
    pub(crate) fn state(&self) -> Value {
        let text = fs::read_to_string(self.folder.join("world.json")).expect("a file");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Returns `environment` with this EKS endpoint.
    pub(crate) fn under(&self, environment: Environment) -> Environment {
        environment.with("AWS_ENDPOINT_URL_EKS", self.server.url())
    }

    /// Like [`Self::in_environment`], with valid access keys.
    pub(crate) fn with_keys(&self, environment: Environment) -> Environment {
        let environment = environment.with("AWS_ACCESS_KEY_ID", KEY);
        self.under(environment.with("AWS_SECRET_ACCESS_KEY", SECRET))
    }

    /// Returns variables with valid access keys for requests from this process.
    pub(crate) fn aws_environment(&self) -> AwsEnvironment {
        AwsEnvironment::default()
            .with("AWS_ENDPOINT_URL_EKS", self.server.url())
            .with("AWS_ACCESS_KEY_ID", KEY)
            .with("AWS_SECRET_ACCESS_KEY", SECRET)
    }

    /// Returns the requests, as the server logs them.
    pub(crate) fn requests(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.folder.join("requests.jsonl"));
        let read = |line: &str| serde_json::from_str(line).expect("a line of JSON");
        log.unwrap_or_default().lines().map(read).collect()
    }

    /// Returns the requested operations, each with its error code if it was rejected.
    pub(crate) fn asked(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.requests()
            .into_iter()
            .map(|asked| {
                assert_eq!(asked.get("broken"), None, "{asked}");
                format!("{} {}", text(&asked["operation"]), text(&asked["refused"]))
                    .trim()
                    .to_owned()
            })
            .collect()
    }
}
