//! The order of the requests: each starts as soon as the answers that it needs have arrived.

mod api_server;
mod aws;
mod endpoint;
mod token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use secrecy::SecretString;

use crate::backend::Target;
use crate::collect::failing_command::Ran;
use crate::collect::proxy_probe::Proxy;
use crate::collect::{
    ConnectOptions, LIMIT, Task, credentials, exec_plugin, kubeconfig, spawn, sts,
};
use aws::{searched, verify_token};
use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{CredentialOptions, ResolvedCredentials};
use awsauth_core::arn::Kind;
use awsauth_core::doctor::denied_questions;
use awsauth_core::doctor::evidence::{
    ADOPTED_VARIABLES, Collected, CommandRun, Evidence, FoundCredentials, Plugin, ProxyProbe,
    Request, SearchFailed, User,
};
use awsauth_core::rbac::Question;
use awsauth_core::token::{Endpoint, StsHost};
use awsauth_kube::Environment;
use awsauth_kube::selected_context::{ExecPlugin, SelectedContext};
use endpoint::{add_endpoint, connect};
use token::PluginRun;

/// The time limit for the search for credentials, which may ask instance metadata and then STS.
const SEARCH: Duration = Duration::from_secs(4);
/// The time limit of reading aws-auth. The user of another context may have an exec plugin.
const READING: Duration = Duration::from_secs(4);
/// The time limit of an exec plugin without which there are no credentials either.
const HOPELESS_PLUGIN: Duration = Duration::from_secs(5);
/// How long to wait for the failing command after everything before the cluster is known.
const COMMAND_LIMIT: Duration = Duration::from_secs(4);
/// The time limit of a connection to STS.
const STS_CONNECTION: Duration = Duration::from_secs(1);

/// The arguments of a run.
pub(crate) struct Collector {
    pub(crate) target: Target,
    pub(crate) credential_options: CredentialOptions,
    pub(crate) cluster: Option<String>,
    pub(crate) arn: Option<String>,
    pub(crate) identity: Option<String>,
    pub(crate) questions: Vec<Question>,
    /// The request that the failing command makes, if it is known.
    pub(crate) of_command: Option<Question>,
    pub(crate) as_context: Option<String>,
    /// The role that the failing command binds.
    pub(crate) bound_role: Option<String>,
    /// The namespace that the failing command names.
    pub(crate) namespace: Option<String>,
    /// The time limit of an exec plugin.
    pub(crate) plugin_limit: Duration,
}

/// How credentials are searched, and the credentials that were found.
#[derive(Clone)]
struct CredentialContext {
    credential_options: CredentialOptions,
    aws_environment: AwsEnvironment,
    resolved: Option<ResolvedCredentials>,
    /// Whether the user selected the credentials, so that the kubeconfig's plugin is ignored.
    is_own: bool,
    /// Whether the failing command signs in without AWS, so that no AWS identity is tested.
    is_unused: bool,
}

type Searched = Result<(FoundCredentials, ResolvedCredentials), Box<SearchFailed>>;
type Printed = Option<(Plugin, Option<SecretString>)>;

