//! `.pre-commit-hooks.yaml`, run by pre-commit in its own repository.

use std::fs;
use std::path::Path;

use crate::release::{ROOT, read, yaml};
use crate::support::completed_run::Run;
use crate::support::environment::Environment;
use crate::support::python::Packages;

const GOOD: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: aws-auth\n  namespace: kube-system\ndata:\n  mapRoles: |\n    - rolearn: arn:aws:iam::111122223333:role/dev\n      username: dev\n      groups: [devs]\n";

#[test]
fn pre_commit_rejects_an_error_in_aws_auth() {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).unwrap();
    let program = env!("CARGO_BIN_EXE_awsauth");
    std::os::unix::fs::symlink(program, programs.join("awsauth")).unwrap();
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
    let environment = Environment::new(folder.path())
        .with("PATH", &path)
        .with(
            "PRE_COMMIT_HOME",
            &folder.path().join("cache").display().to_string(),
        )
        .with("GIT_CONFIG_NOSYSTEM", "1")
        .with("GIT_AUTHOR_NAME", "dev")
        .with("GIT_AUTHOR_EMAIL", "dev@example.test")
        .with("GIT_COMMITTER_NAME", "dev")
        .with("GIT_COMMITTER_EMAIL", "dev@example.test");
    let git = |at: &Path, args: &[&str]| {
        let mut git = environment.command(Path::new("git"));
        let run = Run::of(git.args(args).current_dir(at));
        assert_eq!(run.status, 0, "git {args:?}: {run:?}");
        run.stdout.trim().to_owned()
    };
    // The project as pre-commit fetches it: a commit, from a URL.
    let project = folder.path().join("project");
    fs::create_dir(&project).unwrap();
    git(&project, &["init", "-q"]);
    let hooks = Path::new(ROOT).join(".pre-commit-hooks.yaml");
    fs::copy(hooks, project.join(".pre-commit-hooks.yaml")).unwrap();
    git(&project, &["add", "."]);
    git(&project, &["commit", "-qm", "hooks"]);
    let rev = git(&project, &["rev-parse", "HEAD"]);

    let theirs = folder.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    git(&theirs, &["init", "-q"]);
    let config = format!(
        "repos:\n- repo: {}\n  rev: {rev}\n  hooks:\n  - id: awsauth-lint-installed\n",
        project.display()
    );
    fs::write(theirs.join(".pre-commit-config.yaml"), config).unwrap();
    let pre_commit = || {
        git(&theirs, &["add", "."]);
        let programs = Packages::PreCommit.programs().unwrap();
        let mut run = environment.command(&programs.join("pre-commit"));
        Run::of(run.args(["run", "--color", "never"]).current_dir(&theirs))
    };
    fs::write(theirs.join("aws-auth.yaml"), GOOD).unwrap();
    // A file without aws-auth, which is not checked.
    fs::write(theirs.join("values.yaml"), "a: 1\n").unwrap();
    let run = pre_commit();
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("Passed"), "{run:?}");
    fs::write(
        theirs.join("aws-auth.yaml"),
        GOOD.replace("role/dev", "role/team/dev"),
    )
    .unwrap();
    let run = pre_commit();
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stdout.contains("aws-auth.yaml:8:"), "{run:?}");
    assert!(run.stdout.contains("R03 role-path"), "{run:?}");

    // A file name is not an option.
    fs::rename(
        theirs.join("aws-auth.yaml"),
        folder.path().join("aws-auth.yaml"),
    )
    .unwrap();
    let named = theirs.join("--kubeconfig=x");
    fs::create_dir(&named).unwrap();
    fs::rename(
        folder.path().join("aws-auth.yaml"),
        named.join("aws-auth.yaml"),
    )
    .unwrap();
    let run = pre_commit();
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout.contains("--kubeconfig=x/aws-auth.yaml:8:"),
        "{run:?}"
    );
}

#[test]
fn source_hook_differs_only_in_its_language() {
    let hooks = yaml(&read(".pre-commit-hooks.yaml"));
    let [built, installed] = hooks.as_array().unwrap().as_slice() else {
        panic!("two hooks");
    };
    assert_eq!(built["language"], "rust");
    assert_eq!(installed["language"], "system");
    for key in ["entry", "files", "name"] {
        assert_eq!(built[key], installed[key]);
    }
}
