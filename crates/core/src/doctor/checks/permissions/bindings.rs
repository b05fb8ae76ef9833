//! B2: whether RBAC bindings grant the requested permissions, and which binding nearly does.

mod similar_subject;

use serde_json::json;

use crate::authenticator::User;
use crate::doctor::Evidence;
use crate::doctor::access_policies::allow_none;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::nodes::node_roles::problem_of_subject;
use crate::doctor::denied_request::{
    DeniedRequest, as_administrator, own_namespace, session_template,
};
use crate::doctor::evidence::{Problem, SignedIn};
use crate::doctor::remedy;
use crate::doctor::user_after_fix;
use crate::rbac::{
    Access, Action, Binding, Grant, Policy, Role, RoleKind, Rule, Rules, Subject, UserInfo,
};
use crate::shell_quote::quoted;
use similar_subject::similar;

pub(crate) const CHECK: Check = Check {
    id: "B2",
    title: "bindings",
    after: &[],
    judge,
};

/// The ClusterRoles of every cluster, which should not be changed for one user.
const SHARED_ROLES: [&str; 4] = ["admin", "cluster-admin", "edit", "view"];

/// The largest number of letters in which a misspelled name differs.
const MAX_LETTERS: usize = 2;

/// The maximum number of namespaces to list.
const MAX_NAMESPACES: usize = 3;

fn judge(evidence: &Evidence) -> CheckResult {
    let fixed = user_after_fix::find(evidence);
    let is_rejected = match evidence.signed_in.known() {
        Some(SignedIn::In { .. }) | None => false,
        Some(_) => true,
    };
    if is_rejected && fixed.is_none() && !evidence.is_future() {
        return Err(Skipped::needs("M2 to be fixed first"));
    }
    let policy = evidence.policy.seen()?;
    let user = match &fixed {
        Some(fixed) => fixed.user.clone(),
        None => evidence
            .user()
            .ok_or_else(|| Skipped::needs("the Kubernetes user (M2)"))?,
    };
    if let Some(unread) = policy.lacks(&["clusterrolebindings", "rolebindings"]) {
        return Err(Skipped::needs(format!(
            "permission to list {}: {}",
            unread.resource, unread.why
        )));
    }
    let info = UserInfo::new(&user, &[]);
    let access = policy.access(&info);
    let own: Vec<_> = access
        .grants
        .iter()
        .filter(|grant| !grant.is_for_all_users())
        .collect();
    let mut saw: Vec<String> = own
        .iter()
        .map(|grant| {
            let role = &grant.binding.role.name;
            format!("{} grants {role}", described(grant.binding))
        })
        .collect();
    if info.may_do_everything() {
        saw.push("group system:masters is allowed everything".to_owned());
    }
    let is_expected = fixed.is_none() && evidence.is_future();
    let is_future = fixed.is_some() || is_expected;
    let denied = match is_future {
        true => DeniedRequest::of_user(evidence, &user),
        false => DeniedRequest::of(evidence),
    };
    let who = format!(
        "user {} in {}",
        remedy::username(&user.username),
        remedy::groups(&user.groups)
    );
    let after = match &fixed {
        Some(fixed) => format!("after the next step of {}, {who}", fixed.check),
        None if evidence.is_expected() => format!("with working credentials, {who}"),
        None if is_expected => format!("with a token that the cluster accepts, {who}"),
        None => String::new(),
    };
    let bound = |saw: &[String]| {
        let saw = match saw {
            [] => "no binding has the user or its groups as subject; another authorizer grants or denies access"
                .to_owned(),
            saw => saw.join("; "),
        };
        match after.as_str() {
            "" => saw,
            after => format!("{after}: {saw}"),
        }
    };
    let Some(denied) = denied else {
        return Outcome::ok(bound(&saw));
    };
    let analysis = Analysis {
        evidence,
        policy,
        user: &user,
        own: &own,
        denied: &denied,
    };
    let has_policies = fixed.is_none() && is_future && may_be_allowed_by_policy(evidence, &denied);
    if is_future && (info.may_do_everything() || has_policies || analysis.may_be_allowed(&access)) {
        return Outcome::ok(bound(&saw));
    }
    if saw.is_empty() {
        saw.push("no binding applies".to_owned());
    }
    let Problem { cause, next } =
        denied
            .of_node(problem_of_subject(evidence))
            .unwrap_or_else(|| match is_future {
                true => analysis.problem(),
                false => analysis.problems(),
            });
    let cause = match is_future {
        true => format!("{after} still may not {}: {cause}", denied.question),
        false => cause,
    };
    Outcome::problem(saw.join("; "), cause, next)
}

/// Returns whether an access policy of the identity's access entry may allow the request, or M3 reports that none does.
fn may_be_allowed_by_policy(evidence: &Evidence, denied: &DeniedRequest<'_>) -> bool {
    let subject = evidence.subject();
    let entries = evidence.access_entries.known();
    let entries = entries.and_then(|entries| entries.as_ref().ok());
    let entry = subject.zip(entries);
    let entry = entry.and_then(|(subject, entries)| entries.of(&subject.canonical.arn));
    let Some(terms) = entry.and_then(|entry| entry.terms.as_ref()) else {
        return false;
    };
    match &terms.policies {
        None => true,
        Some(policies) if policies.is_empty() => false,
        Some(policies) => terms.groups.is_empty() || !allow_none(policies, denied),
    }
}

/// Returns whether a binding nearly names the user whose request is denied.
pub(in crate::doctor) fn names_nearly(evidence: &Evidence) -> bool {
    let (Some(policy), Some(user)) = (evidence.policy.known(), evidence.user()) else {
        return false;
    };
    let Some(denied) = DeniedRequest::of(evidence) else {
        return false;
    };
    let analysis = Analysis {
        evidence,
        policy,
        user: &user,
        own: &[],
        denied: &denied,
    };
    analysis.similar_subject(|_| true).is_some()
}

