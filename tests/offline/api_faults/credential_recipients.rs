//! Which servers get credentials. The servers record what they receive.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use tokio::task::spawn_blocking;

use crate::api_faults::proxy::Proxy;
use crate::api_faults::tls::Authority;
use crate::api_faults::{calm, header};
use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::fake_api::{FakeApi, Scenario};
use crate::support::secrets;

/// The cluster's name in the kubeconfig. It proves nothing about the server.
const CLUSTER: &str = "arn:aws:eks:us-east-1:111122223333:cluster/prod";

const USER_TOKEN: &str = "token-of-the-kubeconfig";

/// An address where nothing listens.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Runs awsauth with AWS credentials and a kubeconfig. `cluster` and `user` are more fields of its entries.
async fn awsauth(api: &FakeApi, cluster: &str, user: &str, args: &[&str]) -> Run {
    awsauth_with(api, cluster, user, &[], args).await
}

/// Does the same with more variables.
async fn awsauth_with(
    api: &FakeApi,
    cluster: &str,
    user: &str,
    variables: &[(&str, &str)],
    args: &[&str],
) -> Run {
    let kubeconfig = api.folder().join("kubeconfig");
    fs::write(&kubeconfig, kubeconfig_text(&api.url, cluster, user)).unwrap();
    secrets::know(USER_TOKEN);
    let environment = Environment::new(api.folder())
        .with("KUBECONFIG", &kubeconfig.display().to_string())
        .with("PATH", "/usr/bin:/bin")
        .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .with(
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        )
        .with("AWS_REGION", "us-east-1")
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_ENDPOINT_URL", NOWHERE)
        .with("HTTPS_PROXY", NOWHERE);
    let environment = variables
        .iter()
        .fold(environment, |all, (name, value)| all.with(name, value));
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
    let run = move || Run::of(environment.command(program).args(args));
    spawn_blocking(run).await.unwrap()
}

/// Returns a kubeconfig. `cluster` and `user` are more fields of its entries.
fn kubeconfig_text(url: &str, cluster: &str, user: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: prod\n\
         clusters: [{{name: '{CLUSTER}', cluster: {{server: '{url}', {cluster}}}}}]\n\
         users: [{{name: me, user: {{{user}}}}}]\n\
         contexts: [{{name: prod, context: {{cluster: '{CLUSTER}', user: me}}}}]\n"
    )
}

/// The credentials that the server received.
fn received(api: &FakeApi) -> Vec<String> {
    header(api, "authorization")
}

fn is_eks_token(credentials: &str) -> bool {
    credentials.starts_with("Bearer k8s-aws-v1.")
}

async fn with_own_authority() -> (FakeApi, String) {
    let authority = Authority::new();
    let api = authority.serve(&["127.0.0.1"], 2099).await;
    let line = authority.line(&api);
    (api, line)
}

const VERIFY: [&str; 3] = ["verify", "--timeout", "0"];

const ROLE: &str = "arn:aws:iam::111122223333:role/dev";

const MAP: [&str; 6] = ["map", "role", ROLE, "--username", "dev", "--verify"];

#[tokio::test]
async fn user_credentials_are_not_sent_over_plain_http() {
    let api = calm().await;
    fs::write(api.folder().join("token"), USER_TOKEN).unwrap();
    let token = format!("token: {USER_TOKEN}");
    let plugin_ran = api.folder().join("ran");
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, command: touch, args: ['{}'], interactiveMode: Never}}",
        plugin_ran.display()
    );
    for user in [
        token.as_str(),
        "tokenFile: token",
        "username: me, password: hunter2",
        &exec,
    ] {
        for command in [&["get"][..], &["explain", ROLE], &MAP] {
            awsauth(&api, "", user, command).await.says(
                4,
                &[
                    "refused (untrusted-endpoint): cannot connect to the cluster: the server's URL is plain HTTP",
                    "--allow-http-loopback\n",
                ],
            );
        }
        assert!(api.requests().is_empty(), "{user}: {:?}", api.requests());
    }
    assert!(!plugin_ran.exists());
    for user in [&token, &exec] {
        awsauth(&api, "", user, &["doctor"]).await;
        assert!(received(&api).is_empty(), "{user}: {:?}", received(&api));
    }
    // As kubectl proxy needs it.
    awsauth(&api, "", "", &["get"]).await.says(0, &[]);
    assert!(received(&api).is_empty());
    let allowed = ["get", "--allow-http-loopback"];
    awsauth(&api, "", &token, &allowed).await.says(0, &[]);
    assert_eq!(received(&api), [format!("Bearer {USER_TOKEN}")]);
}

