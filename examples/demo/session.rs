//! Runs commands on the cluster and prints them with their output.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::cluster_process::{ClusterAccess, RUN, RUN_AND_KEEP};

/// How long the authenticator may take to notice a change to aws-auth.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The user who runs a command.
#[derive(Clone, Copy)]
pub(crate) enum Actor {
    /// The user who created the cluster.
    Creator,
    /// A program on the EC2 instance.
    Instance,
    /// An engineer with an IAM role.
    Engineer,
}

pub(crate) struct Session {
    access: ClusterAccess,
    cluster: Child,
    /// Whether the cluster keeps running after the session.
    is_kept: bool,
}

impl Session {
    /// Starts the process that runs the cluster. It ends with this process, unless `keep` is set.
    pub(crate) fn start(keep: bool) -> Result<Self, String> {
        let cannot = |e: std::io::Error| format!("cannot start the cluster: {e}");
        let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
        command
            .arg(if keep { RUN_AND_KEEP } else { RUN })
            .stdin(if keep { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            // Do not inherit stderr: a kept cluster would keep it open, and the caller may wait for its end.
            .stderr(Stdio::piped())
            // Ctrl-C must reach only the session.
            .process_group(0);
        let mut cluster = command.spawn().map_err(cannot)?;
        let mut line = String::new();
        if let Some(stdout) = cluster.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(cannot)?;
        }
        let Ok(access) = serde_json::from_str(&line) else {
            let mut reason = String::new();
            if let Some(mut stderr) = cluster.stderr.take() {
                stderr.read_to_string(&mut reason).map_err(cannot)?;
            }
            let _ = cluster.wait();
            return Err(reason);
        };
        Ok(Self {
            access,
            cluster,
            is_kept: false,
        })
    }

    /// Prints a comment, after an empty line.
    pub(crate) fn comment(&self, text: &str) {
        println!();
        for line in text.lines() {
            println!("# {line}");
        }
    }

    /// Runs a command, prints it with its output, and checks its exit status.
    pub(crate) fn run(&self, actor: Actor, line: &str, status: i32) -> Result<(), String> {
        println!("{}$ {line}", actor.name());
        let done = self.output(actor, line)?;
        print!("{}", String::from_utf8_lossy(&done.stdout));
        print!("{}", String::from_utf8_lossy(&done.stderr));
        if done.status.code() == Some(status) {
            return Ok(());
        }
        Err(format!(
            "the demo cannot continue: the last command ended with {}, not {status}",
            done.status
        ))
    }

    /// Repeats a command until it ends with this status.
    pub(crate) fn wait_for(&self, actor: Actor, line: &str, status: i32) -> Result<(), String> {
        let begun = Instant::now();
        while self.output(actor, line)?.status.code() != Some(status) {
            if begun.elapsed() > TIMEOUT {
                return Err(format!(
                    "the demo cannot continue: `{line}` never ends with {status}"
                ));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn output(&self, actor: Actor, line: &str) -> Result<Output, String> {
        let script = match actor {
            Actor::Creator => &self.access.creator,
            Actor::Instance => &self.access.instance,
            Actor::Engineer => &self.access.engineer,
        };
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().stdin(Stdio::null());
        shell.args(["-c", &format!(". '{}'\n{line}", script.display())]);
        shell
            .output()
            .map_err(|e| format!("cannot run {line}: {e}"))
    }

    /// Leaves the cluster running, and prints how to use it and how to end it.
    pub(crate) fn keep_cluster(mut self) {
        self.is_kept = true;
        let ClusterAccess {
            pid,
            kubeconfig,
            creator,
            instance,
            engineer,
        } = &self.access;
        println!("\n# The cluster keeps running. To use it as its creator:");
        println!("export KUBECONFIG={}", kubeconfig.display());
        println!(
            "# Or load an environment with awsauth and kubectl on its PATH: the creator's, the instance's, or that of an engineer\n\
             # with AWS credentials and without a kubeconfig:"
        );
        println!(". {}", creator.display());
        println!(". {}", instance.display());
        println!(". {}", engineer.display());
        println!("# To stop it and remove all its files:");
        println!("kill {pid}");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // The process ends when its stdin closes or when it is killed. The servers end with it.
        if self.cluster.stdin.take().is_none() {
            let _ = self.cluster.kill();
        }
        let _ = self.cluster.wait();
    }
}

impl Actor {
    fn name(self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::Instance => "instance",
            Self::Engineer => "engineer",
        }
    }
}
