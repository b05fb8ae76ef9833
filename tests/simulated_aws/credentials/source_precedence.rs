//! For any combination of sources, awsauth uses the one that botocore uses.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use awsauth_aws::AwsEnvironment;
use awsauth_aws::credentials::{CredentialOptions, SourceError, resolve};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::json;
use sha1::{Digest, Sha1};

use crate::support::python::Packages;

/// Sources of credentials. If profile `p` is not used, the default profile has the options of the profile sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "RoleWithoutSource has none")]
enum Source {
    Environment,
    HalfAnEnvironment,
    CredentialsFile,
    HalfACredentialsFile,
    ConfigFile,
    Process,
    BrokenProcess,
    Role,
    RoleOfItself,
    RoleOfARole,
    RoleInACircle,
    RoleOfNobody,
    RoleOfTheEnvironment,
    RoleWithoutSource,
    RoleOfTheContainer,
    RoleOfTheInstance,
    RoleOfSomething,
    RoleOfAWebIdentity,
    WebIdentity,
    WebIdentityWithoutRole,
    WebIdentityProfile,
    Sso,
    OldSso,
    HalfASso,
    SsoWithoutSession,
    Ec2File,
    BotoFile,
    Container,
    Instance,
}

use Source::*;

/// How the profile is chosen.
#[derive(Clone, Copy, Debug)]
enum Profile {
    /// No profile is selected.
    Default,
    /// `AWS_PROFILE` selects it.
    Variable,
    /// `--profile` selects it.
    Named,
    /// `AWS_PROFILE` names a missing profile.
    Missing,
}

/// botocore, and the AWS endpoint that it uses.
struct Botocore {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    endpoint: String,
}

