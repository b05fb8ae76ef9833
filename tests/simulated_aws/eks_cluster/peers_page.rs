//! Every command of docs/peers.md does on a cluster what the command of the other tool does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::eks_cluster::cluster_name::{eks, holding};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, PATIENCE};
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::editor_session::Terminal;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::secrets::Prints;
use crate::support::simulated_aws::{Credentials, REGION, trusts, trusts_service};
use crate::support::simulated_eks_api::EksService;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/peers.md");
const DEV: &str = "arn:aws:iam::111122223333:role/dev";
const NODES: &str = "arn:aws:iam::111122223333:role/nodes";

/// What is stored before the commands. The caller is always mapped.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    /// Nothing else, in mode `API_AND_CONFIG_MAP`.
    Nothing,
    /// Role dev, user ann and the account, in aws-auth.
    Mappings,
    /// Role dev, in an access entry with two policies.
    AccessEntry,
    /// Roles dev and nodes, in aws-auth of a cluster in mode `CONFIG_MAP`.
    ConfigMapMode,
    /// The same after `migrate --apply`.
    Migrated,
}

/// What the commands below those of another tool do.
struct Expected {
    /// The beginning of the other tool's first command.
    theirs: &'static str,
    before: Before,
    /// What is stored afterwards and was not before, and the other way round.
    changes: &'static [&'static str],
    /// What the output or the kubeconfig contains.
    shows: &'static str,
}

const fn shows(theirs: &'static str, before: Before, shows: &'static str) -> Expected {
    Expected {
        theirs,
        before,
        changes: &[],
        shows,
    }
}

const fn changes(
    theirs: &'static str,
    before: Before,
    changes: &'static [&'static str],
) -> Expected {
    Expected {
        theirs,
        before,
        changes,
        shows: "",
    }
}

const DEV_MAPPED: &str = r#"+ role dev: dev ["devs","ops"]"#;
const DEV_UNMAPPED: &str = r#"- role dev: dev ["devs"]"#;
const ANN_MAPPED: &str = r#"+ user ann: ann ["devs"]"#;
const ANN_UNMAPPED: &str = r#"- user ann: ann ["devs"]"#;
const ENTRY_DELETED: &str =
    r#"- entry dev: STANDARD dev ["devs"] AdminView in the cluster, View in web shop"#;

const ENTRY_OF_DEV: &str = r#"+ entry dev: STANDARD dev ["devs"]"#;
const ENTRY_OF_CALLER: &str = r#"+ entry mytestrole: STANDARD admin ["awsauth:cluster-admins"]"#;
const ENTRY_OF_NODES: &str =
    r#"+ entry nodes: EC2_LINUX system:node:{{EC2PrivateDNSName}} ["system:nodes"]"#;
const MIGRATED: &[&str] = &[
    ENTRY_OF_DEV,
    ENTRY_OF_CALLER,
    ENTRY_OF_NODES,
    "+ mode API_AND_CONFIG_MAP",
    "- mode CONFIG_MAP",
];

