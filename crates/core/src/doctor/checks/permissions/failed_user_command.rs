//! B3: why the user's command fails although every other check finds no problem.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::denied_request::{as_administrator, own_namespace};
use crate::doctor::evidence::Problem;
use crate::rbac::{Namespace, Question, Target, UserInfo};
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "B3",
    title: "command",
    after: &[
        "K1", "K2", "K3", "K4", "K5", "K6", "K7", "K8", "C1", "C2", "C3", "C4", "C5", "C6", "C7",
        "C8", "C9", "C10", "C11", "C12", "C13", "C14", "C15", "T1", "T2", "T3", "T4", "T5", "E1",
        "E2", "E3", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "B1", "B2",
    ],
    judge,
};

/// The cause and the next step if the API server cannot reach a kubelet.
const KUBELET: (&str, &str) = (
    "the API server cannot connect to the node of the pod, which RBAC does not decide",
    "allow port 10250 from the cluster's security group to the nodes, and check that the node is ready: kubectl get nodes",
);

/// The subresources of a pod that the API server requests from its node.
const OF_KUBELET: [&str; 4] = ["log", "exec", "attach", "portforward"];

/// Reasons why a request that RBAC allows can fail: words of the message, the cause, and the next step.
const REJECTIONS: [(&str, &str, &str); 20] = [
    (
        "admission webhook",
        "an admission webhook rejects the request, which RBAC allows",
        "ask the owner of this webhook: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
    ),
    (
        "validatingadmissionpolicy",
        "an admission policy rejects the request, which RBAC allows",
        "ask the owner of this policy: kubectl get validatingadmissionpolicies,validatingadmissionpolicybindings",
    ),
    (
        "violates podsecurity",
        "the Pod Security Standard of the namespace rejects the pod, which RBAC allows",
        "change the pod's securityContext as the message describes, or ask an administrator to change the namespace's label pod-security.kubernetes.io/enforce",
    ),
    (
        "exceeded quota",
        "a ResourceQuota of the namespace rejects the request, which RBAC allows",
        "delete other objects, or ask an administrator to raise the limit: kubectl describe resourcequota -n NAMESPACE",
    ),
    (
        "because it is being terminated",
        "the namespace is being deleted, and nothing can be created in it",
        "use another namespace; to see what delays its deletion: kubectl get namespace NAMESPACE -o yaml",
    ),
    (
        "failed calling webhook",
        "the API server gets no answer from an admission webhook, which RBAC does not decide",
        "ask the owner of this webhook whether its service runs and the nodes allow its port: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
    ),
    ("error dialing backend", KUBELET.0, KUBELET.1),
    (":10250/", KUBELET.0, KUBELET.1),
    (
        "too long: must have at most",
        "a field of the object is too long, such as the annotation that kubectl apply writes",
        "apply it without that annotation: kubectl apply --server-side",
    ),
    (
        "the object has been modified",
        "another client changed the object in the meantime",
        "run the command again with the current object",
    ),
    (
        "already exists",
        "an object of this name exists already",
        "use another name, or change the existing object: kubectl apply",
    ),
    (
        " is invalid: ",
        "the API server does not accept the object, which RBAC allows",
        "correct the fields that the message names",
    ),
    (
        "too many requests",
        "the API server or one of its limits refuses further requests for now",
        "try again later; a PodDisruptionBudget refuses evictions in the same way: kubectl get poddisruptionbudgets -A",
    ),
    (
        "without impersonating a user",
        "kubectl accepts --as-group and --as-uid only with --as",
        "add --as NAME to the command, or remove --as-group; in a kubeconfig, as-groups needs as",
    ),
    (
        "metrics api not available",
        "the cluster does not serve the API group metrics.k8s.io, so metrics-server is not installed or not ready",
        "kubectl get apiservice v1beta1.metrics.k8s.io; if there is none, install metrics-server: aws eks create-addon --addon-name metrics-server --cluster-name NAME",
    ),
    (
        "unable to handle the request",
        "the API server does not get an answer from the service of an aggregated API, which RBAC does not decide",
        "find the API group that is not available: kubectl get apiservices",
    ),
    (
        "no matches for kind",
        "the cluster serves no resource of this kind and version",
        "check apiVersion and kind: kubectl api-resources; a custom resource needs its CustomResourceDefinition",
    ),
    (
        "could not find the requested resource",
        "the cluster does not serve the API group or version of this resource",
        "compare: kubectl api-versions; a custom resource needs its CustomResourceDefinition",
    ),
    (
        "doesn't have a resource type",
        "the cluster has no resource type of this name",
        "check the spelling: kubectl api-resources; a custom resource needs its CustomResourceDefinition",
    ),
    (
        "not found",
        "the requested object or its namespace does not exist",
        "check the name, the namespace and the context of the command",
    ),
];

