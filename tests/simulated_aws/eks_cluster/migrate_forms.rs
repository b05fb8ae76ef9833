//! The access entries that `migrate --print` prints, applied to the simulated EKS. Afterwards, `migrate --check` finds that every
//! mapping has an access entry with the same access.
//!
//! | form | applied by | so the test proves |
//! |---|---|---|
//! | `aws-cli` | a shell, the real AWS CLI and the real kubectl | that the script migrates a cluster, from the first line to the last |
//! | `access` | `awsauth apply`, whose own form it is | that the file migrates a cluster |
//! | `eksctl`, `cloudformation` | `awsauth apply`, which reads these forms | that each principal, username, group and policy is where `apply` expects it, not that eksctl or CloudFormation create the same entries |
//! | `terraform`, `terraform-module` | a parser of HCL, and a call for each resource as its documentation describes it | the same, not that Terraform creates the same entries |
//!
//! `tests/external_tools/migration_forms.rs` checks the syntax of each form.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use awsauth_aws::credentials::{CredentialOptions, resolve};
use awsauth_aws::eks::Eks;
use awsauth_core::access_entries::Operation;
use awsauth_core::facts::access_entries::AccessScope;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::access_entry_faults::Recorder;
use crate::eks_cluster::cluster_name::on;
use crate::eks_cluster::migrate_apply::{ADMINS, Migration};
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::python::Packages;

const MASTERS: [&str; 3] = ["migrate", "--masters", "policy"];

impl Migration {
    fn migrate(&self, args: &[&str]) -> Run {
        on(&self.session, &self.caller, &[&MASTERS[..], args].concat())
    }

    /// Returns the type, the username, the groups and the policies of each access entry.
    fn terms(&self) -> BTreeMap<String, Value> {
        let mut state = self.service.state();
        let entries = state["entries"][eks::NAME].as_array_mut().unwrap();
        let terms = entries.iter_mut().map(|entry| {
            let policies = entry["policies"].as_array().into_iter().flatten();
            let policies =
                policies.map(|policy| json!([policy["policyArn"], policy["accessScope"]]));
            let policies: Vec<Value> = policies.collect();
            let arn = entry["principalArn"].as_str().unwrap().to_owned();
            let terms = json!([
                entry["type"],
                entry["username"],
                entry["kubernetesGroups"],
                policies
            ]);
            (arn, terms)
        });
        terms.collect()
    }
}

#[test]
fn printed_form_migrates_the_cluster() {
    let migration = Migration::start();
    let folder = tempfile::tempdir().unwrap();
    let before = migration.service.state();
    migration.migrate(&["--apply", "--yes"]).says(0, &[]);
    let migrated = migration.terms();
    assert_eq!(migrated.len(), 4, "{migrated:?}");
    // EKS has made its own entries.
    let mut after_update = before.clone();
    let both = json!("API_AND_CONFIG_MAP");
    after_update["clusters"][eks::NAME]["accessConfig"]["authenticationMode"] = both;
    after_update["entries"] = before["made_by_update"].clone();
    for entry in after_update["entries"][eks::NAME].as_array_mut().unwrap() {
        let now = Timestamp::now().as_second();
        entry["createdAt"] = json!(now);
        entry["modifiedAt"] = json!(now);
    }

    for form in [
        "access",
        "eksctl",
        "cloudformation",
        "terraform",
        "terraform-module",
        "aws-cli",
    ] {
        let state = match form {
            // The script changes the mode, too.
            "aws-cli" => &before,
            _ => &after_update,
        };
        migration.service.set(state);
        migration.becomes(&migration.caller_session, "admin", &["system:masters"]);
        migration.session.outdate_tokens();
        let printed = migration.migrate(&["--print", form]);
        printed.says(0, &[]);
        let file = folder.path().join(format!("{form}.yaml"));
        fs::write(&file, &printed.stdout).unwrap();
        let path = file.display().to_string();
        match form {
            "aws-cli" => migration.run_script(&path),
            "terraform" => migration.create(&of_resources(&parse_hcl(&printed.stdout))),
            "terraform-module" => migration.create(&of_module(&parse_hcl(&printed.stdout))),
            _ => {
                let apply = ["apply", "-f", &path, "--backend", "access-entries"];
                let applied = on(&migration.session, &migration.caller, &apply);
                applied.says(0, &[]);
            }
        }
        assert_eq!(migration.terms(), migrated, "{form}: {}", printed.stdout);
        let check = migration.migrate(&["--check"]);
        check.says(
            0,
            &["All 3 mappings in effect have an access entry with the same access.\n"],
        );
        migration.becomes(&migration.caller_session, "admin", &[]);
        migration.becomes(&migration.dev, "dev:ann-example.com", &["devs"]);
    }
}

#[test]
fn printed_script_binds_the_group_of_the_administrators() {
    let migration = Migration::start();
    let folder = tempfile::tempdir().unwrap();
    let printed = on(
        &migration.session,
        &migration.caller,
        &["migrate", "--print", "aws-cli"],
    );
    printed.says(0, &[]);
    let path = folder.path().join("migrate.sh").display().to_string();
    fs::write(&path, &printed.stdout).unwrap();
    migration.run_script(&path);
    on(
        &migration.session,
        &migration.caller,
        &["migrate", "--check"],
    )
    .says(0, &[]);
    migration.becomes(&migration.caller_session, "admin", &[ADMINS]);
}

