//! The commands of the guides, taken from the pages and run in their order, on a terminal as a user does.
//!
//! Not run: the commands of other tools that a page only names, such as `terraform apply`; `awsauth restore REVISION` and
//! `awsauth edit`, which need a decision of the user; and what takes effect only at AWS, such as nodes that join.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::eks_cluster::cluster_name::on;
use crate::eks_cluster::harness::PATIENCE;
use crate::eks_cluster::migrate_apply::{ADMINS, Migration};
use crate::eks_cluster::rescue::Lockout;
use crate::eks_cluster::token_review::Who;
use crate::support::editor_session::Terminal;
use crate::support::eks::{self, CREATOR};
use crate::support::environment::Environment;

/// Returns the commands in the blocks of a page, or of its section with this heading.
fn blocks(page: &str, heading: Option<&str>) -> Vec<String> {
    let mut is_block = false;
    let mut found = Vec::new();
    for line in section(page, heading).lines() {
        let line = line.trim();
        if line.starts_with("```") {
            is_block = line == "```sh";
        } else if is_block {
            let command = line.split("  #").next().unwrap_or_default();
            found.push(command.trim_end().to_owned());
        }
    }
    found
}

/// Returns the commands with arguments in the sentences of a page or of a section.
fn in_sentences(page: &str, heading: Option<&str>) -> Vec<String> {
    let text = section(page, heading)
        .replace("\n   ", " ")
        .replace('\n', " ");
    let spans = text.split('`').skip(1).step_by(2);
    let commands = spans.filter(|span| span.starts_with("awsauth ") && span.contains(" --"));
    commands.map(str::to_owned).collect()
}

fn section<'a>(page: &'a str, heading: Option<&str>) -> &'a str {
    let Some(heading) = heading else {
        return page;
    };
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    section.split("\n## ").next().unwrap_or_default()
}

/// A user's shell.
struct Shell {
    environment: Environment,
    folder: TempDir,
}

impl Shell {
    fn start(environment: Environment, kubectl: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("programs");
        fs::create_dir(&programs).unwrap();
        symlink(env!("CARGO_BIN_EXE_awsauth"), programs.join("awsauth")).unwrap();
        symlink(kubectl, programs.join("kubectl")).unwrap();
        let path = format!("{}:/usr/bin:/bin", programs.display());
        Self {
            environment: environment.with("PATH", &path).with("TERM", "dumb"),
            folder,
        }
    }

    /// Runs a command of a page on a terminal, and answers its questions: with the name of the cluster, with no to the
    /// removal of the access entry, and with yes to all others. Its exit status must be `status`.
    fn run(&self, command: &str, status: i32) -> String {
        let named = command
            .replace(
                "--cluster-name prod",
                &format!("--cluster-name {}", eks::NAME),
            )
            .replace(
                "--cluster-name NAME",
                &format!("--cluster-name {}", eks::NAME),
            );
        let mut shell = self.environment.command("/bin/sh".as_ref());
        shell.args(["-c", &named]).current_dir(self.folder.path());
        let mut terminal = Terminal::of(&shell);
        let deadline = Instant::now() + PATIENCE;
        let mut answered = 0;
        while !terminal.is_over() {
            let screen = terminal.screen();
            let question = screen.trim_end();
            if screen.len() > answered {
                let answer = if question.ends_with("Type the cluster's name to continue:") {
                    Some(format!("{}\n", eks::NAME))
                } else if question.ends_with("Delete your access entry? [y/N]") {
                    Some("\n".to_owned())
                } else {
                    question.ends_with("[y/N]").then(|| "y\n".to_owned())
                };
                if let Some(answer) = answer {
                    terminal.type_in(&answer);
                    answered = screen.len() + answer.len();
                }
            }
            assert!(Instant::now() < deadline, "{named}: {screen}");
            sleep(Duration::from_millis(50));
        }
        let (found, screen) = terminal.end();
        assert_eq!(found, status, "{named}: {screen}");
        screen
    }
}

#[test]
fn migration_guide_migrates_the_cluster() {
    let page = include_str!("../../../docs/migrate.md");
    let [
        plan,
        json,
        file,
        apply,
        check,
        check_accounts,
        clean,
        finish,
        revert,
    ]: [String; 9] = blocks(page, None).try_into().unwrap();
    let sentences = [
        &plan[..],
        &apply,
        &check,
        "awsauth explain ARN --cluster-name NAME",
    ];
    assert_eq!(in_sentences(page, None), sentences);

    let migration = Migration::start();
    let cluster = migration.session.cluster;
    let shell = Shell::start(migration.caller.clone(), cluster.kubectl_path());
    let aws_auth = [
        "get",
        "configmap",
        "aws-auth",
        "-n",
        "kube-system",
        "-o",
        "yaml",
    ];
    let manifest = cluster.kubectl(&aws_auth);
    fs::write(shell.folder.path().join("aws-auth.yaml"), manifest).unwrap();
    let signs_in = |groups: &[&str]| {
        migration.becomes(&migration.caller_session, "admin", groups);
        migration.becomes(&migration.dev, "dev:ann-example.com", &["devs"]);
    };
    for command in [&plan, &json, &file] {
        shell.run(command, 0);
    }
    signs_in(&["system:masters"]);
    shell.run(&apply, 0);
    signs_in(&[ADMINS]);
    shell.run(&check, 0);
    shell.run(&check_accounts, 0);
    let explain = sentences[3].replace("ARN", "arn:aws:iam::111122223333:role/dev");
    let explained = shell.run(&explain, 0);
    assert!(explained.contains("access entry"), "{explained}");
    shell.run(&clean, 0);
    signs_in(&[ADMINS]);
    // The way back from this step.
    shell.run("awsauth undo --cluster-name prod", 0);
    shell.run(&clean, 0);
    shell.run(&finish, 0);
    signs_in(&[ADMINS]);
    // After the last step, there is no way back.
    let refused = shell.run(&revert, 4);
    assert!(refused.contains("ignores aws-auth"), "{refused}");
    signs_in(&[ADMINS]);
}

