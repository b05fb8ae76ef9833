//! HTTP without TLS, to servers on this machine.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(180);

/// Sends one request to `http://HOST:PORT` and returns the status and the body of the response.
pub(crate) fn ask(server: &str, method: &str, path: &str, body: &str) -> io::Result<(u16, String)> {
    let address = server.trim_start_matches("http://");
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    // After a request of HTTP/1.0, the server closes the connection.
    write!(
        connection,
        "{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    let mut response = String::new();
    connection.read_to_string(&mut response)?;
    let malformed = || io::Error::other(format!("{method} {server}{path}: {response}"));
    let (head, content) = response.split_once("\r\n\r\n").ok_or_else(malformed)?;
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Ok((status.ok_or_else(malformed)?, content.to_owned()))
}
