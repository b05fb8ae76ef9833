//! Evidence from the API server.

use super::token::{PluginRun, TestedToken, is_unused, reader};
use super::{Collector, Printed, plugin_run};
use crate::collect;
use crate::collect::aws_auth::{self, Reader};
use crate::collect::nodes::JoinedNodes;
use crate::collect::{ConnectOptions, LIMIT, Task, sign_in, spawn};
use awsauth_core::doctor::evidence::{Collected, Evidence, Problem, SignedIn};
use awsauth_core::doctor::user_after_fix;
use awsauth_core::rbac::Question;
use awsauth_kube::selected_context::SelectedContext;

impl Collector {
    /// Signs in, reads aws-auth and asks about permissions.
    pub(super) fn ask_api_server(
        &self,
        evidence: &mut Evidence,
        options: &ConnectOptions,
        selected: Option<&SelectedContext>,
        tested: Option<TestedToken>,
        plugin: &PluginRun,
        of_context: Option<Task<Printed>>,
    ) {
        let token = tested
            .map(|tested| tested.token)
            .filter(|_| self.arn.is_none());
        let of_context = of_context.map(plugin_run);
        let as_context = self.as_context.as_deref().map(|name| (name, of_context));
        let (own, lacks) = match reader(selected, as_context, plugin, self.arn.is_some()) {
            Ok(own) => (own, None),
            Err(needs) => (None, Some(needs)),
        };
        // Another reader does not need to wait for the sign-in.
        let read = |reader: &Reader| {
            let (options, reader) = (options.clone(), reader.clone());
            spawn(super::READING, options.end, move || {
                aws_auth::read(&options, &reader, LIMIT)
            })
        };
        let reading = own.as_ref().map(read);
        let who = match &token {
            Some(token) => Some(Reader::Token(token.clone())),
            None => is_unused(evidence).then_some(Reader::Kubeconfig(None)),
        };
        match who {
            Some(who) => {
                let options = options.clone();
                let questions = self.questions.clone();
                let namespace = selected.map(|selected| selected.namespace.clone());
                let result = spawn(LIMIT * 2, options.end, move || {
                    let namespace = namespace.as_deref().unwrap_or("default");
                    sign_in::sign_in(&options, &who, &questions, namespace, LIMIT)
                });
                let (signed_in, answers) = match result.wait() {
                    Collected::Seen(result) => (result.signed_in, result.answers),
                    Collected::TimedOut(limit) => (Collected::TimedOut(limit), None),
                    Collected::NotRequested(needs) => (Collected::NotRequested(needs), None),
                };
                evidence.signed_in = signed_in;
                evidence.answers = answers.map_or_else(
                    || Collected::NotRequested("a successful sign-in (M2)".to_owned()),
                    Collected::Seen,
                );
            }
            None => {
                let needs = match self.arn {
                    Some(_) => "the identity's own credentials (run without --for)",
                    None => "a token (T1)",
                };
                evidence.signed_in = Collected::NotRequested(needs.to_owned());
                evidence.answers = Collected::NotRequested(needs.to_owned());
            }
        }
        let is_in = matches!(evidence.signed_in.known(), Some(SignedIn::In { .. }));
        let mine = token.filter(|_| is_in).map(Reader::Token);
        let (reading, reader) = match reading {
            Some(reading) => (Some(reading), own),
            None if lacks.is_some() => (None, None),
            None => (mine.as_ref().map(read), mine),
        };
        let lacks = lacks.as_deref();
        let needs = lacks.unwrap_or("permission to read it: --as-context NAME");
        evidence.aws_auth =
            reading.map_or_else(|| Collected::NotRequested(needs.to_owned()), Task::wait);
        let counting = read_nodes(evidence, options, reader.as_ref());
        let questions = self.arn.is_some().then_some(self.questions.as_slice());
        add_permissions(evidence, options, reader, questions);
        if self.arn.is_some() && has_access_policies(evidence) {
            evidence.answers = Collected::NotRequested(
                "the identity's own credentials: its access policies apply only to its own requests"
                    .to_owned(),
            );
        }
        add_nodes(evidence, counting);
        if let Some(needs) = lacks {
            let needs = || needs.to_owned();
            evidence.policy = Collected::NotRequested(needs());
            evidence.nodes = Collected::NotRequested(needs());
            if self.arn.is_some() {
                evidence.answers = Collected::NotRequested(needs());
            }
        }
    }
}

/// Returns whether the subject's access entry has access policies. EKS does not apply them to requests about another user:
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html>
fn has_access_policies(evidence: &Evidence) -> bool {
    let Some(Ok(entries)) = evidence.access_entries.known() else {
        return false;
    };
    let subject = evidence.subject();
    let entry = subject.and_then(|subject| entries.of(&subject.canonical.arn));
    let terms = entry.and_then(|entry| entry.terms.as_ref());
    terms.is_some_and(|terms| !terms.policies().is_empty())
}

