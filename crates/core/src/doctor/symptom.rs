//! Maps the error message of a command to the check to start with.

/// The check that a message points to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symptom {
    /// The matching line of the output.
    pub message: String,
    /// The check to start with.
    pub check: &'static str,
    /// The denied permission, in the syntax of `--can`.
    pub question: Option<String>,
}

/// Messages and the checks that they point to. The first match applies.
const TABLE: [(&str, &str); 34] = [
    ("connection to the server localhost:8080 was refused", "K1"),
    ("current-context is not set", "K1"),
    ("context was not found", "K1"),
    ("invalid apiversion", "K2"),
    ("plugin returned version", "K4"),
    ("exec plugin is configured to use api version", "K2"),
    ("interactivemode must be specified", "K2"),
    ("executable file not found in $path", "K3"),
    ("not found in $path", "K3"),
    ("failed with exit code", "K4"),
    ("decoding stdout", "K4"),
    ("exec: executable", "K3"),
    ("system:anonymous", "K4"),
    ("expiredtoken", "C9"),
    ("token included in the request is expired", "C9"),
    ("signature expired", "C11"),
    ("signature not yet current", "C11"),
    ("not yet current", "C11"),
    ("no ec2 imds role found", "C5"),
    ("nocredentialproviders", "C1"),
    ("unable to locate credentials", "C1"),
    ("no aws credentials were found", "C1"),
    ("could not get token", "C1"),
    ("accessdenied", "C14"),
    ("x509:", "E3"),
    ("no such host", "E1"),
    ("i/o timeout", "E2"),
    ("connection refused", "E2"),
    ("you must be logged in to the server", "M2"),
    (
        "the server has asked for the client to provide credentials",
        "M2",
    ),
    ("the server doesn't have a resource type", "M2"),
    ("unauthorized", "M2"),
    ("not currently held", "B3"),
    ("forbidden", "B1"),
];

/// Returns the check that the output of a command points to.
pub fn symptom(message: &str) -> Option<Symptom> {
    let lower: Vec<(&str, String)> = message
        .lines()
        .map(|line| (line.trim(), line.to_lowercase()))
        .collect();
    TABLE.iter().find_map(|(words, check)| {
        let (line, _) = lower.iter().find(|(_, lower)| lower.contains(words))?;
        Some(Symptom {
            message: (*line).to_owned(),
            check,
            question: question(line),
        })
    })
}

/// Returns the denied permission of `User "x" cannot list resource "pods" in API group "" in the namespace "default"`.
fn question(line: &str) -> Option<String> {
    let (_, rest) = line.split_once(" cannot ")?;
    let mut words = rest.split_whitespace();
    let verb = words.next()?;
    let quoted = |after: &str| {
        let (_, rest) = rest.split_once(after)?;
        rest.split('"').nth(1).map(str::to_owned)
    };
    let Some(resource) = quoted("resource ") else {
        return Some(format!("{verb} {}", quoted("path ")?));
    };
    let group = quoted("API group ").filter(|group| !group.is_empty());
    let group = group.map_or_else(String::new, |group| format!(".{group}"));
    let (resource, sub) = match resource.split_once('/') {
        Some((resource, sub)) => (resource.to_owned(), format!(" --subresource={sub}")),
        None => (resource, String::new()),
    };
    let name = match sub.is_empty() {
        true => {
            object_name(line, verb, &resource).map_or_else(String::new, |name| format!("/{name}"))
        }
        false => String::new(),
    };
    let place = match quoted("in the namespace ") {
        Some(namespace) => format!(" -n {namespace}"),
        None => " -A".to_owned(),
    };
    Some(format!("{verb} {resource}{group}{name}{sub}{place}"))
}

/// Returns the name of the object in `secrets "db" is forbidden: User "x" cannot get resource "secrets"`, if a permission
/// for this object suffices: its name is lasting, and the verb is not `create`, which RBAC cannot limit to a name.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources>
fn object_name<'l>(line: &'l str, verb: &str, resource: &str) -> Option<&'l str> {
    const GENERATED: [&str; 4] = ["pods", "replicasets", "jobs", "events"];
    let (before, _) = line.split_once("\" is forbidden: ")?;
    let (_, name) = before.rsplit_once('"')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let is_name = !name.is_empty() && name.bytes().all(is_plain);
    (is_name && verb != "create" && !GENERATED.contains(&resource)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_points_to_check() {
        for (message, check) in [
            (
                "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
                "K1",
            ),
            (
                "error: exec plugin: invalid apiVersion \"client.authentication.k8s.io/v1alpha1\"",
                "K2",
            ),
            (
                "Unable to connect to the server: getting credentials: exec: executable aws not found",
                "K3",
            ),
            (
                "Unable to connect to the server: getting credentials: exec: executable aws failed with exit code 255",
                "K4",
            ),
            (
                "Unable to connect to the server: getting credentials: decoding stdout: couldn't get version/kind",
                "K4",
            ),
            (
                "Unable to connect to the server: dial tcp: lookup x on 8.8.8.8:53: no such host",
                "E1",
            ),
            (
                "E1 memcache.go:265] x\nerror: You must be logged in to the server (Unauthorized)",
                "M2",
            ),
            (
                "error: the server doesn't have a resource type \"svc\"",
                "M2",
            ),
            (
                "could not get token: NoCredentialProviders: no valid providers in chain",
                "C1",
            ),
            (
                "Error from server (Forbidden): pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\"",
                "K4",
            ),
            (
                "tls: failed to verify certificate: x509: certificate signed by unknown authority",
                "E3",
            ),
            (
                "Signature expired: 20200101T000000Z is now earlier than 2020",
                "C11",
            ),
        ] {
            assert_eq!(
                symptom(message).map(|symptom| symptom.check),
                Some(check),
                "{message}"
            );
        }
        assert_eq!(symptom("NAME   READY\nweb    1/1\n"), None);
    }

    #[test]
    fn forbidden_message_becomes_question() {
        for (message, asked) in [
            (
                "Error from server (Forbidden): pods is forbidden: User \"dev\" cannot list resource \"pods\" in API group \"\" in the namespace \"default\"",
                "list pods -n default",
            ),
            (
                "nodes is forbidden: User \"dev\" cannot list resource \"nodes\" in API group \"\" at the cluster scope",
                "list nodes -A",
            ),
            (
                "deployments.apps \"web\" is forbidden: User \"dev\" cannot update resource \"deployments/scale\" in API group \"apps\" in the namespace \"a\"",
                "update deployments.apps --subresource=scale -n a",
            ),
            (
                "Error from server (Forbidden): secrets \"db\" is forbidden: User \"dev\" cannot get resource \"secrets\" in API group \"\" in the namespace \"a\"",
                "get secrets/db -n a",
            ),
            (
                "pods \"web-x1y2z\" is forbidden: User \"dev\" cannot delete resource \"pods\" in API group \"\" in the namespace \"a\"",
                "delete pods -n a",
            ),
            (
                "forbidden: User \"dev\" cannot get path \"/metrics\"",
                "get /metrics",
            ),
        ] {
            assert_eq!(
                symptom(message)
                    .and_then(|symptom| symptom.question)
                    .as_deref(),
                Some(asked),
                "{message}"
            );
        }
    }
}