impl Collector {
    /// Collects all evidence, until `end` at the latest.
    pub(crate) fn collect(
        mut self,
        command: Option<Task<Ran>>,
        end: Instant,
    ) -> (Evidence, Option<Ran>) {
        let now = Timestamp::now();
        let aws_environment = AwsEnvironment::of_process();
        let mut options = ConnectOptions {
            flags: self.target.flags(),
            environment: Environment::of_process(),
            eks_endpoint: None,
            described: None,
            end,
        };
        let mut evidence = Evidence {
            now,
            request: Request {
                arn: self.arn.clone(),
                identity: self.identity.clone(),
                cluster: self.cluster.clone(),
                as_context: self.as_context.clone(),
                questions: Vec::new(),
                is_example: false,
                bound_role: self.bound_role.clone(),
                namespace: self.namespace.clone(),
            },
            ..Evidence::default()
        };
        let read = kubeconfig::entry(&options.flags, &options.environment, &aws_environment, now);
        let uses_eks_endpoint = self.cluster.is_some()
            && self.arn.is_none()
            && kubeconfig::is_absent(&options.flags, &options.environment);
        let (entry, mut selected) = match read {
            Ok((entry, selected)) => (Ok(entry), Some(Arc::new(selected))),
            Err(problem) => (Err(problem), None),
        };
        evidence.kubeconfig = Collected::Seen(entry);
        let exec = selected.as_deref().and_then(SelectedContext::exec);
        // Without the token, the plugin next to it would run.
        let configured = selected
            .as_deref()
            .and_then(SelectedContext::configured_exec);
        let mut context = self.credential_context(aws_environment, configured, selected.as_deref());
        context.is_unused = self.arn.is_none()
            && !context.is_own
            && signs_in_without_aws(&evidence, command.is_some());

        // Needs only the kubeconfig.
        let running = exec.filter(|exec| exec.can_run()).cloned();
        let running = running.map(|exec| self.run_plugin(exec, end));
        let of_context = self.as_context.as_ref().and_then(|name| {
            let flags = options.of_context(name);
            let other = SelectedContext::of(&flags, &options.environment).ok()?;
            let exec = other.exec().filter(|exec| exec.can_run())?;
            Some(self.run_plugin(exec.clone(), end))
        });
        // For another identity, they are only for EKS, which needs the cluster's name there.
        let is_needed = self.arn.is_none() || self.cluster_name(selected.as_deref()).is_some();
        let searching = is_needed.then(|| {
            let context = context.clone();
            let kubeconfigs = kubeconfig::paths(&options.flags, &options.environment);
            spawn(SEARCH, end, move || {
                let CredentialContext {
                    credential_options,
                    aws_environment,
                    ..
                } = &context;
                credentials::search(credential_options, aws_environment, &kubeconfigs, now)
            })
        });
        let dialled_first = selected.is_some().then(|| connect(&options));

        let probing_aws = probe_of_aws(&context, &options, end);
        let probing = selected
            .as_deref()
            .and_then(|it| probe_of_api_server(it, &options));

        context.resolved = searched(&mut evidence, searching);
        if self.arn.is_some() {
            let for_other = "the identity's own credentials (run without --for)";
            evidence.credentials = Collected::NotRequested(for_other.to_owned());
            evidence.caller = Collected::NotRequested(for_other.to_owned());
        }
        if context.is_unused {
            evidence.credentials = Collected::NotRequested(token::UNUSED.to_owned());
            evidence.caller = Collected::NotRequested(token::UNUSED.to_owned());
        }
        if evidence.credentials.timed_out().is_some() {
            connect_to_sts(&mut evidence, &context, end);
        }
        if uses_eks_endpoint {
            selected = self
                .through_eks(&mut evidence, &context, &mut options)
                .map(Arc::new);
        }
        let connecting = dialled_first.or_else(|| selected.is_some().then(|| connect(&options)));
        if let (Collected::Seen(Ok(keys)), None) =
            (&mut evidence.credentials, &self.credential_options.region)
            && context.credential_options.region.is_some()
        {
            keys.region_from = "the kubeconfig".to_owned();
        }
        let aws = self.ask_aws(&context, selected.as_ref(), now, end);
        let is_hopeless = matches!(evidence.credentials.known(), Some(Err(_)));
        let plugin = match running {
            Some(running) if is_hopeless => plugin_run(running.limited(HOPELESS_PLUGIN)),
            Some(running) => plugin_run(running),
            None => {
                let needs = "an exec plugin that can be run";
                (Collected::NotRequested(needs.to_owned()), None)
            }
        };
        evidence.plugin = plugin.0.clone();
        let printed = plugin.1.clone();
        let tested = self.token(&mut evidence, &context, selected.as_deref(), printed, now);
        let verifying = tested
            .as_ref()
            .and_then(|tested| verify_token(tested, &context, end));
        let is_alive = add_endpoint(&mut evidence, connecting);
        for (task, probe) in [
            (probing_aws, &mut evidence.aws_proxy),
            (probing, &mut evidence.proxy),
        ] {
            if let Some(Collected::Seen(Some(seen))) = task.map(Task::wait) {
                *probe = Collected::Seen(seen);
            }
        }
        if let Some((calling, describing)) = aws {
            if let Some(calling) = calling {
                evidence.caller = calling.wait();
            }
            evidence.described = describing.map_or_else(
                || {
                    Collected::NotRequested(
                        "the name of the EKS cluster: --cluster-name NAME".to_owned(),
                    )
                },
                Task::wait,
            );
        }
        if let Some(Ok(described)) = evidence.described.known() {
            options.described = described.identity.clone();
        }
        let counting = match self.arn.is_none() || is_role(&evidence) {
            true => aws::ask_nodes(&mut evidence, &context, end),
            false => {
                evidence.eks_nodes = Collected::NotRequested("--for with a role".to_owned());
                None
            }
        };
        evidence.verified = verifying.map_or_else(
            || Collected::NotRequested("a token that can be read".to_owned()),
            Task::wait,
        );
        self.ask_entries(&mut evidence, &context, end);
        let ran = match command {
            // If the cluster answers, only the command itself shows what delays it.
            Some(command) if is_alive => {
                let left = end.saturating_duration_since(Instant::now());
                command.within(left.saturating_sub(READING).max(COMMAND_LIMIT))
            }
            Some(command) => command.within(COMMAND_LIMIT),
            None => {
                Collected::NotRequested("the failing command: awsauth doctor -- COMMAND".to_owned())
            }
        };
        evidence.command = match &ran {
            Collected::Seen(ran) => Collected::Seen(ran.evidence()),
            Collected::TimedOut(_) => Collected::Seen(CommandRun::default()),
            Collected::NotRequested(needs) => Collected::NotRequested(needs.clone()),
        };
        let ran = ran.into_known();
        let question = ran.as_ref().and_then(|ran| ran.symptom.as_ref());
        let question = question.and_then(|symptom| symptom.question.as_deref());
        self.questions
            .extend(question.and_then(|question| question.parse().ok()));
        let refused = ran.as_ref().filter(|ran| !ran.worked);
        for question in refused.map_or_else(Vec::new, |ran| denied_questions(&ran.stderr)) {
            let is_new = self
                .questions
                .iter()
                .all(|known| known.to_string() != question);
            self.questions
                .extend(question.parse().ok().filter(|_| is_new));
        }
        let impersonated = selected.as_deref().and_then(|it| it.impersonates.as_ref());
        if let (Some(name), None) = (impersonated, &self.arn) {
            self.questions.splice(..0, impersonation(name));
        }
        if self.questions.is_empty() {
            // A command that works needs no other permission.
            let works = ran.as_ref().is_some_and(|ran| ran.worked);
            evidence.request.is_example = works || self.of_command.is_none();
            let example = || "list pods".parse().ok();
            let question = self.of_command.take().or_else(example);
            self.questions.extend(question);
        }
        if !evidence.request.is_example {
            let questions = self.questions.iter().map(ToString::to_string);
            evidence.request.questions = questions.collect();
        }
        if is_alive {
            self.ask_api_server(
                &mut evidence,
                &options,
                selected.as_deref(),
                tested,
                &plugin,
                of_context,
            );
        } else {
            let needs = || "an endpoint that answers (E1 to E3)".to_owned();
            evidence.signed_in = Collected::NotRequested(needs());
            evidence.aws_auth = Collected::NotRequested(needs());
            evidence.answers = Collected::NotRequested(needs());
            evidence.policy = Collected::NotRequested(needs());
            evidence.nodes = Collected::NotRequested(needs());
        }
        if let Some(counting) = counting {
            evidence.eks_nodes = counting.wait();
        }
        (evidence, ran)
    }

