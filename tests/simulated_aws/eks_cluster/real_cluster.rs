//! `examples/real-cluster/record --assume`: a sign-in through the access entry that the script creates, at a real API server.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::eks_cluster::cluster_name::{eks, holding};
use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION};
use crate::eks_cluster::token_review::Who;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::moto::Moto;
use crate::support::python::Packages;
use crate::support::simulated_aws::trusts;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/real-cluster/record");
const RECORD: &str = "arn:aws:iam::111122223333:role/awsauth-record";
const RECORD_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/awsauth-record/a";

/// Returns the JSON after the command that begins like this, which is followed by its exit status.
fn answer(stdout: &str, command: &str) -> Value {
    let (_, rest) = stdout.split_once(command).expect(command);
    let (_, rest) = rest.split_once('\n').unwrap();
    let (answer, rest) = rest.split_once("exit status: ").unwrap();
    assert!(rest.starts_with("0\n"), "{command}: {answer}");
    serde_json::from_str(answer).unwrap()
}

#[test]
fn record_signs_in_by_the_access_entry_that_it_creates() {
    let session = ExclusiveCluster::with_access_entries();
    let aws = session.aws();
    aws.role(RECORD, &[trusts(MYTESTROLE)]);
    let mut sessions = aws.sessions(&[RECORD_SESSION, MYTESTROLE_SESSION]);
    let (caller, record) = (sessions.remove(1), sessions.remove(0));
    let (id, _) = record.user_id.split_once(':').unwrap();
    let admin = "arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy";
    let world = json!({
        "clusters": {eks::NAME: {"accessConfig": {"authenticationMode": "API"}}},
        "principals": {RECORD: {"id": id}},
        "entries": {eks::NAME: [{
            "principalArn": MYTESTROLE, "type": "STANDARD", "username": "admin", "kubernetesGroups": [],
            "policies": [{"policyArn": admin, "accessScope": {"type": "cluster", "namespaces": []}}],
        }]},
    });
    let service = eks(&session, &world);
    session.becomes(&caller, &Who::user("admin", &[]));
    let before = service.state()["entries"].clone();
    let line = format!("level=info msg=\"access granted\" arn=\"{RECORD}\"");
    let other = "level=info msg=\"access granted\" arn=\"arn:aws:iam::111122223333:role/other\"";
    let now = Timestamp::now().as_millisecond();
    let logs = json!({"account": "111122223333", "logs": {"/aws/eks/my-cluster/cluster": {"streams": {
        "authenticator-1": [[now, line], [now, other]],
    }}}});
    let moto = Moto::start(&[&logs.to_string()]);

    let programs = tempfile::tempdir().unwrap();
    let python = Packages::Awscli.python().get_program().to_owned();
    let cli = programs.path().join("aws");
    let text = format!(
        "#!/bin/sh\nexec '{}' -m awscli \"$@\"\n",
        Path::new(&python).display()
    );
    fs::write(&cli, text).unwrap();
    fs::set_permissions(&cli, fs::Permissions::from_mode(0o755)).unwrap();
    symlink(
        session.cluster.kubectl_path(),
        programs.path().join("kubectl"),
    )
    .unwrap();
    let environment = holding(&session, service, MYTESTROLE_SESSION)
        .with_credentials(&caller)
        .with(
            "PATH",
            &format!("{}:/usr/bin:/bin", programs.path().display()),
        )
        .with("AWS_DEFAULT_REGION", "us-east-1")
        .with("AWS_ENDPOINT_URL_CLOUDWATCH_LOGS", moto.url())
        .with("AWSAUTH_LOG_DELAY", "0");
    let mut command = environment.command(Path::new(SCRIPT));
    let args = ["--cluster-name", eks::NAME, "--principal", RECORD];
    let run = Run::of(command.args(args).args(["--assume", "--yes"]));
    run.says(0, &[]);
    assert_eq!(service.state()["entries"], before);

    let whoami = answer(&run.stdout, "/entry auth whoami --output json");
    let user = &whoami["status"]["userInfo"];
    let name = user["username"].as_str().unwrap();
    let expected = "arn:aws:sts::111122223333:assumed-role/awsauth-record/";
    assert!(name.starts_with(expected), "{user}");
    let groups = user["groups"].as_array().unwrap();
    let group = |group: &Value| group.as_str().unwrap().starts_with("awsauth-record");
    assert!(groups.iter().any(group), "{user}");
    assert_eq!(user["extra"]["canonicalArn"], json!([RECORD]));
    let log = answer(&run.stdout, "aws logs filter-log-events");
    let events = log["events"].as_array().unwrap();
    assert_eq!(events.len(), 1, "{log}");
    assert_eq!(events[0]["message"], json!(line));
    let exempt = answer(&run.stdout, "/caller get flowschema exempt --output json");
    let subjects = exempt["spec"]["rules"][0]["subjects"].to_string();
    assert!(subjects.contains("system:masters"), "{subjects}");
}
