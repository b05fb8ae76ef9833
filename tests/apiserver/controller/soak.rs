//! Everything that goes wrong in a bad week, for ten minutes or `AWSAUTH_SOAK_SECONDS`. Runs only when asked for:
//! `./test --test apiserver soak -- --ignored --nocapture`. Needs libfaketime, and an optimized build unless nothing else runs:
//! `cargo build --release`, and `AWSAUTH_TEST_PROGRAM=$PWD/target/release/awsauth`.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fastrand::Rng;
use futures::stream::{self, StreamExt};
use jiff::{SignedDuration, Timestamp};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::controller::harness::{
    CONFIG, CONTROLLER, Controller, Harness, NODE_ENTRY, TIMEOUT, awsauth, developer, eventually,
    mapping, role,
};
use crate::support::cluster::Cluster;
use crate::support::completed_run::Run;
use crate::support::eks;
use crate::support::secrets::Prints;
use crate::support::simulated_aws::Credentials;
use crate::support::webhook_client::{Attack, WebhookClient};
use crate::support::webhook_secret::{self, SECRET};
use crate::support::{ports, program_output};
use crate::webhook::harness::configure;

const OBJECTS: usize = 500;

/// How soon a removed node entry is back while a leader works. An unoptimized build beside other work is slower.
fn node_entry_back() -> Duration {
    let is_optimized = std::env::var_os("AWSAUTH_TEST_PROGRAM").is_some();
    Duration::from_secs(if is_optimized { 2 } else { 10 })
}

/// How long a new leader, or one whose API server was restarted, may take to work again.
const SETTLING: Duration = Duration::from_secs(25);

/// By how many seconds a replica's clock is ahead. The webhook's certificate allows an hour.
const CLOCK_STEPS: [i64; 6] = [-2700, -90, 0, 0, 90, 2700];

/// A state of the process that must not grow.
#[derive(Clone, Copy, Default)]
struct Usage {
    memory: u64,
    files: usize,
}

struct Soak {
    // Dropped first: their logs are in a folder of the cluster.
    /// The replicas, each with the webhook on its port. The API server calls the last one.
    replicas: Vec<(u16, Controller)>,
    harness: Harness,
    rng: Rng,
    /// The entries of another client in mapRoles, each with a comment.
    foreign: Vec<String>,
    next_foreign: usize,
    /// Whether each object exists.
    objects: Vec<bool>,
    /// The last time that a leader or the API server was killed.
    disturbed: Instant,
    evil: Credentials,
    foreign_role: Credentials,
    slowest_repair: Duration,
    /// The object that expires, and when.
    expiring: Option<(String, Timestamp)>,
    beside: Vec<WriterBeside>,
    /// Whether aws-auth is deleted, which awsauth would create again.
    is_deleted: Arc<AtomicBool>,
}

/// A client that writes all the time, while everything else happens.
struct WriterBeside {
    stop: Arc<AtomicBool>,
    /// Returns how many of its writes succeeded, and the messages of the others.
    thread: JoinHandle<(usize, Vec<String>)>,
}