/// A denied request, and what RBAC has for the user.
#[derive(Clone, Copy)]
struct Analysis<'a> {
    evidence: &'a Evidence,
    policy: &'a Policy,
    user: &'a User,
    /// The bindings that apply to the user.
    own: &'a [&'a Grant<'a>],
    denied: &'a DeniedRequest<'a>,
}

impl Analysis<'_> {
    /// Returns whether RBAC allows the request, as far as the rules and the API group of the request are known.
    fn may_be_allowed(&self, access: &Access<'_>) -> bool {
        let mut bindings = access.grants.iter().map(|grant| grant.binding);
        !self.denied.has_known_group()
            || bindings.any(|binding| self.reaches(binding) && self.allows(binding) != Some(false))
    }

    fn problem(&self) -> Problem {
        self.specific().unwrap_or_else(|| self.not_granted())
    }

    /// Returns the problem of the request, and those of the other denied requests that have other causes.
    fn problems(&self) -> Problem {
        let first = self.specific();
        let is_specific = first.is_some();
        let mut all = vec![first.unwrap_or_else(|| self.not_granted())];
        for denied in self.denied.all_others() {
            let other = Analysis {
                denied: &denied,
                ..*self
            };
            // The permission for the first request is granted together with those for the others.
            let problem = match other.specific() {
                Some(problem) => problem,
                None if is_specific => other.not_granted(),
                None => continue,
            };
            if all.iter().all(|known| known.next != problem.next) {
                all.push(problem);
            }
        }
        let joined = |part: fn(&Problem) -> &str, with: &str| {
            let parts: Vec<&str> = all.iter().map(part).collect();
            parts.join(with)
        };
        Problem {
            cause: joined(|problem| &problem.cause, "; and "),
            next: joined(|problem| &problem.next, "; and then "),
        }
    }

    /// Returns the cause that the bindings or roles show; `None` if they only lack the permission.
    fn specific(&self) -> Option<Problem> {
        if self.denied.is_impersonation() {
            return None;
        }
        self.missing_role()
            .or_else(|| self.other_rule())
            // What is wrong in the requested namespace comes before the permission in another one.
            .or_else(|| self.similar_subject(|binding| self.reaches(binding)))
            .or_else(|| self.other_namespace())
            .or_else(|| self.similar_subject(|_| true))
            .or_else(|| self.named_like_a_role())
            .or_else(|| self.username_of_session())
            .or_else(|| self.other_rule_elsewhere())
            .or_else(|| self.empty_role())
    }

    /// Finds a binding of the user to a role that does not exist.
    fn missing_role(&self) -> Option<Problem> {
        let mut bindings = self.own.iter().map(|grant| grant.binding);
        let binding =
            bindings.find(|binding| self.reaches(binding) && !self.exists(&binding.role()))?;
        let kind = binding.role.kind.name();
        let missing = &binding.role.name;
        let place = match binding.role().namespace {
            Some(namespace) => format!(" in namespace {namespace}"),
            None => String::new(),
        };
        let cause = format!(
            "{} refers to {kind} {missing}{place}, which does not exist",
            described(binding)
        );
        let similar = self.similar_roles(missing);
        if let Some(role) = usable(&similar, binding) {
            return Some(Problem {
                cause: format!("{cause}; {} exists", role_in_words(role)),
                next: self.by_administrator(&rebind(binding, role, &binding.subjects)),
            });
        }
        let elsewhere = similar
            .first()
            .map(|role| format!("; {} exists", role_in_words(role)));
        Some(Problem {
            cause: cause + &elsewhere.unwrap_or_default(),
            next: self.by_administrator(&[self.create_role(binding)]),
        })
    }

    /// Returns the roles of nearly this name that allow the request.
    fn similar_roles(&self, name: &str) -> Vec<&Role> {
        let is_similar = |role: &&Role| {
            role.name == name || strsim::damerau_levenshtein(&role.name, name) <= MAX_LETTERS
        };
        let similar = self.policy.roles.keys().filter(is_similar);
        similar.filter(|role| self.role_allows(role)).collect()
    }

    fn create_role(&self, binding: &Binding) -> String {
        let role = binding.role();
        let create = match &role.namespace {
            Some(namespace) => format!(
                "create role {} -n {}",
                quoted(&role.name),
                quoted(namespace)
            ),
            None => format!("create clusterrole {}", quoted(&role.name)),
        };
        let verb = quoted(&format!("--verb={}", self.denied.action.verb()));
        let resource = quoted(&format!("--resource={}", self.denied.resource()));
        format!("{create} {verb} {resource}")
    }

    /// Finds a binding of the user to a ClusterRole without rules, as an aggregated one has if its selector matches nothing.
    /// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#aggregated-clusterroles>
    fn empty_role(&self) -> Option<Problem> {
        let mut bindings = self.own.iter().map(|grant| grant.binding);
        let is_empty = |role: &Role| {
            role.namespace.is_none()
                && matches!(self.policy.roles.get(role), Some(Rules::Known(rules)) if rules.is_empty())
        };
        let binding =
            bindings.find(|binding| self.reaches(binding) && is_empty(&binding.role()))?;
        let name = quoted(&binding.role.name);
        let compare = [
            format!("get clusterrole {name} -o 'jsonpath={{.aggregationRule}}'"),
            "get clusterroles --show-labels".to_owned(),
        ];
        Some(Problem {
            cause: format!(
                "{} grants ClusterRole {}, which has no rules: if it is aggregated, its selector matches the labels of no other ClusterRole",
                described(binding),
                binding.role.name
            ),
            next: format!(
                "compare its selector with the labels of the ClusterRoles that it should contain, and correct one of the two; or add rules to it: {}",
                self.by_administrator(&compare)
            ),
        })
    }

    /// Finds a binding of the user that allows the request in other namespaces.
    fn other_namespace(&self) -> Option<Problem> {
        let mut allowing: Vec<&Binding> = self
            .own
            .iter()
            .filter(|grant| self.allows(grant.binding) == Some(true))
            .map(|grant| grant.binding)
            .collect();
        allowing.sort();
        let first = allowing.first()?;
        let request = self.denied.words();
        if self.denied.is_without_namespace() {
            let resource = self.denied.resource();
            return Some(Problem {
                cause: format!(
                    "{} cannot grant {resource}, which have no namespace: this needs a ClusterRoleBinding",
                    described(first)
                ),
                next: self.denied.grant(),
            });
        }
        let mut namespaces: Vec<&str> = Vec::new();
        for binding in &allowing {
            // A ClusterRoleBinding would have been sufficient.
            let namespace = binding.namespace.as_deref()?;
            // Something else denies the request, such as the API group.
            if self.denied.namespace() == Some(namespace) {
                return None;
            }
            if !namespaces.contains(&namespace) {
                namespaces.push(namespace);
            }
        }
        let user = &self.user.username;
        let shown = namespaces[..namespaces.len().min(MAX_NAMESPACES)].join(", ");
        let cause = format!(
            "user {user} may {request} only in namespace {shown} ({})",
            described(first)
        );
        let grant = self.denied.grant();
        let Some(requested) = self.denied.namespace() else {
            return Some(Problem {
                cause: format!("{cause}, and the request is for all namespaces"),
                next: format!(
                    "request one namespace: add -n {}; if all are needed: {grant}",
                    quoted(namespaces[0])
                ),
            });
        };
        let near = namespaces
            .iter()
            .copied()
            .find(|namespace| strsim::damerau_levenshtein(namespace, requested) <= MAX_LETTERS);
        let namespace = quoted(near.unwrap_or(namespaces[0]));
        let is_of_context = own_namespace(self.evidence) == requested && requested != "default";
        let (from, select) = if is_of_context && self.evidence.request.arn.is_none() {
            let context = self
                .evidence
                .entry()
                .ok()
                .and_then(|entry| entry.context.as_deref());
            let context = context.map_or_else(|| "--current".to_owned(), quoted);
            (
                " (the context's namespace)",
                format!("kubectl config set-context {context} --namespace={namespace}"),
            )
        } else {
            ("", format!("add -n {namespace} to the command"))
        };
        // The name of an object shows which namespace is meant.
        let next = match self.denied.has_name() {
            true => format!("{grant}; or, if namespace {namespace} is meant, {select}"),
            false => format!("{select}; if it is needed in {requested}: {grant}"),
        };
        Some(Problem {
            cause: format!("{cause}, and the request is for namespace {requested}{from}"),
            next,
        })
    }

    /// Finds a role of the user that has a similar rule.
    fn other_rule(&self) -> Option<Problem> {
        let reaching = self.own.iter().filter(|grant| self.reaches(grant.binding));
        let mut found = reaching.filter_map(|grant| {
            let role = grant.binding.role();
            let mut rules = known(self.policy.roles.get(&role)).iter();
            let why = rules.find_map(|rule| self.near_rule(rule))?;
            Some((role, why))
        });
        let (role, why) = found.next()?;
        let next = if is_shared(&role) {
            self.denied.grant()
        } else {
            self.by_administrator(&[self.add_rule(&role)])
        };
        Some(Problem {
            cause: format!(
                "{} does not allow user {} to {}: {why}",
                role_in_words(&role),
                self.user.username,
                self.denied.question
            ),
            next,
        })
    }

    /// Finds a role of the user in another namespace that has a similar rule, so that both the namespace and the rule differ.
    fn other_rule_elsewhere(&self) -> Option<Problem> {
        let requested = self.denied.namespace()?;
        if self.denied.is_without_namespace() {
            return None;
        }
        let mut own = self.own.iter().map(|grant| grant.binding);
        let (binding, place, role, why) = own.find_map(|binding| {
            let place = binding.namespace.as_deref()?;
            let role = binding.role();
            let mut rules = known(self.policy.roles.get(&role)).iter();
            let why = rules.find_map(|rule| self.near_rule(rule))?;
            (!self.reaches(binding)).then_some((binding, place, role, why))
        })?;
        let correct = match is_shared(&role) {
            true => String::new(),
            false => format!(
                "; or, if namespace {place} is meant, correct the role and add -n {}: {}",
                quoted(place),
                self.by_administrator(&[self.add_rule(&role)])
            ),
        };
        Some(Problem {
            cause: format!(
                "{} applies only to namespace {place}, and the request is for namespace {requested}; and {} does not allow it there either: {why}",
                described(binding),
                role_in_words(&role)
            ),
            next: format!("{}{correct}", self.denied.grant()),
        })
    }

    /// Returns in what a rule differs from one that allows the request.
    fn near_rule(&self, rule: &Rule) -> Option<String> {
        let Action::Resource {
            verb,
            group,
            resource,
            subresource,
            name,
            ..
        } = &self.denied.action
        else {
            return None;
        };
        let with = |change: fn(&mut Rule, &str), value: &str| {
            let mut changed = rule.clone();
            change(&mut changed, value);
            changed.allows(&self.denied.action)
        };
        let whole = self.denied.resource();
        if with(|rule, group| rule.api_groups.push(group.to_owned()), group) {
            let is_known = self.denied.has_known_group();
            let groups: Vec<_> = rule
                .api_groups
                .iter()
                .map(|group| format!("{group:?}"))
                .collect();
            return is_known.then(|| {
                format!(
                    "its rule for {resource} has apiGroups [{}], but {resource} are in {group:?}",
                    groups.join(", ")
                )
            });
        }
        if with(|rule, verb| rule.verbs.push(verb.to_owned()), verb) {
            return Some(format!(
                "its rule for {whole} has the verbs {}",
                rule.verbs.join(", ")
            ));
        }
        let is_near =
            |listed: &&String| strsim::damerau_levenshtein(listed, resource) <= MAX_LETTERS;
        if let Some(listed) = rule.resources.iter().find(is_near)
            && subresource.is_empty()
            && with(|rule, of| rule.resources.push(of.to_owned()), resource)
        {
            return Some(format!(
                "its rule has the resource {listed}, but the name is {resource}"
            ));
        }
        if with(|rule, name| rule.resource_names.push(name.to_owned()), name)
            || with(|rule, _| rule.resource_names.clear(), "")
        {
            return Some(format!(
                "its rule for {whole} is limited to the objects {}",
                rule.resource_names.join(", ")
            ));
        }
        let parent = format!("{resource}/{subresource}");
        let has_parent = rule.resources.iter().any(|listed| listed == resource);
        (!subresource.is_empty()
            && has_parent
            && with(|rule, of| rule.resources.push(of.to_owned()), &parent))
        .then(|| format!("its rule allows {resource}, but {parent} must be listed separately"))
        .or_else(|| {
            // A rule for `pods/log` does not include `pods`.
            let listed = rule.resources.iter().find(|listed| {
                listed
                    .strip_prefix(resource.as_str())
                    .is_some_and(|rest| rest.starts_with('/'))
            })?;
            (subresource.is_empty()
                && with(|rule, of| rule.resources.push(of.to_owned()), resource))
            .then(|| format!("its rule allows {listed}, but {resource} must be listed separately"))
        })
    }

    fn add_rule(&self, role: &Role) -> String {
        let rule = match &self.denied.action {
            Action::Path { verb, path } => json!({"nonResourceURLs": [path], "verbs": [verb]}),
            Action::Resource {
                verb,
                group,
                resource,
                subresource,
                name,
                ..
            } => {
                let resource = match subresource.as_str() {
                    "" => resource.clone(),
                    subresource => format!("{resource}/{subresource}"),
                };
                let mut rule =
                    json!({"apiGroups": [group], "resources": [resource], "verbs": [verb]});
                if !name.is_empty() {
                    rule["resourceNames"] = json!([name]);
                }
                rule
            }
        };
        let patch = json!([{"op": "add", "path": "/rules/-", "value": rule}]).to_string();
        let (kind, place) = match &role.namespace {
            Some(namespace) => ("role", format!(" -n {}", quoted(namespace))),
            None => ("clusterrole", String::new()),
        };
        let (name, patch) = (quoted(&role.name), quoted(&patch));
        format!("patch {kind} {name}{place} --type=json -p {patch}")
    }

    /// Finds a binding whose subject resembles the user and whose role allows the request.
    fn similar_subject(&self, is_relevant: impl Fn(&Binding) -> bool) -> Option<Problem> {
        let arn = self.evidence.subject().map(|subject| subject.canonical.arn);
        let bindings = self.policy.bindings.iter();
        let candidates = bindings
            .filter(|binding| is_relevant(binding))
            .filter(|binding| self.allows(binding) != Some(false) || !self.exists(&binding.role()));
        let found = candidates.flat_map(|binding| {
            let subjects = binding.subjects.iter();
            let arn = arn.as_deref();
            subjects.filter_map(move |subject| {
                let similar = similar(subject, self.user, arn)?;
                // A binding whose role exists and that applies to the request's namespace comes first.
                let lacks_role = !self.exists(&binding.role());
                Some((
                    lacks_role,
                    !self.reaches(binding),
                    similar,
                    subject,
                    binding,
                ))
            })
        });
        let (lacks_role, is_elsewhere, similar, subject, binding) = found.min()?;
        let place = match &binding.namespace {
            Some(namespace) => format!(" -n {}", quoted(namespace)),
            None => String::new(),
        };
        let kind = binding.kind().to_lowercase();
        let name = quoted(&binding.name);
        let correct = quoted(&format!("--{}={}", similar.flag, similar.name));
        let correct =
            self.by_administrator(&[format!("set subject {kind} {name}{place} {correct}")]);
        let mut cause = format!(
            "{} has the subject {} {}, which does not match: {}",
            described(binding),
            subject.kind(),
            subject.name(),
            similar.why
        );
        let mut next = correct;
        if lacks_role {
            let missing = &binding.role.name;
            cause += &format!(
                "; and it refers to {} {missing}, which does not exist",
                binding.role.kind.name()
            );
            let correct = match similar.flag {
                "group" => Subject::Group(similar.name.to_owned()),
                _ => Subject::User(similar.name.to_owned()),
            };
            let subjects = binding.subjects.iter();
            let subjects: Vec<Subject> = subjects
                .map(|one| {
                    if one == subject {
                        correct.clone()
                    } else {
                        one.clone()
                    }
                })
                .collect();
            next = match usable(&self.similar_roles(missing), binding) {
                Some(role) => self.by_administrator(&rebind(binding, role, &subjects)),
                None => format!(
                    "{next}; then {}",
                    self.by_administrator(&[self.create_role(binding)])
                ),
            };
        }
        if let (true, Some(namespace)) = (is_elsewhere, &binding.namespace) {
            let requested = self.denied.namespace().unwrap_or("all namespaces");
            cause += &format!("; and it applies only to namespace {namespace}, not to {requested}");
            next += &format!("; then add -n {} to the command", quoted(namespace));
        }
        Some(Problem { cause, next })
    }

    /// Finds a group with the name of a ClusterRole that allows the request.
    fn named_like_a_role(&self) -> Option<Problem> {
        let role = |name: &String| Role {
            namespace: None,
            name: name.clone(),
        };
        let mut groups = self.user.groups.iter();
        let group = groups.find(|group| self.role_allows(&role(group)))?;
        let name = quoted(group);
        let bind = match self.denied.namespace() {
            Some(namespace) if !self.denied.is_without_namespace() => format!(
                "create rolebinding {name} -n {} --clusterrole={name} --group={name}",
                quoted(namespace)
            ),
            _ => format!("create clusterrolebinding {name} --clusterrole={name} --group={name}"),
        };
        Some(Problem {
            cause: format!(
                "{group} is a ClusterRole, and no binding gives it to the group with the same name"
            ),
            next: format!(
                "bind it: {}; or allow only this request: {}",
                self.by_administrator(&[bind]),
                self.denied.grant()
            ),
        })
    }

    /// Finds that the username is that of one session.
    fn username_of_session(&self) -> Option<Problem> {
        let info = UserInfo::new(self.user, &[]);
        if info.to_bind().is_none_or(|(flag, _)| flag == "group") {
            return None;
        }
        let template = session_template(self.evidence, self.user)?;
        let mut bindings = self.policy.bindings.iter();
        let other = bindings.find_map(|binding| {
            let is_user = |subject: &&Subject| {
                matches!(subject, Subject::User(name) if !name.starts_with("system:"))
            };
            let subject = binding.subjects.iter().find(is_user)?;
            (self.allows(binding) == Some(true)).then(|| {
                format!("; {} names User {}", described(binding), subject.name())
            })
        });
        Some(Problem {
            cause: format!(
                "no RBAC binding has user {} as subject, and each session has another username: {template}{}",
                self.user.username,
                other.unwrap_or_default()
            ),
            next: self.denied.grant(),
        })
    }

    fn not_granted(&self) -> Problem {
        let groups: Vec<_> = self
            .user
            .groups
            .iter()
            .filter(|group| *group != "system:authenticated")
            .cloned()
            .collect();
        let is_without_groups = groups.is_empty();
        let (user, groups) = (&self.user.username, remedy::groups(&groups));
        let cause = if self.denied.is_impersonation() {
            format!(
                "the kubeconfig lets user {user} act as another user, which needs the permission to {}",
                self.denied.question
            )
        } else if self.own.is_empty() && is_without_groups {
            return self.no_groups();
        } else if self.own.is_empty() {
            format!("no RBAC binding has user {user} or {groups} as subject")
        } else {
            format!(
                "the roles bound to user {user} in {groups} do not allow {}",
                self.denied.questions()
            )
        };
        Problem {
            cause,
            next: self.denied.grant(),
        }
    }

    /// Returns the problem that neither a group nor a binding of the username gives permissions.
    fn no_groups(&self) -> Problem {
        let user = &self.user.username;
        let explained = self.evidence.explanation().ok();
        let answer = explained
            .as_ref()
            .and_then(|explained| explained.explanation.answers.first());
        let place = answer.map(|answer| {
            let (section, line) = (answer.place.section, answer.place.line);
            format!("{} line {line} gives it no groups", section.key())
        });
        let place = place.unwrap_or_else(|| "it has no groups".to_owned());
        let grant = self.denied.grant();
        Problem {
            cause: format!("no RBAC binding has user {user} as subject, and {place}"),
            next: match remedy::map_again(self.evidence) {
                Some(map) => format!(
                    "give it a group that has the permission: {map}; or allow only this request: {grant}"
                ),
                None => grant,
            },
        }
    }

    /// Returns whether a binding applies to the namespace of the request.
    fn reaches(&self, binding: &Binding) -> bool {
        match &binding.namespace {
            None => true,
            Some(namespace) => {
                self.denied.namespace() == Some(namespace) && !self.denied.is_without_namespace()
            }
        }
    }

    /// Returns whether a binding's role allows the request in the binding's scope; `None` if its rules are unknown.
    fn allows(&self, binding: &Binding) -> Option<bool> {
        let role = binding.role();
        match self.policy.roles.get(&role) {
            Some(Rules::Known(_)) => Some(self.role_allows(&role)),
            Some(Rules::NoSuchRole) => Some(false),
            Some(Rules::Unread) | None => (!self.exists(&role)).then_some(false),
        }
    }

    /// Returns whether a role is known to allow the request.
    fn role_allows(&self, role: &Role) -> bool {
        let mut rules = known(self.policy.roles.get(role)).iter();
        rules.any(|rule| rule.allows(&self.denied.action))
    }

    /// Returns whether a role exists, as far as it is known.
    fn exists(&self, role: &Role) -> bool {
        let resource = match role.namespace {
            Some(_) => "roles",
            None => "clusterroles",
        };
        match self.policy.roles.get(role) {
            Some(rules) => *rules != Rules::NoSuchRole,
            None => self.policy.lacks(&[resource]).is_some(),
        }
    }

    fn by_administrator(&self, commands: &[String]) -> String {
        as_administrator(self.evidence, commands)
    }
}

