//! The start and end of a process that does nothing else.

use std::process::Command;

use crate::measure::child_process::timed_run;
use crate::measure::release_binary::Awsauth;
use crate::measure::timing::{heading, interleaved, row, row_at_most};

pub(crate) fn run(awsauth: &Awsauth) {
    let [nothing, version, help] = interleaved(
        400,
        [
            &mut || timed_run(Command::new("/bin/true").env_clear()),
            &mut || timed_run(&mut awsauth.command(["--version"])),
            &mut || timed_run(&mut awsauth.command(["--help"])),
        ],
    );
    heading("Process start");
    row("/bin/true", &nothing);
    row_at_most("awsauth --version", &version, &nothing, Some(2.5));
    row_at_most("awsauth --help", &help, &nothing, None);
}
