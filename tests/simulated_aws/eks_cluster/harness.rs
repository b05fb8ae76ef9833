//! Exclusive use of an EKS cluster by one test, because each cluster has one aws-auth.

use std::cell::Cell;
use std::path::Path;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use awsauth_core::token::{Endpoint, StsHost, Token};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::eks_cluster::token_review::{Reviewer, Who};
use crate::support::aws_auth_client::Api;
use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::environment::Environment;
use crate::support::go_programs::Binary;
use crate::support::pool::{Pool, PoolGuard};
use crate::support::secrets::Prints;
use crate::support::simulated_aws::{Aws, Credentials, REGION};
use crate::support::simulated_eks_api::EksService;

pub(crate) const MYTESTROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";

/// A session of [`MYTESTROLE`] as an instance has it.
pub(crate) const MYTESTROLE_SESSION: &str =
    "arn:aws:sts::111122223333:assumed-role/mytestrole/i-0123456789abcdef0";

/// The timeout for a change to aws-auth to reach the authenticator on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

/// Allows tokens for the API server of a kubeconfig, which no EKS API describes.
pub(crate) const ALLOWED: [&str; 2] = ["--allow-endpoint", "127.0.0.1"];

/// A cluster with its simulated EKS API.
pub(crate) struct Site {
    cluster: Cluster,
    /// The EKS API, if a test needs it.
    pub(crate) eks: OnceLock<EksService>,
}

/// Exclusive use of a cluster.
pub(crate) struct ExclusiveCluster {
    pub(crate) cluster: &'static Cluster,
    pub(crate) site: &'static Site,
    pub(crate) api: Api,
    reviewer: Reviewer,
    /// When the first of the current tokens was signed.
    begun: Cell<Timestamp>,
    /// The number of calls to [`Self::fresh_token`].
    tokens: Cell<i64>,
    _turn: Option<PoolGuard<Site>>,
}

impl Site {
    fn of(cluster: Cluster) -> Self {
        let eks = OnceLock::new();
        Self { cluster, eks }
    }
}

impl ExclusiveCluster {
    /// Waits for a free cluster. There is no aws-auth.
    pub(crate) fn start() -> Self {
        static SITES: Pool<Site> = Pool::new();
        let turn = SITES.take(|| Site::of(Cluster::start_eks(&[])));
        Self::on(&turn, Some(turn))
    }

    /// Uses a cluster of this test's own, whose API server caches the authenticator's responses for this time.
    pub(crate) fn that_caches(site: &'static OnceLock<Site>, cache: &'static str) -> Self {
        let site = site.get_or_init(|| Site::of(Cluster::start_eks_that_caches(cache)));
        Self::on(site, None)
    }

    /// Waits for a free cluster where principals with an access entry sign in through it. There is no aws-auth.
    pub(crate) fn with_access_entries() -> Self {
        static SITES: Pool<Site> = Pool::new();
        let turn = SITES.take(|| Site::of(Cluster::start_eks_with_access_entries()));
        Self::on(&turn, Some(turn))
    }

    fn on(site: &'static Site, turn: Option<PoolGuard<Site>>) -> Self {
        let cluster = &site.cluster;
        let session = Self {
            cluster,
            site,
            api: Api::of(cluster, "eksctl"),
            reviewer: Reviewer::of(cluster),
            begun: Cell::new(Timestamp::now()),
            tokens: Cell::new(0),
            _turn: turn,
        };
        session.aws().no_faults();
        session.aws().forget_requests();
        session.api.delete();
        session.api.delete_history();
        session
    }

