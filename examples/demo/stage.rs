//! Where the story happens, and how its lines are told.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::holder::{HOLD, HOLD_ON, Held};

/// How long a change of aws-auth may take until the authenticator has it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who types a command.
#[derive(Clone, Copy)]
pub(crate) enum Place {
    /// At the desk of whoever created the cluster.
    Creator,
    /// On the EC2 instance.
    Instance,
}

pub(crate) struct Stage {
    held: Held,
    holder: Child,
    /// Whether the cluster is to stay.
    is_left: bool,
}

impl Stage {
    /// Starts the process that holds the cluster. It ends with ours, unless it is told to hold on.
    pub(crate) fn set(keep: bool) -> Result<Self, String> {
        let cannot = |e: std::io::Error| format!("cannot start the cluster: {e}");
        let mut command = Command::new(std::env::current_exe().map_err(cannot)?);
        command
            .arg(if keep { HOLD_ON } else { HOLD })
            .stdin(if keep { Stdio::null() } else { Stdio::piped() })
            .stdout(Stdio::piped())
            // Not ours: a cluster that stays would keep it open, and somebody may wait for its end.
            .stderr(Stdio::piped())
            // Ctrl-C is for the teller.
            .process_group(0);
        let mut holder = command.spawn().map_err(cannot)?;
        let mut line = String::new();
        if let Some(stdout) = holder.stdout.take() {
            BufReader::new(stdout)
                .read_line(&mut line)
                .map_err(cannot)?;
        }
        let Ok(held) = serde_json::from_str(&line) else {
            let mut reason = String::new();
            if let Some(mut stderr) = holder.stderr.take() {
                stderr.read_to_string(&mut reason).map_err(cannot)?;
            }
            let _ = holder.wait();
            return Err(reason);
        };
        Ok(Self {
            held,
            holder,
            is_left: false,
        })
    }

    /// A line of the story.
    pub(crate) fn say(&self, line: &str) {
        println!("\n# {line}");
    }

    /// The rest of a long one.
    pub(crate) fn go_on(&self, line: &str) {
        println!("# {line}");
    }

    /// Types a command and shows what it says; it must end with this status.
    pub(crate) fn type_(&self, place: Place, line: &str, status: i32) -> Result<(), String> {
        println!("{}$ {line}", place.name());
        let done = self.run(place, line)?;
        print!("{}", String::from_utf8_lossy(&done.stdout));
        print!("{}", String::from_utf8_lossy(&done.stderr));
        if done.status.code() == Some(status) {
            return Ok(());
        }
        Err(format!(
            "the story does not go on: that ended with {}, not {status}",
            done.status
        ))
    }

    /// Waits until a command ends with this status.
    pub(crate) fn wait(&self, place: Place, line: &str, status: i32) -> Result<(), String> {
        let begun = Instant::now();
        while self.run(place, line)?.status.code() != Some(status) {
            if begun.elapsed() > PATIENCE {
                return Err(format!(
                    "the story does not go on: {line} never ends with {status}"
                ));
            }
            sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn run(&self, place: Place, line: &str) -> Result<Output, String> {
        let script = self.script(place).display();
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().stdin(Stdio::null());
        shell.args(["-c", &format!(". '{script}'\n{line}")]);
        shell
            .output()
            .map_err(|e| format!("cannot run {line}: {e}"))
    }

    fn script(&self, place: Place) -> &Path {
        match place {
            Place::Creator => &self.held.creator,
            Place::Instance => &self.held.instance,
        }
    }

    /// Says how to use what stays behind.
    pub(crate) fn leave(mut self) {
        self.is_left = true;
        let Held {
            pid,
            kubeconfig,
            creator,
            instance,
        } = &self.held;
        println!("\n# The cluster keeps running. Use it as its creator,");
        println!("export KUBECONFIG={}", kubeconfig.display());
        println!(
            "# or in a shell that also has the programs in its PATH, as the creator or on the instance:"
        );
        println!(". {}", creator.display());
        println!(". {}", instance.display());
        println!("# To end it and remove all its files:");
        println!("kill {pid}");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if self.is_left {
            return;
        }
        // Either ends it; what it holds ends with it.
        if self.holder.stdin.take().is_none() {
            let _ = self.holder.kill();
        }
        let _ = self.holder.wait();
    }
}

impl Place {
    fn name(self) -> &'static str {
        match self {
            Self::Creator => "creator",
            Self::Instance => "instance",
        }
    }
}
