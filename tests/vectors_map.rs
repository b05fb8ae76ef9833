//! Recorded answers of aws-iam-authenticator 0.7.10, in `tests/vectors`.

use awsauth::arn::canonical;
use serde_json::Value;

fn vectors(text: &str) -> impl Iterator<Item = Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("a vector is JSON"))
}

#[test]
fn arns_are_canonicalised_as_recorded() {
    let mut seen = 0;
    for vector in vectors(include_str!("vectors/arn.jsonl")) {
        let arn = vector["arn"].as_str().expect("an arn");
        match canonical(arn) {
            Ok(canonical) => {
                assert_eq!(vector["canonical"], canonical.arn, "{arn}");
                assert_eq!(vector["kind"], canonical.kind.name(), "{arn}");
            }
            Err(error) => assert_eq!(vector["error"], error.to_string(), "{arn}"),
        }
        seen += 1;
    }
    assert_eq!(seen, 71);
}
