//! Reads the selected entries of the kubeconfig.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::problem;
use awsauth_aws::AwsEnvironment;
use awsauth_core::doctor::evidence::{Entry, Exec, IgnoredEntry, Problem, User};
use awsauth_core::facts::partitions::Partition;
use awsauth_core::redact;
use awsauth_core::shell_quote::quoted;
use awsauth_core::token::{Authenticator, FormatError, TokenError};
use awsauth_kube::connect::ConnectError;
use awsauth_kube::selected_context::{self, ExecPlugin, SelectedContext, SelectedUser};
use awsauth_kube::{Environment, Flags};

/// Variables whose values are not secret.
const SHOWN: [&str; 7] = [
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_ROLE_ARN",
];

/// The prefix of EKS tokens.
const TOKEN: &str = "k8s-aws-v1.";

/// Returns the kubeconfigs that the user names.
pub(crate) fn paths(flags: &Flags, environment: &Environment) -> Vec<PathBuf> {
    let listed = environment.kubeconfig.iter().flat_map(env::split_paths);
    match &flags.kubeconfig {
        Some(path) => vec![path.clone()],
        None => listed.collect(),
    }
}

/// Reads the selected entries. Reads only files.
pub(crate) fn entry(
    flags: &Flags,
    environment: &Environment,
    aws_environment: &AwsEnvironment,
    now: Timestamp,
) -> Result<(Entry, SelectedContext), Problem> {
    let selected = SelectedContext::of(flags, environment).map_err(|error| {
        let known = unusable_file(flags, environment).or_else(|| absent_user(&error, flags));
        known.unwrap_or_else(|| problem(&error, error.hint()))
    })?;
    let target = &selected.target;
    let user = match &selected.user {
        SelectedUser::Anonymous => User::Anonymous,
        SelectedUser::Exec(exec) => User::Exec(written(exec, aws_environment)),
        SelectedUser::Token(token, plugin) => {
            let token = token.expose_secret();
            User::Token {
                signed: signed(token, selected.eks.region.as_deref(), now),
                is_eks: token.starts_with(TOKEN),
                overrides_plugin: plugin.is_some(),
            }
        }
        SelectedUser::TokenFile(path) => User::TokenFile {
            path: path.display().to_string(),
            fault: File::open(path).err().map(|error| error.to_string()),
        },
        SelectedUser::Other(what) => User::Other((*what).to_owned()),
    };
    let plugin_named = match &selected.user {
        SelectedUser::Exec(exec) => exec.cluster.clone(),
        _ => None,
    };
    let entry = Entry {
        files: selected_context::files(flags, environment),
        context: target.context.clone(),
        cluster: target.cluster.clone(),
        user_name: target.user.clone(),
        server: target.server.clone(),
        tls_server_name: selected.server.tls_server_name.clone(),
        is_insecure_with_authority: selected.server.skips_verification
            && selected.server.names_authorities,
        lacks_authority: selected.server.is_https
            && !selected.server.skips_verification
            && selected.server.authorities.is_none(),
        user,
        named: selected.entry.name.clone(),
        plugin_named,
        region: selected.eks.region.clone(),
        account: selected.eks.account.clone(),
        namespace: selected.namespace.clone(),
        impersonates: selected.impersonates.clone(),
        kubectl: target.kubectl(),
        proxy_url: selected.proxy_url.clone(),
        ignored: ignored(flags, environment),
        matching_user: selected.matching_user.clone(),
        has_shared_user: selected.has_shared_user,
    };
    Ok((entry, selected))
}

/// Returns the problem that `--user`, which selects an entry of the kubeconfig, names none.
fn absent_user(error: &ConnectError, flags: &Flags) -> Option<Problem> {
    let ConnectError::NoSuchUser { name, users, .. } = error else {
        return None;
    };
    (flags.user.as_ref() == Some(name)).then(|| Problem {
        cause: format!(
            "--user selects an entry of the kubeconfig, and the kubeconfig has no user {name:?}"
        ),
        next: format!(
            "leave out --user, or name one of {}; to act as another Kubernetes user, use --as",
            users.join(", ")
        ),
    })
}