/// The words with which the API server refuses to create a role or a binding with more rights than its author has.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping>
const ESCALATION: &str = "not currently held:";

/// Returns the problem that the user may create the role or the binding, but not grant the rights in it.
fn escalation(evidence: &Evidence, stderr: &str) -> Option<Problem> {
    let (_, after) = stderr.split_once(ESCALATION)?;
    let lacking = after
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with('{'));
    let lacking = lacking.collect::<Vec<_>>().join(", ");
    let user = evidence.user();
    let user = user.map_or_else(
        || "the user".to_owned(),
        |user| format!("user {}", user.username),
    );
    let (verb, what, rule) = match &evidence.request.bound_role {
        Some(role) => {
            let (resource, name) = role.split_once('/')?;
            let rule = format!(
                "--verb=bind --resource={resource} {}",
                quoted(&format!("--resource-name={name}"))
            );
            (
                "bind",
                format!("create the binding, but not grant the rights of {role}"),
                rule,
            )
        }
        None => (
            "escalate",
            "create or change the role, but not put rights into it".to_owned(),
            "--verb=escalate --resource=roles,clusterroles".to_owned(),
        ),
    };
    let subject = evidence.user().and_then(|user| {
        let (flag, name) = UserInfo::new(&user, &[])
            .to_bind()
            .map(|(flag, name)| (flag, name.to_owned()))?;
        Some(quoted(&format!("--{flag}={name}")))
    });
    let subject = subject.unwrap_or_else(|| "--group=GROUP".to_owned());
    Some(Problem {
        cause: format!("{user} may {what} that it does not have itself: {lacking}"),
        next: format!(
            "give the user these rights, or the verb {verb}, with which it may grant them: {}; or have the command run by a user who has them",
            as_administrator(
                evidence,
                &[
                    format!("create clusterrole may-{verb} {rule}"),
                    format!(
                        "create clusterrolebinding may-{verb} --clusterrole=may-{verb} {subject}"
                    ),
                ]
            )
        ),
    })
}

/// Returns the namespace of the command, quoted; `NAMESPACE` if it is unknown.
fn requested_namespace(evidence: &Evidence) -> String {
    if let Some(name) = &evidence.request.namespace {
        return quoted(name);
    }
    let request = evidence.request.questions.first();
    let request = request.and_then(|question| question.parse::<Question>().ok());
    match request.map(|question| question.target) {
        Some(Target::Resource {
            namespace: Namespace::Named(name),
            ..
        }) => quoted(&name),
        Some(Target::Resource {
            namespace: Namespace::Current,
            ..
        }) => quoted(own_namespace(evidence)),
        _ => "NAMESPACE".to_owned(),
    }
}

/// Returns whether the API server forwards the command's request to a node.
fn asks_kubelet(evidence: &Evidence) -> bool {
    let questions = evidence.request.questions.iter();
    let mut questions = questions.filter_map(|question| question.parse::<Question>().ok());
    questions.any(|question| match question.target {
        Target::Resource { subresource, .. } => {
            subresource.is_some_and(|name| OF_KUBELET.contains(&name.as_str()))
        }
        Target::Url(_) => false,
    })
}

fn judge(evidence: &Evidence) -> CheckResult {
    let run = evidence.command.seen()?;
    if run.succeeded {
        return Outcome::ok("the command works");
    }
    let Some(status) = &run.status else {
        if asks_kubelet(evidence) {
            return Outcome::problem(
                "it did not end in time",
                format!("the command does not end in time; probably, {}", KUBELET.0),
                KUBELET.1,
            );
        }
        return Outcome::problem(
            "it did not end in time",
            "no check finds a problem, but the command does not end in time",
            "find the request that gets no response: run the command with -v=8",
        );
    };
    let saw = format!("{status}: {}", run.message);
    let lower = run.stderr.to_lowercase();
    let impersonated = evidence
        .entry()
        .ok()
        .and_then(|entry| entry.impersonates.as_ref());
    if let Some(name) = impersonated.filter(|_| lower.contains("forbidden")) {
        return Outcome::problem(
            saw,
            format!(
                "the kubeconfig's user has `as: {name}`, so the command acts as that user, not as the one that doctor checks"
            ),
            format!(
                "remove `as: {name}` from the user in the kubeconfig, or --as from the command"
            ),
        );
    }
    if let Some(problem) = escalation(evidence, &run.stderr) {
        return Outcome::from_problem(saw, &problem);
    }
    let rejection = REJECTIONS.iter().find(|(words, ..)| lower.contains(words));
    match rejection {
        Some((_, cause, next)) => Outcome::problem(
            saw,
            format!("{cause}: {}", run.message),
            next.replace("NAMESPACE", &requested_namespace(evidence)),
        ),
        None => Outcome::problem(
            saw,
            format!("no check explains why the command fails: {}", run.message),
            "find the request that fails: run the command with -v=8",
        ),
    }
}
