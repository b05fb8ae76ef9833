//! Kubeconfigs: text in, text out; and the command that writes them.

mod access_entries;
mod eks;
mod files;
mod kubectl;
mod laws;
mod mending;
mod place;
mod styles;
#[path = "../support/mod.rs"]
mod support;
mod written;

use awsauth::kubeconfig::{Cluster, Edited, Entries, Exec, Kubeconfig, User};

const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";

/// What `awsauth kubeconfig --cluster-name prod` asks for.
fn prod() -> Entries {
    Entries {
        cluster: Cluster {
            name: ARN.to_owned(),
            server: "https://0A1B.gr7.eu-west-1.eks.amazonaws.com".to_owned(),
            certificate_authority_data: Some("LS0tLS1CRUdJTi==".to_owned()),
        },
        user: User {
            name: ARN.to_owned(),
            exec: Exec {
                command: "/usr/local/bin/awsauth".to_owned(),
                args: ["token", "--cluster-name", "prod", "--region", "eu-west-1"]
                    .map(str::to_owned)
                    .into(),
                profile: None,
            },
        },
        context: ARN.to_owned(),
    }
}

/// The same with a profile.
fn prod_as(profile: &str) -> Entries {
    let mut entries = prod();
    entries.user.exec.profile = Some(profile.to_owned());
    entries
}

fn edit(before: &str, entries: &Entries) -> Edited {
    let kubeconfig = Kubeconfig::parse(before).unwrap_or_else(|error| panic!("{error}\n{before}"));
    let edited = kubeconfig
        .with(entries)
        .unwrap_or_else(|error| panic!("{error}\n{before}"));
    let again = Kubeconfig::parse(edited.text.clone()).expect("it reads");
    assert_eq!(
        again.with(entries).expect("once more").text,
        edited.text,
        "twice is once"
    );
    edited
}

/// `before` with these entries is `after`.
#[track_caller]
fn check(before: &str, entries: &Entries, after: &str) -> Edited {
    let edited = edit(before, entries);
    assert_eq!(
        edited.text, after,
        "\n--- got\n{}\n--- wanted\n{after}",
        edited.text
    );
    edited
}

/// Why a text is refused, when read or when changed, and the remedy.
#[track_caller]
fn refused(before: &str) -> (String, String) {
    let error = Kubeconfig::parse(before)
        .and_then(|kubeconfig| kubeconfig.with(&prod()))
        .expect_err("refused");
    (error.to_string(), error.hint().expect("a remedy"))
}
