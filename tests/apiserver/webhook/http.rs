//! The HTTP interface of the webhook: reviews, invalid requests, and response times.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};

use crate::webhook::harness::{ADMIN, DENIED, DEV, Harness, NODE, configmap};

const PATH: &str = "/admit/aws-auth";

/// A connection to the webhook.
struct Connection(StreamOwned<ClientConnection, TcpStream>);

struct Response {
    status: u16,
    body: String,
}

/// Returns a configuration that trusts the CA of the ValidatingWebhookConfiguration.
fn client_config(harness: &Harness) -> Arc<ClientConfig> {
    let path = "jsonpath={.data.ca\\.crt}";
    let authority = harness.cluster.kubectl(&[
        "get",
        "secret",
        "awsauth-controller-webhook-tls",
        "-n",
        "kube-system",
        "-o",
        path,
    ]);
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(&BASE64_STANDARD.decode(authority).unwrap()) {
        roots.add(authority.unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

impl Connection {
    fn open(harness: &Harness) -> Self {
        Self::connect(harness, client_config(harness))
    }

    fn connect(harness: &Harness, config: Arc<ClientConfig>) -> Self {
        let name = ServerName::try_from("awsauth-controller.kube-system.svc").unwrap();
        let stream = TcpStream::connect(("127.0.0.1", harness.controller.webhook)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        Self(StreamOwned::new(
            ClientConnection::new(config, name).unwrap(),
            stream,
        ))
    }

    /// Completes the TLS handshake and sends no request.
    fn complete_handshake(&mut self) {
        while self.0.conn.is_handshaking() {
            self.0.conn.complete_io(&mut self.0.sock).unwrap();
        }
    }

    fn send(&mut self, method: &str, path: &str, form: &str, body: &str) -> Response {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: awsauth-controller.kube-system.svc\r\ncontent-type: {form}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        self.0.write_all(request.as_bytes()).unwrap();
        self.0.flush().unwrap();
        self.answer()
    }

    fn answer(&mut self) -> Response {
        let mut seen = Vec::new();
        let head = loop {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            seen.push(byte[0]);
            if seen.ends_with(b"\r\n\r\n") {
                break String::from_utf8(seen).unwrap().to_ascii_lowercase();
            }
        };
        let length = head.split_once("content-length: ").unwrap().1;
        let length: usize = length.split_once("\r\n").unwrap().0.parse().unwrap();
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        Response {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            body: String::from_utf8(body).unwrap(),
        }
    }

    fn review(&mut self, review: &Value) -> Value {
        let answer = self.send("POST", PATH, "application/json", &review.to_string());
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(answer["kind"], "AdmissionReview");
        assert_eq!(answer["apiVersion"], "admission.k8s.io/v1");
        assert_eq!(answer["response"]["uid"], review["request"]["uid"]);
        answer["response"].clone()
    }
}

fn review(before: Option<Value>, after: Option<Value>, operation: &str) -> Value {
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "ConfigMap"},
            "resource": {"group": "", "version": "v1", "resource": "configmaps"},
            // As in a deletecollection: only the object contains the name.
            "namespace": "kube-system",
            "operation": operation,
            "userInfo": {"username": "somebody", "groups": ["system:authenticated"]},
            "object": after,
            "oldObject": before,
            "dryRun": false,
            "options": {"kind": "UpdateOptions", "apiVersion": "meta.k8s.io/v1", "fieldManager": "kubectl-replace"},
        },
    })
}

fn with(roles: &[&str]) -> Option<Value> {
    Some(configmap(&roles.concat(), &json!({})))
}