    pub(crate) fn aws(&self) -> &'static Aws {
        self.cluster.aws()
    }

    /// Recreates aws-auth with this `data`.
    pub(crate) fn put(&self, data: &Value) {
        self.api.delete();
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "aws-auth", "namespace": "kube-system"},
            "data": data,
        });
        self.api.create(&object).unwrap();
    }

    /// Runs awsauth as the cluster's creator. It must succeed.
    pub(crate) fn done(&self, args: &[&str]) -> Run {
        let kubeconfig = self.cluster.kubeconfig();
        let environment = Environment::new(self.cluster.folder())
            .with("KUBECONFIG", &kubeconfig.display().to_string());
        let run = self.awsauth(&environment, args);
        assert_eq!(run.status, 0, "awsauth {args:?}: {run:?}");
        run
    }

    /// Runs awsauth.
    pub(crate) fn awsauth(&self, environment: &Environment, args: &[&str]) -> Run {
        let program = Path::new(env!("CARGO_BIN_EXE_awsauth"));
        Run::of(environment.command(program).args(args))
    }

    /// Runs awsauth with an explicit `--kubeconfig` of the environment's kubeconfig, which takes precedence over
    /// `AWSAUTH_CLUSTER_NAME`. Allows its server to get tokens.
    pub(crate) fn awsauth_on_kubeconfig(&self, environment: &Environment, args: &[&str]) -> Run {
        let kubeconfig = environment
            .variables()
            .find(|(name, _)| *name == "KUBECONFIG");
        match kubeconfig {
            Some((_, path)) if !args.contains(&"--file") => {
                let typed = ["--kubeconfig", path];
                self.awsauth(environment, &[&typed, &ALLOWED[..], args].concat())
            }
            _ => self.awsauth(environment, args),
        }
    }

    /// Returns a token of the authenticator's own client.
    pub(crate) fn token(&self, credentials: &Credentials) -> String {
        let environment = self.aws().environment().with_credentials(credentials);
        self.token_in(&environment, eks::NAME)
    }

    /// Returns a token for a cluster of this name.
    pub(crate) fn token_in(&self, environment: &Environment, cluster: &str) -> String {
        let mut command = environment.command(&Binary::Authenticator.path());
        let run = Run::that_prints(Prints::Token, command.args(["token", "-i", cluster]));
        assert_eq!(run.status, 0, "{run:?}");
        run.json()["status"]["token"].as_str().unwrap().to_owned()
    }

    /// Returns a token that the API server has not cached. It caches accepted tokens for 10 s.
    pub(crate) fn fresh_token(&self, credentials: &Credentials) -> String {
        // Each token is signed a second earlier than the previous one, but at most twelve minutes ago, because it is valid for
        // fifteen.
        let now = Timestamp::now();
        if now.duration_since(self.begun.get()) > SignedDuration::from_mins(2) {
            self.begun.set(now);
            self.tokens.set(0);
        }
        let number = self.tokens.replace((self.tokens.get() + 1) % 600);
        let signed = self.begun.get() - SignedDuration::from_secs(number);
        sign_at(credentials, REGION, eks::NAME, signed)
    }

    /// Waits until awsauth signs other tokens than before. A token has the time in seconds, and the API server caches its user.
    pub(crate) fn outdate_tokens(&self) {
        sleep(Duration::from_millis(1_050));
    }

    /// Returns the user that the API server authenticates for the token.
    pub(crate) fn who(&self, token: &str) -> Who {
        self.reviewer.who(token)
    }

    /// Waits until the API server authenticates the credentials as `expected`.
    #[track_caller]
    pub(crate) fn becomes(&self, credentials: &Credentials, expected: &Who) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let who = self.who(&self.fresh_token(credentials));
            if who == *expected {
                return;
            }
            assert!(Instant::now() < deadline, "it is still {who:?}");
            sleep(Duration::from_millis(50));
        }
    }
}

/// Returns a token for this cluster, signed with awsauth's own code.
pub(crate) fn sign(of: &Credentials, region: &str, cluster: &str) -> String {
    sign_at(of, region, cluster, Timestamp::now())
}

/// Like [`sign`], at another time.
pub(crate) fn sign_at(of: &Credentials, region: &str, cluster: &str, signed: Timestamp) -> String {
    let credentials = awsauth_core::token::Credentials {
        access_key_id: of.access_key_id.clone(),
        secret_access_key: of.secret_access_key.clone().into(),
        session_token: of.session_token.clone().map(Into::into),
        expiration: None,
        account_id: None,
    };
    let host = StsHost::of(region, Endpoint::default()).unwrap();
    let token = Token::sign(&credentials, &host, cluster, signed);
    token.text.expose_secret().to_owned()
}

/// The arguments that map `arn` as an administrator.
pub(crate) fn map_args(arn: &str) -> [&str; 7] {
    [
        "map",
        "role",
        arn,
        "--username",
        "admin",
        "--group",
        "system:masters",
    ]
}