#[tokio::test]
async fn signed_token_is_not_sent_over_plain_http() {
    let api = calm().await;
    let not_encrypted = ["the server's URL is plain HTTP", "--allow-http-loopback\n"];
    let not_eks = [
        "127.0.0.1 is not the name of an EKS endpoint",
        "add --allow-endpoint 127.0.0.1:",
    ];
    for command in [&VERIFY[..], &MAP] {
        for (flags, parts) in [
            (&[][..], &not_encrypted),
            (&["--allow-endpoint", "127.0.0.1"], &not_encrypted),
            (&["--allow-http-loopback"], &not_eks),
        ] {
            let run = awsauth(&api, "", "", &[command, flags].concat()).await;
            run.says(4, &["refused (untrusted-endpoint)"]);
            run.says(4, parts);
        }
    }
    awsauth(&api, "", "", &["doctor"]).await;
    assert!(received(&api).is_empty(), "{:?}", received(&api));
    let both = ["--allow-http-loopback", "--allow-endpoint", "127.0.0.1"];
    awsauth(&api, "", "", &[&VERIFY[..], &both].concat()).await;
    assert!(received(&api).iter().any(|sent| is_eks_token(sent)));
}

#[tokio::test]
async fn signed_token_is_never_sent_without_verification() {
    let (api, _) = with_own_authority().await;
    let cluster = "insecure-skip-tls-verify: true";
    for command in [&VERIFY[..], &MAP] {
        for flags in [&[][..], &["--allow-endpoint", "127.0.0.1"]] {
            let run = awsauth(&api, cluster, "", &[command, flags].concat()).await;
            run.says(
                4,
                &[
                    "refused (untrusted-endpoint)",
                    "insecure-skip-tls-verify",
                    "hint: replace insecure-skip-tls-verify by the cluster's certificate authority: awsauth kubeconfig --cluster-name prod\n",
                ],
            );
        }
    }
    let doctor = ["doctor", "--allow-endpoint", "127.0.0.1"];
    let run = awsauth(&api, cluster, "", &doctor).await;
    // There is no authority in the kubeconfig.
    assert!(
        !run.stdout.contains("and a certificate authority"),
        "{run:?}"
    );
    assert!(received(&api).is_empty(), "{:?}", received(&api));
    // As with kubectl, the user decides about the user's own credentials.
    let token = format!("token: {USER_TOKEN}");
    awsauth(&api, cluster, &token, &["get"]).await.says(0, &[]);
    assert_eq!(received(&api), [format!("Bearer {USER_TOKEN}")]);
}

#[tokio::test]
async fn signed_token_is_not_sent_to_a_server_that_names_itself_an_eks_cluster() {
    let (api, authority) = with_own_authority().await;
    let eks_name =
        "tls-server-name: A0DCCD80A04F01705DD065655C30CC3D.gr7.us-east-1.eks.amazonaws.com";
    let port = api.url.rsplit_once(':').unwrap().1;
    for cluster in [authority.clone(), format!("{authority}, {eks_name}")] {
        for command in [&VERIFY[..], &MAP] {
            let run = awsauth(&api, &cluster, "", command).await;
            run.says(
                4,
                &[
                    "127.0.0.1 is not the name of an EKS endpoint\n  EKS could not be asked for the cluster's endpoint: ",
                    &format!("hint: connect to the endpoint that EKS reports: awsauth kubeconfig --cluster-name prod; if this server may get your token, add --allow-endpoint 127.0.0.1:{port}\n"),
                ],
            );
        }
    }
    let run = awsauth(&api, &authority, "", &["doctor", "-o", "json"]).await;
    let json = run.json();
    let checks = json["rungs"].as_array().unwrap();
    let sign_in = checks.iter().find(|check| check["id"] == "M2").unwrap();
    assert_eq!(sign_in["status"], "skipped", "{sign_in}");
    assert!(received(&api).is_empty(), "{:?}", received(&api));
    let writes = |method: &String| method != "GET" && method != "GET /readyz";
    assert!(!api.requests().iter().any(writes), "{:?}", api.requests());

    for command in [&VERIFY[..], &["doctor"]] {
        let before = received(&api).len();
        let allowed = ["--allow-endpoint", "127.0.0.1"];
        awsauth(&api, &authority, "", &[command, &allowed].concat()).await;
        let sent = received(&api).split_off(before);
        assert!(
            !sent.is_empty() && sent.iter().all(|sent| is_eks_token(sent)),
            "{sent:?}"
        );
    }
}

