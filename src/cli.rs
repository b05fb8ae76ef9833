//! Parses the command line and dispatches to commands.

#[cfg(test)]
mod documented_commands;
mod fast_path;
mod help;
mod other_tools_commands;
#[cfg(test)]
mod reference;
mod tree;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::backend::{Backend, Target};
use crate::commands;
use crate::github_step;
use crate::output::{PlanFormat, refusal_json};
use crate::terminal::{
    ColorMode, Exit, Failure, Out, Program, Refusal, Verbosity, end_interrupted, report_panics,
};
use awsauth_kube::interrupt;
use tree::{Cli, Command};

/// Runs the program with the arguments of the process, including the program name.
pub(crate) fn run(arguments: Vec<OsString>) -> ExitCode {
    report_panics();
    interrupt::end_on_second_signal(end_interrupted);
    if let Some(exit) = fast_path::version(&arguments) {
        return exit.into();
    }
    let arguments = fast_path::reorder_options::as_expected(arguments);
    let program = Program::called_as(arguments.first().map(OsString::as_os_str));
    if let Some(request) = fast_path::token::read(&arguments) {
        let mut out = Out::new(program, ColorMode::default(), Verbosity::Normal);
        let done = commands::token::run(&request, &mut out);
        return ended(done, None, &mut out);
    }
    if let Some(failure) = other_tools_commands::failure_before_parsing(&arguments) {
        let mut out = Out::new(program, ColorMode::default(), Verbosity::Normal);
        return ended(Err(failure), None, &mut out);
    }
    let matches = match parsed(program, arguments.clone()) {
        Ok(matches) => matches,
        Err(error) => {
            let mut out = Out::new(program, ColorMode::default(), Verbosity::Normal);
            return match other_tools_commands::failure_of(&error, &arguments) {
                Some(failure) => ended(Err(failure), None, &mut out),
                None => fast_path::explain(error).into(),
            };
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => return fast_path::explain(error).into(),
    };
    let program = program.with_target(Target::typed_selection(&matches));
    let mut out = Out::new(program, cli.style.color, cli.style.verbosity());
    let format = cli.command.plan_format();
    let done = dispatch(cli, &matches, &mut out);
    ended(done, format, &mut out)
}

/// Prints a failure and returns the exit code.
fn ended(done: Result<Exit, Failure>, format: Option<PlanFormat>, out: &mut Out) -> ExitCode {
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if let Some(Refusal { guard, reason }) = failure
                .refusal()
                .filter(|_| format == Some(PlanFormat::Json))
            {
                // JSON output also reports refusals that precede the plan.
                let report = refusal_json(guard, reason, &failure.message(), failure.allow());
                let report = report.unwrap_or_default();
                let _ = out.json(&report);
            }
            if format == Some(PlanFormat::Github) {
                github_step::report_failure(&failure, out);
            }
            out.failure(&failure.render(out.program()));
            failure.exit().into()
        }
    }
}

/// Returns the clap command, under the name that the program was called by.
pub(crate) fn command(program: Program) -> clap::Command {
    let name = program.name();
    hide_values(Cli::command().name(name).bin_name(name))
}

/// Returns the command with the help that the user reads.
fn command_with_help(program: Program, arguments: &[OsString]) -> clap::Command {
    let command = help::without_shared_options(command(program), program);
    match arguments.iter().any(|word| word == "-h") {
        true => help::shortened(command),
        false => command,
    }
}

/// Hides the values of environment variables from help, because they may be sensitive.
fn hide_values(command: clap::Command) -> clap::Command {
    command
        .mut_args(|arg| arg.hide_env_values(true))
        .mut_subcommands(hide_values)
}

/// Parses the arguments and the AWSAUTH_ variables. An empty variable is treated as unset, as in `AWSAUTH_FILE= awsauth get`.
fn parsed(program: Program, arguments: Vec<OsString>) -> clap::error::Result<clap::ArgMatches> {
    if arguments.iter().any(|word| word == "eks") {
        // Commands of the AWS CLI only honor its environment variables.
        let command = command_with_help(program, &arguments);
        let without_environment = without_variables(command, &|_| true);
        if let Ok(matches) = without_environment.try_get_matches_from(&arguments)
            && matches.subcommand_name() == Some("eks")
        {
            return Ok(matches);
        }
    }
    let is_empty =
        |variable: &OsStr| std::env::var_os(variable).is_some_and(|value| value.is_empty());
    let command = command_with_help(program, &arguments);
    without_variables(command, &is_empty).try_get_matches_from(arguments)
}

/// Removes the selected environment variables from the command's options.
fn without_variables(command: clap::Command, which: &dyn Fn(&OsStr) -> bool) -> clap::Command {
    command
        .mut_args(|arg| {
            if arg.get_env().is_some_and(which) {
                arg.env(clap::builder::Resettable::Reset)
            } else {
                arg
            }
        })
        .mut_subcommands(|command| without_variables(command, which))
}

