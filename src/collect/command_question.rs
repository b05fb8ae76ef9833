//! The permission that the failing command needs, if its words show it.

use std::path::Path;

use awsauth_core::rbac::Question;

/// Flags of kubectl that have a value in the next word.
/// <https://kubernetes.io/docs/reference/kubectl/generated/kubectl_get/>
const WITH_VALUE: [&str; 22] = [
    "--as",
    "--as-group",
    "--as-uid",
    "--cluster",
    "--container",
    "--context",
    "--field-selector",
    "--kubeconfig",
    "--namespace",
    "--output",
    "--request-timeout",
    "--selector",
    "--server",
    "--since",
    "--sort-by",
    "--tail",
    "--user",
    "-c",
    "-l",
    "-n",
    "-o",
    "-s",
];
/// Flags without a value.
const WITHOUT_VALUE: [&str; 10] = [
    "--all-namespaces",
    "--follow",
    "--no-headers",
    "--show-labels",
    "--stdin",
    "--tty",
    "--watch",
    "-A",
    "-f",
    "-w",
];
/// More flags without a value.
const SHORT: [&str; 4] = ["-i", "-it", "-t", "-ti"];

/// The names of resources that kubectl accepts, with the plural and the API group.
/// <https://kubernetes.io/docs/reference/kubectl/#resource-types>
const RESOURCES: [(&[&str], &str); 20] = [
    (&["configmaps", "configmap", "cm"], "configmaps"),
    (&["endpoints", "ep"], "endpoints"),
    (&["events", "event", "ev"], "events"),
    (&["namespaces", "namespace", "ns"], "namespaces"),
    (&["nodes", "node", "no"], "nodes"),
    (
        &["persistentvolumeclaims", "persistentvolumeclaim", "pvc"],
        "persistentvolumeclaims",
    ),
    (
        &["persistentvolumes", "persistentvolume", "pv"],
        "persistentvolumes",
    ),
    (&["pods", "pod", "po"], "pods"),
    (&["secrets", "secret"], "secrets"),
    (
        &["serviceaccounts", "serviceaccount", "sa"],
        "serviceaccounts",
    ),
    (&["services", "service", "svc"], "services"),
    (&["daemonsets", "daemonset", "ds"], "daemonsets.apps"),
    (&["deployments", "deployment", "deploy"], "deployments.apps"),
    (&["replicasets", "replicaset", "rs"], "replicasets.apps"),
    (&["statefulsets", "statefulset", "sts"], "statefulsets.apps"),
    (
        &["horizontalpodautoscalers", "horizontalpodautoscaler", "hpa"],
        "horizontalpodautoscalers.autoscaling",
    ),
    (&["cronjobs", "cronjob", "cj"], "cronjobs.batch"),
    (&["jobs", "job"], "jobs.batch"),
    (
        &["ingresses", "ingress", "ing"],
        "ingresses.networking.k8s.io",
    ),
    (
        &["networkpolicies", "networkpolicy", "netpol"],
        "networkpolicies.networking.k8s.io",
    ),
];

/// Returns the question about the permission that a kubectl command needs. `None` if the command may need another one.
pub(crate) fn of(command: &[String]) -> Option<Question> {
    let (program, words) = command.split_first()?;
    let program = Path::new(program).file_stem()?;
    if program != "kubectl" && program != "oc" {
        return None;
    }
    let words = words.split(|word| word == "--").next()?;
    let (mut named, mut place) = (Vec::new(), String::new());
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) => (flag, Some(value)),
            None => (word, None),
        };
        if !word.starts_with('-') {
            named.push(word);
        } else if WITH_VALUE.contains(&flag) {
            let value = value.or_else(|| words.next())?;
            if ["-n", "--namespace"].contains(&flag) {
                place = format!(" -n {value}");
            }
        } else if ["-A", "--all-namespaces"].contains(&word) {
            " -A".clone_into(&mut place);
        } else if !WITHOUT_VALUE.contains(&word) && !SHORT.contains(&word) {
            return None;
        }
    }
    let (verb, named) = named.split_first()?;
    let text = match *verb {
        "logs" | "exec" => {
            named.first().filter(|name| !name.contains('/'))?;
            match *verb {
                "logs" => format!("get pods --subresource=log{place}"),
                _ => format!("create pods --subresource=exec{place}"),
            }
        }
        "get" | "describe" | "delete" => {
            let (kind, name) = match named {
                [kind] => match kind.split_once('/') {
                    Some((kind, name)) => (kind, Some(name)),
                    None => (*kind, None),
                },
                [kind, name] => (*kind, Some(*name)),
                _ => return None,
            };
            let mut resources = RESOURCES.iter();
            let (_, resource) = resources.find(|(names, _)| names.contains(&kind))?;
            match (*verb, name) {
                ("delete", None) => return None,
                ("delete", Some(name)) => format!("delete {resource}/{name}{place}"),
                (_, Some(name)) => format!("get {resource}/{name}{place}"),
                (_, None) => format!("list {resource}{place}"),
            }
        }
        _ => return None,
    };
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kubectl_command_shows_the_permission_that_it_needs() {
        let found = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            of(&words).map(|question| question.to_string())
        };
        for (line, question) in [
            ("kubectl get pods -n web", "list pods -n web"),
            ("/usr/bin/kubectl --context prod get po", "list pods"),
            (
                "kubectl get deploy api --namespace=web -o yaml",
                "get deployments.apps/api -n web",
            ),
            ("kubectl describe svc/api", "get services/api"),
            ("kubectl get no -w", "list nodes"),
            ("kubectl get cm -A", "list configmaps -A"),
            ("kubectl logs -f web-1 -c app", "get pods --subresource=log"),
            (
                "kubectl exec -it web-1 -n web -- sh -c x",
                "create pods --subresource=exec -n web",
            ),
            ("kubectl delete job old", "delete jobs.batch/old"),
        ] {
            assert_eq!(found(line).as_deref(), Some(question), "{line}");
        }
        for line in [
            "helm list",
            "kubectl apply -k .",
            "kubectl get pods,svc",
            "kubectl get widgets",
            "kubectl get all",
            "kubectl get pods --raw /x",
            "kubectl config view",
            "kubectl",
        ] {
            assert_eq!(found(line), None, "{line}");
        }
    }
}
