//! Questions about a permission, in the syntax of `kubectl auth can-i`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A permission to check, in the syntax of `kubectl auth can-i`:
/// `VERB TYPE[.GROUP][/NAME] [--subresource NAME] [-n NAMESPACE | -A]`, or `VERB /PATH`.
/// <https://kubernetes.io/docs/reference/kubectl/generated/kubectl_auth/kubectl_auth_can-i/>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The verb, or `*` for all.
    pub verb: String,
    /// The object of the verb.
    pub target: Target,
    text: String,
}

/// The object of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Objects of a type.
    Resource {
        /// The resource as the user typed it: plural, singular or short, possibly with a group, or `*`.
        kind: String,
        /// The name of the object, if the question is about one.
        name: Option<String>,
        subresource: Option<String>,
        namespace: Namespace,
    },
    /// A path of the API server.
    Url(String),
}

/// The namespaces of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// The namespace of the kubeconfig's context.
    Current,
    Named(String),
    All,
}

/// Why a string is not a valid question.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuestionError {
    /// It does not consist of a verb and a resource or path.
    #[error(
        "a permission consists of a verb and a resource or path, as in \"get pods -n default\""
    )]
    Words,
    /// An unsupported flag.
    #[error("{0} is not supported: use -n NAMESPACE, -A or --subresource NAME")]
    Flag(String),
    /// A flag without its value.
    #[error("{0} needs a value")]
    Value(String),
    /// `-n` and `-A` together.
    #[error("-n and -A cannot be used together")]
    Namespaces,
    /// A flag for objects with a path.
    #[error("-n, -A and --subresource cannot be used with a path")]
    Path,
}

impl Question {
    /// Returns the question whether a user can do everything in all namespaces.
    pub fn everything() -> Self {
        Self {
            verb: "*".to_owned(),
            target: Target::Resource {
                kind: "*".to_owned(),
                name: None,
                subresource: None,
                namespace: Namespace::All,
            },
            text: "* * -A".to_owned(),
        }
    }
}

impl FromStr for Question {
    type Err = QuestionError;

    fn from_str(text: &str) -> Result<Self, QuestionError> {
        let mut words = Vec::new();
        let (mut named, mut all, mut subresource) = (None, false, None);
        let mut given = text.split_whitespace();
        while let Some(word) = given.next() {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) if word.starts_with('-') => (flag, Some(value)),
                _ => (word, None),
            };
            let mut value = || {
                let value = value.or_else(|| given.next());
                let value = value.filter(|value| !value.is_empty());
                value
                    .map(str::to_owned)
                    .ok_or_else(|| QuestionError::Value(flag.to_owned()))
            };
            match flag {
                "-n" | "--namespace" => named = Some(value()?),
                "--subresource" => subresource = Some(value()?),
                "-A" | "--all-namespaces" => all = true,
                // The value may follow a short flag without a space.
                _ if flag.starts_with("-n") => named = Some(word[2..].to_owned()),
                _ if flag.starts_with('-') => return Err(QuestionError::Flag(flag.to_owned())),
                _ => words.push(word),
            }
        }
        let [verb, what] = words[..] else {
            return Err(QuestionError::Words);
        };
        let namespace = match (named, all) {
            (Some(_), true) => return Err(QuestionError::Namespaces),
            (Some(name), false) => Namespace::Named(name),
            (None, true) => Namespace::All,
            (None, false) => Namespace::Current,
        };
        Ok(Self {
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            ..Self::new(verb, what, namespace, subresource)?
        })
    }
}

impl Question {
    /// Creates a question about `what`: `TYPE[.GROUP][/NAME]` or `/PATH`.
    ///
    /// # Errors
    /// If there is no type, or a namespace or a subresource together with a path.
    pub fn new(
        verb: &str,
        what: &str,
        namespace: Namespace,
        subresource: Option<String>,
    ) -> Result<Self, QuestionError> {
        let text = format!("{verb} {what}");
        let target = if what.starts_with('/') {
            if namespace != Namespace::Current || subresource.is_some() {
                return Err(QuestionError::Path);
            }
            Target::Url(what.to_owned())
        } else {
            let (kind, name) = match what.split_once('/') {
                Some((kind, name)) => (kind, Some(name.to_owned()).filter(|name| !name.is_empty())),
                None => (what, None),
            };
            if kind.is_empty() {
                return Err(QuestionError::Words);
            }
            Target::Resource {
                kind: kind.to_owned(),
                name,
                subresource,
                namespace,
            }
        };
        Ok(Self {
            verb: verb.to_owned(),
            target,
            text,
        })
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_the_question_that_a_user_would_type() {
        assert_eq!("* * -A".parse(), Ok(Question::everything()));
    }

    fn of(
        kind: &str,
        name: Option<&str>,
        subresource: Option<&str>,
        namespace: Namespace,
    ) -> Target {
        Target::Resource {
            kind: kind.to_owned(),
            name: name.map(str::to_owned),
            subresource: subresource.map(str::to_owned),
            namespace,
        }
    }

    #[test]
    fn questions_have_the_syntax_of_kubectl() {
        let named = |name: &str| Namespace::Named(name.to_owned());
        for (text, verb, asked) in [
            (
                "get pods",
                "get",
                of("pods", None, None, Namespace::Current),
            ),
            (
                "list deployments.apps -A",
                "list",
                of("deployments.apps", None, None, Namespace::All),
            ),
            (
                "  get   pods -n default ",
                "get",
                of("pods", None, None, named("default")),
            ),
            (
                "-nkube-system get cm/aws-auth",
                "get",
                of("cm", Some("aws-auth"), None, named("kube-system")),
            ),
            (
                "get pods --namespace=a --subresource=log",
                "get",
                of("pods", None, Some("log"), named("a")),
            ),
            (
                "update deploy/web --subresource scale",
                "update",
                of("deploy", Some("web"), Some("scale"), Namespace::Current),
            ),
            ("* *", "*", of("*", None, None, Namespace::Current)),
            ("get /metrics", "get", Target::Url("/metrics".into())),
        ] {
            let question: Question = text.parse().unwrap();
            assert_eq!(
                (question.verb.as_str(), &question.target),
                (verb, &asked),
                "{text}"
            );
        }
        let question: Question = " get  pods\t-A".parse().unwrap();
        assert_eq!(question.to_string(), "get pods -A");
    }

    #[test]
    fn invalid_question_has_a_reason() {
        for (text, error) in [
            ("", QuestionError::Words),
            ("get", QuestionError::Words),
            ("get pods web", QuestionError::Words),
            ("get pods -n", QuestionError::Value("-n".into())),
            (
                "get pods --namespace=",
                QuestionError::Value("--namespace".into()),
            ),
            ("get pods -n a -A", QuestionError::Namespaces),
            ("get /metrics -A", QuestionError::Path),
            ("get pods --as me", QuestionError::Flag("--as".into())),
        ] {
            assert_eq!(text.parse::<Question>(), Err(error), "{text}");
        }
    }
}
