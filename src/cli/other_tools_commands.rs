//! Words of other tools, and the awsauth command that their users mean.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue};

use crate::commands::is_verb;
use crate::terminal::Failure;
use awsauth_core::arn::Parts;
use awsauth_kube::command_line::command_line;

/// Commands of kubectl, eksctl, keikoproj/aws-auth and the AWS CLI, each with its awsauth command.
const WORDS: [(&str, &str); 36] = [
    ("access", "who-can"),
    ("add", "map"),
    ("audit", "report"),
    ("can-i", "who-can"),
    ("check", "lint"),
    ("create", "map"),
    ("create-access-entry", "map"),
    ("delete", "unmap"),
    ("delete-access-entry", "unmap"),
    ("describe", "explain"),
    ("diagnose", "doctor"),
    ("fix", "lint"),
    ("get-token", "token"),
    ("grant", "map"),
    ("list-access-entries", "get"),
    ("log", "history"),
    ("login", "kubeconfig"),
    ("remove", "unmap"),
    ("remove-by-username", "unmap"),
    ("rename", "replace-group"),
    ("rename-group", "replace-group"),
    ("revert", "undo"),
    ("revoke", "unmap"),
    ("rm", "unmap"),
    ("rollback", "undo"),
    ("set", "map"),
    ("show", "get"),
    ("update", "map"),
    ("update-access-entry", "map"),
    ("update-kubeconfig", "kubeconfig"),
    ("upsert", "map"),
    ("users", "get"),
    ("validate", "lint"),
    ("who", "who-can"),
    ("whocan", "who-can"),
    ("why", "explain"),
];

/// What eksctl calls the entries. Its commands have one of these words after `get`, `create` or `delete`.
const ENTRIES: [&str; 4] = [
    "accessentries",
    "accessentry",
    "iamidentitymapping",
    "iamidentitymappings",
];

/// The options of other tools for the principal, username and groups of a mapping. `awsauth map` has other ones.
const MAPPING_OPTIONS: [&str; 7] = [
    "--arn",
    "--groups",
    "--kubernetes-groups",
    "--kubernetes-username",
    "--principal-arn",
    "--rolearn",
    "--userarn",
];

/// How a command takes the path that a user gives with `-f` or `--filename`, which only `apply` and `diff` have: with this option, or as an
/// argument.
const COMMANDS_WITHOUT_FILENAME: [(&str, Option<&str>); 18] = [
    ("backup", Some("--to")),
    ("edit", Some("--file")),
    ("expire", Some("--file")),
    ("explain", Some("--file")),
    ("get", Some("--file")),
    ("kubeconfig", Some("--kubeconfig")),
    ("lint", None),
    ("list", Some("--file")),
    ("ls", Some("--file")),
    ("map", Some("--file")),
    ("migrate", Some("--file")),
    ("nodes", Some("--file")),
    ("replace-group", Some("--file")),
    ("report", Some("--file")),
    ("restore", None),
    ("unmap", Some("--file")),
    ("unused", Some("--file")),
    ("who-can", Some("--file")),
];

/// Returns the failure for a command that would run, but that means something else in another tool.
pub(super) fn failure_before_parsing(arguments: &[OsString]) -> Option<Failure> {
    let words = words_of(arguments);
    let at = words
        .iter()
        .position(|word| ["get", "list", "ls"].contains(&word.as_str()))?;
    let entries = words
        .get(at + 1)
        .filter(|word| ENTRIES.contains(&word.as_str()))?;
    let line = command_line_of(&words[..at], "get", &translated("get", &words[at + 1..]));
    Some(
        Failure::usage(format!("there is no command get {entries}"))
            .hint(format!("awsauth {line}")),
    )
}

/// Returns the arguments without the program.
fn words_of(arguments: &[OsString]) -> Vec<String> {
    arguments
        .iter()
        .skip(1)
        .map(|text| text.to_string_lossy().into_owned())
        .collect()
}

