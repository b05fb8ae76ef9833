//! GitHub's limits for lint output, and the files of a workflow step.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::support::program_output;
use crate::support::secrets;

/// Runs lint on a file with this many roles, each of which has an error and a warning.
fn lint(roles: usize, arguments: &[&str], variables: &[(&str, &Path)]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n".to_owned();
    for number in 0..roles {
        text += &format!(
            "    - {{rolearn: 'arn:aws:iam::111122223333:role/p/r{number}', username: u}}\n"
        );
    }
    text += "  mapUsers: |\n    - {userarn: 'arn:aws:iam::111122223333:user/u', username: u, groups: [viewers]}\n";
    fs::write(folder.path().join("aws-auth.yaml"), text).expect("a manifest");
    let mut command = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    command
        .args(["lint", "aws-auth.yaml"])
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    secrets::know_environment(&command);
    let child = command.spawn().expect("the program starts");
    program_output::ended(child)
}

/// Returns the levels of the results, the notifications, and stderr.
fn sarif(roles: usize) -> (Vec<String>, Vec<String>, String) {
    let output = lint(roles, &["-o", "sarif"], &[]);
    let log: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let texts = |at: &str, of: &str| -> Vec<String> {
        let each = log.pointer(at).and_then(Value::as_array);
        let each = each.into_iter().flatten();
        each.map(|each| {
            each.pointer(of)
                .and_then(Value::as_str)
                .expect("text")
                .to_owned()
        })
        .collect()
    };
    (
        texts("/runs/0/results", "/level"),
        texts(
            "/runs/0/invocations/0/toolExecutionNotifications",
            "/message/text",
        ),
        String::from_utf8(output.stderr).expect("text"),
    )
}

#[test]
fn sarif_reports_the_results_that_github_omits() {
    let (levels, message, _) = sarif(2_500);
    assert_eq!(levels.len(), 5_000);
    assert!(!levels.is_sorted(), "in the order of the file");
    assert_eq!(message, [""; 0]);

    let (levels, message, stderr) = sarif(2_501);
    assert_eq!(levels.len(), 5_002);
    assert!(levels.is_sorted(), "errors first");
    assert_eq!(
        message,
        ["GitHub displays 5000 of 5002 results; the most severe come first."]
    );
    assert!(stderr.contains(&message[0]), "{stderr}");

    let (levels, message, stderr) = sarif(12_501);
    assert_eq!(levels.len(), 25_000);
    assert_eq!(
        levels.iter().filter(|level| *level == "error").count(),
        12_501
    );
    assert_eq!(
        message,
        [
            "2 of 25002 results are left out, the least severe ones: GitHub accepts 25000 and displays 5000."
        ]
    );
    assert!(stderr.contains(&message[0]), "{stderr}");
}

#[test]
fn step_files_are_appended_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let (summary, output) = (folder.path().join("summary"), folder.path().join("output"));
    fs::write(&summary, "# before\n").expect("a file");
    fs::write(&output, "before=1\n").expect("a file");
    let variables = [
        ("GITHUB_STEP_SUMMARY", summary.as_path()),
        ("GITHUB_OUTPUT", output.as_path()),
    ];
    let read = |path: &Path| fs::read_to_string(path).expect("text");

    lint(12, &["-o", "json"], &variables);
    assert_eq!(
        read(&summary) + &read(&output),
        "# before\nbefore=1\n",
        "of -o github alone"
    );

    let ran = lint(12, &["-o", "github"], &variables);
    assert_eq!(ran.status.code(), Some(1));
    assert_eq!(read(&output), "before=1\nfindings=24\nerrors=12\n");
    let table = read(&summary);
    assert!(
        table.starts_with("# before\n### awsauth lint\n\nFound 12 errors, 12 warnings.\n\n| |"),
        "{table}"
    );
    let rows: Vec<&str> = table
        .lines()
        .filter(|line| line.contains("aws-auth.yaml"))
        .collect();
    assert_eq!(rows.len(), 24, "{table}");
    assert!(
        rows[..12].iter().all(|row| row.starts_with("| error |")),
        "{table}"
    );

    lint(0, &["-o", "github"], &variables);
    assert!(read(&output).ends_with("findings=0\nerrors=0\n"));
    assert!(read(&summary).ends_with("Nothing found.\n"));
}

/// GitHub drops a summary that exceeds its limit.
#[test]
fn summary_fits_the_github_limit() {
    let folder = tempfile::tempdir().expect("a folder");
    let summary = folder.path().join("summary");
    lint(
        4_000,
        &["-o", "github"],
        &[("GITHUB_STEP_SUMMARY", &summary)],
    );
    let table = fs::read_to_string(&summary).expect("text");
    assert!(table.len() < 1 << 20, "{}", table.len());
    let rows = table
        .lines()
        .filter(|line| line.contains("aws-auth.yaml"))
        .count();
    let more = 8_000 - rows;
    assert!(more > 0);
    assert!(
        table.ends_with(&format!("\n{more} more findings do not fit here.\n")),
        "{rows}"
    );
}

/// An unwritable file is reported and does not change the output.
#[test]
fn unwritable_output_file_is_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let variables = [("GITHUB_OUTPUT", folder.path())];
    let ran = lint(1, &["-o", "github"], &variables);
    let message = String::from_utf8(ran.stderr).expect("text");
    assert!(
        message.contains("The file that GITHUB_OUTPUT names cannot be written: "),
        "{message}"
    );
    assert_eq!(ran.status.code(), Some(1));
}
