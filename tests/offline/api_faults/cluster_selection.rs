//! The selection of cluster and credentials from flags, files and environment.

use std::error::Error;
use std::fs;

use awsauth_kube::{Environment, ErrorKind, Flags, connect};

use crate::api_faults::tls::Authority;
use crate::api_faults::{calm, header, read, refused, with_kubeconfig};

const TWO: &str = "apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: one-cluster, cluster: {server: 'https://one.example.com'}}
- {name: two-cluster, cluster: {server: 'https://two.example.com'}}
users:
- {name: me, user: {token: secret-token}}
contexts:
- {name: one, context: {cluster: one-cluster, user: me}}
- {name: two, context: {cluster: two-cluster, user: me}}
- {name: torn, context: {cluster: gone-cluster, user: me}}
- {name: userless, context: {cluster: two-cluster, user: gone}}
";

#[tokio::test]
async fn flags_select_the_cluster_as_in_kubectl() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, TWO).unwrap();
    let named = || with_kubeconfig(path.clone());
    let check = async |flags: Flags, message: &str| {
        let store = connect(&flags, &Environment::default()).await.unwrap();
        assert_eq!(store.target().to_string(), message);
    };
    let some = |name: &str| Some(name.to_owned());
    check(named(), "context one (https://one.example.com)").await;
    check(
        Flags {
            context: some("two"),
            ..named()
        },
        "context two (https://two.example.com)",
    )
    .await;
    check(
        Flags {
            cluster: some("two-cluster"),
            ..named()
        },
        "context one (https://two.example.com)",
    )
    .await;
    check(
        Flags {
            server: some("https://other"),
            ..named()
        },
        "context one (https://other)",
    )
    .await;
    check(
        Flags {
            server: some("https://me:secret@other/p"),
            ..named()
        },
        "context one (https://other/p)",
    )
    .await;
    check(
        Flags {
            server: some("https://other"),
            ..Flags::default()
        },
        "https://other",
    )
    .await;
    let check = async |flags: Flags, message: &str| {
        let error = refused(&flags, &Environment::default()).await;
        assert_eq!(
            (error.to_string().as_str(), error.kind()),
            (message, ErrorKind::Input)
        );
    };
    check(
        Flags {
            context: some("three"),
            ..named()
        },
        "the kubeconfig has no context \"three\"",
    )
    .await;
    check(
        Flags {
            cluster: some("three"),
            ..named()
        },
        "the kubeconfig has no cluster \"three\"",
    )
    .await;
    check(
        Flags {
            user: some("three"),
            ..named()
        },
        "the kubeconfig has no user \"three\"",
    )
    .await;
    check(
        Flags {
            context: some("torn"),
            ..named()
        },
        "the kubeconfig has no cluster \"gone-cluster\"",
    )
    .await;
    check(
        Flags {
            context: some("userless"),
            ..named()
        },
        "the kubeconfig has no user \"gone\"",
    )
    .await;
    check(
        Flags {
            server: some("two:443"),
            ..named()
        },
        "\"two:443\" is not the URL of an API server",
    )
    .await;
    check(
        Flags {
            server: some("https://me:secret@two/$(id);x"),
            ..named()
        },
        "\"https://two/$(id);x\" is not the URL of an API server",
    )
    .await;
    check(
        Flags {
            impersonate_groups: vec!["g".into()],
            ..named()
        },
        "groups or a UID are impersonated, but no user",
    )
    .await;
    fs::write(&path, TWO.replace("current-context: one\n", "")).unwrap();
    check(
        named(),
        "no context is chosen: the kubeconfig has no current-context",
    )
    .await;
}

#[tokio::test]
async fn first_kubeconfig_wins_and_missing_files_are_skipped() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a"), "current-context: ''\n").unwrap();
    fs::write(
        path("b"),
        TWO.replace("current-context: one", "current-context: two"),
    )
    .unwrap();
    fs::write(
        path("c"),
        TWO.replace("two.example.com", "other.example.com"),
    )
    .unwrap();
    let list = |names: &[&str]| Environment {
        kubeconfig: Some(std::env::join_paths(names.iter().map(|name| path(name))).unwrap()),
        ..Environment::default()
    };
    let store = connect(&Flags::default(), &list(&["missing", "a", "b", "c"]))
        .await
        .unwrap();
    assert_eq!(
        store.target().to_string(),
        "context two (https://two.example.com)"
    );
    // The flag takes precedence over the list, and a named file is never skipped.
    let store = connect(&with_kubeconfig(path("c")), &list(&["b"]))
        .await
        .unwrap();
    assert_eq!(
        store.target().to_string(),
        "context one (https://one.example.com)"
    );
    for (flags, environment) in [
        (with_kubeconfig(path("missing")), list(&["b"])),
        (Flags::default(), list(&["missing", "missing too"])),
    ] {
        let error = refused(&flags, &environment).await;
        assert_eq!(
            error.to_string(),
            format!("cannot read the kubeconfig {}", path("missing").display())
        );
        assert_eq!(
            error.source().unwrap().to_string(),
            "No such file or directory (os error 2)"
        );
    }
}

#[tokio::test]
async fn broken_kubeconfig_is_reported_by_line_without_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    fs::write(&path, "users:\n- name: me\n  user: hunter2-secret\n").unwrap();
    let error = refused(&with_kubeconfig(path.clone()), &Environment::default()).await;
    assert_eq!(
        error.to_string(),
        format!(
            "{} is not a kubeconfig: line 3 cannot be read",
            path.display()
        )
    );
    assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn pod_uses_its_service_account_unless_a_cluster_is_named() {
    let authority = Authority::new();
    let api = authority.serve(&["127.0.0.1"], 2099).await;
    let account = api.folder().join("account");
    fs::create_dir(&account).unwrap();
    fs::write(account.join("token"), "pod-token").unwrap();
    fs::write(account.join("ca.crt"), authority.certificate.pem()).unwrap();
    let port = api.url.rsplit(':').next().unwrap().to_owned();
    let pod = Environment {
        service_host: Some("127.0.0.1".into()),
        service_port: Some(port),
        service_account: account,
        ..Environment::default()
    };
    let store = connect(&Flags::default(), &pod).await.unwrap();
    read(&store).await.unwrap();
    assert_eq!(store.target().to_string(), api.url);
    assert_eq!(header(&api, "authorization"), ["Bearer pod-token"]);
    let named = Flags {
        context: Some("prod".into()),
        ..Flags::default()
    };
    assert_eq!(
        refused(&named, &pod).await.to_string(),
        "the kubeconfig has no context \"prod\""
    );
    let error = refused(&Flags::default(), &Environment::default()).await;
    assert!(
        error.to_string().starts_with("no cluster is configured"),
        "{error}"
    );
}

#[tokio::test]
async fn impersonation_headers_are_sent() {
    let api = calm().await;
    let flags = Flags {
        impersonate: Some("jane".into()),
        impersonate_groups: vec!["dev".into(), "ops".into()],
        ..with_kubeconfig(api.kubeconfig("", "token: secret-token"))
    };
    read(&connect(&flags, &Environment::default()).await.unwrap())
        .await
        .unwrap();
    assert_eq!(header(&api, "authorization"), ["Bearer secret-token"]);
    assert_eq!(header(&api, "impersonate-user"), ["jane"]);
    assert_eq!(header(&api, "impersonate-group"), ["dev", "ops"]);
}