fn dispatch(cli: Cli, matches: &clap::ArgMatches, out: &mut Out) -> Result<Exit, Failure> {
    let Cli {
        target, command, ..
    } = cli;
    let signs_in = command.signs_in();
    let open = |out: &mut Out| Backend::open(&target, matches, signs_in, out);
    match command {
        Command::Get(args) => commands::get::run(&args, &mut open(out)?, out),
        Command::Map(args) => commands::map::run(&args, &target, &mut open(out)?, out),
        Command::Unmap(args) => commands::unmap::run(&args, &mut open(out)?, out),
        Command::ReplaceGroup(args) => commands::replace_group::run(&args, &mut open(out)?, out),
        Command::Apply(args) => commands::apply::run(&args, &target, &mut open(out)?, out),
        Command::Expire(args) => commands::expire::run(&args, &mut open(out)?, out),
        Command::Diff(args) => commands::diff::run(&args, &target, &mut open(out)?, out),
        Command::Edit(args) => commands::edit::run(&args, &mut open(out)?, out),
        Command::History(args) => commands::history::run(&args, &open(out)?, out),
        Command::Undo(args) => commands::undo::run(&args, &mut open(out)?, out),
        Command::Restore(args) => commands::restore::run(&args, &mut open(out)?, out),
        Command::Backup(args) => commands::backup::run(&args, &target, matches, out),
        Command::Explain(args) => commands::explain::run(&args, &mut open(out)?, out),
        Command::WhoCan(args) => commands::who_can::run(&args, &target, matches, out),
        Command::Unused(args) => commands::unused::run(&args, &mut open(out)?, out),
        Command::Migrate(args) => commands::migrate::run(&args, &mut open(out)?, out),
        Command::Nodes(args) => commands::nodes::run(&args, matches, &mut open(out)?, out),
        Command::Report(args) => commands::report::run(&args, &target, matches, out),
        Command::Fleet(args) => commands::fleet::run(*args, &target, matches, out),
        Command::Rescue(args) => commands::rescue::run(&args, &target, matches, out),
        Command::Lint(args) => commands::lint::run(&args, &target, matches, out),
        Command::Kubeconfig(args) => commands::kubeconfig::run(&args, &target, matches, out),
        Command::Credentials(args) => commands::credentials::run(&args, &target.identity, out),
        Command::Whoami(args) => commands::whoami::run(&args, &target, matches, out),
        Command::Verify(args) => commands::verify::run(&args, &target, matches, out),
        Command::Doctor(args) => commands::doctor::run(&args, &target, matches, out),
        Command::Token(args) => {
            let matches = matches.subcommand().map_or(matches, |(_, own)| own);
            commands::token::run(&args.request(&target.identity, matches)?, out)
        }
        Command::Eks(args) => match args.command {
            commands::eks::Command::GetToken(args) => {
                commands::token::run(&args.request(&target.identity), out)
            }
            commands::eks::Command::UpdateKubeconfig(args) => {
                commands::kubeconfig::run(&args.into(), &target, matches, out)
            }
        },
        Command::Controller(args) => commands::controller::run(&args, &target, matches, out),
        Command::Crd(args) => commands::crd::run(&args, out),
        Command::Completion(args) => {
            commands::completion::run(&args, self::command(out.program()), out)
        }
        Command::Man(args) => commands::man::run(&args, self::command(out.program()), out),
        Command::Options => commands::options::run(&self::command(out.program()), out),
        Command::Version(args) => commands::version::run(&args, &target, matches, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Flags that relax a guard, that let `migrate` or `nodes` change the cluster, or that select what `unmap` removes. They have no environment variable, so that they are
    /// always visible on the command line.
    const WITHOUT_ENVIRONMENT: [&str; 33] = [
        "accept",
        "account",
        "allow",
        "allow-endpoint",
        "allow-http-loopback",
        "allow-ignored",
        "allow-lost-rights",
        "allow-no-admin",
        "allow-node-entry",
        "allow-removals",
        "allow-self-lockout",
        "apply",
        "arn",
        "as",
        "as-group",
        "as-written",
        "check",
        "clean",
        "finish",
        "fix",
        "group",
        "no-backup",
        "no-rollback",
        "no-verify",
        "node-role",
        "prune",
        "reveal",
        "revert",
        "take-over",
        "unused",
        "username",
        "whole",
        "yes",
    ];

    #[test]
    fn command_definitions_are_valid() {
        command(Program::AWSAUTH).debug_assert();
    }

    #[test]
    fn hints_name_every_command_under_kubectl() {
        // Other programs run these, or no message mentions them.
        const ALONE: [&str; 5] = ["eks", "man", "options", "token", "version"];
        for command in command(Program::KUBECTL_PLUGIN).get_subcommands() {
            let name = command.get_name();
            let hint = format!("run awsauth {name} --help");
            let spoken = Program::KUBECTL_PLUGIN.speak(&hint);
            assert_eq!(spoken.contains("kubectl"), !ALONE.contains(&name), "{name}");
        }
    }

    #[test]
    fn every_flag_has_a_variable_except_those_that_relax_a_guard() {
        let mut without = std::collections::BTreeSet::new();
        visit(&command(Program::AWSAUTH), &mut |command, arg| {
            // Commands of the AWS CLI only honor its environment variables. Hidden flags have no effect.
            if ["get-token", "update-kubeconfig"].contains(&command) || arg.is_hide_set() {
                return;
            }
            // AWSAUTH_CONFIG is the configuration of the controller.
            if command == "token" && arg.get_id() == "config" {
                return;
            }
            let Some(long) = arg
                .get_long()
                .filter(|long| !["help", "version"].contains(long))
            else {
                return;
            };
            let expected = format!("AWSAUTH_{}", long.to_uppercase().replace('-', "_"));
            match arg.get_env() {
                Some(variable) => assert_eq!(variable, expected.as_str(), "{command} --{long}"),
                None => drop(without.insert(long.to_owned())),
            }
        });
        assert_eq!(without, WITHOUT_ENVIRONMENT.map(str::to_owned).into());
    }

    fn visit(command: &clap::Command, see: &mut impl FnMut(&str, &clap::Arg)) {
        command
            .get_arguments()
            .for_each(|arg| see(command.get_name(), arg));
        command
            .get_subcommands()
            .for_each(|command| visit(command, see));
    }
}