#[tokio::test]
async fn signed_token_is_not_sent_through_a_proxy_of_the_kubeconfig() {
    let (tls, authority) = with_own_authority().await;
    let plain = calm().await;
    let flags = ["--allow-endpoint", "127.0.0.1", "--allow-http-loopback"];
    let user_token = format!("token: {USER_TOKEN}");
    for (api, cluster, part) in [
        (&tls, authority.as_str(), "proxy-url of the kubeconfig"),
        (&plain, "insecure-skip-tls-verify: false", "plain HTTP"),
    ] {
        let proxy = Proxy::to(api.url.split_once("://").unwrap().1).await;
        let cluster = format!("{cluster}, {}", proxy.line());
        for command in [&VERIFY[..], &MAP] {
            let run = awsauth(api, &cluster, "", &[command, &flags].concat()).await;
            run.says(4, &["refused (untrusted-endpoint)", part]);
            assert!(!run.stderr.contains("add --allow"), "{run:?}");
        }
        awsauth(api, &cluster, "", &[&["doctor"][..], &flags].concat()).await;
        assert!(received(api).is_empty(), "{:?}", received(api));
        // As with kubectl, the user's own credentials may pass a proxy, but not over plain HTTP.
        let get = ["get", "--allow-http-loopback"];
        awsauth(api, &cluster, &user_token, &get).await;
    }
    assert_eq!(received(&tls), [format!("Bearer {USER_TOKEN}")]);
    assert!(received(&plain).is_empty(), "{:?}", received(&plain));
}

#[tokio::test]
async fn kubeconfig_does_not_choose_who_confirms_its_server() {
    let (api, authority) = with_own_authority().await;
    let certificate = fs::read(api.folder().join("ca.crt")).unwrap();
    let described = json!({"cluster": {
        "name": "prod",
        "arn": CLUSTER,
        "status": "ACTIVE",
        "endpoint": api.url,
        "certificateAuthority": {"data": BASE64_STANDARD.encode(certificate)},
        "accessConfig": {"authenticationMode": "CONFIG_MAP"},
    }});
    let describes = Scenario::Always {
        status: 200,
        body: described.to_string().leak(),
    };
    let eks = FakeApi::start(describes, None).await;
    let variable = ("AWS_ENDPOINT_URL_EKS", eks.url.as_str());
    // No program runs, so doctor signs a token.
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1beta1, command: '', args: [eks, get-token, --cluster-name, prod], \
         env: [{{name: {}, value: '{}'}}, {{name: HTTPS_PROXY, value: '{}'}}]}}",
        variable.0, variable.1, eks.url
    );
    let run = awsauth(&api, &authority, &exec, &["doctor"]).await;
    assert!(eks.requests().is_empty(), "{:?}", eks.requests());
    assert!(received(&api).is_empty(), "{:?}", received(&api));
    let ignored = "only the plugin uses AWS_ENDPOINT_URL_EKS, HTTPS_PROXY: to use them for doctor's own requests, export them";
    assert!(run.stdout.contains(ignored), "{run:?}");
    // The user's own environment does.
    awsauth_with(&api, &authority, &exec, &[variable], &["doctor"]).await;
    assert!(!eks.requests().is_empty());
    let sent = received(&api);
    assert!(
        !sent.is_empty() && sent.iter().all(|sent| is_eks_token(sent)),
        "{sent:?}"
    );
}

#[tokio::test]
async fn no_secret_of_programs_and_urls_is_printed() {
    let (api, authority) = with_own_authority().await;
    let secret = |place: &str| {
        let secret = format!("S3cret-of-the-{place}");
        secrets::know(&secret);
        secret
    };
    let exec = format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1beta1, interactiveMode: Never, command: sh, args: [-c, \
         'echo \"client_secret: {} password={}\" >&2; exit 1', sh, '--client-secret={}', --password, '{}']}}",
        secret("first-line"),
        secret("same-line"),
        secret("argument"),
        secret("next-argument"),
    );
    let url = api
        .url
        .replace("://", &format!("://admin:{}@", secret("server")));
    let kubeconfig = api.folder().join("with-secrets");
    fs::write(&kubeconfig, kubeconfig_text(&url, &authority, &exec)).unwrap();
    let with_secrets = ["--kubeconfig", kubeconfig.to_str().unwrap()];
    for command in [&["get"][..], &["lint", "-o", "github"]] {
        let run = awsauth(&api, "", "", &[command, &with_secrets].concat()).await;
        run.says(3, &["--client-secret=…", "password=…"]);
    }
    let bundle = api.folder().join("bundle.json");
    let header = format!("Authorization: Bearer {}", secret("header"));
    let user = format!("admin:{}", secret("user"));
    let token = format!("--token={}", secret("token"));
    let url = format!("https://u:{}@127.0.0.1:1/", secret("url"));
    for format in ["human", "json"] {
        let args = [
            "doctor",
            "-o",
            format,
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
            "--bundle",
            bundle.to_str().unwrap(),
            "--",
            "sh",
            "-c",
            "exit 1",
            "-u",
            &user,
            "-H",
            &header,
            &token,
            &url,
        ];
        let run = awsauth(&api, "", "", &args).await;
        assert!(run.stdout.contains("--client-secret=…"), "{run:?}");
        assert!(run.stdout.contains("password=…"), "{run:?}");
        secrets::assert_none_in(&fs::read_to_string(&bundle).unwrap());
    }
}
