//! The request that the API server denied, and the commands that allow exactly this request.

use super::evidence::{Evidence, Node, Problem};
use super::remedy;
use crate::authenticator::{Placeholder, User};
use crate::rbac::{Action, Namespace, Question, Scope, Target, UserInfo};
use crate::shell_quote::quoted;

/// Resources of the core group.
const CORE: [&str; 14] = [
    "bindings",
    "configmaps",
    "endpoints",
    "events",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "serviceaccounts",
    "services",
    "namespaces",
    "nodes",
    "persistentvolumes",
];
/// Resources without namespaces, of the core group and of other groups of Kubernetes.
const WITHOUT_NAMESPACE: [&str; 17] = [
    "namespaces",
    "nodes",
    "persistentvolumes",
    "apiservices.apiregistration.k8s.io",
    "certificatesigningrequests.certificates.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "csidrivers.storage.k8s.io",
    "csinodes.storage.k8s.io",
    "customresourcedefinitions.apiextensions.k8s.io",
    "ingressclasses.networking.k8s.io",
    "mutatingwebhookconfigurations.admissionregistration.k8s.io",
    "priorityclasses.scheduling.k8s.io",
    "runtimeclasses.node.k8s.io",
    "storageclasses.storage.k8s.io",
    "validatingwebhookconfigurations.admissionregistration.k8s.io",
    "volumeattachments.storage.k8s.io",
];

/// Resources of other groups of Kubernetes, and their groups. `--can` may leave the group out.
const GROUPS: [(&str, &str); 14] = [
    ("daemonsets", "apps"),
    ("deployments", "apps"),
    ("replicasets", "apps"),
    ("statefulsets", "apps"),
    ("horizontalpodautoscalers", "autoscaling"),
    ("cronjobs", "batch"),
    ("jobs", "batch"),
    ("leases", "coordination.k8s.io"),
    ("endpointslices", "discovery.k8s.io"),
    ("ingresses", "networking.k8s.io"),
    ("networkpolicies", "networking.k8s.io"),
    ("poddisruptionbudgets", "policy"),
    ("rolebindings", "rbac.authorization.k8s.io"),
    ("roles", "rbac.authorization.k8s.io"),
];

/// The prefix of the usernames of nodes.
/// <https://kubernetes.io/docs/reference/access-authn-authz/node/>
const NODE_USER: &str = "system:node:";

/// The group of nodes.
const NODES: &str = "system:nodes";

/// A request that the API server denied.
pub(super) struct DeniedRequest<'e> {
    evidence: &'e Evidence,
    /// The user who made the request, if known.
    user: Option<User>,
    /// The request in the syntax of `--can`.
    pub(super) question: &'e str,
    pub(super) action: Action,
}

impl<'e> DeniedRequest<'e> {
    /// Returns the first denied request; `None` if none is denied, or only an example that the user did not name.
    pub(super) fn of(evidence: &'e Evidence) -> Option<Self> {
        if evidence.request.is_example {
            return None;
        }
        let question = denied_question(evidence)?;
        Self::new(evidence, question, evidence.user())
    }

    /// Returns the requested permission as a request by `user`, whether or not it is denied.
    pub(super) fn of_user(evidence: &'e Evidence, user: &User) -> Option<Self> {
        let question = evidence.request.questions.first()?;
        Self::new(evidence, question, Some(user.clone()))
    }

    fn new(evidence: &'e Evidence, question: &'e str, user: Option<User>) -> Option<Self> {
        let parsed: Question = question.parse().ok()?;
        Some(Self {
            evidence,
            user,
            question,
            action: action(parsed, own_namespace(evidence)),
        })
    }

    /// Returns the namespace of the request, if any.
    pub(super) fn namespace(&self) -> Option<&str> {
        match self.action.scope() {
            Scope::Namespace(name) => Some(name),
            Scope::Cluster | Scope::AllNamespaces => None,
        }
    }

    /// Returns the request without its namespace, such as `list pods`.
    pub(super) fn words(&self) -> String {
        let (verb, what) = (self.action.verb(), self.resource());
        format!("{verb} {what}")
    }

    /// Returns whether the request is for one object.
    pub(super) fn has_name(&self) -> bool {
        matches!(&self.action, Action::Resource { name, .. } if !name.is_empty())
    }

    /// Returns all other denied requests.
    pub(super) fn all_others(&self) -> Vec<Self> {
        let answers = self.evidence.answers.known().into_iter().flatten();
        let denied = answers.filter(|answer| !answer.allowed && answer.question != self.question);
        denied
            .filter_map(|answer| Self::new(self.evidence, &answer.question, self.user.clone()))
            .collect()
    }

