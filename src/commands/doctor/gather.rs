//! Which probe goes out when: at once what needs nobody, the rest as soon as what it needs is there.

mod aws;
mod cluster;
mod dial;
mod token;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use secrecy::SecretString;

use crate::aws::Surroundings;
use crate::aws::credentials::{Resolved, Wish};
use crate::cluster::Environment;
use crate::cluster::choice::{Choice, ChosenExec};
use crate::doctor::evidence::{Evidence, Keys, NoKeys, Plugin, Probed, Wanted};
use crate::probe::command::Ran;
use crate::probe::{Sent, Way, keys, kubeconfig, plugin, send};
use crate::rbac::Question;
use crate::world::Target;
use aws::{play, searched};
use dial::{dialled, send_to};

/// A search for credentials may ask instance metadata and then STS.
const SEARCH: Duration = Duration::from_secs(4);
/// Another context's user may have a plugin of their own.
const READING: Duration = Duration::from_secs(4);
/// How long what a failing command says is waited for, once everything before the cluster is known.
const SAYING: Duration = Duration::from_secs(3);

/// What is to be looked at.
pub(super) struct Asked {
    pub(super) target: Target,
    pub(super) wish: Wish,
    pub(super) cluster: Option<String>,
    pub(super) arn: Option<String>,
    pub(super) identity: Option<String>,
    pub(super) questions: Vec<Question>,
    pub(super) as_context: Option<String>,
}

/// With what credentials are searched for, and those that were found.
#[derive(Clone)]
struct Keyring {
    wish: Wish,
    surroundings: Surroundings,
    resolved: Option<Resolved>,
    /// Whether the user says with which credentials, so that the kubeconfig's plugin does not count.
    is_own: bool,
}

type Searched = Result<(Keys, Resolved), Box<NoKeys>>;
type Printed = Option<(Plugin, Option<SecretString>)>;

impl Asked {
    /// Looks at everything, until `end` at most.
    pub(super) fn gather(
        mut self,
        command: Option<Sent<Ran>>,
        end: Instant,
    ) -> (Evidence, Option<Ran>) {
        let now = Timestamp::now();
        let surroundings = Surroundings::of_process();
        let mut way = Way {
            flags: self.target.flags(),
            environment: Environment::of_process(),
            place: None,
            end,
        };
        let mut evidence = Evidence {
            now,
            wanted: Wanted {
                arn: self.arn.clone(),
                identity: self.identity.clone(),
                cluster: self.cluster.clone(),
            },
            ..Evidence::default()
        };
        let read = kubeconfig::entry(&way.flags, &way.environment, &surroundings, now);
        let goes_through_eks = self.cluster.is_some()
            && self.arn.is_none()
            && kubeconfig::is_absent(&way.flags, &way.environment);
        let (entry, mut choice) = match read {
            Ok((entry, choice)) => (Ok(entry), Some(Arc::new(choice))),
            Err(trouble) => (Err(trouble), None),
        };
        evidence.kubeconfig = Probed::Seen(entry);
        let exec = choice.as_deref().and_then(Choice::exec);
        let mut ring = self.keyring(surroundings, exec, choice.as_deref());

        // What needs nothing but the kubeconfig, at the same time.
        let running = exec.filter(|exec| exec.can_run()).cloned();
        let running = running.map(|exec| {
            send(plugin::LIMIT, end, move || {
                plugin::run(&exec, plugin::LIMIT)
            })
        });
        let searching = self.arn.is_none().then(|| {
            let ring = ring.clone();
            send(SEARCH, end, move || {
                keys::search(&ring.wish, &ring.surroundings, now)
            })
        });
        let dialled_first = choice.is_some().then(|| send_to(&way));

        ring.resolved = searched(&mut evidence, searching);
        if goes_through_eks {
            choice = self
                .through_eks(&mut evidence, &ring, &mut way)
                .map(Arc::new);
        }
        let dialling = dialled_first.or_else(|| choice.is_some().then(|| send_to(&way)));
        if let (Probed::Seen(Ok(keys)), None) = (&mut evidence.keys, &self.wish.region)
            && ring.wish.region.is_some()
        {
            keys.region_from = "the kubeconfig".to_owned();
        }
        let aws = self.ask_aws(&ring, choice.as_ref(), now, end);
        let printed = ran_plugin(&mut evidence, running);
        let tried = self.token(&mut evidence, &ring, choice.as_deref(), printed, now);
        let playing = tried.as_ref().and_then(|tried| play(tried, &ring, end));
        let is_alive = dialled(&mut evidence, dialling);
        if let Some((calling, describing)) = aws {
            evidence.caller = calling.wait();
            evidence.described = describing.map_or_else(
                || Probed::NotAsked("the cluster's name at EKS: --cluster-name NAME".to_owned()),
                Sent::wait,
            );
        }
        let counting = aws::ask_nodes(&mut evidence, &ring, end);
        evidence.played = playing.map_or_else(
            || Probed::NotAsked("a token that can be read".to_owned()),
            Sent::wait,
        );
        self.ask_entries(&mut evidence, &ring, end);
        let ran = command.and_then(|command| command.within(SAYING).into_known());
        let said = ran.as_ref().and_then(|ran| ran.symptom.as_ref());
        let said = said.and_then(|symptom| symptom.question.as_deref());
        self.questions
            .extend(said.and_then(|said| said.parse().ok()));
        if self.questions.is_empty() {
            self.questions.extend("list pods".parse::<Question>());
        }
        if is_alive {
            self.ask_cluster(&mut evidence, &way, choice.as_deref(), tried);
        } else {
            let needs = || "an endpoint that answers (E1 to E3)".to_owned();
            evidence.signed_in = Probed::NotAsked(needs());
            evidence.aws_auth = Probed::NotAsked(needs());
            evidence.answers = Probed::NotAsked(needs());
            evidence.policy = Probed::NotAsked(needs());
            evidence.nodes = Probed::NotAsked(needs());
        }
        if let Some(counting) = counting {
            evidence.nodes_at_eks = counting.wait();
        }
        (evidence, ran)
    }