/// Returns the command line of a command. The AWS CLI's word `eks` before it is left out.
fn command_line_of(before: &[String], command: &str, after: &[String]) -> String {
    let before = before.iter().filter(|text| *text != "eks");
    let words = before.map(String::as_str).chain([command]);
    command_line(words.chain(after.iter().map(String::as_str)))
}

/// Returns the failure to print instead of clap's error, if the error is about a command or an option of another tool.
pub(super) fn failure_of(error: &clap::Error, arguments: &[OsString]) -> Option<Failure> {
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) {
        return failure(word, arguments);
    }
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(given)) => other_option(given, arguments),
        Some(ContextValue::Strings(missing))
            if missing.iter().any(|name| name.starts_with("--filename")) =>
        {
            file_instead_of_filename(arguments)
        }
        _ => None,
    }
}

/// Returns the failure for `apply` or `diff` with `--file` but without `-f`.
fn file_instead_of_filename(arguments: &[OsString]) -> Option<Failure> {
    let mut words = words_of(arguments);
    let at = words
        .iter()
        .position(|word| word == "--file" || word.starts_with("--file="))?;
    let command = words
        .iter()
        .find(|word| ["apply", "diff"].contains(&word.as_str()))?
        .clone();
    let failure = Failure::usage(format!(
        "awsauth {command} needs -f with the desired mappings; --file is the manifest of aws-auth to work on"
    ));
    let mut both = words.clone();
    both.extend(["-f", "MAPPINGS"].map(str::to_owned));
    let both = command_line(both.iter().map(String::as_str));
    words[at] = words[at]
        .replacen("--file", "-f", 1)
        .replacen("-f=", "--filename=", 1);
    let line = command_line(words.iter().map(String::as_str));
    Some(
        failure
            .hint(format!(
                "if the file has the desired mappings: awsauth {line}"
            ))
            .hint(format!("if it is the manifest: awsauth {both}")),
    )
}

/// Returns the failure for an option that this command does not have. Its hint is the command with the option that the user means.
fn other_option(given: &str, arguments: &[OsString]) -> Option<Failure> {
    let mut words = words_of(arguments);
    let given = given.split_once([' ', '=']).map_or(given, |(flag, _)| flag);
    let at = words
        .iter()
        .position(|word| word.split('=').next() == Some(given))?;
    if ["-f", "--filename"].contains(&given) {
        return filename(given, at, words);
    }
    let command = words[..at].iter().find_map(|word| {
        let commands = [
            "apply", "backup", "doctor", "map", "unmap", "unused", "verify",
        ];
        commands.into_iter().find(|command| command == word)
    })?;
    if ["map", "unmap"].contains(&command) && MAPPING_OPTIONS.contains(&given) {
        return mapping_option(command, given, &words);
    }
    match (command, given) {
        ("doctor" | "verify", "--role") => {
            words[at] = words[at].replacen("--role", "--role-arn", 1)
        }
        ("unused", "--days") => {
            words[at] = words[at].replacen("--days", "--since", 1);
            let value = match words[at].contains('=') {
                true => at,
                false => at + 1,
            };
            words.get_mut(value)?.push('d');
        }
        ("map", "--for" | "--ttl" | "--until" | "--expire" | "--expires-in") => {
            words[at] = words[at].replacen(given, "--expires", 1);
        }
        ("apply", file) if !file.starts_with('-') => words.insert(at, "-f".to_owned()),
        ("backup", file) if !file.starts_with('-') => words.insert(at, "--to".to_owned()),
        ("doctor", arn) if Parts::of(arn).is_some() => words.insert(at, "--for".to_owned()),
        _ => return None,
    }
    let what = match given.starts_with('-') {
        true => format!("awsauth {command} has no option {given}"),
        false => format!("awsauth {command} takes {given} only with an option"),
    };
    let line = command_line(words.iter().map(String::as_str));
    Some(Failure::usage(what).hint(format!("awsauth {line}")))
}

