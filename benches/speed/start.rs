//! From exec to exit with nothing to do.

use std::process::Command;

use crate::measure::{heading, in_turns, row, row_over};
use crate::program::{Awsauth, timed_run};

pub(crate) fn run(awsauth: &Awsauth) {
    let [nothing, version, help] = in_turns(
        400,
        [
            &mut || timed_run(Command::new("/bin/true").env_clear()),
            &mut || timed_run(&mut awsauth.command(["--version"])),
            &mut || timed_run(&mut awsauth.command(["--help"])),
        ],
    );
    heading("Process start");
    row("/bin/true", &nothing);
    row_over("awsauth --version", &version, &nothing, Some(2.5));
    row_over("awsauth --help", &help, &nothing, None);
}
