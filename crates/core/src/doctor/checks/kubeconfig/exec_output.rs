//! K4: whether the exec plugin prints a token.

use crate::doctor::Evidence;
use crate::doctor::check::{Check, CheckResult, Outcome, Skipped};
use crate::doctor::checks::kubeconfig::exec_api_version::{SUPPORTED, exec};
use crate::doctor::evidence::{Exec, Problem};
use crate::doctor::remedy;
use crate::shell_quote::quoted;

pub(crate) const CHECK: Check = Check {
    id: "K4",
    title: "exec output",
    after: &["K1", "K3"],
    judge,
};

/// Seconds after which a plugin slows down every command noticeably.
const SLOW: i64 = 3;

/// The commands that print a token: of the AWS CLI, and of aws-iam-authenticator and awsauth.
/// <https://docs.aws.amazon.com/cli/latest/reference/eks/get-token.html>
const TOKEN_COMMANDS: [&str; 3] = ["eks", "get-token", "token"];

/// Returns an argument that is nearly a command of the plugin, and that command.
fn mistyped_command(exec: &Exec) -> Option<(&str, &'static str)> {
    let args = || exec.args.iter().map(String::as_str);
    // Without the values of flags.
    let words = std::iter::once("").chain(args()).zip(args());
    let words = words.filter(|(before, _)| !before.starts_with('-') || before.contains('='));
    words
        .map(|(_, word)| word)
        .filter(|word| !word.starts_with('-') && !TOKEN_COMMANDS.contains(word))
        .find_map(|word| {
            let mut known = TOKEN_COMMANDS.into_iter();
            let near = known.find(|known| {
                let letters = strsim::damerau_levenshtein(known, word);
                letters <= 2 && letters < known.len().min(word.len()) - 1
            })?;
            Some((word, near))
        })
}

/// Returns the problem that the arguments are those of the other program that makes tokens: of the AWS CLI or of aws-iam-authenticator.
/// <https://github.com/kubernetes-sigs/aws-iam-authenticator#5-set-up-kubectl-to-use-authentication-tokens-provided-by-aws-iam-authenticator-for-kubernetes>
fn arguments_of_another(evidence: &Evidence, exec: &Exec) -> Option<Problem> {
    const AUTHENTICATOR: &str = "aws-iam-authenticator";
    let entry = evidence.entry().ok()?;
    let program = exec.command.rsplit(['/', '\\']).next().unwrap_or_default();
    let has = |word: &str| exec.args.iter().any(|arg| arg == word);
    let (other, command, args) = match program {
        "aws" if has("token") && !has("get-token") => {
            let mut args = vec!["eks", "get-token", "--cluster-name", entry.eks_name()?];
            for (flag, names) in [
                ("--region", &["--region"][..]),
                ("--role-arn", &["--role", "-r"]),
            ] {
                let value = exec.argument(names);
                args.extend(value.into_iter().flat_map(|value| [flag, value]));
            }
            (AUTHENTICATOR, exec.command.as_str(), args)
        }
        AUTHENTICATOR if has("get-token") => {
            let args = exec.args.iter().map(String::as_str).collect();
            ("the AWS CLI", "aws", args)
        }
        _ => return None,
    };
    let step = format!("run {command} {}", args.join(" "));
    Some(Problem {
        cause: format!(
            "the exec plugin runs {program} with the arguments of {other}: {}",
            exec.args.join(" ")
        ),
        next: entry.change_plugin_command(step, command, args.into_iter()),
    })
}

fn judge(evidence: &Evidence) -> CheckResult {
    let exec = exec(evidence)?;
    if let Some(limit) = evidence.plugin.timed_out() {
        let saw = format!("{} did not end within {} s", exec.command, limit.as_secs());
        // kubectl waits longer, so another check may know the cause.
        let no_credentials = matches!(evidence.credentials.known(), Some(Err(_)));
        if no_credentials || evidence.signed_in.known().is_some() || evidence.explanation().is_ok()
        {
            return Err(Skipped::needs(format!("more time: {saw}")));
        }
        return Outcome::problem(
            saw,
            "it is unknown whether the exec plugin prints a token: it waits for the network or for input, or it is slow",
            "run it alone with an empty standard input to see what it waits for; if it is slow: awsauth doctor --timeout 2m",
        );
    }
    let plugin = evidence.plugin.seen()?;
    let by_itself = || format!("run it alone: {}", plugin.command);
    if let Some(status) = &plugin.failed {
        let lower = plugin.stderr.to_lowercase();
        // A usage text follows the AWS CLI's error.
        let is_error = |line: &&str| line.to_lowercase().contains("error");
        let lines = plugin.stderr.lines();
        let mut written = lines.filter(|line| !line.trim().is_empty());
        let message = written
            .clone()
            .find(is_error)
            .or_else(|| written.next_back());
        let message = message.unwrap_or("it printed no message");
        let mistyped = mistyped_command(exec).filter(|_| lower.contains("invalid choice"));
        if let Some((written, known)) = mistyped {
            let args = exec.args.iter();
            let args = args.map(|arg| if arg == written { known } else { arg });
            let step = format!("write {known} instead of {written} in args");
            return Outcome::problem(
                format!("{} failed with {status}", plugin.command),
                format!(
                    "the exec plugin fails: {written} in its args is no command of {}; its name is {known}",
                    exec.command
                ),
                evidence
                    .entry()?
                    .change_plugin_command(step, &exec.command, args),
            );
        }
        if let Some(problem) = arguments_of_another(evidence, exec) {
            let saw = format!("{} failed with {status}", plugin.command);
            return Outcome::from_problem(saw, &problem);
        }
        let next = match lower.contains("invalid choice") {
            true => "upgrade this program: it does not know the command".to_owned(),
            false => by_itself(),
        };
        return Outcome::problem(
            format!("{} failed with {status}", plugin.command),
            format!("the exec plugin fails: {}", message.trim()),
            next,
        );
    }
    if let Some(why) = &plugin.unreadable {
        return Outcome::problem(
            format!("{} printed something else", plugin.command),
            format!("the exec plugin did not print an ExecCredential: {why}"),
            by_itself(),
        );
    }
    let version = plugin.api_version.as_deref().unwrap_or("no apiVersion");
    let mut saw = format!(
        "a token of {} bytes, {version}, {} ms",
        plugin.token_bytes,
        plugin.took.as_millis()
    );
    if plugin.token_bytes == 0 {
        return Outcome::problem(
            saw,
            "the exec plugin prints no token, so kubectl sends none and the user is system:anonymous",
            by_itself(),
        );
    }
    if exec.api_version.as_deref() != Some(version) {
        let entry = evidence.entry()?;
        let requested = exec.api_version.as_deref().unwrap_or("none");
        return Outcome::problem(
            saw,
            format!(
                "the kubeconfig requests {requested} from the exec plugin, but it returns {version}"
            ),
            match entry.change_plugin(&quoted(&format!("--exec-api-version={version}"))) {
                Some(change) if SUPPORTED.contains(&version) => change,
                _ => remedy::use_awsauth(evidence, entry),
            },
        );
    }
    match &plugin.expiration {
        Some(when) => saw += &format!(", until {when}"),
        None => saw += "; it has no expiration, so clients keep using it after it expires",
    }
    if plugin.took.as_secs() >= SLOW {
        saw += "; this is slow";
    }
    Outcome::ok(saw)
}