/// Returns the failure for `-f` or `--filename`, the word at this position, of a command that takes its file in another way.
fn filename(given: &str, at: usize, mut words: Vec<String>) -> Option<Failure> {
    let (command, instead) = words[..at].iter().find_map(|word| {
        let mut commands = COMMANDS_WITHOUT_FILENAME.iter();
        commands.find(|(command, _)| command == word)
    })?;
    let what = match instead {
        Some(option) => format!("awsauth {command} has no option {given} but {option}"),
        None => format!("awsauth {command} takes the file without an option"),
    };
    let option = words.remove(at);
    let path = match option.split_once('=') {
        Some((_, path)) => path.to_owned(),
        None if at < words.len() => words.remove(at),
        None => "PATH".to_owned(),
    };
    words.insert(at, path);
    if let Some(option) = instead {
        words.insert(at, (*option).to_owned());
    }
    let line = command_line(words.iter().map(String::as_str));
    Some(Failure::usage(what).hint(format!("awsauth {line}")))
}

/// Returns the failure for an option of a mapping that only other tools have.
fn mapping_option(command: &str, given: &str, words: &[String]) -> Option<Failure> {
    let at = words.iter().position(|word| word == command)?;
    let mut after = translated(command, &words[at + 1..]);
    let kinds = ["role", "user", "account", "sso", "node-role"];
    let kind = after.iter().position(|word| kinds.contains(&word.as_str()));
    if let Some(kind) = kind {
        // The options of map belong to its subcommands.
        after[..=kind].rotate_right(1);
    }
    let line = command_line_of(&words[..at], command, &after);
    let what = format!("awsauth {command} has no option {given}");
    Some(Failure::usage(what).hint(format!("awsauth {line}")))
}

/// Returns the failure for an unknown command that belongs to another tool. Its hint is the awsauth command with the
/// same arguments. `arguments` include the program.
fn failure(word: &str, arguments: &[OsString]) -> Option<Failure> {
    if word == "group" && arguments.iter().any(|other| other == "map") {
        return Some(
            Failure::usage(
                "an IAM group cannot be mapped: a group cannot sign in, only its users can",
            )
            .hint("map each of its users, or a role that they can assume: awsauth map role ARN"),
        );
    }
    if let Some(failure) = principal_without_kind(word, arguments) {
        return Some(failure);
    }
    let mut texts = words_of(arguments);
    let at = texts.iter().position(|text| text == word)?;
    let mut word = word.to_owned();
    let is_noun = ENTRIES.contains(&word.as_str());
    if is_noun {
        // The verb follows, or none, as in `awsauth iamidentitymapping create --arn ARN`.
        let verb = texts.get(at + 1).filter(|verb| !verb.starts_with('-'));
        match verb.cloned() {
            Some(verb) => {
                texts.swap(at, at + 1);
                word = verb;
            }
            None => {
                word = "get".to_owned();
                texts.insert(at, word.clone());
            }
        }
    }
    let known = WORDS.iter().find(|(other, _)| *other == word);
    let command = match word.as_str() {
        "get" | "list" if is_noun => "get",
        _ => known?.1,
    };
    if texts.iter().any(|text| text.starts_with("--service-name")) {
        return Some(Failure::usage(format!("there is no command {word} for services")).hint(
            "for EMR on EKS: awsauth map role arn:aws:iam::ACCOUNT:role/AWSServiceRoleForAmazonEMRContainers --username emr-containers, \
             and the Role and RoleBinding in docs/peers.md",
        ));
    }
    let mut after = translated(command, &texts[at + 1..]);
    match (word.as_str(), command) {
        ("fix", _) => after.insert(0, "--fix".to_owned()),
        // The question is who can, not whether one user can.
        ("can-i", _) => after = without_impersonation(after),
        (_, "unmap") => name_username(&mut after),
        _ => {}
    }
    if command == "who-can"
        && let [namespace] = after.as_slice()
        && !is_verb(namespace)
    {
        after.insert(0, "-n".to_owned());
    }
    let line = command_line_of(&texts[..at], command, &after);
    let failure = Failure::usage(format!("there is no command {word}"));
    Some(failure.hint(format!("awsauth {line}")))
}