impl Botocore {
    fn start(home: &Path) -> Self {
        let mut python = Packages::Botocore.python();
        python
            .args(["-X", "utf8", "tests/python/botocore_choice.py"])
            .env("HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = python.spawn().expect("Python");
        let input = child.stdin.take().expect("its stdin");
        let output = BufReader::new(child.stdout.take().expect("its stdout"));
        let mut botocore = Self {
            child,
            input,
            output,
            endpoint: String::new(),
        };
        botocore.endpoint = format!("http://127.0.0.1:{}", botocore.line());
        botocore
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    fn chosen(&mut self, variables: &BTreeMap<String, String>, profile: Option<&str>) -> String {
        let asked = json!({"environment": variables, "profile": profile});
        writeln!(self.input, "{asked}").expect("it listens");
        self.line()
    }
}

impl Drop for Botocore {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A profile's options in one file.
type Options = BTreeMap<&'static str, String>;

/// A generated setup: files in a folder, and variables.
struct Scene<'a> {
    folder: &'a Path,
    endpoint: &'a str,
    /// The profile under test.
    name: &'a str,
    config: Options,
    credentials: Options,
    others: String,
    variables: BTreeMap<String, String>,
}

impl<'a> Scene<'a> {
    fn new(folder: &'a Path, endpoint: &'a str, profile: Profile) -> Self {
        let mut scene = Self {
            folder,
            endpoint,
            name: match profile {
                Profile::Default => "default",
                _ => "p",
            },
            config: [("region", "us-east-1".to_owned())].into(),
            credentials: Options::new(),
            others: String::new(),
            variables: BTreeMap::new(),
        };
        scene.set("HOME", folder.to_str().expect("a path"));
        scene.set("AWS_ENDPOINT_URL", endpoint);
        match profile {
            Profile::Variable => scene.set("AWS_PROFILE", "p"),
            Profile::Missing => scene.set("AWS_PROFILE", "missing"),
            Profile::Default | Profile::Named => {}
        }
        scene
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    }

    fn token(&self, subject: &str) -> String {
        let claims =
            json!({"iss": "https://issuer.test", "sub": subject, "aud": "sts.amazonaws.com"});
        let claims = BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
        self.file(subject, &format!("e30.{claims}.signature"))
    }

    fn options(&mut self, options: &[(&'static str, &str)]) {
        let options = options.iter();
        self.config
            .extend(options.map(|(name, value)| (*name, (*value).to_owned())));
    }

    fn role(&mut self, name: &str, more: &[(&'static str, &str)]) {
        self.options(&[("role_arn", &arn(name))]);
        self.options(more);
    }

    fn other(&mut self, name: &str, options: &[(&str, &str)]) {
        let _ = writeln!(self.others, "[{name}]");
        for (option, value) in options {
            let _ = writeln!(self.others, "{option} = {value}");
        }
    }

    fn has(&mut self, source: Source) {
        let keys = |key: &'static str| [("aws_access_key_id", key), ("aws_secret_access_key", "s")];
        let sso = [
            ("sso_account_id", "111122223333"),
            ("sso_role_name", "Admin"),
        ];
        let start = [("sso_start_url", START_URL), ("sso_region", "us-east-1")];
        match source {
            Environment => {
                self.set("AWS_ACCESS_KEY_ID", "ENVIRONMENT");
                self.set("AWS_SECRET_ACCESS_KEY", "s");
            }
            HalfAnEnvironment => self.set("AWS_ACCESS_KEY_ID", "ENVIRONMENT"),
            CredentialsFile => {
                let keys = keys("CREDENTIALS").map(|(name, value)| (name, value.to_owned()));
                self.credentials.extend(keys);
            }
            HalfACredentialsFile => {
                self.credentials
                    .insert("aws_access_key_id", "CREDENTIALS".to_owned());
            }
            ConfigFile => self.options(&keys("CONFIG")),
            Process => self.options(&[("credential_process", &process(1))]),
            BrokenProcess => self.options(&[("credential_process", &process(2))]),
            Role => {
                self.role("role", &[("source_profile", "base"), ("external_id", "xy")]);
                self.options(&[("duration_seconds", "900")]);
                self.other("profile base", &keys("BASE"));
            }
            RoleOfItself => self.role("role", &[("source_profile", self.name)]),
            RoleOfARole => {
                self.role("role", &[("source_profile", "middle")]);
                let middle = [
                    ("role_arn", arn("middle")),
                    ("source_profile", "end".to_owned()),
                ];
                let middle = middle
                    .each_ref()
                    .map(|(name, value)| (*name, value.as_str()));
                self.other("profile middle", &middle);
                self.other("profile end", &keys("END"));
            }
            RoleInACircle => {
                self.role("role", &[("source_profile", "circle")]);
                let circle = [
                    ("role_arn", arn("circle")),
                    ("source_profile", self.name.to_owned()),
                ];
                let circle = circle
                    .each_ref()
                    .map(|(name, value)| (*name, value.as_str()));
                self.other("profile circle", &circle);
            }
            RoleOfNobody => self.role("role", &[("source_profile", "nobody")]),
            RoleOfTheEnvironment => self.role("role", &[("credential_source", "Environment")]),
            RoleOfTheContainer => self.role("role", &[("credential_source", "EcsContainer")]),
            RoleOfTheInstance => {
                self.role("role", &[("credential_source", "Ec2InstanceMetadata")]);
            }
            RoleOfSomething => self.role("role", &[("credential_source", "environment")]),
            RoleWithoutSource => self.role("role", &[]),
            WebIdentity => {
                let token = self.token("WEB");
                self.set("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
                self.set("AWS_ROLE_ARN", &arn("web"));
            }
            WebIdentityWithoutRole => {
                let token = self.token("WEB");
                self.set("AWS_WEB_IDENTITY_TOKEN_FILE", &token);
            }
            WebIdentityProfile => {
                let token = self.token("WEBPROFILE");
                self.role("webprofile", &[("web_identity_token_file", &token)]);
            }
            RoleOfAWebIdentity => {
                let token = self.token("WEBPROFILE");
                self.role("role", &[("source_profile", "web")]);
                let web = [("role_arn", arn("web")), ("web_identity_token_file", token)];
                let web = web.each_ref().map(|(name, value)| (*name, value.as_str()));
                self.other("profile web", &web);
            }
            Sso => {
                self.options(&sso);
                self.options(&[("sso_session", SESSION)]);
                self.other(&format!("sso-session {SESSION}"), &start);
            }
            OldSso => {
                self.options(&sso);
                self.options(&start);
            }
            HalfASso => self.options(&sso),
            SsoWithoutSession => {
                self.options(&sso);
                self.options(&[("sso_session", "none")]);
            }
            Ec2File => {
                let path = self.file("ec2", "AWSAccessKeyId=EC2FILE\nAWSSecretKey=s\n");
                self.set("AWS_CREDENTIAL_FILE", &path);
            }
            BotoFile => {
                let text = "[Credentials]\naws_access_key_id = BOTO\naws_secret_access_key = s\n";
                let path = self.file("boto", text);
                self.set("BOTO_CONFIG", &path);
            }
            Container => {
                let url = format!("{}/container", self.endpoint);
                self.set("AWS_CONTAINER_CREDENTIALS_FULL_URI", &url);
            }
            Instance => self.set("AWS_EC2_METADATA_SERVICE_ENDPOINT", self.endpoint),
        }
    }

    /// Writes the files.
    fn set_up(&mut self) {
        let mut section = String::new();
        for (title, options) in [("config", &self.config), ("credentials", &self.credentials)] {
            section.clear();
            if !options.is_empty() {
                let prefix = match (title, self.name) {
                    ("config", "p") => "profile ",
                    _ => "",
                };
                let _ = writeln!(section, "[{prefix}{}]", self.name);
            }
            for (option, value) in options {
                let _ = writeln!(section, "{option} = {value}");
            }
            if title == "config" {
                section += &self.others;
            }
            self.file(title, &section);
        }
        for (variable, name) in [
            ("AWS_CONFIG_FILE", "config"),
            ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
        ] {
            let path = self.folder.join(name);
            self.set(variable, path.to_str().expect("a path"));
        }
        if !self
            .variables
            .contains_key("AWS_EC2_METADATA_SERVICE_ENDPOINT")
        {
            self.set("AWS_EC2_METADATA_DISABLED", "true");
        }
    }
}

const SESSION: &str = "my-sso";
const START_URL: &str = "https://start.test";

fn arn(role: &str) -> String {
    format!("arn:aws:iam::111122223333:role/{role}")
}

fn process(version: u8) -> String {
    let printed = json!({"Version": version, "AccessKeyId": "PROCESS", "SecretAccessKey": "s"});
    format!("/bin/echo '{printed}'")
}

/// Returns our choice in the form of `botocore_choice.py`.
fn ours(scene: &Scene, profile: Option<&str>) -> String {
    let aws_environment = scene
        .variables
        .iter()
        .fold(AwsEnvironment::default(), |all, (name, value)| {
            all.with(name, value)
        })
        .at_home(scene.folder);
    let credential_options = CredentialOptions {
        profile: profile.map(str::to_owned),
        no_cache: true,
        ..CredentialOptions::default()
    };
    let now = Timestamp::now();
    match resolve(&credential_options, &aws_environment, now) {
        Ok(resolved) => resolved.credentials.access_key_id,
        Err(error) => match &error.failed {
            None => "none".to_owned(),
            Some((_, error)) => format!("error: {}", name(error)),
        },
    }
}

/// Returns botocore's name of the error.
fn name(error: &SourceError) -> &'static str {
    use SourceError as E;
    match error {
        E::Partial { .. } | E::NoSource { .. } => "PartialCredentialsError",
        E::NoProfile { .. } => "ProfileNotFound",
        E::Loop { .. } => "InfiniteLoopConfigError",
        E::ProcessAnswer { .. } | E::EmptyCredentialSource { .. } | E::Instance(_) => {
            "CredentialRetrievalError"
        }
        E::TwoSources { .. }
        | E::NoSourceProfile { .. }
        | E::EmptySourceProfile { .. }
        | E::CredentialSource { .. }
        | E::NoRole
        | E::Sso(_) => "InvalidConfigError",
        other => panic!("{other:?}"),
    }
}

#[test]
fn source_precedence_matches_botocore() {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join(".aws/sso/cache");
    fs::create_dir_all(&cache).unwrap();
    for name in [SESSION, START_URL] {
        let digest: String = Sha1::digest(name)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let token = json!({"accessToken": "TOKEN", "expiresAt": "2099-01-01T00:00:00Z"});
        fs::write(cache.join(format!("{digest}.json")), token.to_string()).unwrap();
    }
    let mut botocore = Botocore::start(home.path());
    let endpoint = botocore.endpoint.clone();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut differences = String::new();
    let all = Source::value_variants();
    for (index, &first) in all.iter().enumerate() {
        for &second in &all[index..] {
            for profile in [
                Profile::Default,
                Profile::Variable,
                Profile::Named,
                Profile::Missing,
            ] {
                // A missing profile is an error, independent of other sources.
                if matches!(profile, Profile::Missing) && first != second {
                    continue;
                }
                let mut scene = Scene::new(home.path(), &endpoint, profile);
                scene.has(first);
                if second != first {
                    scene.has(second);
                }
                scene.set_up();
                let named = matches!(profile, Profile::Named).then_some("p");
                let theirs = botocore.chosen(&scene.variables, named);
                let ours = ours(&scene, named);
                // botocore creates no client for a profile whose sso-session is missing.
                let no_client = [first, second].contains(&SsoWithoutSession)
                    && theirs == "error: InvalidConfigError"
                    && ours.contains('-');
                if ours != theirs && !no_client {
                    let _ = writeln!(
                        differences,
                        "{first:?} and {second:?}, profile {profile:?}: botocore {theirs}, awsauth {ours}"
                    );
                }
                *seen.entry(theirs).or_default() += 1;
            }
        }
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(seen.len() > 20, "too few outcomes: {seen:?}");
}
