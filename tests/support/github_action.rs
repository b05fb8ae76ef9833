//! Reads `action.yml` as the GitHub Actions runner reads a composite action.
//!
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax>

use std::fs;
use std::path::Path;

use serde_json::Value;

pub(crate) struct Action(Value);

/// A step that is ready to run.
pub(crate) struct Step {
    pub(crate) id: Option<String>,
    pub(crate) run: String,
    pub(crate) variables: Vec<(String, String)>,
}

impl Action {
    /// Reads the project's `action.yml`.
    pub(crate) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml");
        let text = fs::read_to_string(path).expect("action.yml");
        Self(serde_yaml::from_str(&text).expect("YAML"))
    }

    pub(crate) fn value(&self) -> &Value {
        &self.0
    }

    /// Returns the steps for these inputs. Expressions may occur only in variables: inside a script, the shell would evaluate their values.
    pub(crate) fn steps(&self, inputs: &[(&str, &str)]) -> Vec<Step> {
        for (name, _) in inputs {
            assert!(self.0["inputs"][name].is_object(), "no input {name}");
        }
        let steps = self.0["runs"]["steps"].as_array().expect("steps");
        let step = |step: &Value| {
            assert_eq!(step["shell"], "bash");
            assert!(step["if"].is_null(), "conditions are the scripts'");
            let run = step["run"].as_str().expect("a script").to_owned();
            assert!(!run.contains("${{"), "{run}");
            let variables = step["env"].as_object().expect("variables");
            let variables = variables.iter().map(|(name, value)| {
                let value = self.resolved(value.as_str().expect("a text"), inputs);
                (name.clone(), value)
            });
            Step {
                id: step["id"].as_str().map(str::to_owned),
                run,
                variables: variables.collect(),
            }
        };
        steps.iter().map(step).collect()
    }

    /// Returns the value of an expression: the input's, or its default.
    fn resolved(&self, expression: &str, inputs: &[(&str, &str)]) -> String {
        match expression {
            "${{ github.action_repository }}" => return "example/awsauth".to_owned(),
            "${{ github.token }}" => return "no-token".to_owned(),
            _ => {}
        }
        let name = expression
            .strip_prefix("${{ inputs.")
            .and_then(|rest| rest.strip_suffix(" }}"))
            .unwrap_or_else(|| panic!("{expression} is not an input"));
        let input = &self.0["inputs"][name];
        assert!(input.is_object(), "no input {name}");
        match inputs.iter().find(|(given, _)| *given == name) {
            Some((_, value)) => (*value).to_owned(),
            None => input["default"].as_str().unwrap_or_default().to_owned(),
        }
    }
}
