//! awsauth as a plugin of the real kubectl.

use std::os::unix::fs::symlink;

use crate::commands::harness::{ExclusiveCluster, MYTESTROLE, Run, map_args};

#[test]
fn kubectl_plugin_names_itself_kubectl_awsauth() {
    let session = ExclusiveCluster::start();
    let folder = session.cluster.folder().join("plugins");
    std::fs::create_dir_all(&folder).unwrap();
    symlink(
        env!("CARGO_BIN_EXE_awsauth"),
        folder.join("kubectl-awsauth"),
    )
    .unwrap();
    let kubectl = |args: &[&str]| {
        let mut command = session.cluster.kubectl_command();
        Run::of(command.env("PATH", &folder).arg("awsauth").args(args))
    };
    let listed = kubectl(&["get"]);
    listed.says(0, &[]);
    assert_eq!(listed.stdout, session.done(&["get"]).stdout);
    kubectl(&map_args(MYTESTROLE)).says(0, &["Wrote aws-auth to context admin"]);
    assert!(session.text("mapRoles").contains(MYTESTROLE));

    for help in [
        &["--help"][..],
        &["map", "--help"],
        &["help", "map", "role"],
    ] {
        let help = kubectl(help);
        help.says(0, &[]);
        assert!(help.stdout.contains("Usage: kubectl awsauth"), "{help:?}");
    }
    let refused = kubectl(&["map", "role", "arn:aws:iam::111122223333:role/new"]);
    refused.says(2, &["--username new"]);
    assert!(!refused.stderr.contains("hint: awsauth"), "{refused:?}");
    kubectl(&["explain", "nobody"]).says(2, &[]);
}
