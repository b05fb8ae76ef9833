//! The SARIF output that the cases of lint record, and the schema of OASIS.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::support::completed_run::Run;
use crate::support::python::Packages;

#[test]
fn recorded_sarif_matches_the_schema() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/lint");
    let mut logs: Vec<Value> = Vec::new();
    for case in fs::read_dir(folder).expect("the cases") {
        let case = case.expect("a case").path();
        let line = fs::read_to_string(case.join("cmd")).expect("cmd");
        if line.contains("-o sarif") && !line.contains("--fix") {
            let text = fs::read_to_string(case.join("stdout")).expect("stdout");
            logs.push(serde_json::from_str(&text).expect("JSON"));
        }
    }
    assert!(logs.len() > 3, "{}", logs.len());
    let broken = logs.iter().map(|log| {
        let mut broken = log.clone();
        broken["runs"][0]["results"][0]["level"] = "fatal".into();
        broken
    });
    let errors = errors(&logs);
    assert_eq!(errors, vec![Value::Null; logs.len()]);
    for error in self::errors(&broken.collect::<Vec<_>>()) {
        let error = error.as_str().expect("the schema finds the mistake");
        assert!(error.contains("level"), "{error}");
    }
}

/// Returns the first error in each log; null if it is valid.
fn errors(logs: &[Value]) -> Vec<Value> {
    let mut python = Packages::JsonSchema.python();
    python
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/python/validate_json.py"
        ))
        .arg(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/data/sarif-schema/sarif-2.1.0.json"
        ))
        .env("PYTHONIOENCODING", "utf-8")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = python.spawn().expect("Python");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = json!(logs).to_string();
    stdin.write_all(input.as_bytes()).expect("Python reads");
    drop(stdin);
    let run = Run::ended(child);
    assert_eq!(run.status, 0, "{}", run.stderr);
    run.json().as_array().expect("a list").clone()
}