/// Returns the failure for `unmap` or `map` with a principal but without its kind.
fn principal_without_kind(word: &str, arguments: &[OsString]) -> Option<Failure> {
    let mut words = words_of(arguments);
    let at = words.iter().position(|given| given == word)?;
    let command = words[..at]
        .iter()
        .find(|given| ["map", "unmap"].contains(&given.as_str()))?
        .clone();
    if Parts::of(word).is_some() {
        words.insert(at, kind_of(word).to_owned());
    } else if command == "unmap" {
        words.insert(at, "--username".to_owned());
    } else {
        return None;
    }
    let line = command_line(words.iter().map(String::as_str));
    let what = format!("awsauth {command} has no subcommand {word}");
    Some(Failure::usage(what).hint(format!("awsauth {line}")))
}

/// Selects by username if the first argument is a name.
fn name_username(arguments: &mut Vec<String>) {
    let is_name = |first: &String| {
        !first.starts_with('-') && !["role", "user", "account"].contains(&first.as_str())
    };
    if arguments.first().is_some_and(is_name) {
        arguments.insert(0, "--username".to_owned());
    }
}

/// Removes `--as` and `--as-group`, with which kubectl asks about another user.
fn without_impersonation(arguments: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut left = arguments.into_iter();
    while let Some(argument) = left.next() {
        match argument.split_once('=') {
            _ if ["--as", "--as-group"].contains(&argument.as_str()) => drop(left.next()),
            Some(("--as" | "--as-group", _)) => {}
            _ => kept.push(argument),
        }
    }
    kept
}

/// Translates the arguments of other tools. Those that awsauth also has, and those that it does not know, are unchanged.
fn translated(command: &str, arguments: &[String]) -> Vec<String> {
    let is_edit = matches!(command, "map" | "unmap");
    let group = match arguments.iter().any(|argument| argument == "--append") {
        true => "--add-group",
        false => "--group",
    };
    let is_entries = arguments
        .iter()
        .any(|word| ENTRIES.contains(&word.as_str()));
    let mut principal = Vec::new();
    let mut rest = Vec::new();
    let mut left = arguments.iter();
    while let Some(argument) = left.next() {
        let (flag, inline) = match argument.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        let mut value = || {
            inline
                .clone()
                .or_else(|| left.next().cloned())
                .unwrap_or_default()
        };
        match flag {
            noun if ENTRIES.contains(&noun) => {}
            "--maproles" | "--mapusers" | "--append" | "--prompt" | "--update-username"
            | "--retry" => {}
            "group" if command == "replace-group" => {}
            // The ARN that follows has the same information.
            "role" | "user" if is_edit && has_arn_flag(arguments) => {}
            "--principal-arn" if is_edit => {
                let arn = value();
                principal = vec![kind_of(&arn).to_owned(), arn];
                rest.extend(["--backend", "access-entries"].map(str::to_owned));
            }
            "--kubernetes-username" if command == "map" => {
                rest.extend(["--username".to_owned(), value()]);
            }
            "--arn" | "--rolearn" | "--userarn" if is_edit => {
                let arn = value();
                principal = vec![kind_of(&arn).to_owned(), arn];
            }
            arn if is_edit
                && rest.is_empty()
                && principal.is_empty()
                && arn.starts_with("arn:") =>
            {
                principal = vec![kind_of(arn).to_owned(), arn.to_owned()];
            }
            "--account" if is_edit => principal = vec!["account".to_owned(), value()],
            "--cluster" if is_edit || is_entries => {
                rest.extend(["--cluster-name".to_owned(), value()])
            }
            "--name" if command == "kubeconfig" => {
                rest.extend(["--cluster-name".to_owned(), value()]);
            }
            "--groups" | "--kubernetes-groups" if command == "map" => {
                for name in value().split(',') {
                    rest.extend([group.to_owned(), name.to_owned()]);
                }
            }
            _ => rest.push(argument.clone()),
        }
    }
    principal.extend(rest);
    let flags = ["-n", "--namespace", "-A", "--all-namespaces"];
    let names_namespace = |word: &String| flags.iter().any(|flag| word.starts_with(flag));
    let is_question = principal.first().is_some_and(|word| !word.starts_with('-'))
        || principal.iter().any(names_namespace);
    if command == "who-can" && !is_question {
        principal.splice(0..0, ["get", "pods"].map(str::to_owned));
    }
    principal
}