#[test]
#[ignore = "takes ten minutes"]
fn nothing_is_lost_and_nobody_gets_in_during_a_bad_week() {
    let seconds = std::env::var("AWSAUTH_SOAK_SECONDS").map_or(600, |text| {
        text.parse().expect("AWSAUTH_SOAK_SECONDS is a number")
    });
    let duration = Duration::from_secs(seconds);
    let mut soak = Soak::start(duration);
    let begun = Instant::now();
    let mut usage: Vec<(f64, Usage)> = Vec::new();
    let mut actions = std::collections::BTreeMap::<&str, u32>::new();
    while begun.elapsed() < duration {
        let progress = begun.elapsed().as_secs_f64() / duration.as_secs_f64();
        let action = soak.act(progress > 0.4);
        *actions.entry(action).or_default() += 1;
        soak.assert_foreign_entries(action);
        usage.push((progress, soak.usage()));
    }
    eprintln!("{actions:?}");
    soak.end_writers_beside();
    soak.set_clocks_right();
    soak.assert_nobody_gets_in();
    soak.assert_converges();
    eprintln!(
        "a removed node entry was back after at most {:.2?}",
        soak.slowest_repair
    );
    // The replica that the API server calls runs undisturbed in the second half.
    let mean = |from: f64, to: f64| {
        let part = usage.iter().filter(|(at, _)| (from..to).contains(at));
        let part: Vec<Usage> = part.map(|(_, usage)| *usage).collect();
        let memory = part.iter().map(|usage| usage.memory).sum::<u64>() / part.len() as u64;
        let files = part.iter().map(|usage| usage.files).max();
        (memory, files.expect("a sample"))
    };
    let ((memory, files), (memory_after, files_after)) = (mean(0.5, 0.75), mean(0.75, 1.0));
    eprintln!("memory: {memory} KiB, then {memory_after} KiB; files: {files}, then {files_after}");
    assert!(memory_after * 100 <= memory * 105, "memory grows");
    assert!(files_after <= files + 10, "files stay open");
}

impl Soak {
    fn start(duration: Duration) -> Self {
        let harness = Harness::new(Cluster::start_eks(&[CONTROLLER]));
        harness.create(NODE_ENTRY, "eks");
        let seed = fastrand::u64(..);
        eprintln!("seed {seed}");
        let session = |name: &str| {
            let arn = format!("arn:aws:sts::111122223333:assumed-role/{name}/soak");
            // They must outlive the test.
            let session = json!({"arn": arn, "seconds": duration.as_secs() + 3600});
            harness.cluster.aws().sessions_with(&[session]).remove(0)
        };
        let (evil, foreign_role) = (session("evil"), session("foreign-0"));
        let mut soak = Self {
            harness,
            replicas: Vec::new(),
            rng: Rng::with_seed(seed),
            foreign: Vec::new(),
            next_foreign: 0,
            objects: vec![true; OBJECTS],
            disturbed: Instant::now(),
            evil,
            foreign_role,
            slowest_repair: Duration::ZERO,
            expiring: None,
            beside: Vec::new(),
            is_deleted: Arc::default(),
        };
        for port in ports::free::<3>() {
            let replica = soak.start_replica(port);
            soak.replicas.push((port, replica));
        }
        configure(&soak.harness.cluster, soak.replicas[2].0);
        for _ in 0..10 {
            soak.add_foreign();
        }
        let objects = soak.harness.objects();
        let parameters = PostParams::default();
        let (objects, parameters) = (&objects, &parameters);
        soak.harness
            .runtime
            .block_on(
                stream::iter(0..OBJECTS).for_each_concurrent(16, |number| async move {
                    let object = serde_json::from_value(developer(&object_name(number))).unwrap();
                    objects.create(parameters, &object).await.unwrap();
                }),
            );
        soak.harness.apply(&mapping(
            "evil",
            json!({"role": role("evil"), "username": "evil", "groups": ["system:masters"]}),
        ));
        soak.assert_converges();
        for number in 0..2 {
            soak.beside.push(soak.write_beside(number));
        }
        soak
    }

