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

/// The maximum number of requests that a command's output adds.
const MAX_QUESTIONS: usize = 5;

/// Returns the denied requests of a command's stderr, in the syntax of `--can`.
pub fn denied_questions(stderr: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let lines = stderr.lines().map(str::trim).filter(|line| !is_log(line));
    for question in lines
        .filter(|line| line.contains("orbidden"))
        .filter_map(question)
    {
        if !found.contains(&question) && found.len() < MAX_QUESTIONS {
            found.push(question);
        }
    }
    found
}

/// Returns the line of a command's stderr that names the error: the first one that begins like an error message, or else the last
/// one. Skips klog's lines, which repeat it.
/// <https://kubernetes.io/docs/concepts/cluster-administration/system-logs/#klog>
pub fn error_line(stderr: &str) -> &str {
    const STARTS: [&str; 4] = ["error", "unable to ", "the connection to ", "fatal"];
    let lines = stderr.lines().map(str::trim);
    let mut lines = lines.filter(|line| !line.is_empty() && !is_log(line));
    let is_error = |line: &&str| {
        let line = line.to_ascii_lowercase();
        STARTS.iter().any(|start| line.starts_with(start))
    };
    let found = lines.clone().find(is_error).or_else(|| lines.next_back());
    let last = || stderr.trim_end().lines().next_back();
    found.or_else(last).unwrap_or_default().trim()
}

/// Returns whether klog wrote the line, such as `E1123 01:25:05.760187   24711 memcache.go:265] message`.
fn is_log(line: &str) -> bool {
    let Some((letter, rest)) = line.split_at_checked(1) else {
        return false;
    };
    let date = rest.split(' ').next().unwrap_or_default();
    let is_date = date.len() == 4 && date.bytes().all(|byte| byte.is_ascii_digit());
    "IWEF".contains(letter) && is_date
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
    // A user who can create tokens for all service accounts of a namespace has all their permissions.
    let is_nameable = sub.is_empty() || resource == "serviceaccounts";
    let name = object_name(line, verb, &resource, !sub.is_empty()).filter(|_| is_nameable);
    let name = name.map_or_else(String::new, |name| format!("/{name}"));
    let place = match quoted("in the namespace ") {
        Some(namespace) => format!(" -n {namespace}"),
        None => " -A".to_owned(),
    };
    Some(format!("{verb} {resource}{group}{name}{sub}{place}"))
}

/// Returns the name of the object in `secrets "db" is forbidden: User "x" cannot get resource "secrets"`, if a permission for
/// this object suffices: its name does not change, and the verb is not `create`, which RBAC can limit to a name only for a
/// subresource.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources>
fn object_name<'l>(
    line: &'l str,
    verb: &str,
    resource: &str,
    has_subresource: bool,
) -> Option<&'l str> {
    const GENERATED: [&str; 4] = ["pods", "replicasets", "jobs", "events"];
    let (before, _) = line.split_once("\" is forbidden: ")?;
    let (_, name) = before.rsplit_once('"')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let is_name = !name.is_empty() && name.bytes().all(is_plain);
    let is_limited = verb != "create" || has_subresource;
    (is_name && is_limited && !GENERATED.contains(&resource)).then_some(name)
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
    fn line_of_the_error_is_the_first_message_and_not_its_end() {
        for (stderr, line) in [
            (
                "E1123 01:25:05.760187   24711 memcache.go:265] \"x\"\nerror: The gcp auth plugin has been removed.\nPlease use another.\nSee https://example.com",
                "error: The gcp auth plugin has been removed.",
            ),
            (
                "Warning: old\nsomething went wrong\n",
                "something went wrong",
            ),
            (
                "E1123 01:25:05.760187   24711 a.go:1] x",
                "E1123 01:25:05.760187   24711 a.go:1] x",
            ),
            ("", ""),
        ] {
            assert_eq!(error_line(stderr), line);
        }
    }

    #[test]
    fn every_denied_request_of_a_command_is_found() {
        let line = |what: &str| {
            format!(
                "Error from server (Forbidden): {what} is forbidden: User \"dev\" cannot list resource \"{what}\" in API group \"\" in the namespace \"web\"\n"
            )
        };
        let stderr = [line("pods"), line("secrets"), line("pods")].concat();
        assert_eq!(
            denied_questions(&stderr),
            ["list pods -n web", "list secrets -n web"]
        );
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
                "error: failed to create token: serviceaccounts \"deployer\" is forbidden: User \"dev\" cannot create resource \"serviceaccounts/token\" in API group \"\" in the namespace \"web\"",
                "create serviceaccounts/deployer --subresource=token -n web",
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