/// Returns the problem that a kubeconfig is empty, or base64, as in a Kubernetes secret.
fn unusable_file(flags: &Flags, environment: &Environment) -> Option<Problem> {
    let mut paths = paths(flags, environment);
    if paths.is_empty() {
        paths.extend(
            environment
                .home
                .iter()
                .map(|home| home.join(".kube").join("config")),
        );
    }
    let separated = paths.iter().find_map(|path| with_semicolons(path));
    separated.or_else(|| paths.iter().find_map(|path| unusable_content(path)))
}

/// Returns the problem that the files of `KUBECONFIG` are separated as on Windows.
fn with_semicolons(path: &Path) -> Option<Problem> {
    let text = path.to_str()?;
    let mut parts = text.split(';').filter(|part| !part.is_empty());
    let is_list = !cfg!(windows) && text.contains(';') && !path.exists();
    let has_file = parts.any(|part| Path::new(part).is_file());
    (is_list && has_file).then(|| Problem {
        cause: format!(
            "KUBECONFIG separates its files with a semicolon, as on Windows, so that {text} is taken for one file"
        ),
        next: format!(
            "separate them with a colon: export KUBECONFIG={}",
            quoted(&text.replace(';', ":"))
        ),
    })
}

/// Returns the problem that a file is empty or base64.
fn unusable_content(path: &Path) -> Option<Problem> {
    /// How base64 text of a kubeconfig begins: `apiVersion`, `clusters:`, `kind: Conf`, `---` or a JSON object.
    const ENCODED: [&str; 8] = [
        "YXBpVmVyc2lvb",
        "Y2x1c3RlcnM6",
        "a2luZDogQ29uZ",
        "LS0t",
        "eyJ",
        "eyAi",
        "ewog",
        "ewoi",
    ];
    let length = path.metadata().ok().filter(|file| file.is_file())?.len();
    let mut start = String::new();
    let file = File::open(path).ok()?;
    file.take(1 << 10).read_to_string(&mut start).ok()?;
    let shown = path.display();
    if length < 1 << 10 && start.trim().is_empty() {
        return Some(Problem {
                cause: format!("the kubeconfig {shown} is empty"),
                next: "write it again: awsauth kubeconfig --cluster-name NAME; or copy the file again from its source".to_owned(),
            });
    }
    let is_encoded = ENCODED
        .iter()
        .any(|words| start.trim_start().starts_with(words));
    is_encoded.then(|| Problem {
        cause: format!("the kubeconfig {shown} is base64, and must be decoded first"),
        next: {
            let path = quoted(&shown.to_string());
            format!("base64 -d {path} > {path}.decoded && mv {path}.decoded {path}")
        },
    })
}

fn ignored(flags: &Flags, environment: &Environment) -> Vec<IgnoredEntry> {
    let found = selected_context::ignored_entries(flags, environment);
    let shown = |path: &Path| path.display().to_string();
    let found = found.into_iter().map(|entry| IgnoredEntry {
        kind: entry.kind,
        name: entry.name,
        used: shown(&entry.used),
        ignored: shown(&entry.ignored),
        used_cluster: entry.used_cluster,
        ignored_cluster: entry.ignored_cluster,
    });
    found.collect()
}

/// Whether no cluster is configured.
pub(crate) fn is_absent(flags: &Flags, environment: &Environment) -> bool {
    matches!(
        SelectedContext::of(flags, environment),
        Err(ConnectError::NoCluster)
    )
}

/// Returns the entry of a cluster that EKS described, without a kubeconfig.
pub(crate) fn at_eks(selected: &SelectedContext) -> Entry {
    let target = &selected.target;
    let name = selected.eks.name.clone();
    Entry {
        files: format!(
            "no kubeconfig; EKS provides the endpoint of {}",
            name.as_deref().unwrap_or_default()
        ),
        server: target.server.clone(),
        user: User::Other("AWS credentials".to_owned()),
        named: name,
        region: selected.eks.region.clone(),
        kubectl: target.kubectl(),
        ..Entry::default()
    }
}

/// Returns when a token was signed, if it can be read.
fn signed(token: &str, region: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let region = region.unwrap_or("us-east-1");
    let authenticator = Authenticator {
        partition: Partition::of_region(region).id,
        region,
    };
    match authenticator.read(token, now) {
        Ok(presigned) => Some(presigned.signed),
        Err(TokenError::Format(FormatError::Expired(signed))) => Some(signed),
        Err(_) => None,
    }
}