    fn start_replica(&self, webhook: u16) -> Controller {
        let listen = format!("--webhook-listen=127.0.0.1:{webhook}");
        // Without facts of EKS, only a listed node entry is restored.
        let config = format!("{CONFIG}protect:\n  arns: [\"{}\"]\n", role("nodes"));
        let clock = self.clock(webhook);
        if !clock.exists() {
            fs::write(&clock, "+0").unwrap();
        }
        let variables = [
            ("LD_PRELOAD", libfaketime().display().to_string()),
            ("FAKETIME_TIMESTAMP_FILE", clock.display().to_string()),
            ("FAKETIME_CACHE_DURATION", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        self.harness
            .controller_with(&config, &["--webhook", &listen], &variables)
    }

    /// The file with the offset of the clock of the replica whose webhook has this port.
    fn clock(&self, webhook: u16) -> PathBuf {
        self.harness
            .cluster
            .folder()
            .join(format!("clock-{webhook}"))
    }

    fn step_clock(&mut self, webhook: u16, seconds: i64) {
        let (clock, new) = (
            self.clock(webhook),
            self.clock(webhook).with_extension("new"),
        );
        fs::write(&new, format!("{seconds:+}")).unwrap();
        fs::rename(new, clock).unwrap();
        self.disturbed = Instant::now();
    }

    fn set_clocks_right(&mut self) {
        let ports: Vec<u16> = self.replicas.iter().map(|(port, _)| *port).collect();
        for port in ports {
            self.step_clock(port, 0);
        }
    }

    /// Replaces the certificate by one of which less than a third of its validity is left.
    fn make_certificate_due(&self) {
        let day = 24 * 3600;
        let secret = webhook_secret::secret(&webhook_secret::make(70 * day, 20 * day));
        let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.harness
            .cluster
            .kubectl_fed(&apply, &secret.to_string());
    }

    /// Creates an object that expires, or checks that its entry is there until its time and not much longer.
    fn watch_expiry(&mut self) -> &'static str {
        let Some((name, expires_at)) = self.expiring.take() else {
            let name = format!("expiring-{}", self.rng.u32(..));
            let expires_at = Timestamp::now() + SignedDuration::from_secs(self.rng.i64(40..120));
            let spec = json!({
                "role": role(&name),
                "username": name,
                "groups": ["developers"],
                "expiresAt": expires_at.to_string(),
            });
            self.retried(|harness| {
                let (objects, patch) = (
                    harness.objects(),
                    Patch::Apply(mapping(&name, spec.clone())),
                );
                let apply = PatchParams::apply("test").force();
                harness
                    .runtime
                    .block_on(objects.patch(&name, &apply, &patch))
            });
            eventually("the entry that expires is there", || {
                let is_there = self.roles().contains(&role(&name));
                (is_there || Timestamp::now() >= expires_at).then_some(())
            });
            self.expiring = Some((name, expires_at));
            return "object that expires";
        };
        let is_there = self.roles().contains(&role(&name));
        let now = Timestamp::now();
        if now < expires_at {
            assert!(
                is_there,
                "{name} expires at {expires_at}, but was removed at {now}"
            );
        } else if is_there && now > expires_at + SignedDuration::from_secs(60) {
            // The leader waits as long as its clock is behind.
            self.set_clocks_right();
            eventually("the expired entry is removed", || {
                (!self.roles().contains(&role(&name))).then_some(())
            });
        }
        if is_there && now < expires_at + SignedDuration::from_secs(60) {
            self.expiring = Some((name, expires_at));
        }
        "check of expiry"
    }

    /// Starts a client that adds and removes an entry of its own with awsauth, or one that writes mapUsers without it, again and again.
    fn write_beside(&self, number: u32) -> WriterBeside {
        let stop = Arc::new(AtomicBool::new(false));
        let (home, kubeconfig) = (
            self.harness.cluster.folder().to_owned(),
            self.harness.cluster.kubeconfig(),
        );
        let kubectl = PathBuf::from(self.harness.cluster.kubectl_command().get_program());
        let (is_stopped, is_deleted) = (Arc::clone(&stop), Arc::clone(&self.is_deleted));
        let thread = std::thread::spawn(move || {
            let (mut succeeded, mut messages) = (0, Vec::new());
            for round in 0_u32.. {
                if is_stopped.load(Ordering::Relaxed) {
                    break;
                }
                if is_deleted.load(Ordering::Relaxed) {
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                }
                let mut command = match number {
                    0 => awsauth_write(round),
                    _ => foreign_write(&kubectl, round),
                };
                let command = command
                    .env_clear()
                    .env("HOME", &home)
                    .env("KUBECONFIG", &kubeconfig);
                let done = Run::of(command);
                match done.status {
                    0 => succeeded += 1,
                    _ => messages.push(done.stderr),
                }
                std::thread::sleep(Duration::from_millis(200));
            }
            (succeeded, messages)
        });
        WriterBeside { stop, thread }
    }

    fn end_writers_beside(&mut self) {
        for writer in self.beside.drain(..) {
            writer.stop.store(true, Ordering::Relaxed);
            let (succeeded, messages) = writer.thread.join().expect("a writer");
            eprintln!(
                "a writer beside: {succeeded} writes, {} failures",
                messages.len()
            );
            for message in messages.iter().take(20) {
                eprintln!("{message}");
            }
            assert!(succeeded > messages.len(), "most writes fail");
        }
    }

    /// Does something that must not do harm. Returns what.
    fn act(&mut self, spares_last_replica: bool) -> &'static str {
        match self.rng.u32(..200) {
            0 => {
                self.harness.cluster.restart_apiserver();
                self.disturbed = Instant::now();
                "restart of the API server"
            }
            1..=2 => self.kill_leader(spares_last_replica),
            3 if self.rng.bool() => {
                self.make_certificate_due();
                "certificate due for renewal"
            }
            3 => {
                let secret = ["delete", "secret", SECRET, "-n", "kube-system"];
                let deleted = Run::of(self.harness.cluster.kubectl_command().args(secret));
                assert!(
                    deleted.status == 0 || deleted.stderr.contains("NotFound"),
                    "{}",
                    deleted.stderr
                );
                "deleted certificate"
            }
            4..=7 => {
                self.remove_node_entry();
                "removed node entry"
            }
            8 => {
                self.delete_aws_auth();
                "deleted aws-auth"
            }
            9..=13 => {
                self.break_text();
                "broken text"
            }
            14..=23 => {
                self.forge_status();
                "forged status"
            }
            24..=26 => {
                self.attack();
                "attack on the webhook"
            }
            27..=36 => {
                self.assert_nobody_gets_in();
                "sign-in"
            }
            37..=70 => {
                self.change_foreign();
                "foreign write"
            }
            71..=90 => {
                self.write_with_awsauth();
                "awsauth"
            }
            91..=150 => {
                self.change_object();
                "changed object"
            }
            151..=152 => {
                let (port, _) = self.replicas[self.rng.usize(..self.replicas.len())];
                let seconds = CLOCK_STEPS[self.rng.usize(..CLOCK_STEPS.len())];
                self.step_clock(port, seconds);
                "clock step"
            }
            153..=162 => self.watch_expiry(),
            _ => {
                std::thread::sleep(Duration::from_millis(100));
                "pause"
            }
        }
    }

