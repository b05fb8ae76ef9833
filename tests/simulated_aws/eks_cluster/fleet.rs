//! `fleet` on the clusters that EKS lists, in several accounts.

use serde_json::json;

use super::cluster_name::{CREATOR_SESSION, eks, holding};
use super::harness::{ExclusiveCluster, MYTESTROLE, map_args};
use crate::support::eks::{self, CREATOR};
use crate::support::simulated_aws::{REGION, trusts};

const CLUSTERS: [&str; 4] = [
    "--regions",
    REGION,
    "--accounts",
    "111122223333,444455556666",
];

#[test]
fn clusters_of_several_accounts_are_reached_through_a_role_in_each() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    session.aws().role(CREATOR, &[trusts(MYTESTROLE)]);
    let ci = holding(
        &session,
        eks,
        "arn:aws:sts::111122223333:assumed-role/mytestrole/ci",
    );
    let role = CREATOR.replace("111122223333", "{account}");
    let run = |command: &[&str]| {
        let fleet = [command, &CLUSTERS, &["--assume-role-arn", &role]].concat();
        session.awsauth(&ci, &fleet)
    };
    let as_creator = holding(&session, eks, CREATOR_SESSION);
    let map = [&map_args(MYTESTROLE)[..], &["--cluster-name", eks::NAME]].concat();
    session.awsauth(&as_creator, &map).says(0, &[]);

    // The role of the other account does not exist, which is a row.
    let get = run(&["fleet", "get", "-o", "json"]);
    get.says(3, &["cannot list the EKS clusters"]);
    let listed = get.json();
    let [first, second] = listed["clusters"].as_array().unwrap().as_slice() else {
        panic!("{listed}")
    };
    assert_eq!(
        first["cluster"],
        format!("111122223333/{REGION}/{}", eks::NAME)
    );
    assert_eq!(first["result"]["roles"][0]["arn"], MYTESTROLE);
    assert_eq!(second["cluster"], format!("444455556666/{REGION}/*"));
    assert_eq!(second["exitCode"], 3);

    // Writes need the whole list.
    let unmap = run(&["fleet", "unmap", "role", MYTESTROLE]);
    unmap.says(3, &["nothing was written: 444455556666/"]);

    // A cluster of the file must be in the account that the file names.
    let folder = session.cluster.folder();
    let list = folder.join("clusters.yaml");
    let cluster = |name: &str, account: &str| {
        format!(
            "- {{name: {name}, clusterName: {}, region: {REGION}, account: \"{account}\"}}\n",
            eks::NAME
        )
    };
    std::fs::write(
        &list,
        cluster("right", "111122223333") + &cluster("wrong", "444455556666"),
    )
    .unwrap();
    let get = session.awsauth(
        &as_creator,
        &[
            "fleet",
            "get",
            "--clusters",
            list.to_str().unwrap(),
            "-o",
            "json",
        ],
    );
    get.says(4, &["wrong: refused (wrong-cluster)"]);
    let listed = get.json();
    assert_eq!(
        listed["clusters"][0]["result"]["roles"][0]["arn"],
        MYTESTROLE
    );
    assert_eq!(listed["clusters"][1]["exitCode"], 4);
}

#[test]
fn file_of_clusters_overrides_neither_the_account_nor_the_expected_cluster() {
    let session = ExclusiveCluster::start();
    let eks = eks(&session, &json!({}));
    let creator = holding(&session, eks, CREATOR_SESSION);
    let path = session.cluster.folder().join("clusters.yaml");
    let get = |listed: &str, more: &[&str]| {
        let cluster = format!("- {{name: prod, clusterName: {}, {listed}}}\n", eks::NAME);
        std::fs::write(&path, cluster).unwrap();
        let fleet = ["fleet", "get", "--clusters", path.to_str().unwrap()];
        session.awsauth(&creator, &[&fleet[..], more].concat())
    };
    // The region is that of the options.
    let right = "account: \"111122223333\"";
    let wrong = "account: \"444455556666\"";
    let region = ["--region", REGION];
    get(right, &region).says(0, &[]);
    get(wrong, &region).says(
        4,
        &[
            "prod: refused (wrong-cluster): EKS cluster my-cluster ",
            " is in account 111122223333, not in 444455556666",
        ],
    );
    let both = format!("region: {REGION}, {right}");
    get(&both, &["--expect-cluster", eks::NAME]).says(0, &[]);
    get(&both, &["--expect-cluster", "other"]).says(
        4,
        &[
            "prod: refused (wrong-cluster): this is EKS cluster my-cluster ",
            ", not other",
        ],
    );
}