/// A cluster without an administrator, and the shell of an operator.
fn locked_out(lock_out: impl FnOnce(&Lockout)) -> (Lockout, Shell) {
    let lockout = Lockout::start("CONFIG_MAP");
    lock_out(&lockout);
    lockout
        .session
        .becomes(&lockout.credentials, &Who::Unauthorized);
    let shell = Shell::start(
        lockout.caller.clone(),
        lockout.session.cluster.kubectl_path(),
    );
    (lockout, shell)
}

/// The cluster's creator unmaps the administrators.
fn by_awsauth(lockout: &Lockout) {
    let unmap = [
        "unmap",
        "role",
        "arn:aws:iam::111122223333:role/ops",
        "--allow-no-admin",
    ];
    on(&lockout.session, &lockout.creator(), &unmap).says(0, &[]);
}

#[test]
fn rescue_page_restores_access() {
    let page = include_str!("../../../docs/rescue.md");
    let [dry_run, get_in, restore, remove, map]: [String; 5] =
        blocks(page, None).try_into().unwrap();
    let mut before = String::new();
    let (lockout, shell) = locked_out(|lockout| {
        before = lockout.get();
        lockout.empty();
    });
    for command in [dry_run, get_in, restore, remove] {
        shell.run(&command, 0);
    }
    assert_eq!(lockout.get(), before);
    assert_eq!(lockout.entries().into_keys().collect::<Vec<_>>(), [CREATOR]);
    let ops = Who::user("ops", &["system:masters"]);
    lockout.session.becomes(&lockout.credentials, &ops);
    drop(lockout);

    // Without a history.
    let (lockout, shell) = locked_out(Lockout::empty);
    shell.run("awsauth rescue --cluster-name prod --from nodes", 0);
    shell.run(&as_ops(&map), 0);
    shell.run("awsauth rescue --cluster-name prod --leave-no-trace", 0);
    assert_eq!(lockout.entries().into_keys().collect::<Vec<_>>(), [CREATOR]);
    let admin = Who::user("admin", &["system:masters"]);
    lockout.session.becomes(&lockout.credentials, &admin);
}

/// Fills in the ARN of the operator.
fn as_ops(command: &str) -> String {
    command.replace("role ARN", "role arn:aws:iam::111122223333:role/ops")
}

#[test]
fn runbook_ends_a_lock_out() {
    let page = include_str!("../../../docs/runbook.md");
    let heading = Some("No administrator can sign in");
    let [
        whoami,
        undo_as_creator,
        dry_run,
        restore,
        history,
        undo,
        from_nodes,
        map,
        remove,
    ]: [String; 9] = blocks(page, heading).try_into().unwrap();
    let sentences = in_sentences(page, heading);
    let [doctor, verify]: [String; 2] = sentences.try_into().unwrap();
    // As the page describes for a user without a kubeconfig.
    let verify = format!("{verify} --cluster-name NAME");
    let ops = Who::user("ops", &["system:masters"]);

    // Step 1: the identity that created the cluster.
    let mut before = String::new();
    let (lockout, mut shell) = locked_out(|lockout| {
        before = lockout.get();
        by_awsauth(lockout);
    });
    shell.run(&doctor, 1);
    let creator = lockout
        .session
        .aws()
        .sessions(&[crate::eks_cluster::cluster_name::CREATOR_SESSION]);
    let creator = &creator[0];
    let profile = format!(
        "[CREATOR]\naws_access_key_id = {}\naws_secret_access_key = {}\naws_session_token = {}\n",
        creator.access_key_id,
        creator.secret_access_key,
        creator.session_token.as_deref().unwrap(),
    );
    let file = shell.folder.path().join("credentials");
    fs::write(&file, profile).unwrap();
    let path = file.display().to_string();
    shell.environment = shell.environment.with("AWS_SHARED_CREDENTIALS_FILE", &path);
    let found = shell.run(&whoami, 0);
    assert!(found.contains("cluster-creator"), "{found}");
    shell.run(&undo_as_creator, 0);
    lockout.session.becomes(&lockout.credentials, &ops);
    shell.run(&verify, 0);
    assert_eq!(lockout.get(), before);
    drop(lockout);

    // Step 2: IAM permissions, and step 3.
    let (lockout, shell) = locked_out(Lockout::empty);
    shell.run(&dry_run, 0);
    shell.run(&restore, 0);
    shell.run(&remove, 0);
    lockout.session.becomes(&lockout.credentials, &ops);
    shell.run(&verify, 0);
    assert_eq!(lockout.get(), before);
    drop(lockout);

    // Without a history.
    let (lockout, shell) = locked_out(Lockout::empty);
    shell.run(&from_nodes, 0);
    shell.run(&as_ops(&map), 0);
    shell.run(&remove, 0);
    shell.run(&verify, 0);
    drop(lockout);

    // The same after a write of awsauth.
    let (lockout, shell) = locked_out(by_awsauth);
    let without_restore = restore.replace(" --from history", "");
    assert_ne!(without_restore, restore);
    shell.run(&without_restore, 0);
    shell.run(&history, 0);
    shell.run(&undo, 0);
    shell.run(&remove, 0);
    lockout.session.becomes(&lockout.credentials, &ops);
    shell.run(&verify, 0);
    assert_eq!(lockout.get(), before);
}