    /// Returns the other denied requests that differ only in the resource.
    fn others(&self) -> Vec<Self> {
        let differs_only_in_resource =
            |other: &DeniedRequest<'_>| match (&self.action, &other.action) {
                (
                    Action::Resource { verb, scope, .. },
                    Action::Resource {
                        verb: other_verb,
                        scope: other_scope,
                        ..
                    },
                ) => verb == other_verb && scope == other_scope && !other.has_name(),
                _ => false,
            };
        if self.has_name() {
            return Vec::new();
        }
        let answers = self.evidence.answers.known().into_iter().flatten();
        let denied = answers.filter(|answer| !answer.allowed && answer.question != self.question);
        denied
            .filter_map(|answer| Self::new(self.evidence, &answer.question, self.user.clone()))
            .filter(differs_only_in_resource)
            .collect()
    }

    /// Returns the request and the others that [`grant`](Self::grant) allows.
    pub(super) fn questions(&self) -> String {
        let others = self.others();
        let others = others.iter().map(|other| other.question);
        let all: Vec<&str> = std::iter::once(self.question).chain(others).collect();
        all.join(", ")
    }

    /// Returns whether the request is for objects without a namespace. Knows only the resources of Kubernetes itself.
    pub(super) fn is_without_namespace(&self) -> bool {
        match &self.action {
            Action::Path { .. } => true,
            Action::Resource {
                group, resource, ..
            } => {
                let name = match group.as_str() {
                    "" => resource.clone(),
                    group => format!("{resource}.{group}"),
                };
                WITHOUT_NAMESPACE.contains(&name.as_str())
            }
        }
    }

    /// Returns whether the API group of the request is known: `--can` may leave it out.
    pub(super) fn has_known_group(&self) -> bool {
        match &self.action {
            Action::Path { .. } => false,
            Action::Resource {
                group, resource, ..
            } => !group.is_empty() || CORE.contains(&resource.as_str()),
        }
    }

    /// Returns whether the request is to impersonate the user that the kubeconfig names.
    pub(super) fn is_impersonation(&self) -> bool {
        self.action.verb() == "impersonate" && self.impersonated().is_some()
    }

    fn impersonated(&self) -> Option<&'e str> {
        self.evidence.entry().ok()?.impersonates.as_deref()
    }

    /// Returns the cause if the user is a node: nodes should not get further permissions through bindings. `problem_of_entry` is the
    /// problem with the entry of the node's role.
    pub(super) fn of_node(&self, problem_of_entry: Option<Problem>) -> Option<Problem> {
        let user = self.user.as_ref()?;
        if !user.username.starts_with(NODE_USER) {
            return None;
        }
        if let Some(problem) = problem_of_entry {
            return Some(problem);
        }
        let is_known = |nodes: &Vec<Node>| {
            let mut names = nodes.iter().map(|node| &node.name);
            names.any(|name| user.username == format!("{NODE_USER}{name}"))
        };
        let nodes = self.evidence.nodes.known();
        let is_known = nodes.is_some_and(|nodes| nodes.as_ref().is_ok_and(is_known));
        if let Some(cause) = wrong_node(user).filter(|_| !is_known) {
            let role = self.evidence.subject().map(|subject| subject.canonical.arn);
            let role = role.map_or_else(|| "ROLE-ARN".to_owned(), |arn| quoted(&arn));
            return Some(Problem {
                cause,
                next: format!(
                    "ask an administrator of this cluster to write the role's entry for nodes again: awsauth map node-role {role} --kind linux"
                ),
            });
        }
        Some(Problem {
            cause: format!(
                "{} is a node: the request was made with the role of an instance, because the pod or process has no role of its own",
                user.username
            ),
            next: "give the pod's service account a role, with EKS Pod Identity or IRSA; outside of a pod, select your own credentials: AWS_PROFILE=NAME".to_owned(),
        })
    }

    /// Returns the commands that allow only this request to the user, or how to find the cause.
    pub(super) fn grant(&self) -> String {
        if let (true, Some(name)) = (self.is_impersonation(), self.impersonated()) {
            return format!(
                "remove `as: {name}` from the user in the kubeconfig, or --as from the command, so that you act as yourself"
            );
        }
        match self.grant_commands() {
            Some(commands) => as_administrator(self.evidence, &commands),
            None => self.no_lasting_subject(),
        }
    }

    /// Returns the request to an administrator if RBAC cannot be read.
    pub(super) fn request_help(&self) -> String {
        if self.is_impersonation() {
            return self.grant();
        }
        let find = remedy::diagnosis_by_admin(self.evidence, Some(self.question));
        match self.grant_commands() {
            Some(commands) => format!(
                "ask an administrator of this cluster to find the cause: {find}; or to allow only this request: {}",
                chained("kubectl", &commands)
            ),
            None => format!("ask an administrator of this cluster to find the cause: {find}"),
        }
    }

    fn no_lasting_subject(&self) -> String {
        match remedy::map_again(self.evidence) {
            Some(map) => format!(
                "give the entry a group, because no binding can name the usernames of all sessions, and bind that group: {map}"
            ),
            None => self.request_help(),
        }
    }

    /// Returns the commands that allow only this request to a group.
    pub(super) fn grant_to_group(&self, name: &str) -> String {
        as_administrator(self.evidence, &self.commands_for("group", name))
    }

    fn grant_commands(&self) -> Option<Vec<String>> {
        let (flag, subject) = self.subject(self.user.as_ref()?)?;
        Some(self.commands_for(flag, &subject))
    }

    fn commands_for(&self, flag: &str, subject: &str) -> Vec<String> {
        let (verb, what) = (self.action.verb(), self.resource());
        let name = format!("{subject}-{verb}-{what}").replace('*', "all");
        let name = quoted(&name.replace(['/', '%', ':', '@', '.'], "-"));
        let verb = quoted(&format!("--verb={verb}"));
        let rule = match &self.action {
            Action::Path { path, .. } => quoted(&format!("--non-resource-url={path}")),
            Action::Resource { name, .. } => {
                let others = self.others();
                let others = others.iter().map(DeniedRequest::resource);
                let all: Vec<String> = std::iter::once(what).chain(others).collect();
                let resource = quoted(&format!("--resource={}", all.join(",")));
                match name.as_str() {
                    "" => resource,
                    name => format!("{resource} {}", quoted(&format!("--resource-name={name}"))),
                }
            }
        };
        let subject = quoted(&format!("--{flag}={subject}"));
        match self.namespace() {
            Some(namespace) if !self.is_without_namespace() => {
                let place = quoted(namespace);
                vec![
                    format!("create role {name} -n {place} {verb} {rule}"),
                    format!("create rolebinding {name} -n {place} --role={name} {subject}"),
                ]
            }
            _ => vec![
                format!("create clusterrole {name} {verb} {rule}"),
                format!("create clusterrolebinding {name} --clusterrole={name} {subject}"),
            ],
        }
    }

    /// Returns the group or user to bind; `None` if there is only the name of a single session.
    fn subject(&self, user: &User) -> Option<(&'static str, String)> {
        let info = UserInfo::new(user, &[]);
        let (flag, name) = info.to_bind()?;
        let is_lasting = flag == "group" || session_template(self.evidence, user).is_none();
        is_lasting.then(|| (flag, name.to_owned()))
    }

    /// Returns the resource as kubectl names it: `deployments.apps/scale`; or the path.
    pub(super) fn resource(&self) -> String {
        match &self.action {
            Action::Path { path, .. } => path.clone(),
            Action::Resource {
                group,
                resource,
                subresource,
                ..
            } => {
                let group = match group.as_str() {
                    "" | "*" => String::new(),
                    group => format!(".{group}"),
                };
                let subresource = match subresource.as_str() {
                    "" => String::new(),
                    name => format!("/{name}"),
                };
                format!("{resource}{group}{subresource}")
            }
        }
    }
}

