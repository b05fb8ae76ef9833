//! A server written in Python, which prints its URL and runs until its standard input closes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use super::python::Packages;

/// A running server. It ends when it is dropped, at the latest with the process.
pub(crate) struct PythonServer {
    process: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
}

impl PythonServer {
    /// Starts a program of `tests/python`, and waits for its URL.
    pub(crate) fn start(packages: Packages, program: &str, args: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python");
        let mut python = packages.python();
        python
            .arg(folder.join(program))
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = python.spawn().expect("python runs");
        let stdout = process.stdout.take().expect("a pipe");
        let mut server = Self {
            process,
            stdout: BufReader::new(stdout),
            url: String::new(),
        };
        server.url = server.line();
        server
    }

    /// Returns the next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("a line");
        assert!(!line.is_empty(), "the server ended");
        line.trim_end().to_owned()
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