impl Migration {
    /// Runs a script as the caller, with the real AWS CLI and kubectl.
    fn run_script(&self, script: &str) {
        let folder = tempfile::tempdir().unwrap();
        let python = Packages::Awscli.programs().unwrap();
        let aws = folder.path().join("aws");
        let exec = format!(
            "#!/bin/sh\nexec '{0}/python' '{0}/aws' \"$@\"\n",
            python.display()
        );
        fs::write(&aws, exec).unwrap();
        fs::set_permissions(&aws, fs::Permissions::from_mode(0o755)).unwrap();
        symlink(
            self.session.cluster.kubectl_path(),
            folder.path().join("kubectl"),
        )
        .unwrap();
        let environment = self
            .caller
            .clone()
            .with(
                "PATH",
                &format!("{}:/usr/bin:/bin", folder.path().display()),
            )
            .with(
                "KUBECONFIG",
                &self.session.cluster.kubeconfig().display().to_string(),
            )
            .with("AWS_PAGER", "");
        let mut shell = environment.command("/bin/sh".as_ref());
        let run = Run::of(shell.arg(script));
        assert_eq!(run.status, 0, "{run:?}");
    }

    /// Creates access entries, as a tool does that has only the values of its own form.
    fn create(&self, entries: &[Value]) {
        let environment = self
            .service
            .aws_environment()
            .with("AWS_REGION", "us-east-1");
        let resolved = resolve(
            &CredentialOptions::default(),
            &environment,
            Timestamp::now(),
        );
        let mut client = Eks::new(&resolved.unwrap(), None, &environment).unwrap();
        let operations: Vec<Operation> = entries.iter().flat_map(operations).collect();
        let deadline = Instant::now() + Duration::from_secs(60);
        client
            .execute(eks::NAME, &operations, deadline, &mut Recorder::default())
            .unwrap();
    }
}

/// Returns the calls for one entry in the names of Terraform's provider: the resources
/// [aws_eks_access_entry](https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/eks_access_entry) and
/// [aws_eks_access_policy_association](https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/eks_access_policy_association).
fn operations(entry: &Value) -> Vec<Operation> {
    let known = [
        "principal_arn",
        "type",
        "user_name",
        "kubernetes_groups",
        "tags",
        "policies",
    ];
    let keys = entry.as_object().unwrap().keys();
    assert!(
        keys.clone().all(|key| known.contains(&key.as_str())),
        "{entry}"
    );
    let text = |value: &Value| value.as_str().map(|quoted| unquoted(quoted).to_owned());
    let list = |value: &Value| -> Vec<String> {
        value
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(text)
            .collect()
    };
    let principal_arn = text(&entry["principal_arn"]).unwrap();
    let policies = entry["policies"].as_array().into_iter().flatten();
    let create = Operation::CreateEntry {
        principal_arn: principal_arn.clone(),
        kind: text(&entry["type"]).unwrap_or_else(|| "STANDARD".to_owned()),
        username: text(&entry["user_name"]),
        groups: list(&entry["kubernetes_groups"]),
        tags: BTreeMap::new(),
    };
    let associate = policies.map(|policy| {
        // A block is a list with one item.
        let scope = policy["access_scope"]
            .get(0)
            .unwrap_or(&policy["access_scope"]);
        assert_eq!(text(&scope["type"]).as_deref(), Some("cluster"), "{policy}");
        Operation::AssociatePolicy {
            principal_arn: principal_arn.clone(),
            policy_arn: text(&policy["policy_arn"]).unwrap(),
            scope: AccessScope::Cluster,
        }
    });
    [create].into_iter().chain(associate).collect()
}

fn unquoted(text: &str) -> &str {
    text.trim_matches('"')
}

/// Parses HCL. Strings keep their quotes.
fn parse_hcl(text: &str) -> Value {
    let parser = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/parse_hcl.py");
    let mut python: Command = Packages::Hcl.python();
    python.arg(parser).stdin(Stdio::piped());
    python.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = python.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text.as_bytes()).unwrap();
    drop(stdin);
    let run = Run::ended(child);
    assert_eq!(run.status, 0, "{run:?}");
    run.json()
}

/// Returns the access entries in resources of the provider.
fn of_resources(file: &Value) -> Vec<Value> {
    let blocks = |kind: &str| -> Vec<(String, Value)> {
        let blocks = file["resource"].as_array().unwrap().iter();
        let of_kind = blocks.filter_map(|block| block.get(format!("\"{kind}\"")));
        let named = of_kind.flat_map(|named| named.as_object().unwrap());
        named
            .map(|(name, attributes)| (unquoted(name).to_owned(), attributes.clone()))
            .collect()
    };
    let policies = blocks("aws_eks_access_policy_association");
    let entries = blocks("aws_eks_access_entry").into_iter();
    let entries = entries.map(|(name, mut entry)| {
        let of_entry = format!("aws_eks_access_entry.{name}.principal_arn");
        let policies = policies.iter().filter(|(_, policy)| {
            policy["principal_arn"]
                .as_str()
                .unwrap()
                .contains(&of_entry)
        });
        entry["policies"] = policies.map(|(_, policy)| policy.clone()).collect();
        let fields = entry.as_object_mut().unwrap();
        fields.remove("cluster_name");
        fields.retain(|key, _| !key.starts_with("__"));
        entry
    });
    entries.collect()
}

/// Returns the access entries in the variable of the module.
fn of_module(file: &Value) -> Vec<Value> {
    let entries = file["access_entries"].as_object().unwrap().values();
    let entries = entries.map(|entry| {
        let mut entry = entry.clone();
        let fields = entry.as_object_mut().unwrap();
        let policies = fields.remove("policy_associations").unwrap_or(json!({}));
        let policies = policies.as_object().unwrap().values().cloned().collect();
        fields.insert("policies".to_owned(), policies);
        entry
    });
    entries.collect()
}
