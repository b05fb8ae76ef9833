use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Something that a user may be allowed to do, asked as `kubectl auth can-i` asks:
/// `VERB TYPE[.GROUP][/NAME] [--subresource NAME] [-n NAMESPACE | -A]`, or `VERB /PATH`.
/// <https://kubernetes.io/docs/reference/kubectl/generated/kubectl_auth/kubectl_auth_can-i/>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The verb, or `*` for all.
    pub verb: String,
    /// With what.
    pub of: Asked,
    text: String,
}

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Objects of a type.
    Resource {
        /// As it was typed: plural, singular or short, maybe with a group, maybe `*`.
        kind: String,
        /// The only object.
        name: Option<String>,
        /// Its subresource.
        subresource: Option<String>,
        /// In which namespaces.
        namespace: Namespace,
    },
    /// A path of the API server.
    Url(String),
}

/// The namespaces of the action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// In that of the kubeconfig's context.
    Current,
    /// In this one.
    Named(String),
    /// In all.
    All,
}

/// Why a text is no question.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuestionError {
    /// Not a verb and something to do it with.
    #[error("give a verb and a resource or a path, as in \"get pods -n default\"")]
    Words,
    /// A flag that `kubectl auth can-i` has no use for here.
    #[error("{0} is none of -n NAMESPACE, -A and --subresource NAME")]
    Flag(String),
    /// A flag without its value.
    #[error("{0} lacks its value")]
    Value(String),
    /// `-n` and `-A` together.
    #[error("-n and -A exclude each other")]
    Namespaces,
    /// A flag for objects beside a path.
    #[error("a path has neither namespace nor subresource")]
    Path,
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
        let of = if what.starts_with('/') {
            if namespace != Namespace::Current || subresource.is_some() {
                return Err(QuestionError::Path);
            }
            Asked::Url(what.to_owned())
        } else {
            let (kind, name) = match what.split_once('/') {
                Some((kind, name)) => (kind, Some(name.to_owned()).filter(|name| !name.is_empty())),
                None => (what, None),
            };
            if kind.is_empty() {
                return Err(QuestionError::Words);
            }
            Asked::Resource {
                kind: kind.to_owned(),
                name,
                subresource,
                namespace,
            }
        };
        Ok(Self {
            verb: verb.to_owned(),
            of,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    }
}

impl fmt::Display for Question {
    /// As it was asked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        kind: &str,
        name: Option<&str>,
        subresource: Option<&str>,
        namespace: Namespace,
    ) -> Asked {
        Asked::Resource {
            kind: kind.to_owned(),
            name: name.map(str::to_owned),
            subresource: subresource.map(str::to_owned),
            namespace,
        }
    }

    #[test]
    fn questions_are_asked_as_with_kubectl() {
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
            ("get /metrics", "get", Asked::Url("/metrics".into())),
        ] {
            let question: Question = text.parse().unwrap();
            assert_eq!(
                (question.verb.as_str(), &question.of),
                (verb, &asked),
                "{text}"
            );
        }
        let question: Question = " get  pods\t-A".parse().unwrap();
        assert_eq!(question.to_string(), "get pods -A");
    }

    #[test]
    fn what_is_no_question_is_told_why() {
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
