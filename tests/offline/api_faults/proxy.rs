//! Connections with and without a proxy.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use awsauth_kube::{Environment, Flags, connect};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::api_faults::tls::Authority;
use crate::api_faults::{read, refused, with_kubeconfig};

/// A proxy that forwards and counts connections. It supports CONNECT and SOCKS 5.
pub(crate) struct Proxy {
    url: String,
    passed: Arc<AtomicU32>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    async fn start() -> Self {
        Self::start_with(None).await
    }

    /// Starts a proxy that connects to this server, whichever server the client names.
    pub(crate) async fn to(server: &str) -> Self {
        Self::start_with(Some(server.to_owned())).await
    }

    async fn start_with(fixed: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = listener.local_addr().unwrap().to_string();
        let passed = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&passed);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, fixed.clone(), Arc::clone(&counter)));
            }
        });
        Self {
            url,
            passed,
            accepting,
        }
    }

    /// Returns the line of a kubeconfig that selects this proxy.
    pub(crate) fn line(&self) -> String {
        format!("proxy-url: 'http://me:p%40ss@{}'", self.url)
    }
}

async fn pass(mut client: TcpStream, fixed: Option<String>, counter: Arc<AtomicU32>) -> Option<()> {
    let first = client.read_u8().await.ok()?;
    let mut server = if first == 5 {
        let mut methods = vec![0; client.read_u8().await.ok()?.into()];
        client.read_exact(&mut methods).await.ok()?;
        client.write_all(&[5, 0]).await.ok()?;
        // Version, CONNECT, reserved, IPv4, address, port.
        let mut request = [0; 10];
        client.read_exact(&mut request).await.ok()?;
        let address = std::net::IpAddr::from(<[u8; 4]>::try_from(&request[4..8]).ok()?);
        let server = TcpStream::connect((address, u16::from_be_bytes([request[8], request[9]])))
            .await
            .ok()?;
        client
            .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
            .await
            .ok()?;
        server
    } else {
        let mut head = vec![first];
        while !head.ends_with(b"\r\n\r\n") {
            head.push(client.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).ok()?;
        if !head.contains("Proxy-Authorization: Basic bWU6cEBzcw==\r\n") {
            client
                .write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                .await
                .ok()?;
            return None;
        }
        let named = head.split(' ').nth(1)?;
        let server = TcpStream::connect(fixed.as_deref().unwrap_or(named))
            .await
            .ok()?;
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
        server
    };
    counter.fetch_add(1, Ordering::Relaxed);
    copy_bidirectional(&mut client, &mut server)
        .await
        .ok()
        .map(drop)
}

#[tokio::test]
async fn kubeconfig_proxy_is_used_and_environment_proxy_skips_loopback() {
    let authority = Authority::new();
    let api = authority.serve(&["127.0.0.1"], 2099).await;
    let proxy = Proxy::start().await;
    let trust = authority.line(&api);
    for scheme in ["http://me:p%40ss@", "socks5://"] {
        let before = proxy.passed.load(Ordering::Relaxed);
        let through = format!("{trust}\nproxy-url: '{scheme}{}'", proxy.url);
        let flags = with_kubeconfig(api.kubeconfig(&through, ""));
        let environment = Environment {
            no_proxy: Some("*".into()),
            ..Environment::default()
        };
        read(&connect(&flags, &environment).await.unwrap())
            .await
            .unwrap();
        assert_eq!(proxy.passed.load(Ordering::Relaxed), before + 1, "{scheme}");
    }
    let environment = Environment {
        https_proxy: Some(format!("http://{}", proxy.url)),
        ..Environment::default()
    };
    let flags = with_kubeconfig(api.kubeconfig(&trust, ""));
    read(&connect(&flags, &environment).await.unwrap())
        .await
        .unwrap();
    assert_eq!(proxy.passed.load(Ordering::Relaxed), 2);
    // For other hosts, the proxy of the environment is used. This one requires a password.
    let flags = Flags {
        server: Some("https://api.example.com".into()),
        ..flags
    };
    let error = read(&connect(&flags, &environment).await.unwrap())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the proxy http://{}/ does not connect to the API server",
            proxy.url
        )
    );
    assert_eq!(
        error.source().unwrap().to_string(),
        "tunnel error: proxy authorization required"
    );
    let refusing = Environment {
        https_proxy: Some("ftp://proxy".into()),
        ..Environment::default()
    };
    assert_eq!(
        refused(&flags, &refusing).await.to_string(),
        "the proxy \"ftp://proxy\" is not an http, https or socks5 URL"
    );
}
