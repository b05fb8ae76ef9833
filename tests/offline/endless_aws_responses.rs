//! Services of AWS whose responses do not end: each is read up to a limit.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha1::{Digest, Sha1};

use crate::support::completed_run::Run;
use crate::support::environment::Environment;

const START_URL: &str = "https://d-1234567890.awsapps.com/start";

/// Starts a server that sends chunks until the client closes the connection. Returns its URL, and the bytes of its longest response.
fn endless() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let longest = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&longest);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, longest) = (stream.expect("a connection"), Arc::clone(&counted));
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4096]);
                let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
                let _ = stream.write_all(head.as_bytes());
                let chunk = [b"10000\r\n", [b' '; 0x10000].as_slice(), b"\r\n"].concat();
                let mut sent = 0;
                while stream.write_all(&chunk).is_ok() {
                    sent += 0x10000;
                    longest.fetch_max(sent, Ordering::Relaxed);
                }
            });
        }
    });
    (url, longest)
}

/// Starts an IAM whose list of roles has no end. Returns its URL, and the number of pages that it sent.
fn endless_list() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    let pages = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&pages);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.expect("a connection"));
            let (mut line, mut length) = (String::new(), 0);
            while stream.read_line(&mut line).expect("a line") > 2 {
                let header = line.to_ascii_lowercase();
                if let Some(value) = header.strip_prefix("content-length:") {
                    length = value.trim().parse().expect("a number");
                }
                line.clear();
            }
            stream.read_exact(&mut vec![0; length]).expect("a body");
            let page = counted.fetch_add(1, Ordering::Relaxed);
            let body = format!(
                "<ListRolesResponse><ListRolesResult><IsTruncated>true</IsTruncated><Roles></Roles>\
                 <Marker>{page}</Marker></ListRolesResult></ListRolesResponse>"
            );
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream
                .get_mut()
                .write_all((head + &body).as_bytes())
                .expect("the client reads");
        }
    });
    (url, pages)
}

#[test]
fn list_of_roles_is_read_up_to_a_limit() {
    let home = tempfile::tempdir().unwrap();
    let manifest = home.path().join("aws-auth.yaml");
    fs::write(&manifest, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: \"\"\n").unwrap();
    let (url, pages) = endless_list();
    let environment = Environment::new(home.path())
        .with("AWS_EC2_METADATA_DISABLED", "true")
        .with("AWS_ENDPOINT_URL_IAM", &url)
        .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIexample");
    let mut command = environment.command(Path::new(env!("CARGO_BIN_EXE_awsauth")));
    let map = ["map", "sso", "Admin", "--username", "a", "--file"];
    let run = Run::of(command.args(map).arg(&manifest));
    assert_ne!(run.status, 0, "{run:?}");
    assert!(
        run.stderr.contains("a list has more than 200 pages"),
        "{run:?}"
    );
    assert_eq!(pages.load(Ordering::Relaxed), 200);
}

#[test]
fn response_of_each_service_is_read_up_to_a_limit() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join(".aws/sso/cache");
    fs::create_dir_all(&folder).unwrap();
    let token = json!({
        "startUrl": START_URL,
        "region": "us-east-1",
        "accessToken": "access-1",
        "expiresAt": (Timestamp::now() + SignedDuration::from_hours(1)).to_string(),
    });
    let name: String = Sha1::digest("company")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    fs::write(folder.join(format!("{name}.json")), token.to_string()).unwrap();
    let config = format!(
        "[profile sso]\nsso_session = company\nsso_account_id = 111122223333\nsso_role_name = Admin\n\n\
         [sso-session company]\nsso_start_url = {START_URL}\nsso_region = us-east-1\n"
    );
    fs::write(home.path().join(".aws/config"), config).unwrap();
    let manifest = home.path().join("aws-auth.yaml");
    fs::write(&manifest, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: \"\"\n").unwrap();
    let manifest = manifest.display().to_string();
    let cluster = ["--cluster-name", "prod", "--region", "eu-west-1"];
    let cases: [(&str, Vec<&str>); 4] = [
        ("STS", vec!["whoami", "--region", "eu-west-1"]),
        ("EKS", [&["kubeconfig"], &cluster[..]].concat()),
        (
            "SSO",
            [&["token", "--profile", "sso"], &cluster[..]].concat(),
        ),
        (
            "IAM",
            vec![
                "map",
                "sso",
                "Admin",
                "--username",
                "a",
                "--file",
                &manifest,
            ],
        ),
    ];
    for (service, args) in cases {
        let (url, longest) = endless();
        let mut environment = Environment::new(home.path())
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with(&format!("AWS_ENDPOINT_URL_{service}"), &url);
        if service != "SSO" {
            environment = environment
                .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
                .with("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIexample");
        }
        let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
        let run = Run::of(
            command
                .env_clear()
                .envs(environment.variables())
                .args(&args),
        );
        assert_ne!(run.status, 0, "{service}: {}", run.stdout);
        let says_limit = run.stderr.contains("127.0.0.1 sent more than 8 MiB");
        assert!(says_limit, "{service}: {}", run.stderr);
        let longest = longest.load(Ordering::Relaxed) >> 20;
        assert!((8..16).contains(&longest), "{service}: {longest} MiB");
    }
}
