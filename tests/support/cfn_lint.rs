//! cfn-lint, which checks CloudFormation templates against the schemas of the resources.

use std::io::Write;
use std::process::Stdio;

use super::completed_run::Run;
use super::python::Packages;

/// Returns what cfn-lint reports about a template, one line for each error and warning.
pub(crate) fn cfn_lint(template: &str) -> String {
    let mut python = Packages::CfnLint.python();
    let program = "import sys, cfnlint.runner; sys.exit(cfnlint.runner.main())";
    python.args([
        "-c",
        program,
        "--format",
        "parseable",
        "--regions",
        "us-east-1",
    ]);
    python
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = python.spawn().expect("Python");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin
        .write_all(template.as_bytes())
        .expect("cfn-lint reads");
    drop(stdin);
    let run = Run::ended(child);
    assert_eq!(run.stderr, "", "{run:?}");
    assert_eq!(run.status == 0, run.stdout.is_empty(), "{run:?}");
    run.stdout
}
