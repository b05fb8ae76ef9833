//! The SARIF output that the cases record.

use std::fs;

use awsauth_core::lint::{Facts, Selection, lint};
use awsauth_core::manifest::Manifest;
use serde_json::Value;

use super::cases;

/// Returns the output of `lint -o sarif` in each case that uses it, with the case's folder.
fn logs() -> Vec<(std::path::PathBuf, Value)> {
    let logs = cases().into_iter().filter_map(|case| {
        let line = fs::read_to_string(case.join("cmd")).expect("cmd");
        let log = (line.contains("-o sarif") && !line.contains("--fix")).then(|| {
            let text = fs::read_to_string(case.join("stdout")).expect("stdout");
            serde_json::from_str(&text).expect("JSON")
        })?;
        Some((case, log))
    });
    logs.collect()
}

#[test]
fn result_fingerprints_are_unique() {
    for (case, log) in logs() {
        let results = log["runs"][0]["results"].as_array().expect("results");
        let mut prints: Vec<&Value> = results
            .iter()
            .map(|result| &result["partialFingerprints"]["awsauth/v1"])
            .collect();
        prints.sort_by_key(|print| print.as_str());
        let all = prints.len();
        prints.dedup();
        assert_eq!(prints.len(), all, "{}", case.display());
    }
}

/// When a fix of a log is applied to the file, its finding disappears.
#[test]
fn applied_sarif_fix_removes_the_finding() {
    let mut tried = 0;
    for (case, log) in logs() {
        for result in log["runs"][0]["results"].as_array().expect("results") {
            let Some(change) = result.pointer("/fixes/0/artifactChanges/0") else {
                continue;
            };
            let uri = change["artifactLocation"]["uri"].as_str().expect("a path");
            let path = case.join(uri.replace("%20", " "));
            let Ok(text) =
                fs::read_to_string(&path).or_else(|_| fs::read_to_string(case.join("stdin")))
            else {
                panic!("{}", path.display());
            };
            let id = result["ruleId"].as_str().expect("an id");
            let before = count(&text, id);
            assert!(before > 0, "{id} in {}", path.display());
            let mut fixed = text.clone();
            for replacement in change["replacements"]
                .as_array()
                .expect("replacements")
                .iter()
                .rev()
            {
                let region = &replacement["deletedRegion"];
                let start = offset(&fixed, region, "start");
                let end = offset(&fixed, region, "end");
                let by = replacement["insertedContent"]["text"]
                    .as_str()
                    .expect("text");
                fixed.replace_range(start..end, by);
            }
            assert_eq!(count(&fixed, id), before - 1, "{id}: {fixed}");
            tried += 1;
        }
    }
    assert!(tried > 1, "{tried}");
}

fn count(text: &str, id: &str) -> usize {
    let manifest = Manifest::parse(text).expect("a manifest");
    let document = awsauth_core::document::Document::read(manifest.data());
    let report = lint(
        manifest.data(),
        &document,
        &Facts::default(),
        &Selection::default(),
    );
    let of_rule = report
        .findings
        .iter()
        .filter(|finding| finding.rule.id == id);
    of_rule.count()
}

fn offset(text: &str, region: &Value, which: &str) -> usize {
    let number =
        |key: String| usize::try_from(region[key].as_u64().expect("a number")).expect("small");
    let (line, column) = (
        number(format!("{which}Line")),
        number(format!("{which}Column")),
    );
    let before: usize = text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let within: usize = text[before..]
        .chars()
        .take(column - 1)
        .map(char::len_utf8)
        .sum();
    before + within
}