/// Returns why a user with a node's username is not treated as a node.
fn wrong_node(user: &User) -> Option<String> {
    let name = &user.username;
    if name.contains(['{', '}']) {
        return Some(format!(
            "{name} is not the username of a node: the authenticator replaces only templates in double braces, such as {}",
            Placeholder::Ec2PrivateDnsName.text()
        ));
    }
    let is_node = user.groups.iter().any(|group| group == NODES);
    if is_node && is_instance_id(name.trim_start_matches(NODE_USER)) {
        return Some(format!(
            "{name} has the id of an EC2 instance, and unless InstanceIdNodeName of nodeadm names the nodes so, they are named by their private DNS name: this user then has the rights of no node, and the entry of the role needs the username {NODE_USER}{}",
            Placeholder::Ec2PrivateDnsName.text()
        ));
    }
    (!is_node).then(|| {
        format!(
            "{name} has the username of a node, but is not in the group {NODES}, so it has none of the permissions of a node (it is in {})",
            remedy::groups(&user.groups)
        )
    })
}

/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>
fn is_instance_id(name: &str) -> bool {
    let id = name.strip_prefix("i-");
    id.is_some_and(|id| {
        let is_hexadecimal = id.bytes().all(|byte| byte.is_ascii_hexdigit());
        [8, 17].contains(&id.len()) && is_hexadecimal
    })
}

