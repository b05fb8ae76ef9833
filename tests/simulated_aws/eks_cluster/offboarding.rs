//! The script in docs/offboarding.md takes access away in two clusters and both stores, and proves it by rejected sign-ins.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::eks_cluster::cluster_name::{CREATOR_SESSION, eks, holding, on};
use crate::eks_cluster::harness::ExclusiveCluster;
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::eks::{self, CREATOR};
use crate::support::environment::Environment;
use crate::support::moto::Moto;
use crate::support::simulated_aws::{Credentials, REGION, trusts, trusts_service};

const ONCALL: &str = "arn:aws:iam::111122223333:role/oncall";
const ONCALL_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/oncall/ann";

/// aws-auth with an administrator and the role that is removed.
const MAP_ROLES: &str = "\
- rolearn: arn:aws:iam::111122223333:role/admin
  username: admin
  groups: [system:masters]
- rolearn: arn:aws:iam::111122223333:role/oncall
  username: oncall
  groups: [view]
- rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
- rolearn: arn:aws:iam::111122223333:role/ci
  username: ci
  groups: [ci]
- rolearn: arn:aws:iam::111122223333:role/dev
  username: dev
  groups: [view]
- rolearn: arn:aws:iam::111122223333:role/ops
  username: ops
  groups: [ops]
";

/// A cluster in an account of its own.
struct Site {
    session: ExclusiveCluster,
    admin: Environment,
    oncall: Credentials,
    _iam: Moto,
}

impl Site {
    /// Starts with the role in aws-auth and, if it `has_entry`, in an access entry, too.
    fn start(has_entry: bool) -> Self {
        let session = ExclusiveCluster::with_access_entries();
        let oncall = session.aws().sessions(&[ONCALL_SESSION]).remove(0);
        session.aws().role(ONCALL, &[trusts(CREATOR)]);
        let (id, _) = oncall.user_id.split_once(':').unwrap();
        let entry = json!({
            "principalArn": ONCALL, "type": "STANDARD", "username": "oncall-by-entry",
            "kubernetesGroups": [], "policies": [],
        });
        let service = eks(
            &session,
            &json!({
                "principals": {ONCALL: {"id": id}},
                "entries": {eks::NAME: if has_entry { vec![entry] } else { Vec::new() }},
            }),
        );
        let trust = trusts_service("ec2.amazonaws.com");
        let roles = json!({"oncall": trust, "admin": trust, "nodes": trust, "ci": trust, "dev": trust, "ops": trust, "cluster-creator": trust});
        let iam = Moto::start(&[&json!({"account": "111122223333", "roles": roles}).to_string()]);
        session.put(&json!({"mapRoles": MAP_ROLES}));
        let admin =
            holding(&session, service, CREATOR_SESSION).with("AWS_ENDPOINT_URL_IAM", iam.url());
        let site = Self {
            session,
            admin,
            oncall,
            _iam: iam,
        };
        let user = if has_entry {
            "oncall-by-entry"
        } else {
            "oncall"
        };
        let groups: &[&str] = if has_entry { &[] } else { &["view"] };
        site.session.becomes(&site.oncall, &Who::user(user, groups));
        site
    }

    /// Returns the AWS profile of an administrator of this account.
    fn profile(&self, name: &str) -> String {
        let variable = |name: &str| {
            let mut variables = self.admin.variables();
            let found = variables.find(|(variable, _)| *variable == name);
            found.unwrap().1.to_owned()
        };
        format!(
            "[profile {name}]\nregion = {REGION}\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n\
             services = {name}\n[services {name}]\nsts =\n  endpoint_url = {}\neks =\n  endpoint_url = {}\niam =\n  endpoint_url = {}\n",
            variable("AWS_ACCESS_KEY_ID"),
            variable("AWS_SECRET_ACCESS_KEY"),
            variable("AWS_SESSION_TOKEN"),
            self.session.aws().plain_endpoint(),
            variable("AWS_ENDPOINT_URL_EKS"),
            variable("AWS_ENDPOINT_URL_IAM"),
        )
    }
}

/// Returns the shell commands of the page.
fn script() -> String {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/offboarding.md");
    let page = std::fs::read_to_string(page).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    blocks.collect()
}

#[test]
fn offboarding_script_ends_with_rejected_sign_ins_in_all_clusters() {
    let (prod, staging) = (Site::start(true), Site::start(false));
    let folder = prod.session.cluster.folder();
    let config = folder.join("accounts");
    let profiles = prod.profile("prod") + &staging.profile("staging");
    std::fs::write(&config, profiles).unwrap();
    let script = script().replace(":web", &format!(":{}", eks::NAME));
    let run = |script: &str| {
        let awsauth = Path::new(env!("CARGO_BIN_EXE_awsauth")).parent().unwrap();
        let mut shell = Command::new("sh");
        shell.env_clear().args(["-euc", script]);
        shell.env("HOME", folder).env("AWS_CONFIG_FILE", &config);
        shell.env("AWS_EC2_METADATA_DISABLED", "true");
        shell.env("PATH", format!("{}:/usr/bin:/bin", awsauth.display()));
        Run::of(&mut shell)
    };
    // Without the removal, both proofs fail.
    let unremoved = script.replace("on \"$each\" unmap", ": unmap");
    assert_ne!(unremoved, script);
    let failed = run(&unremoved);
    assert_eq!(failed.status, 1, "{failed:?}");
    let (variables, _) = script.split_once("\nfor each").unwrap();
    let (_, sign_in) = script.split_once("\nrejected()").unwrap();
    let sign_in = sign_in.replace("sleep 5", ":");
    let failed = run(&format!("{variables}\nrejected(){sign_in}"));
    assert_eq!(failed.status, 1, "{failed:?}");
    assert!(failed.stdout.contains("oncall-by-entry"), "{failed:?}");

    let done = run(&script);
    assert_eq!(done.status, 0, "{done:?}");
    let reasons = done.stdout.matches("offboarding TICKET-1").count();
    assert!(reasons >= 2, "{done:?}");
    assert!(
        done.stdout.ends_with(
            "role/oncall can no longer sign in to: prod:my-cluster staging:my-cluster\n"
        ),
        "{done:?}"
    );
    for site in [&prod, &staging] {
        assert!(
            !site.session.api.object()["data"]["mapRoles"]
                .to_string()
                .contains("oncall")
        );
        let token = site.session.fresh_token(&site.oncall);
        assert_eq!(site.session.who(&token), Who::Unauthorized);
        let get = on(&site.session, &site.admin, &["get", "--arn", ONCALL]);
        assert!(!get.stdout.contains("oncall"), "{get:?}");
    }
}