    /// Starts an exec plugin.
    fn run_plugin(&self, exec: ExecPlugin, end: Instant) -> Task<Printed> {
        let limit = self.plugin_limit;
        spawn(limit, end, move || exec_plugin::run(&exec, limit))
    }

    /// Returns how credentials are searched: as the kubeconfig's plugin would, unless the user selects otherwise.
    fn credential_context(
        &self,
        aws_environment: AwsEnvironment,
        exec: Option<&ExecPlugin>,
        selected: Option<&SelectedContext>,
    ) -> CredentialContext {
        let mut credential_options = self.credential_options.clone();
        let is_own = credential_options.source.is_some()
            || credential_options.profile.is_some()
            || !credential_options.roles.is_empty();
        credential_options.no_cache = true;
        credential_options.region = credential_options
            .region
            .or_else(|| selected.and_then(|selected| selected.eks.region.clone()));
        let mut context = CredentialContext {
            credential_options,
            aws_environment,
            resolved: None,
            is_own,
            is_unused: false,
        };
        if let Some(exec) = exec.filter(|_| !is_own) {
            context.credential_options.profile = exec.profile.clone();
            context.credential_options.roles.extend(exec.role.clone());
            let adopted =
                |(name, _): &&(String, String)| ADOPTED_VARIABLES.contains(&name.as_str());
            for (name, value) in exec.env.iter().filter(adopted) {
                context.aws_environment = context.aws_environment.with(name, value);
            }
        }
        context
    }