/// Returns the first question to which the API server's answer is no.
pub(super) fn denied_question(evidence: &Evidence) -> Option<&str> {
    let mut answers = evidence.answers.known()?.iter();
    let denied = answers.find(|answer| !answer.allowed)?;
    Some(&denied.question)
}

/// Returns the message that doctor's example request is denied, and how to ask for another one; `None` if the user named a
/// request or a command.
pub(super) fn denied_example(evidence: &Evidence) -> Option<String> {
    let has_command = evidence.command.known().is_some();
    let is_example = evidence.request.is_example && !has_command;
    let question = denied_question(evidence).filter(|_| is_example)?;
    let ask = match evidence.request.arn.is_some() {
        true => "--can \"VERB RESOURCE -n NAMESPACE\"",
        false => "awsauth doctor -- kubectl …, or --can \"VERB RESOURCE -n NAMESPACE\"",
    };
    Some(format!(
        "{question} was asked as an example, and is not allowed; to check the request that you need: {ask}"
    ))
}

/// Returns the namespace that requests without `-n` use.
pub(super) fn own_namespace(evidence: &Evidence) -> &str {
    let entry = evidence.entry().ok();
    let own = entry.map(|entry| entry.namespace.as_str());
    let own = own.filter(|name| !name.is_empty() && evidence.request.arn.is_none());
    own.unwrap_or("default")
}

/// Returns why the username belongs to one session, as a sentence fragment; `None` if several sessions share it.
pub(super) fn session_template(evidence: &Evidence, user: &User) -> Option<String> {
    const OF_SESSION: [Placeholder; 4] = [
        Placeholder::SessionName,
        Placeholder::SessionNameRaw,
        Placeholder::Ec2PrivateDnsName,
        Placeholder::AccessKeyId,
    ];
    if let Ok(explained) = evidence.explanation()
        && let Some(answer) = explained.explanation.answers.first()
    {
        let username = &remedy::written(&explained, answer)?.username;
        let mut placeholders = OF_SESSION.iter();
        let place = format!("{} line {}", answer.place.section.key(), answer.place.line);
        return placeholders
            .any(|placeholder| username.contains(placeholder.text()))
            .then(|| format!("{place} has the username {username}"));
    }
    let session = evidence.subject()?.session_name?;
    (!session.is_empty() && user.username.ends_with(session))
        .then(|| format!("the username ends with the session name {session}"))
}

fn action(question: Question, current: &str) -> Action {
    let verb = question.verb;
    match question.target {
        Target::Url(path) => Action::Path { verb, path },
        Target::Resource {
            kind,
            name,
            subresource,
            namespace,
        } => {
            let of_resource = |name: &str| {
                let mut known = GROUPS.iter();
                known.find(|(known, _)| *known == name)
            };
            let (resource, group) = match kind.split_once('.') {
                Some(named) => named,
                None => of_resource(&kind).copied().unwrap_or((&kind, "")),
            };
            Action::Resource {
                verb,
                group: group.to_owned(),
                resource: resource.to_owned(),
                subresource: subresource.unwrap_or_default(),
                name: name.unwrap_or_default(),
                scope: match namespace {
                    Namespace::Current => Scope::Namespace(current.to_owned()),
                    Namespace::Named(name) => Scope::Namespace(name),
                    Namespace::All => Scope::AllNamespaces,
                },
            }
        }
    }
}

/// Returns kubectl commands with the context of an administrator, if it is known; otherwise a sentence that asks an administrator to
/// run them.
pub(super) fn as_administrator(evidence: &Evidence, commands: &[String]) -> String {
    if let Some(name) = &evidence.request.as_context {
        return chained(&format!("kubectl --context {}", quoted(name)), commands);
    }
    if evidence.request.arn.is_some() {
        let kubectl = evidence.entry().map_or("kubectl", |entry| &entry.kubectl);
        return chained(kubectl, commands);
    }
    format!(
        "ask an administrator of this cluster to run: {}",
        chained("kubectl", commands)
    )
}

fn chained(kubectl: &str, commands: &[String]) -> String {
    let commands = commands
        .iter()
        .map(|command| format!("{kubectl} {command}"));
    commands.collect::<Vec<_>>().join(" && ")
}
