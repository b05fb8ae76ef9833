//! API servers whose responses do not end.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread::{self, JoinHandle};

use awsauth_kube::request_error::Fault;
use awsauth_kube::{Environment, ErrorKind, Flags, connect};
use tokio::time::{Duration, Instant};

const MIB: usize = 1 << 20;

/// Starts a server that sends this start of a response, and then chunks of one byte repeated until the client closes the
/// connection. Returns the number of bytes.
fn endless(status: &'static str, byte: u8) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let _ = stream.write_all(head.as_bytes());
        let chunk = [b"10000\r\n", [byte; 0x10000].as_slice(), b"\r\n"].concat();
        let mut sent = 0;
        while stream.write_all(&chunk).is_ok() {
            sent += 0x10000;
        }
        sent
    });
    (url, server)
}

#[tokio::test(flavor = "multi_thread")]
async fn response_is_read_up_to_a_limit() {
    for (path, status, limit) in [
        (
            "/api/v1/namespaces/kube-system/configmaps/aws-auth",
            "200 OK",
            8,
        ),
        (
            "/api/v1/namespaces/kube-system/configmaps/aws-auth",
            "403 Forbidden",
            8,
        ),
        (
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            "200 OK",
            32,
        ),
    ] {
        let (url, server) = endless(status, b' ');
        let flags = Flags {
            server: Some(url.clone()),
            kubeconfig: Some("/dev/null".into()),
            ..Flags::default()
        };
        let client = connect(&flags, &Environment::default()).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        let fault = client
            .get::<serde_json::Value>(path, deadline)
            .await
            .unwrap_err();
        assert!(matches!(fault, Fault::ResponseTooLong(..)), "{fault:?}");
        let error = client.failed("get", fault);
        assert_eq!(
            error.to_string(),
            format!("{url} sent more than {limit} MiB")
        );
        assert_eq!(error.kind(), ErrorKind::Unreachable);
        assert_eq!(client.requests(), 1);
        drop(client);
        let sent = server.join().unwrap();
        assert!((limit * MIB..(limit + 8) * MIB).contains(&sent), "{sent}");
    }
}