    /// With what credentials are searched for: as the kubeconfig's plugin would, unless the user says otherwise.
    fn keyring(
        &self,
        surroundings: Surroundings,
        exec: Option<&ChosenExec>,
        choice: Option<&Choice>,
    ) -> Keyring {
        let mut wish = self.wish.clone();
        let is_own = wish.source.is_some() || wish.profile.is_some() || !wish.roles.is_empty();
        wish.no_cache = true;
        wish.region = wish
            .region
            .or_else(|| choice.and_then(|choice| choice.eks.region.clone()));
        let mut ring = Keyring {
            wish,
            surroundings,
            resolved: None,
            is_own,
        };
        if let Some(exec) = exec.filter(|_| !is_own) {
            ring.wish.profile = exec.profile.clone();
            ring.wish.roles.extend(exec.role.clone());
            for (name, value) in &exec.env {
                ring.surroundings = ring.surroundings.with(name, value);
            }
        }
        ring
    }

    /// What the cluster is called at EKS, as far as somebody says it.
    fn cluster_name(&self, choice: Option<&Choice>) -> Option<String> {
        let known = choice.and_then(|choice| choice.eks.name.clone());
        self.cluster.clone().or(known)
    }
}

fn ran_plugin(evidence: &mut Evidence, running: Option<Sent<Printed>>) -> Option<SecretString> {
    let Some(running) = running else {
        evidence.plugin = Probed::NotAsked("an exec plugin that can be run".to_owned());
        return None;
    };
    let limit = running.limit();
    match running.wait() {
        Probed::Seen(Some((plugin, token))) => {
            evidence.plugin = Probed::Seen(plugin);
            token
        }
        Probed::Seen(None) | Probed::TooLate(_) => {
            evidence.plugin = Probed::TooLate(limit);
            None
        }
        Probed::NotAsked(needs) => {
            evidence.plugin = Probed::NotAsked(needs);
            None
        }
    }
}
