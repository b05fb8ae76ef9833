//! K3: whether the exec plugin is installed.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome};
use crate::doctor::checks::kubeconfig::exec_api_version::exec;
use crate::doctor::evidence::{Entry, Exec};
use crate::doctor::remedy;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "K3",
    title: "exec command",
    after: &["K1"],
    judge,
};

/// The name that aws-iam-authenticator had until 2018.
const OLD_NAME: &str = "heptio-authenticator-aws";

/// Returns the parts of a path before and behind `~/`.
fn in_home(command: &str) -> Option<(&str, &str)> {
    command
        .strip_prefix("~/")
        .map(|rest| ("", rest))
        .or_else(|| command.split_once("/~/"))
}

/// Returns the name of the program if a command is a path of Windows, such as `C:\\aws.exe`.
fn of_windows(command: &str) -> Option<&str> {
    let is_drive = |path: &str| {
        let start = path.as_bytes();
        start.first().is_some_and(u8::is_ascii_alphabetic) && start.get(1) == Some(&b':')
    };
    let name = command.rsplit(['\\', '/']).next()?;
    let lower = name.to_ascii_lowercase();
    let extension = [".exe", ".cmd", ".bat"]
        .into_iter()
        .find(|end| lower.ends_with(end));
    // A kubeconfig's folder may be before a path that is relative elsewhere.
    let is_path = command.contains('\\') && (is_drive(command) || command.contains(":\\"));
    if !is_path && extension.is_none() {
        return None;
    }
    let name = &name[..name.len() - extension.map_or(0, str::len)];
    (!name.is_empty()).then_some(name)
}

/// Returns the command that changes the plugin's program and keeps its arguments, which kubectl removes otherwise.
/// <https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/kubectl/pkg/cmd/config/set_credentials.go>
fn with_command(entry: &Entry, exec: &Exec, command: &str) -> Option<String> {
    let mut flags = vec![command.to_owned()];
    flags.extend(Exec::arg_flags(exec.args.iter())?);
    entry.change_plugin(&flags.join(" "))
}

fn judge(evidence: &Evidence) -> CheckResult {
    let exec = exec(evidence)?;
    let entry = evidence.entry()?;
    let saw = match &exec.path {
        Some(path) => format!("{} is {path}", exec.command),
        None => format!("{} is not on PATH", exec.command),
    };
    let instead = match entry.eks_name() {
        Some(_) => format!(
            "use awsauth as the plugin: {}",
            remedy::use_awsauth(evidence, entry)
        ),
        None => format!(
            "install it, or set its full path: command -v {}",
            quoted(&exec.command)
        ),
    };
    match (&exec.path, &exec.fault) {
        (None, _) if exec.command.ends_with(OLD_NAME) => Outcome::problem(
            saw,
            format!("{OLD_NAME} was renamed to aws-iam-authenticator, and is not installed"),
            instead,
        ),
        (None, _) if let Some(program) = of_windows(&exec.command) => Outcome::problem(
            saw,
            format!(
                "command of the exec plugin is the path of a Windows program, {}, and this machine does not run it",
                exec.command
            ),
            match with_command(entry, exec, &quoted(&format!("--exec-command={program}"))) {
                Some(change) => format!("use the program {program} of this machine: {change}"),
                None => instead,
            },
        ),
        (None, _) if let Some(found) = &exec.elsewhere => Outcome::problem(
            saw,
            format!(
                "the exec plugin {:?} is not there, but {found} is",
                exec.command
            ),
            match with_command(entry, exec, &quoted(&format!("--exec-command={found}"))) {
                Some(change) => format!("{change}; or {instead}"),
                None => instead,
            },
        ),
        (None, _) if exec.command.contains(char::is_whitespace) => {
            let mut words = exec.command.split_whitespace();
            let program = words.next().unwrap_or_default();
            let args = words.chain(exec.args.iter().map(String::as_str));
            let step =
                format!("leave only {program:?} in command, and put the other words into args");
            Outcome::problem(
                saw,
                format!(
                    "command of the exec plugin is a whole command line, {:?}, but kubectl takes all of it as the name of a program",
                    exec.command
                ),
                entry.change_plugin_command(step, program, args),
            )
        }
        (None, _) if let Some((_, rest)) = in_home(&exec.command) => Outcome::problem(
            saw,
            format!(
                "command of the exec plugin is ~/{rest}, and ~ is not replaced by the home folder in a kubeconfig"
            ),
            match with_command(
                entry,
                exec,
                &format!("--exec-command=\"$HOME\"/{}", quoted(rest)),
            ) {
                Some(change) => format!("write the whole path: {change}"),
                None => "write the whole path instead of ~".to_owned(),
            },
        ),
        (None, _) => Outcome::problem(
            saw,
            format!("the exec plugin {:?} is not installed here", exec.command),
            instead,
        ),
        (Some(path), Some(fault)) => Outcome::problem(
            saw,
            format!("the exec plugin {:?} cannot be run: {fault}", exec.command),
            if fault.ends_with("not executable") {
                format!("chmod +x {}; or {instead}", quoted(path))
            } else if fault.contains("Windows line endings") {
                format!("sed -i 's/\\r$//' {}; or {instead}", quoted(path))
            } else {
                instead
            },
        ),
        (Some(_), None) => Outcome::ok(saw),
    }
}