    /// Returns the name of the cluster to describe. An entry named by the cluster's ARN knows it better than the arguments of
    /// the plugin, which may be for another cluster.
    fn described_name(&self, selected: Option<&SelectedContext>) -> Option<String> {
        let of_arn = selected.map(|selected| &selected.entry);
        let of_arn = of_arn.filter(|entry| entry.account.is_some());
        let of_arn = of_arn.and_then(|entry| entry.name.clone());
        let requested = self.cluster.clone();
        requested.or(of_arn).or_else(|| self.cluster_name(selected))
    }

    /// Returns the name of the EKS cluster, if known.
    fn cluster_name(&self, selected: Option<&SelectedContext>) -> Option<String> {
        let known = selected.and_then(|selected| selected.eks.name.clone());
        self.cluster.clone().or(known)
    }
}

/// Returns whether the kubeconfig's user signs in without AWS. Without a failing command, the AWS identity is tested
/// anyway, unless the user's token cannot be read.
fn signs_in_without_aws(evidence: &Evidence, has_command: bool) -> bool {
    let Some(Ok(entry)) = evidence.kubeconfig.known() else {
        return false;
    };
    match &entry.user {
        User::TokenFile { fault, .. } => has_command || fault.is_some(),
        User::Other(_) => has_command,
        _ => false,
    }
}

/// Connects to STS, which the search for credentials may wait for.
fn connect_to_sts(evidence: &mut Evidence, context: &CredentialContext, end: Instant) {
    let Some(region) = context.credential_options.region.clone() else {
        return;
    };
    let aws_environment = context.aws_environment.clone();
    // The attempt has its own limit, which must end first.
    let connecting = spawn(STS_CONNECTION * 2, end, move || {
        sts::connect(&region, &aws_environment, STS_CONNECTION)
    });
    if let Some(attempt) = connecting.wait().into_known().flatten() {
        evidence.sts_connection = Collected::Seen(attempt);
    }
}

/// Starts to ask the proxy for requests to AWS, if there is one, to connect to STS.
fn probe_of_aws(
    context: &CredentialContext,
    options: &ConnectOptions,
    end: Instant,
) -> Option<Task<Option<ProxyProbe>>> {
    let has_endpoint = ["AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL"];
    let is_elsewhere = has_endpoint
        .iter()
        .any(|name| context.aws_environment.get(name).is_some());
    let region = context.credential_options.region.as_deref();
    let host = StsHost::of(region.unwrap_or("us-east-1"), Endpoint::default()).ok()?;
    let proxy = Proxy::of_environment(&format!("https://{}", host.name), &options.environment);
    let proxy = proxy.filter(|_| !is_elsewhere)?;
    Some(spawn(LIMIT * 2, end, move || {
        proxy.probe(&host.name, 443, LIMIT)
    }))
}

/// Starts to ask the proxy for the API server, if there is one, to connect to it.
fn probe_of_api_server(
    selected: &SelectedContext,
    options: &ConnectOptions,
) -> Option<Task<Option<ProxyProbe>>> {
    let server = selected.target.server.clone();
    let proxy = match &selected.proxy_url {
        Some(url) => Proxy::of_kubeconfig(url),
        None => Proxy::of_environment(&server, &options.environment)?,
    };
    let url: http::Uri = server.parse().ok()?;
    let host = url.host()?.to_owned();
    let port = url.port_u16().unwrap_or(443);
    Some(spawn(LIMIT * 2, options.end, move || {
        proxy.probe(&host, port, LIMIT)
    }))
}

/// Returns the permission to act as this user.
/// <https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/>
fn impersonation(name: &str) -> Option<Question> {
    let account = name.strip_prefix("system:serviceaccount:");
    let question = match account.and_then(|account| account.split_once(':')) {
        Some((namespace, account)) => {
            format!("impersonate serviceaccounts/{account} -n {namespace}")
        }
        None => format!("impersonate users/{name} -A"),
    };
    question.parse().ok()
}

/// Returns whether the identity is a role, and so may belong to nodes.
fn is_role(evidence: &Evidence) -> bool {
    let subject = evidence.subject();
    subject.is_some_and(|subject| matches!(subject.canonical.kind, Kind::Role | Kind::AssumedRole))
}

/// Waits for an exec plugin.
fn plugin_run(running: Task<Printed>) -> PluginRun {
    let limit = running.limit();
    match running.wait() {
        Collected::Seen(Some((plugin, token))) => (Collected::Seen(plugin), token),
        Collected::Seen(None) | Collected::TimedOut(_) => (Collected::TimedOut(limit), None),
        Collected::NotRequested(needs) => (Collected::NotRequested(needs), None),
    }
}