fn written(exec: &ExecPlugin, aws_environment: &AwsEnvironment) -> Exec {
    let found = find(&exec.command);
    let env = exec.env.iter().map(|(name, value)| {
        let is_shown = SHOWN.contains(&name.as_str());
        let value = if is_shown { value } else { "…" };
        (name.clone(), value.to_owned())
    });
    Exec {
        api_version: exec.api_version.clone(),
        // It may be a whole command line.
        command: redact::text(&exec.command),
        args: redact::arguments(exec.args.clone()),
        env: env.collect(),
        has_interactive_mode: exec.has_interactive_mode,
        needs_terminal: exec.needs_terminal,
        has_terminal: io::stdin().is_terminal(),
        fault: found.as_deref().and_then(fault),
        elsewhere: match found {
            Some(_) => None,
            None => elsewhere(&exec.command).map(|path| path.display().to_string()),
        },
        path: found.map(|path| path.display().to_string()),
        keys_in_environment: aws_environment.get("AWS_ACCESS_KEY_ID").is_some(),
        profile_in_environment: aws_environment.get("AWS_PROFILE").map(str::to_owned),
    }
}

/// Returns a file that a command which is not there may mean: the program of this name on the PATH, or the file of a relative
/// path, which kubectl looks for in the kubeconfig's folder.
/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#configuration>
fn elsewhere(command: &str) -> Option<PathBuf> {
    let path = Path::new(command);
    let name = path.file_name()?.to_str()?;
    if path.components().count() < 2 || command.contains(['~', '\\']) {
        return None;
    }
    let parts: Vec<_> = path.components().collect();
    let folders = [env::home_dir(), env::current_dir().ok()];
    let folders: Vec<PathBuf> = folders.into_iter().flatten().collect();
    let in_folder = |rest: PathBuf| {
        let mut candidates = folders.iter().map(|folder| folder.join(&rest));
        candidates.find(|candidate| candidate.is_file() && candidate != path)
    };
    // Without the root. The name alone may be that of another file.
    let mut rests = (1..parts.len() - 1).map(|at| parts[at..].iter().collect::<PathBuf>());
    let on_path = || find(name).filter(|found| fault(found).is_none());
    let with_folder = rests.find_map(in_folder);
    with_folder
        .or_else(on_path)
        .or_else(|| in_folder(PathBuf::from(name)))
}

/// Finds a command on the PATH.
fn find(command: &str) -> Option<PathBuf> {
    if command.is_empty() {
        return None;
    }
    let path = Path::new(command);
    if path.components().count() > 1 {
        return path.is_file().then(|| path.to_owned());
    }
    let path = env::var_os("PATH")?;
    let paths = env::split_paths(&path).map(|folder| folder.join(command));
    let mut found: Vec<PathBuf> = paths.filter(|path| path.is_file()).collect();
    // Executable files come first.
    found.sort_by_key(|path| fault(path).is_some());
    found.into_iter().next()
}

#[cfg(unix)]
fn fault(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().ok()?.permissions().mode();
    if mode & 0o111 == 0 {
        return Some(format!("{} is not executable", path.display()));
    }
    let mut start = Vec::new();
    File::open(path)
        .ok()?
        .take(256)
        .read_to_end(&mut start)
        .ok()?;
    fault_of_content(path, &start)
}

/// Returns why the system cannot run an executable file with this beginning.
/// <https://man7.org/linux/man-pages/man2/execve.2.html>
#[cfg(unix)]
fn fault_of_content(path: &Path, start: &[u8]) -> Option<String> {
    let shown = path.display();
    if start.starts_with(b"\xef\xbb\xbf#!") {
        return Some(format!(
            "{shown} begins with a byte order mark, so its first line #! is not found"
        ));
    }
    let line = start.strip_prefix(b"#!")?;
    let line = line.split(|byte| *byte == b'\n').next()?;
    let line = String::from_utf8_lossy(line);
    let program = line.split_whitespace().next()?;
    if line.ends_with('\r') {
        return Some(format!(
            "{shown} has Windows line endings, so the system looks for the interpreter {program}\\r"
        ));
    }
    let is_missing = Path::new(program).is_absolute() && !Path::new(program).exists();
    is_missing
        .then(|| format!("its interpreter {program}, in the first line of {shown}, does not exist"))
}

#[cfg(not(unix))]
fn fault(_: &Path) -> Option<String> {
    None
}