#[rustfmt::skip]
const EXPECTED: &[Expected] = &[
    shows("eksctl get iamidentitymapping --cluster prod --arn", Before::Mappings, DEV),
    shows("eksctl get iamidentitymapping --cluster prod", Before::Mappings, DEV),
    changes("eksctl create iamidentitymapping --cluster prod --arn arn:aws:iam::111122223333:role/dev", Before::Nothing, &[DEV_MAPPED]),
    changes("eksctl create iamidentitymapping --cluster prod --arn arn:aws:iam::111122223333:user/ann", Before::Nothing, &[ANN_MAPPED]),
    changes("eksctl create iamidentitymapping --cluster prod --account", Before::Nothing, &["+ account 111122223333"]),
    changes("eksctl create iamidentitymapping --config-file", Before::Nothing, &[r#"+ role dev: dev ["devs"]"#]),
    changes("eksctl create iamidentitymapping --cluster prod --service-name", Before::Nothing, &["+ role AWSServiceRoleForAmazonEMRContainers: emr-containers []"]),
    changes("eksctl delete iamidentitymapping --cluster prod --arn", Before::Mappings, &[DEV_UNMAPPED]),
    changes("eksctl delete iamidentitymapping --cluster prod --account", Before::Mappings, &["- account 111122223333"]),
    shows("eksctl get accessentry --cluster prod --principal-arn", Before::AccessEntry, DEV),
    shows("eksctl get accessentry --cluster prod", Before::AccessEntry, DEV),
    changes("eksctl create accessentry --cluster prod --principal-arn arn:aws:iam::111122223333:role/dev", Before::Nothing, &[r#"+ entry dev: STANDARD dev ["devs","ops"]"#]),
    changes("eksctl create accessentry --cluster prod --principal-arn arn:aws:iam::111122223333:role/nodes", Before::Nothing, &[ENTRY_OF_NODES]),
    changes("eksctl create accessentry --config-file", Before::Nothing, &[ENTRY_OF_DEV]),
    changes("eksctl delete accessentry", Before::AccessEntry, &[ENTRY_DELETED]),
    changes("eksctl utils migrate-to-access-entry --cluster prod --target-authentication-mode API_AND_CONFIG_MAP", Before::ConfigMapMode, MIGRATED),
    changes("eksctl utils migrate-to-access-entry --cluster prod --target-authentication-mode API ", Before::ConfigMapMode, &[ENTRY_OF_DEV, ENTRY_OF_CALLER, ENTRY_OF_NODES, "+ mode API", "- mode CONFIG_MAP"]),
    shows("eksctl utils write-kubeconfig", Before::Nothing, DEV),
    shows("aws-auth get", Before::Mappings, DEV),
    changes("aws-auth upsert --maproles --rolearn arn:aws:iam::111122223333:role/dev --username", Before::Nothing, &[DEV_MAPPED]),
    changes("aws-auth upsert --mapusers", Before::Nothing, &[ANN_MAPPED]),
    changes("aws-auth upsert --maproles --rolearn arn:aws:iam::111122223333:role/dev --groups", Before::Mappings, &[DEV_MAPPED, DEV_UNMAPPED]),
    changes("aws-auth remove --maproles", Before::Mappings, &[DEV_UNMAPPED]),
    changes("aws-auth remove --mapusers --userarn arn:aws:iam::111122223333:user/ann --force", Before::Mappings, &[ANN_UNMAPPED]),
    changes("aws-auth remove --mapusers --userarn arn:aws:iam::111122223333:user/ann --username", Before::Mappings, &[ANN_UNMAPPED]),
    changes("aws-auth remove-by-username", Before::Mappings, &[ANN_UNMAPPED]),
    shows("aws-auth version", Before::Nothing, env!("CARGO_PKG_VERSION")),
    shows("aws-iam-authenticator token -i prod -r", Before::Mappings, r#"signs in as dev ["devs"]"#),
    shows("aws-iam-authenticator token -i prod --forward-session-name", Before::Mappings, r#"signs in as dev ["devs"]"#),
    shows("aws-iam-authenticator verify", Before::Nothing, "system:masters"),
    changes("aws-iam-authenticator add role", Before::Nothing, &[DEV_MAPPED]),
    changes("aws-iam-authenticator add user", Before::Nothing, &[ANN_MAPPED]),
    shows("aws-iam-authenticator version", Before::Nothing, env!("CARGO_PKG_VERSION")),
    shows("aws eks update-kubeconfig --name prod --region", Before::Nothing, DEV),
    shows("aws eks update-kubeconfig --name prod --dry-run", Before::Nothing, "arn:aws:eks:us-east-1:111122223333:cluster/my-cluster"),
    shows("aws --region eu-west-1 eks get-token", Before::Nothing, r#"signs in as admin ["system:masters"]"#),
    shows("aws eks list-access-entries", Before::AccessEntry, DEV),
    shows("aws eks describe-access-entry", Before::AccessEntry, "AmazonEKSViewPolicy"),
    changes("aws eks create-access-entry --cluster-name prod --principal-arn arn:aws:iam::111122223333:role/dev", Before::Nothing, &[ENTRY_OF_DEV]),
    changes("aws eks update-access-entry", Before::AccessEntry, &[r#"+ entry dev: STANDARD dev ["ops"] AdminView in the cluster, View in web shop"#, ENTRY_DELETED]),
    changes("aws eks create-access-entry --cluster-name prod --principal-arn arn:aws:iam::111122223333:role/nodes", Before::Nothing, &[ENTRY_OF_NODES]),
    changes("aws eks delete-access-entry", Before::AccessEntry, &[ENTRY_DELETED]),
    changes("aws eks associate-access-policy", Before::AccessEntry, &[r#"+ entry dev: STANDARD dev ["devs"] View in web shop"#, ENTRY_DELETED]),
    changes("aws eks disassociate-access-policy", Before::AccessEntry, &[r#"+ entry dev: STANDARD dev ["devs"] AdminView in the cluster"#, ENTRY_DELETED]),
    changes("aws eks update-cluster-config --name prod --access-config authenticationMode=API_AND_CONFIG_MAP", Before::ConfigMapMode, MIGRATED),
    changes("aws eks update-cluster-config --name prod --access-config authenticationMode=API", Before::Migrated, &["+ mode API", "- mode API_AND_CONFIG_MAP"]),
];

/// The commands of other tools, and those of awsauth and kubectl that the page gives for them.
struct Translation {
    theirs: String,
    ours: Vec<String>,
}

fn translations(page: &str) -> Vec<Translation> {
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let paragraphs = blocks.flat_map(|block| block.split("\n\n"));
    let translation = |paragraph: &str| {
        let mut theirs = paragraph.lines().filter_map(|line| line.strip_prefix("# "));
        let ours = paragraph.lines().filter(|line| !line.starts_with('#'));
        Translation {
            theirs: theirs.next().unwrap().to_owned(),
            ours: ours.map(on_the_cluster).collect(),
        }
    };
    paragraphs.map(translation).collect()
}

/// Returns a command with the name and the region of the test's cluster.
fn on_the_cluster(line: &str) -> String {
    let words = line.split(' ').map(|word| match word {
        "prod" => eks::NAME,
        "eu-west-1" => REGION,
        word => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A cluster, and a folder in which the commands run.
struct Site {
    session: ExclusiveCluster,
    service: &'static EksService,
    caller: Environment,
    caller_session: Credentials,
    folder: TempDir,
    _iam: Moto,
}

impl Site {
    fn start() -> Self {
        let session = ExclusiveCluster::with_access_entries();
        let service = eks(&session, &json!({}));
        let caller_session = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
        session.aws().role(DEV, &[trusts(MYTESTROLE)]);
        let roles: BTreeMap<_, _> = ["mytestrole", "dev", "nodes"]
            .map(|role| (role, trusts_service("ec2.amazonaws.com")))
            .into();
        let objects = json!({"account": "111122223333", "roles": roles, "users": ["ann"]});
        let iam = Moto::start(&[&objects.to_string()]);
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let caller = holding(&session, service, MYTESTROLE_SESSION)
            .with_credentials(&caller_session)
            .with("AWS_ENDPOINT_URL_IAM", iam.url())
            .with("AWS_ENDPOINT_URL_EC2", iam.url())
            .with("AWS_ENDPOINT_URL_AUTO_SCALING", iam.url())
            .with("HOME", &folder.path().display().to_string())
            .with("KUBECONFIG", &kubeconfig.display().to_string());
        Self {
            session,
            service,
            caller,
            caller_session,
            folder,
            _iam: iam,
        }
    }

    /// Stores what is there before the commands.
    fn reset(&self, before: Before) {
        let mode = match before {
            Before::ConfigMapMode | Before::Migrated => "CONFIG_MAP",
            _ => "API_AND_CONFIG_MAP",
        };
        let policy = |name: &str, scope: Value| {
            json!({
                "policyArn": format!("arn:aws:eks::aws:cluster-access-policy/AmazonEKS{name}Policy"),
                "accessScope": scope,
            })
        };
        let entry = json!({
            "principalArn": DEV, "type": "STANDARD", "username": "dev", "kubernetesGroups": ["devs"],
            "policies": [
                policy("AdminView", json!({"type": "cluster", "namespaces": []})),
                policy("View", json!({"type": "namespace", "namespaces": ["web", "shop"]})),
            ],
        });
        let entries = if before == Before::AccessEntry {
            vec![entry]
        } else {
            Vec::new()
        };
        let (id, _) = self.caller_session.user_id.split_once(':').unwrap();
        let principals =
            json!({MYTESTROLE: {"id": id}, DEV: {"id": "AROADEV"}, NODES: {"id": "AROANODES"}});
        let mut state = self.service.state();
        state["clusters"][eks::NAME]["accessConfig"] = json!({"authenticationMode": mode});
        state["entries"] = json!({eks::NAME: entries});
        state["principals"] = principals;
        self.service.set(&state);

        let mut roles =
            format!("- {{rolearn: '{MYTESTROLE}', username: admin, groups: [system:masters]}}\n");
        let mut data = json!({});
        if !matches!(before, Before::Nothing | Before::AccessEntry) {
            roles += &format!("- {{rolearn: '{DEV}', username: dev, groups: [devs]}}\n");
        }
        match before {
            Before::Mappings => {
                data["mapUsers"] = json!(
                    "- {userarn: 'arn:aws:iam::111122223333:user/ann', username: ann, groups: [devs]}\n"
                );
                data["mapAccounts"] = json!("- '111122223333'\n");
            }
            Before::ConfigMapMode | Before::Migrated => {
                roles += &format!(
                    "- {{rolearn: '{NODES}', username: 'system:node:{{{{EC2PrivateDNSName}}}}', groups: [system:bootstrappers, system:nodes]}}\n"
                );
            }
            Before::Nothing | Before::AccessEntry => {}
        }
        data["mapRoles"] = json!(roles);
        self.session.put(&data);
        fs::copy(self.session.cluster.kubeconfig(), self.kubeconfig()).unwrap();
        self.session.becomes(
            &self.caller_session,
            &Who::user("admin", &["system:masters"]),
        );
        if before == Before::Migrated {
            self.answer(&format!(
                "awsauth migrate --cluster-name {} --apply",
                eks::NAME
            ));
        }
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// Runs a command of the page. It must succeed. Returns its output.
    fn run(&self, line: &str) -> String {
        let words: Vec<&str> = line.split(' ').collect();
        if words[0] == "kubectl" {
            let text = fs::read_to_string(self.folder.path().join("emr-containers.yaml")).unwrap();
            return self
                .session
                .cluster
                .kubectl_fed(&["apply", "-n", "spark", "-f", "-"], &text);
        }
        assert_eq!(words[0], "awsauth", "{line}");
        if words[1] == "migrate" {
            return self.answer(line);
        }
        let is_token = words.contains(&"token") || words.contains(&"get-token");
        // As with the AWS CLI, the dry run prints the merged kubeconfig, with what it contains.
        let is_kubeconfig = words.contains(&"update-kubeconfig") && words.contains(&"--dry-run");
        let prints = match (is_token, is_kubeconfig) {
            (true, _) => Prints::Token,
            (_, true) => Prints::Credentials,
            _ => Prints::Nothing,
        };
        let run = Run::that_prints(prints, self.command().args(&words[1..]));
        assert_eq!(run.status, 0, "{line}: {run:?}");
        if is_token {
            return self.signs_in(run.json()["status"]["token"].as_str().unwrap());
        }
        run.stdout + &run.stderr
    }

    fn command(&self) -> std::process::Command {
        let mut command = self
            .caller
            .command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
        command.current_dir(self.folder.path());
        command
    }

    /// Runs a command on a terminal, and types the name of the cluster that it asks for.
    fn answer(&self, line: &str) -> String {
        let mut command = self.command();
        command.args(line.split(' ').skip(1));
        let mut terminal = Terminal::of(&command);
        terminal.shows("Type the cluster's name to continue:");
        terminal.type_in(&format!("{}\n", eks::NAME));
        let (status, screen) = terminal.end();
        assert_eq!(status, 0, "{line}: {screen}");
        screen
    }

    /// Returns which user the API server authenticates for a token, once aws-auth is in force.
    fn signs_in(&self, token: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.session.who(token) {
                Who::User { name, groups } => {
                    return format!("signs in as {name} {}", json!(groups));
                }
                other => assert!(Instant::now() < deadline, "{other:?}"),
            }
        }
    }

    /// Returns what is stored, a line for each mapping and each access entry.
    fn stored(&self) -> BTreeSet<String> {
        let short = |arn: &Value| arn.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let mut all = BTreeSet::new();
        let object = self.session.api.object();
        for (section, arn, kind) in [
            ("mapRoles", "rolearn", "role"),
            ("mapUsers", "userarn", "user"),
        ] {
            let text = object["data"][section].as_str().unwrap_or("[]");
            let entries: Vec<Value> = serde_yaml::from_str(text).unwrap();
            all.extend(entries.iter().map(|entry| {
                let groups = entry.get("groups").cloned().unwrap_or(json!([]));
                format!(
                    "{kind} {}: {} {groups}",
                    short(&entry[arn]),
                    entry["username"].as_str().unwrap()
                )
            }));
        }
        let accounts = object["data"]["mapAccounts"].as_str().unwrap_or("[]");
        let accounts: Vec<String> = serde_yaml::from_str(accounts).unwrap();
        all.extend(accounts.iter().map(|account| format!("account {account}")));
        let state = self.service.state();
        let mode = &state["clusters"][eks::NAME]["accessConfig"]["authenticationMode"];
        all.insert(format!("mode {}", mode.as_str().unwrap()));
        for entry in state["entries"][eks::NAME].as_array().into_iter().flatten() {
            let policies = entry["policies"].as_array().into_iter().flatten();
            let policies = policies.map(|policy| {
                let name = short(&policy["policyArn"]);
                let name = name
                    .trim_start_matches("AmazonEKS")
                    .trim_end_matches("Policy");
                let namespaces = policy["accessScope"]["namespaces"].as_array();
                let namespaces = namespaces.into_iter().flatten().filter_map(Value::as_str);
                match namespaces.collect::<Vec<_>>().as_slice() {
                    [] => format!("{name} in the cluster"),
                    namespaces => format!("{name} in {}", namespaces.join(" ")),
                }
            });
            let policies: BTreeSet<String> = policies.collect();
            let policies: Vec<String> = policies.into_iter().collect();
            let line = format!(
                "entry {}: {} {} {} {}",
                short(&entry["principalArn"]),
                entry["type"].as_str().unwrap(),
                entry["username"].as_str().unwrap(),
                entry["kubernetesGroups"],
                policies.join(", ")
            );
            all.insert(line.trim_end().to_owned());
        }
        all
    }
}

#[test]
fn commands_of_the_page_do_what_those_of_the_other_tools_do() {
    let page = fs::read_to_string(PAGE).unwrap();
    let site = Site::start();
    let folder = site.folder.path();
    let (_, emr) = page.split_once("```yaml\n").unwrap();
    let (emr, _) = emr.split_once("```").unwrap();
    fs::write(folder.join("emr-containers.yaml"), emr).unwrap();
    site.session.cluster.kubectl_fed(
        &["apply", "-f", "-"],
        "{apiVersion: v1, kind: Namespace, metadata: {name: spark}}",
    );
    let mut seen = BTreeSet::new();
    for translation in translations(&page) {
        let Translation { theirs, ours } = &translation;
        let mut expected = EXPECTED
            .iter()
            .filter(|expected| theirs.starts_with(expected.theirs));
        let expected = expected
            .next()
            .unwrap_or_else(|| panic!("what does it do? {theirs}"));
        seen.insert(expected.theirs);
        let config = match theirs.contains("iamidentitymapping") {
            true => {
                format!("iamIdentityMappings: [{{arn: '{DEV}', username: dev, groups: [devs]}}]")
            }
            false => format!(
                "accessConfig: {{accessEntries: [{{principalARN: '{DEV}', kubernetesUsername: dev, kubernetesGroups: [devs]}}]}}"
            ),
        };
        let config = format!(
            "apiVersion: eksctl.io/v1alpha5\nkind: ClusterConfig\nmetadata: {{name: {}, region: {REGION}}}\n{config}\n",
            eks::NAME
        );
        fs::write(folder.join("cluster.yaml"), config).unwrap();
        site.reset(expected.before);
        let before = site.stored();
        let output: String = ours.iter().map(|line| site.run(line)).collect();
        let kubeconfig = fs::read_to_string(site.kubeconfig()).unwrap();
        assert!(
            (output.clone() + &kubeconfig).contains(expected.shows),
            "{theirs}: {output}"
        );
        let after = site.stored();
        let added = after.difference(&before).map(|line| format!("+ {line}"));
        let removed = before.difference(&after).map(|line| format!("- {line}"));
        let changes: Vec<String> = added.chain(removed).collect();
        assert_eq!(changes, expected.changes, "{theirs}: {output}");
    }
    let unseen: Vec<&str> = EXPECTED
        .iter()
        .map(|expected| expected.theirs)
        .filter(|theirs| !seen.contains(theirs))
        .collect();
    assert!(unseen.is_empty(), "not on the page: {unseen:?}");
}