/// Reads the RBAC bindings of the user and, if there are `questions`, the permissions. Without `--for`, the permissions
/// come from the sign-in instead.
fn add_permissions(
    evidence: &mut Evidence,
    options: &ConnectOptions,
    reader: Option<Reader>,
    questions: Option<&[Question]>,
) {
    let not_asked = |evidence: &mut Evidence, needs: &str| {
        evidence.policy = Collected::NotRequested(needs.to_owned());
        if questions.is_some() {
            evidence.answers = Collected::NotRequested(needs.to_owned());
        }
    };
    let Some(reader) = reader else {
        return not_asked(evidence, "permission to read RBAC");
    };
    let own = evidence.user();
    let needs = match &own {
        Some(_) => "permission to create subjectaccessreviews",
        None => "the identity's Kubernetes user (M5)",
    };
    // For a user after a fix, the bindings suffice.
    let asked = questions.filter(|_| own.is_some()).unwrap_or_default();
    let Some(user) = own.or_else(|| user_after_fix(evidence)) else {
        return not_asked(evidence, needs);
    };
    let (options, asked) = (options.clone(), asked.to_vec());
    let reading = spawn(LIMIT * 2, options.end, move || {
        aws_auth::rights(&options, &reader, &user, &asked, LIMIT)
    });
    match reading.wait() {
        Collected::Seen(Ok((policy, answers))) => {
            not_asked(evidence, needs);
            evidence.policy = Collected::Seen(policy);
            if let Some(answers) = answers {
                evidence.answers = Collected::Seen(answers);
            }
        }
        Collected::Seen(Err(problem)) => not_asked(evidence, &problem.cause),
        Collected::TimedOut(limit) => {
            evidence.policy = Collected::TimedOut(limit);
            if questions.is_some() {
                evidence.answers = Collected::TimedOut(limit);
            }
        }
        Collected::NotRequested(needs) => not_asked(evidence, &needs),
    }
}

/// Reads the nodes and Karpenter's node classes.
fn read_nodes(
    evidence: &Evidence,
    options: &ConnectOptions,
    reader: Option<&Reader>,
) -> Option<Task<Result<JoinedNodes, Problem>>> {
    let arn = match evidence.described.known() {
        Some(Ok(described)) => described.arn.clone(),
        _ => String::new(),
    };
    let (options, reader) = (options.clone(), reader?.clone());
    Some(spawn(super::READING, options.end, move || {
        collect::nodes::joined(&options, &reader, &arn, LIMIT)
    }))
}

/// Adds the nodes to the evidence.
fn add_nodes(evidence: &mut Evidence, counting: Option<Task<Result<JoinedNodes, Problem>>>) {
    let needs = || "permission to list nodes".to_owned();
    match counting.map(Task::wait) {
        Some(Collected::Seen(Ok(joined))) => {
            evidence.node_classes = Collected::Seen(joined.classes);
            evidence.nodes = Collected::Seen(joined.nodes);
        }
        Some(Collected::Seen(Err(problem))) => {
            evidence.nodes = Collected::NotRequested(problem.cause)
        }
        Some(Collected::TimedOut(limit)) => evidence.nodes = Collected::TimedOut(limit),
        Some(Collected::NotRequested(needs)) => evidence.nodes = Collected::NotRequested(needs),
        None => evidence.nodes = Collected::NotRequested(needs()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use awsauth_core::doctor::diagnose;
    use awsauth_kube::{Environment, Flags};

    #[test]
    fn checks_skipped_for_an_unmapped_arn_state_what_they_need() {
        let options = ConnectOptions {
            flags: Flags::default(),
            environment: Environment::default(),
            eks_endpoint: None,
            described: None,
            end: Instant::now(),
        };
        let skipped = |reader: Option<Reader>| {
            let mut evidence = Evidence::default();
            add_permissions(&mut evidence, &options, reader, Some(&[]));
            let report = diagnose(&evidence);
            let checks = report.checks.into_iter();
            // B3 can be answered from the other results.
            let own = checks.filter(|(check, _)| ["B1", "B2"].contains(&check.id));
            own.map(|(_, judged)| judged.expect_err("skipped").needs)
                .collect::<Vec<_>>()
        };
        assert_eq!(skipped(None), ["permission to read RBAC"; 2]);
        let reader = Some(Reader::Kubeconfig(None));
        assert_eq!(skipped(reader), ["the identity's Kubernetes user (M5)"; 2]);
    }
}