    fn kill_leader(&mut self, spares_last: bool) -> &'static str {
        let is_leader =
            |(_, replica): &(u16, Controller)| replica.metric("awsauth_leader") == Some(1.0);
        let Some(at) = self.replicas.iter().position(is_leader) else {
            return "no leader to kill";
        };
        if spares_last && at + 1 == self.replicas.len() {
            return "leader is spared";
        }
        let (port, leader) = self.replicas.remove(at);
        leader.kill();
        let new = self.start_replica(port);
        self.replicas.insert(at, (port, new));
        self.disturbed = Instant::now();
        "killed leader"
    }

    /// Repeats a request that an API server which has just started may refuse.
    fn retried<T>(&self, mut request: impl FnMut(&Harness) -> Result<T, kube::Error>) -> T {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            match request(&self.harness) {
                Ok(done) => return done,
                Err(error) => assert!(Instant::now() < deadline, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Changes mapRoles as another client does, under break-glass.
    fn write(&self, change: impl Fn(&str) -> String) {
        self.write_as("foreign", change);
    }

    fn write_as(&self, manager: &str, change: impl Fn(&str) -> String) {
        self.retried(|harness| {
            let configmaps = harness.configmaps();
            harness.runtime.block_on(async {
                let mut object = configmaps.get("aws-auth").await?;
                object.metadata.annotations =
                    Some([("awsauth.dev/break-glass".to_owned(), "soak".to_owned())].into());
                let roles = &mut object.data["data"]["mapRoles"];
                *roles = json!(change(roles.as_str().unwrap_or_default()));
                let parameters = PostParams {
                    field_manager: Some(manager.to_owned()),
                    ..PostParams::default()
                };
                configmaps.replace("aws-auth", &parameters, &object).await
            })
        });
    }

    fn add_foreign(&mut self) {
        let name = format!("foreign-{}", self.next_foreign);
        self.next_foreign += 1;
        let entry = format!(
            "# {name} belongs to another team\n- rolearn: {}\n  username: \"{name}\" # as agreed\n  groups: [viewers]\n",
            role(&name)
        );
        self.write(|roles| format!("{roles}{entry}"));
        self.foreign.push(entry);
    }

    fn change_foreign(&mut self) {
        // The first entry stays: its role must always get in.
        if self.foreign.len() < 20 || self.rng.bool() {
            self.add_foreign();
        } else {
            let at = self.rng.usize(1..self.foreign.len());
            let entry = self.foreign.remove(at);
            self.write(|roles| roles.replace(&entry, ""));
        }
    }

    fn write_with_awsauth(&mut self) {
        let name = format!("awsauth-{}", self.rng.u32(..5));
        let arn = role(&name);
        let more = ["--username", &name, "--group", "viewers"];
        let args = if self.rng.bool() {
            [&["map", "role", arn.as_str()], &more[..]].concat()
        } else {
            vec!["unmap", "role", arn.as_str()]
        };
        let mut command = std::process::Command::new(awsauth());
        command
            .env_clear()
            .env("HOME", self.harness.cluster.folder());
        command.env("KUBECONFIG", self.harness.cluster.kubeconfig());
        let done = Run::of(command.args(args));
        assert!(done.status == 0, "{}{}", done.stdout, done.stderr);
    }

    fn change_object(&mut self) {
        let number = self.rng.usize(..OBJECTS);
        let name = object_name(number);
        if self.objects[number] && self.rng.bool() {
            self.retried(|harness| {
                let (objects, parameters) = (harness.objects(), DeleteParams::default());
                harness.runtime.block_on(objects.delete(&name, &parameters))
            });
            self.objects[number] = false;
            // A name is free again once the finalizer has done its work.
            eventually("the object is gone", || {
                let found = self
                    .retried(|harness| harness.runtime.block_on(harness.objects().get_opt(&name)));
                found.is_none().then_some(())
            });
        } else {
            let username = format!("{name}-{}", self.rng.u32(..9));
            let spec = json!({"role": role(&name), "username": username, "groups": ["developers"]});
            let object = mapping(&name, spec);
            self.retried(|harness| {
                let (objects, patch) = (harness.objects(), Patch::Apply(&object));
                let parameters = PatchParams::apply("test").force();
                harness
                    .runtime
                    .block_on(objects.patch(&name, &parameters, &patch))
            });
            self.objects[number] = true;
        }
    }

    /// Claims a foreign entry in the status of an object, and deletes the object.
    fn forge_status(&mut self) {
        let name = format!("forged-{}", self.rng.u32(..));
        let victim = self.next_foreign - 1;
        let group = if self.rng.bool() {
            "developers"
        } else {
            "system:masters"
        };
        let object = mapping(
            &name,
            json!({"role": role(&name), "username": name, "groups": [group]}),
        );
        let entry = json!({"section": "mapRoles", "key": role(&format!("foreign-{victim}")), "username": format!("foreign-{victim}"), "groups": ["viewers"]});
        let status = json!({"status": {"entry": entry, "pending": [entry]}});
        self.retried(|harness| {
            let objects = harness.objects();
            harness.runtime.block_on(async {
                let apply = PatchParams::apply("test").force();
                objects.patch(&name, &apply, &Patch::Apply(&object)).await?;
                let parameters = PatchParams::default();
                objects
                    .patch_status(&name, &parameters, &Patch::Merge(&status))
                    .await?;
                objects
                    .delete(&name, &DeleteParams::default())
                    .await
                    .map(drop)
            })
        });
    }

    fn break_text(&self) {
        let before = self.roles();
        self.write(|roles| format!("{roles}- rolearn: {{{{\n"));
        std::thread::sleep(Duration::from_millis(300));
        self.write(|roles| roles.replace("- rolearn: {{\n", ""));
        assert!(
            self.roles()
                .starts_with(before.split("- rolearn").next().unwrap_or_default())
        );
    }

    fn remove_node_entry(&mut self) {
        // What disappears while no replica leads, the next leader only reports.
        eventually("a replica leads", || {
            let mut replicas = self.replicas.iter();
            let leads =
                |(_, replica): &(u16, Controller)| replica.metric("awsauth_leader") == Some(1.0);
            replicas.any(leads).then_some(())
        });
        // After three repairs of the changes of one field manager, the controller lets it have its way.
        let manager = format!("foreign-{}", self.rng.u32(..));
        self.write_as(&manager, |roles| roles.replace(NODE_ENTRY, ""));
        let begun = Instant::now();
        let is_settled = self.disturbed.elapsed() > SETTLING;
        self.wait_for_node_entry();
        if is_settled {
            let took = begun.elapsed();
            self.slowest_repair = self.slowest_repair.max(took);
            assert!(took <= node_entry_back(), "{took:?}");
        }
    }

    fn delete_aws_auth(&mut self) {
        self.is_deleted.store(true, Ordering::Relaxed);
        self.write(str::to_owned);
        // What the controller has not seen yet, it cannot restore.
        std::thread::sleep(Duration::from_secs(2));
        let before = self.roles();
        self.retried(|harness| {
            let (configmaps, parameters) = (harness.configmaps(), DeleteParams::default());
            harness
                .runtime
                .block_on(configmaps.delete("aws-auth", &parameters))
        });
        self.wait_for_node_entry();
        eventually("the foreign entries are back", || {
            let roles = self.roles();
            self.foreign
                .iter()
                .all(|entry| roles.contains(entry))
                .then_some(())
        });
        assert!(before.contains(NODE_ENTRY));
        self.is_deleted.store(false, Ordering::Relaxed);
    }

    fn wait_for_node_entry(&self) {
        eventually("the node entry is back", || {
            let roles = self.roles();
            roles.contains("role/nodes").then_some(())
        });
    }

    fn attack(&self) {
        let secret = [
            "get",
            "secret",
            SECRET,
            "-n",
            "kube-system",
            "-o",
            "jsonpath={.data.ca\\.crt}",
        ];
        let found = Run::of(self.harness.cluster.kubectl_command().args(secret));
        use base64::Engine;
        let Ok(authorities) = base64::prelude::BASE64_STANDARD.decode(&found.stdout) else {
            return;
        };
        let mut attack = Attack::new();
        attack.hold(
            &WebhookClient::new(self.replicas[2].0, &authorities),
            100,
            100,
        );
        std::thread::sleep(Duration::from_secs(3));
    }

    fn roles(&self) -> String {
        let found = self.retried(|harness| {
            harness
                .runtime
                .block_on(harness.configmaps().get_opt("aws-auth"))
        });
        let found = serde_json::to_value(found).unwrap();
        found["data"]["mapRoles"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn assert_foreign_entries(&self, action: &str) {
        let roles = self.roles();
        for entry in &self.foreign {
            assert!(
                roles.contains(entry.as_str()),
                "after {action}: {entry} is missing in\n{roles}"
            );
        }
    }

    /// The identity of the refused object is denied, and the one of the foreign entry mapped, by the real authenticator.
    fn assert_nobody_gets_in(&self) {
        assert_eq!(self.username(&self.evil), None);
        eventually("the foreign role gets in", || {
            (self.username(&self.foreign_role).as_deref() == Some("foreign-0")).then_some(())
        });
    }

    /// Signs in and returns the username; `None` if the API server denies it.
    fn username(&self, credentials: &Credentials) -> Option<String> {
        let mut command = std::process::Command::new(awsauth());
        command
            .env_clear()
            .env("HOME", self.harness.cluster.folder());
        let environment = self
            .harness
            .cluster
            .aws()
            .environment()
            .with_credentials(credentials);
        command.envs(environment.variables());
        command.args([
            "token",
            "--cluster-name",
            eks::NAME,
            "--region",
            "eu-west-1",
        ]);
        let token = program_output::output_of(&mut command, Prints::Token);
        let token: Value = serde_json::from_slice(&token.stdout)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&token.stderr)));
        let token = token["status"]["token"].as_str().unwrap().to_owned();
        let review = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}, "spec": {"token": token}});
        let reviewed = self.retried(|harness| {
            let request = http::Request::post("/apis/authentication.k8s.io/v1/tokenreviews")
                .header("content-type", "application/json")
                .body(review.to_string().into_bytes())
                .unwrap();
            harness
                .runtime
                .block_on(harness.client().request::<Value>(request))
        });
        let status = &reviewed["status"];
        (status["authenticated"] == true)
            .then(|| status["user"]["username"].as_str().unwrap().to_owned())
    }

    /// Each object has exactly one entry once nothing happens any more, and deleted ones have none.
    fn assert_converges(&self) {
        let deadline = Instant::now() + TIMEOUT * 3;
        loop {
            let roles = self.roles();
            let wrong = self.objects.iter().enumerate().find(|(number, exists)| {
                let line = format!("{}\n", role(&object_name(*number)));
                roles.matches(&line).count() != usize::from(**exists)
            });
            let Some((number, _)) = wrong else {
                assert_eq!(roles.matches("role/nodes\n").count(), 1);
                return;
            };
            let name = object_name(number);
            assert!(Instant::now() < deadline, "{name} is wrong in\n{roles}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Returns what the replica uses that the API server calls.
    fn usage(&self) -> Usage {
        let pid = self.replicas[2].1.pid();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let memory = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let memory = memory.and_then(|line| line.split_whitespace().next()?.parse().ok());
        let files = std::fs::read_dir(format!("/proc/{pid}/fd"));
        Usage {
            memory: memory.unwrap_or_default(),
            files: files.map(Iterator::count).unwrap_or_default(),
        }
    }
}

/// The library that gives a program another time of day.
fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib");
    let libraries = folders.map(|folder| {
        folder
            .expect("a folder")
            .path()
            .join("faketime/libfaketimeMT.so.1")
    });
    libraries
        .into_iter()
        .find(|library| library.exists())
        .expect("libfaketime is installed: apt-get install libfaketime")
}

fn awsauth_write(round: u32) -> std::process::Command {
    let arn = role(&format!("beside-{}", round / 2 % 7));
    let mut command = std::process::Command::new(awsauth());
    match round % 2 {
        0 => command.args([
            "map",
            "role",
            &arn,
            "--username",
            "beside",
            "--group",
            "viewers",
        ]),
        _ => command.args(["unmap", "role", &arn]),
    };
    command
}

fn foreign_write(kubectl: &Path, round: u32) -> std::process::Command {
    let users = format!(
        "- userarn: arn:aws:iam::111122223333:user/beside-{}\n  username: beside\n",
        round % 7
    );
    let patch = json!({"data": {"mapUsers": users}}).to_string();
    let mut command = std::process::Command::new(kubectl);
    command.args([
        "patch",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "--type=merge",
        "-p",
        &patch,
    ]);
    command
}

fn object_name(number: usize) -> String {
    format!("dev-{number}")
}