/// Returns whether a role is one that should not be changed for one user.
fn is_shared(role: &Role) -> bool {
    SHARED_ROLES.contains(&role.name.as_str()) || role.name.starts_with("system:")
}

fn known(rules: Option<&Rules>) -> &[Rule] {
    match rules {
        Some(Rules::Known(rules)) => rules,
        _ => &[],
    }
}

fn described(binding: &Binding) -> String {
    let place = binding.namespace.as_ref();
    let place = place.map_or_else(String::new, |place| format!(" in namespace {place}"));
    format!("{} {}{place}", binding.kind(), binding.name)
}

fn role_in_words(role: &Role) -> String {
    match &role.namespace {
        Some(namespace) => format!("Role {} in namespace {namespace}", role.name),
        None => format!("ClusterRole {}", role.name),
    }
}

/// Returns the first of these roles that a binding can name.
fn usable<'r>(roles: &[&'r Role], binding: &Binding) -> Option<&'r Role> {
    let mut roles = roles.iter().copied();
    roles.find(|role| role.namespace.is_none() || role.namespace == binding.namespace)
}

/// Returns the commands that bind subjects to another role: a roleRef cannot be changed.
fn rebind(binding: &Binding, role: &Role, subjects: &[Subject]) -> [String; 2] {
    let kind = binding.kind().to_lowercase();
    let place = match &binding.namespace {
        Some(namespace) => format!(" -n {}", quoted(namespace)),
        None => String::new(),
    };
    let flag = match &role.namespace {
        Some(_) => RoleKind::Role,
        None => RoleKind::ClusterRole,
    };
    let flag = flag.name().to_lowercase();
    let role = quoted(&format!("--{flag}={}", role.name));
    let subjects: String = subjects
        .iter()
        .map(|subject| {
            let word = match subject {
                Subject::User(name) => format!("--user={name}"),
                Subject::Group(name) => format!("--group={name}"),
                Subject::ServiceAccount { namespace, name } => {
                    format!("--serviceaccount={namespace}:{name}")
                }
            };
            format!(" {}", quoted(&word))
        })
        .collect();
    let name = quoted(&binding.name);
    [
        format!("delete {kind} {name}{place}"),
        format!("create {kind} {name}{place} {role}{subjects}"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::evidence::{Collected, Entry, PermissionAnswer, Request, SignedIn};
    use crate::rbac::RoleRef;

    fn role(namespace: Option<&str>, name: &str) -> Role {
        Role {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    fn rule(group: &str, resource: &str, verb: &str) -> Rule {
        Rule {
            verbs: vec![verb.to_owned()],
            api_groups: vec![group.to_owned()],
            resources: vec![resource.to_owned()],
            ..Rule::default()
        }
    }

    /// Binds `pod-reader`, a Role if `kind` says so.
    fn binding(namespace: Option<&str>, kind: RoleKind, subject: Subject) -> Binding {
        Binding {
            namespace: namespace.map(str::to_owned),
            name: "pods".to_owned(),
            role: RoleRef {
                kind,
                name: "pod-reader".to_owned(),
            },
            subjects: vec![subject],
        }
    }

    fn devs() -> Subject {
        Subject::Group("devs".to_owned())
    }

    /// Judges the denied request of user alice in group devs, read by an administrator.
    fn problem(bindings: Vec<Binding>, roles: &[(Role, Rule)], question: &str) -> Problem {
        judged(&evidence(bindings, roles, question))
    }

    fn judged(evidence: &Evidence) -> Problem {
        judge(evidence).unwrap().problem.unwrap()
    }

    fn evidence(bindings: Vec<Binding>, roles: &[(Role, Rule)], question: &str) -> Evidence {
        let roles = roles.iter().cloned();
        Evidence {
            request: Request {
                as_context: Some("admin".to_owned()),
                ..Request::default()
            },
            kubeconfig: Collected::Seen(Ok(Entry {
                namespace: "teama".to_owned(),
                context: Some("mine".to_owned()),
                ..Entry::default()
            })),
            signed_in: Collected::Seen(SignedIn::In {
                username: "alice".to_owned(),
                groups: vec!["devs".to_owned(), "system:authenticated".to_owned()],
            }),
            answers: Collected::Seen(vec![PermissionAnswer {
                question: question.to_owned(),
                allowed: false,
                reason: None,
            }]),
            policy: Collected::Seen(Policy {
                bindings,
                roles: roles
                    .map(|(role, rule)| (role, Rules::Known(vec![rule])))
                    .collect(),
                unread: Vec::new(),
            }),
            ..Evidence::default()
        }
    }

    fn reader() -> (Role, Rule) {
        (role(None, "pod-reader"), rule("", "pods", "list"))
    }

    #[track_caller]
    fn says(problem: &Problem, cause: &str, next: &str) {
        assert_eq!(
            (problem.cause.as_str(), problem.next.as_str()),
            (cause, next)
        );
    }

    #[test]
    fn unbound_user_gets_only_the_denied_permission() {
        let found = problem(Vec::new(), &[], "get pods --subresource=log -n web");
        says(
            &found,
            "no RBAC binding has user alice or group devs as subject",
            "kubectl --context admin create role devs-get-pods-log -n web --verb=get --resource=pods/log && \
             kubectl --context admin create rolebinding devs-get-pods-log -n web --role=devs-get-pods-log --group=devs",
        );
        let found = problem(Vec::new(), &[], "list nodes -A");
        assert_eq!(
            found.next,
            "kubectl --context admin create clusterrole devs-list-nodes --verb=list --resource=nodes && \
             kubectl --context admin create clusterrolebinding devs-list-nodes --clusterrole=devs-list-nodes --group=devs",
        );
        let mut own = evidence(Vec::new(), &[], "list deployments.apps");
        own.request.as_context = None;
        assert_eq!(
            judged(&own).next,
            "ask an administrator of this cluster to run: kubectl create role devs-list-deployments-apps -n teama --verb=list --resource=deployments.apps && \
             kubectl create rolebinding devs-list-deployments-apps -n teama --role=devs-list-deployments-apps --group=devs",
        );
    }

    #[test]
    fn all_denied_requests_of_one_command_are_allowed() {
        let mut evidence = evidence(Vec::new(), &[], "list deployments.apps -n web");
        if let Collected::Seen(answers) = &mut evidence.answers {
            let another = |question: &str| PermissionAnswer {
                question: question.to_owned(),
                ..answers[0].clone()
            };
            let more = [
                another("list cronjobs.batch -n web"),
                another("get secrets/a -n web"),
            ];
            answers.extend(more);
        }
        let next = judged(&evidence).next;
        let rule = "--verb=list --resource=deployments.apps,cronjobs.batch && ";
        assert!(next.contains(rule), "{next}");
    }

    #[test]
    fn resource_without_its_group_is_in_the_group_of_kubernetes() {
        let bound = vec![binding(Some("web"), RoleKind::Role, devs())];
        let old = (
            role(Some("web"), "pod-reader"),
            rule("extensions", "deployments", "list"),
        );
        let found = problem(bound, &[old], "list deployments -n web");
        let cause = "its rule for deployments has apiGroups [\"extensions\"], but deployments are in \"apps\"";
        assert!(found.cause.ends_with(cause), "{}", found.cause);
        // The group of a resource that is not one of Kubernetes is unknown.
        let bound = vec![binding(Some("web"), RoleKind::Role, devs())];
        let own = (role(Some("web"), "pod-reader"), rule("", "widgets", "list"));
        let found = problem(bound, &[own], "list widgets -n web");
        assert!(!found.cause.contains("only in"), "{}", found.cause);
    }

    #[test]
    fn node_gets_no_more_rights() {
        let mut evidence = evidence(Vec::new(), &[], "list pods -n web");
        evidence.signed_in = Collected::Seen(SignedIn::In {
            username: "system:node:ip-10-0-0-1.ec2.internal".to_owned(),
            groups: vec!["system:nodes".to_owned()],
        });
        let found = judged(&evidence);
        assert!(found.cause.contains(" is a node: "), "{}", found.cause);
        assert!(found.next.contains("IRSA"), "{}", found.next);
        assert!(!found.next.contains("awsauth map"), "{}", found.next);
    }

    #[test]
    fn rights_in_another_namespace_are_the_cause() {
        let bound = || vec![binding(Some("team-a"), RoleKind::ClusterRole, devs())];
        let found = problem(bound(), &[reader()], "list pods -n teama");
        assert_eq!(
            found.cause,
            "user alice may list pods only in namespace team-a (RoleBinding pods in namespace team-a), \
             and the request is for namespace teama (the context's namespace)",
        );
        let next = "kubectl config set-context mine --namespace=team-a; if it is needed in teama: ";
        assert!(found.next.starts_with(next), "{}", found.next);
        let found = problem(bound(), &[reader()], "list pods -n default");
        assert!(
            found.next.starts_with("add -n team-a to the command; "),
            "{}",
            found.next
        );
        let found = problem(bound(), &[reader()], "list pods -A");
        assert!(
            found
                .cause
                .ends_with("and the request is for all namespaces"),
            "{}",
            found.cause
        );
        assert!(
            found
                .next
                .starts_with("request one namespace: add -n team-a; "),
            "{}",
            found.next
        );
        // A RoleBinding never grants nodes.
        for (group, resource, question) in [
            ("", "nodes", "list nodes -A"),
            (
                "storage.k8s.io",
                "storageclasses",
                "list storageclasses.storage.k8s.io -A",
            ),
        ] {
            let granted = (role(None, "pod-reader"), rule(group, resource, "list"));
            let found = problem(bound(), &[granted], question);
            assert!(
                found.cause.contains(", which have no namespace"),
                "{}",
                found.cause
            );
        }
    }

    #[test]
    fn missing_role_is_named_with_a_similar_one() {
        let bound = |namespace, kind| vec![binding(namespace, kind, devs())];
        let other = (role(None, "pods-reader"), rule("", "pods", "list"));
        let found = problem(
            bound(None, RoleKind::ClusterRole),
            &[other],
            "list pods -n a",
        );
        says(
            &found,
            "ClusterRoleBinding pods refers to ClusterRole pod-reader, which does not exist; ClusterRole pods-reader exists",
            "kubectl --context admin delete clusterrolebinding pods && \
             kubectl --context admin create clusterrolebinding pods --clusterrole=pods-reader --group=devs",
        );
        let elsewhere = (
            role(Some("default"), "pod-reader"),
            rule("", "pods", "list"),
        );
        let found = problem(
            bound(Some("a"), RoleKind::Role),
            &[elsewhere],
            "list pods -n a",
        );
        says(
            &found,
            "RoleBinding pods in namespace a refers to Role pod-reader in namespace a, which does not exist; Role pod-reader in namespace default exists",
            "kubectl --context admin create role pod-reader -n a --verb=list --resource=pods",
        );
    }

    #[test]
    fn rule_that_nearly_allows_the_request_is_named() {
        let bound = || vec![binding(None, RoleKind::ClusterRole, devs())];
        let with = |rule: Rule, question: &str| {
            problem(bound(), &[(role(None, "pod-reader"), rule)], question)
        };
        let found = with(
            rule("", "deployments", "list"),
            "list deployments.apps -n a",
        );
        says(
            &found,
            "ClusterRole pod-reader does not allow user alice to list deployments.apps -n a: \
             its rule for deployments has apiGroups [\"\"], but deployments are in \"apps\"",
            "kubectl --context admin patch clusterrole pod-reader --type=json -p \
             '[{\"op\":\"add\",\"path\":\"/rules/-\",\"value\":{\"apiGroups\":[\"apps\"],\"resources\":[\"deployments\"],\"verbs\":[\"list\"]}}]'",
        );
        for (rule, question, cause) in [
            (
                rule("", "pods", "get"),
                "get pods --subresource=log -n a",
                "pods/log must be listed separately",
            ),
            (
                rule("", "pods/log", "get"),
                "get pods -n a",
                "pods must be listed separately",
            ),
            (
                rule("", "pods", "get"),
                "list pods -n a",
                "has the verbs get",
            ),
            (
                rule("", "pod", "list"),
                "list pods -n a",
                "its rule has the resource pod, but the name is pods",
            ),
            (
                Rule {
                    resource_names: vec!["web".into()],
                    ..rule("", "pods", "list")
                },
                "list pods -n a",
                "is limited to the objects web",
            ),
        ] {
            let found = with(rule, question);
            assert!(found.cause.ends_with(cause), "{}", found.cause);
        }
        // `--can` may leave out the API group.
        let found = with(rule("example.com", "widgets", "list"), "list widgets -n a");
        assert!(
            found.cause.starts_with("the roles bound to"),
            "{}",
            found.cause
        );
    }

    #[test]
    fn similar_subject_is_named_with_its_correction() {
        let account = Subject::ServiceAccount {
            namespace: "team-a".to_owned(),
            name: "devs".to_owned(),
        };
        let bound = |namespace| vec![binding(namespace, RoleKind::ClusterRole, account.clone())];
        says(
            &problem(bound(None), &[reader()], "list pods -n a"),
            "ClusterRoleBinding pods has the subject ServiceAccount devs, which does not match: devs is a group, not a service account",
            "kubectl --context admin set subject clusterrolebinding pods --group=devs",
        );
        says(
            &problem(bound(Some("team-a")), &[reader()], "list pods -n team-b"),
            "RoleBinding pods in namespace team-a has the subject ServiceAccount devs, which does not match: devs is a group, not a service account; \
             and it applies only to namespace team-a, not to team-b",
            "kubectl --context admin set subject rolebinding pods -n team-a --group=devs; then add -n team-a to the command",
        );
        // A binding that does not allow the request is no cause.
        let found = problem(bound(None), &[reader()], "delete pods -n a");
        assert!(
            found.cause.starts_with("no RBAC binding"),
            "{}",
            found.cause
        );
    }

    #[test]
    fn wrong_subject_and_missing_role_of_one_binding_are_both_named() {
        let user = Subject::User("devs".to_owned());
        let bound = vec![binding(Some("a"), RoleKind::Role, user)];
        let similar = (role(Some("a"), "pods-reader"), rule("", "pods", "list"));
        says(
            &problem(bound, &[similar], "list pods -n a"),
            "RoleBinding pods in namespace a has the subject User devs, which does not match: devs is a group, not a user; \
             and it refers to Role pod-reader, which does not exist",
            "kubectl --context admin delete rolebinding pods -n a && \
             kubectl --context admin create rolebinding pods -n a --role=pods-reader --group=devs",
        );
    }

    #[test]
    fn empty_cluster_role_is_the_cause() {
        let bound = vec![binding(None, RoleKind::ClusterRole, devs())];
        let mut evidence = evidence(bound, &[reader()], "list pods -n a");
        if let Collected::Seen(policy) = &mut evidence.policy {
            policy
                .roles
                .insert(role(None, "pod-reader"), Rules::Known(Vec::new()));
        }
        let found = judged(&evidence);
        let cause = "ClusterRoleBinding pods grants ClusterRole pod-reader, which has no rules";
        assert!(found.cause.starts_with(cause), "{}", found.cause);
        assert!(found.next.contains("--show-labels"), "{}", found.next);
    }

    #[test]
    fn group_with_the_name_of_a_cluster_role_is_the_cause() {
        let named = (role(None, "devs"), rule("", "pods", "list"));
        let found = problem(Vec::new(), &[named], "list pods -n a");
        assert_eq!(
            found.cause,
            "devs is a ClusterRole, and no binding gives it to the group with the same name"
        );
        let next = "bind it: kubectl --context admin create rolebinding devs -n a --clusterrole=devs --group=devs; or ";
        assert!(found.next.starts_with(next), "{}", found.next);
        // A ClusterRole that does not allow the request is no cause.
        let named = (role(None, "devs"), rule("", "pods", "get"));
        let found = problem(Vec::new(), &[named], "list pods -n a");
        assert!(
            found.cause.starts_with("no RBAC binding"),
            "{}",
            found.cause
        );
    }

    #[test]
    fn user_without_groups_and_bindings_is_named() {
        let mut evidence = evidence(Vec::new(), &[], "list pods -n a");
        if let Collected::Seen(SignedIn::In { groups, .. }) = &mut evidence.signed_in {
            groups.retain(|group| group == "system:authenticated");
        }
        assert_eq!(
            judged(&evidence).cause,
            "no RBAC binding has user alice as subject, and it has no groups"
        );
    }

    #[test]
    fn impersonation_by_the_kubeconfig_is_the_cause() {
        let mut evidence = evidence(Vec::new(), &[], "impersonate users/root -A");
        if let Collected::Seen(Ok(entry)) = &mut evidence.kubeconfig {
            entry.impersonates = Some("root".to_owned());
        }
        let found = judged(&evidence);
        assert!(
            found.next.starts_with("remove `as: root` from the user"),
            "{}",
            found.next
        );
    }
}