/// Whether the ARN is the value of a flag, as in `aws-iam-authenticator add role --rolearn ARN`.
fn has_arn_flag(arguments: &[String]) -> bool {
    let flags = ["--rolearn", "--userarn"];
    arguments
        .iter()
        .any(|argument| flags.iter().any(|flag| argument.starts_with(flag)))
}

/// Returns the word for the kind of a principal.
fn kind_of(arn: &str) -> &'static str {
    match Parts::of(arn) {
        Some(parts) if parts.is("iam", "user") => "user",
        _ => "role",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::Program;

    const ROLE: &str = "arn:aws:iam::111122223333:role/dev";

    #[test]
    fn words_of_other_tools_lead_to_commands() {
        for (typed, expected) in [
            ("delete role ROLE", "unmap role ROLE"),
            ("rm ROLE --dry-run", "unmap role ROLE --dry-run"),
            ("validate aws-auth.yaml", "lint aws-auth.yaml"),
            ("who delete pods -n prod", "who-can delete pods -n prod"),
            ("who -n prod", "who-can -n prod"),
            ("rename-group devs ops", "replace-group devs ops"),
            ("delete bob", "unmap --username bob"),
            ("who payments", "who-can -n payments"),
            ("who delete", "who-can delete"),
            (
                "can-i delete pods -n payments --as ci --as-group=devs",
                "who-can delete pods -n payments",
            ),
            (
                "fix --file aws-auth.yaml",
                "lint --fix --file aws-auth.yaml",
            ),
            ("diagnose", "doctor"),
            ("remove-by-username bob", "unmap --username bob"),
            (
                "remove-by-username --username bob --dry-run",
                "unmap --username bob --dry-run",
            ),
            ("get-token --cluster-name prod", "token --cluster-name prod"),
            ("iamidentitymapping", "get"),
            (
                "iamidentitymapping --cluster prod",
                "get --cluster-name prod",
            ),
            (
                "iamidentitymappings get --cluster prod --arn ROLE",
                "get --cluster-name prod --arn ROLE",
            ),
            (
                "iamidentitymapping create --cluster prod --arn ROLE --username dev --group a",
                "map role ROLE --cluster-name prod --username dev --group a",
            ),
            (
                "create iamidentitymappings --cluster prod --arn ROLE --username dev",
                "map role ROLE --cluster-name prod --username dev",
            ),
            (
                "iamidentitymapping delete --cluster prod --arn ROLE",
                "unmap role ROLE --cluster-name prod",
            ),
            ("why ROLE", "explain ROLE"),
            ("revert", "undo"),
            ("rename group devs ops", "replace-group devs ops"),
            ("revoke ROLE", "unmap role ROLE"),
            (
                "create iamidentitymapping --cluster prod --arn ROLE --username dev --group devs",
                "map role ROLE --cluster-name prod --username dev --group devs",
            ),
            (
                "delete iamidentitymapping --cluster=prod --arn arn:aws:iam::1:user/bob --all",
                "unmap user arn:aws:iam::1:user/bob --cluster-name prod --all",
            ),
            (
                "--context c upsert --maproles --rolearn ROLE --username dev --groups a,b",
                "--context c map role ROLE --username dev --group a --group b",
            ),
            (
                "remove --mapusers --userarn arn:aws:iam::1:user/bob",
                "unmap user arn:aws:iam::1:user/bob",
            ),
            (
                "upsert --maproles --rolearn ROLE --groups ops --append --update-username=false",
                "map role ROLE --add-group ops",
            ),
            (
                "add role --rolearn ROLE --username dev --groups a --prompt=false",
                "map role ROLE --username dev --group a",
            ),
            (
                "create accessentry --cluster prod --principal-arn ROLE --kubernetes-username dev --kubernetes-groups a,b",
                "map role ROLE --cluster-name prod --backend access-entries --username dev --group a --group b",
            ),
            (
                "eks delete-access-entry --cluster-name prod --principal-arn ROLE",
                "unmap role ROLE --cluster-name prod --backend access-entries",
            ),
            (
                "eks list-access-entries --cluster-name prod",
                "get --cluster-name prod",
            ),
            (
                "update-kubeconfig --name prod --region eu-west-1 --alias p",
                "kubeconfig --cluster-name prod --region eu-west-1 --alias p",
            ),
        ] {
            let typed = typed.replace("ROLE", ROLE);
            let words: Vec<OsString> = format!("awsauth {typed}")
                .split(' ')
                .map(Into::into)
                .collect();
            let known = |word: &&OsString| {
                let others = WORDS.iter().map(|(other, _)| *other);
                others.chain(ENTRIES).any(|other| *word == other)
            };
            let word = words
                .iter()
                .find(known)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let failure = failure(&word, &words).unwrap().render(Program::AWSAUTH);
            let text = anstream::adapter::strip_str(&failure).to_string();
            let hint = format!("hint: awsauth {}\n", expected.replace("ROLE", ROLE));
            assert!(text.ends_with(&hint), "{text}{hint}");
        }
    }

    #[test]
    fn options_of_other_commands_lead_to_the_option() {
        for (typed, expected) in [
            ("lint -f aws-auth.yaml", "lint aws-auth.yaml"),
            ("get -f aws-auth.yaml", "get --file aws-auth.yaml"),
            ("get roles --filename=f.yaml", "get roles --file f.yaml"),
            (
                "map role ROLE -f f.yaml --group a",
                "map role ROLE --file f.yaml --group a",
            ),
            ("unmap role ROLE -f f.yaml", "unmap role ROLE --file f.yaml"),
            ("explain ROLE -f f.yaml", "explain ROLE --file f.yaml"),
            ("restore -f f.yaml --dry-run", "restore f.yaml --dry-run"),
            ("edit -f", "edit --file PATH"),
            (
                "map role ROLE --groups a,b --username dev",
                "map role ROLE --group a --group b --username dev",
            ),
            (
                "map --groups=a,b role ROLE",
                "map role --group a --group b ROLE",
            ),
            ("map --arn ROLE --group a", "map role ROLE --group a"),
            ("unmap --rolearn ROLE", "unmap role ROLE"),
            ("verify --role ROLE", "verify --role-arn ROLE"),
            ("unused --days 90 -o json", "unused --since 90d -o json"),
            ("unused --days=90", "unused --since=90d"),
            ("doctor ROLE", "doctor --for ROLE"),
            ("backup aws-auth.yaml", "backup --to aws-auth.yaml"),
            (
                "apply aws-auth.yaml --dry-run",
                "apply -f aws-auth.yaml --dry-run",
            ),
            ("map role ROLE --for 2h", "map role ROLE --expires 2h"),
            ("map user ROLE --ttl=2h", "map user ROLE --expires=2h"),
            ("unmap bob", "unmap --username bob"),
            ("unmap ROLE --dry-run", "unmap role ROLE --dry-run"),
            ("map ROLE --group a", "map role ROLE --group a"),
        ] {
            let typed = typed.replace("ROLE", ROLE);
            let words = ["awsauth"].into_iter().chain(typed.split(' '));
            let words: Vec<OsString> = words.map(Into::into).collect();
            let error = crate::cli::command(Program::AWSAUTH)
                .try_get_matches_from(&words)
                .unwrap_err();
            let failure = failure_of(&error, &words).unwrap();
            let text = failure.render(Program::AWSAUTH);
            let text = anstream::adapter::strip_str(&text).to_string();
            let hint = format!("hint: awsauth {}\n", expected.replace("ROLE", ROLE));
            assert!(text.ends_with(&hint), "{text}{hint}");
        }
    }

    #[test]
    fn file_and_filename_lead_to_each_other() {
        for (typed, expected) in [
            (
                "apply --file f.yaml --dry-run",
                "hint: if the file has the desired mappings: awsauth apply -f f.yaml --dry-run\n\
                 hint: if it is the manifest: awsauth apply --file f.yaml --dry-run -f MAPPINGS\n",
            ),
            (
                "--context c diff --file=f.yaml",
                "hint: if the file has the desired mappings: awsauth --context c diff --filename=f.yaml\n\
                 hint: if it is the manifest: awsauth --context c diff --file=f.yaml -f MAPPINGS\n",
            ),
        ] {
            let words = ["awsauth"].into_iter().chain(typed.split(' '));
            let words: Vec<OsString> = words.map(Into::into).collect();
            let error = crate::cli::command(Program::AWSAUTH)
                .try_get_matches_from(&words)
                .unwrap_err();
            let failure = failure_of(&error, &words).unwrap();
            let text = failure.render(Program::AWSAUTH);
            let text = anstream::adapter::strip_str(&text).to_string();
            assert!(text.ends_with(expected), "{text}");
        }
    }

    #[test]
    fn every_command_with_a_file_leads_from_filename_to_it() {
        let program = crate::cli::command(Program::AWSAUTH);
        let has_filename = |command: &&clap::Command| {
            let mut options = command.get_arguments();
            options.any(|arg| arg.get_short() == Some('f'))
        };
        let without: Vec<_> = COMMANDS_WITHOUT_FILENAME
            .iter()
            .map(|known| known.0)
            .collect();
        for command in program.get_subcommands().filter(has_filename) {
            assert!(!without.contains(&command.get_name()));
        }
        for name in without {
            assert!(program.find_subcommand(name).is_some(), "{name}");
        }
    }

    #[test]
    fn get_of_eksctl_leads_to_get() {
        for (typed, expected) in [
            (
                "get iamidentitymapping --cluster prod",
                "get --cluster-name prod",
            ),
            (
                "list accessentries --cluster=prod --region r",
                "get --cluster-name prod --region r",
            ),
        ] {
            let words = ["awsauth"].into_iter().chain(typed.split(' '));
            let words: Vec<OsString> = words.map(Into::into).collect();
            let failure = failure_before_parsing(&words)
                .unwrap()
                .render(Program::AWSAUTH);
            let text = anstream::adapter::strip_str(&failure).to_string();
            assert!(
                text.ends_with(&format!("hint: awsauth {expected}\n")),
                "{text}"
            );
        }
        let words: Vec<OsString> = ["awsauth", "get", "roles"].map(Into::into).into();
        assert!(failure_before_parsing(&words).is_none());
    }

    #[test]
    fn word_of_awsauth_is_no_word_of_another_tool() {
        let command = crate::cli::command(Program::AWSAUTH);
        for subcommand in command.get_subcommands() {
            let mut names = subcommand.get_all_aliases().chain([subcommand.get_name()]);
            assert!(names.all(|name| failure(name, &["awsauth".into(), name.into()]).is_none()));
        }
        let commands: Vec<_> = command
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        assert!(WORDS.iter().all(|(_, command)| commands.contains(command)));
    }
}