#[test]
fn every_request_gets_a_response() {
    let harness = Harness::start();
    let mut connection = Connection::open(&harness);

    let denied = connection.review(&review(with(&[NODE, ADMIN]), with(&[ADMIN]), "UPDATE"));
    assert_eq!(denied["allowed"], false);
    assert_eq!(denied["status"]["code"], 403);
    assert_eq!(denied["status"]["reason"], "Forbidden");
    assert_eq!(denied["auditAnnotations"]["verdict"], "denied");
    assert!(
        denied["auditAnnotations"]["refused"]
            .as_str()
            .unwrap()
            .starts_with("node-guard: nodes sign in")
    );
    assert_eq!(
        connection.review(&review(with(&[NODE]), None, "DELETE"))["allowed"],
        false
    );

    let mut through = review(with(&[NODE, ADMIN]), with(&[ADMIN]), "UPDATE");
    through["request"]["object"]["metadata"]["annotations"]["awsauth.dev/break-glass"] =
        json!("fire");
    let through = connection.review(&through);
    assert_eq!(through["allowed"], true);
    assert_eq!(through["auditAnnotations"]["verdict"], "break-glass");
    assert_eq!(through["auditAnnotations"]["why"], "fire");
    assert!(
        through["warnings"][0]
            .as_str()
            .unwrap()
            .starts_with("allowed by an awsauth exemption (node-guard)")
    );

    let fine = connection.review(&review(with(&[NODE]), with(&[NODE, DEV]), "UPDATE"));
    assert_eq!(fine["allowed"], true);
    assert_eq!(fine["warnings"], Value::Null);

    // Objects other than aws-auth, in case the webhook's rules are too wide.
    for change in [
        |it: &mut Value| it["oldObject"]["metadata"]["name"] = json!("another"),
        |it: &mut Value| it["oldObject"]["metadata"]["namespace"] = json!("default"),
        |it: &mut Value| it["kind"]["kind"] = json!("Secret"),
        |it: &mut Value| it["oldObject"] = Value::Null,
    ] {
        let mut other = review(with(&[NODE]), None, "DELETE");
        change(&mut other["request"]);
        assert_eq!(connection.review(&other)["allowed"], true);
    }
    assert_eq!(harness.controller.reviews("other"), 4.0);

    // Bodies that are not an AdmissionReview.
    let good = review(with(&[NODE]), with(&[NODE, DEV]), "UPDATE").to_string();
    for (method, path, form, body, status) in [
        ("GET", PATH, "application/json", "", 405),
        ("POST", "/", "application/json", good.as_str(), 404),
        ("POST", PATH, "application/yaml", &good, 415),
        ("POST", PATH, "application/json", "{", 400),
        ("POST", PATH, "application/json", "[]", 400),
        (
            "POST",
            PATH,
            "application/json",
            &good.replace("k8s.io/v1\"", "k8s.io/v1beta1\""),
            400,
        ),
        (
            "POST",
            PATH,
            "application/json",
            &good.replace("\"request\"", "\"response_\""),
            400,
        ),
    ] {
        let answer = connection.send(method, path, form, body);
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
        assert!(!answer.body.trim().is_empty());
    }
    assert!(harness.controller.reviews("invalid") >= 7.0);
    // The connection still works.
    connection.review(&review(with(&[NODE]), with(&[NODE, DEV]), "UPDATE"));

    // An oversized request is rejected before all of it arrives, and a body that does not arrive times out.
    let mut large = Connection::open(&harness);
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 900000000\r\n\r\n"
    );
    large.0.write_all(head.as_bytes()).unwrap();
    large.0.flush().unwrap();
    assert_eq!(large.answer().status, 413);
    let mut slow = Connection::open(&harness);
    slow.0
        .write_all(head.replace("900000000", "900").as_bytes())
        .unwrap();
    slow.0.flush().unwrap();
    // `Connection` itself stops waiting after 10 s.
    assert_eq!(slow.answer().status, 408);
}

#[test]
fn idle_connections_do_not_block_reviews() {
    let harness = Harness::start();
    let client_config = client_config(&harness);
    let asked = review(with(&[NODE]), with(&[NODE, DEV]), "UPDATE");
    // More connections than the limit. Each may stay idle longer than the API server waits.
    let mut idle = Vec::new();
    let mut silent = Vec::new();
    for number in 0..150 {
        let mut connection = Connection::connect(&harness, Arc::clone(&client_config));
        connection.complete_handshake();
        if number % 3 == 0 {
            connection.review(&asked);
        }
        idle.push(connection);
        silent.push(TcpStream::connect(("127.0.0.1", harness.controller.webhook)).unwrap());
    }
    // The API server gets a response, too, although its own idle connection was closed.
    let denied = harness.replace(&[ADMIN], None);
    denied.says(1, &[DENIED]);
    let mut connection = Connection::connect(&harness, client_config);
    assert_eq!(connection.review(&asked)["allowed"], true);
}

#[test]
fn review_is_answered_before_the_webhook_timeout() {
    let harness = Harness::start();
    let mut connection = Connection::open(&harness);
    let many: String = (0..2000)
        .map(|n| {
            DEV.replace("/dev", &format!("/dev{n}"))
                .replace("username: dev", &format!("username: dev{n}"))
        })
        .collect();
    for (what, before, after, times) in [
        ("3 entries", vec![NODE, ADMIN], vec![NODE, ADMIN, DEV], 300),
        (
            "2003 entries",
            vec![NODE, ADMIN, &many],
            vec![NODE, ADMIN, &many, DEV],
            20,
        ),
    ] {
        let asked = review(with(&before), with(&after), "UPDATE");
        let mut took = Vec::new();
        for _ in 0..10 * times {
            let begun = Instant::now();
            let answer = connection.send("POST", PATH, "application/json", &asked.to_string());
            if answer.status == 408 {
                // On a busy machine, the request body can arrive too late for the webhook.
                connection = Connection::open(&harness);
                continue;
            }
            took.push(begun.elapsed());
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert!(answer.body.contains("\"allowed\":true"), "{}", answer.body);
            if took.len() == times {
                break;
            }
        }
        assert_eq!(took.len(), times, "{what}: too many requests timed out");
        took.sort_unstable();
        let (fastest, p50, p99) = (took[0], took[times / 2], took[times * 99 / 100]);
        println!("a review of {what}: p50 {p50:?}, p99 {p99:?}");
        // The fastest response: other load on the machine slows the others.
        assert!(fastest < Duration::from_millis(1500), "{what}: {fastest:?}");
    }
}
