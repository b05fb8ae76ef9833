//! The flags of the failing command that select a cluster and a user.

use std::path::{Path, PathBuf};

use crate::backend::Target;

/// Programs with kubectl's flags.
const LIKE_KUBECTL: [&str; 5] = ["kubectl", "oc", "k9s", "flux", "stern"];

/// Adds the flags of the failing command to those of doctor, which take precedence: doctor must check the same cluster as
/// the same user.
pub(crate) fn adopt(target: &mut Target, command: &[String]) {
    let Some((program, words)) = command.split_first() else {
        return;
    };
    let program = Path::new(program)
        .file_stem()
        .and_then(|stem| stem.to_str());
    let program = program.unwrap_or_default();
    let is_helm = program == "helm";
    if !is_helm && !LIKE_KUBECTL.contains(&program) {
        return;
    }
    let flag = |name| value(words, name);
    let context = if is_helm {
        "--kube-context"
    } else {
        "--context"
    };
    let user = if is_helm { "--kube-as-user" } else { "--as" };
    let Target {
        kubeconfig,
        context: selected,
        cluster,
        user: entry,
        impersonate,
        ..
    } = target;
    let adopt = |own: &mut Option<String>, name| *own = own.take().or_else(|| flag(name));
    *kubeconfig = kubeconfig
        .take()
        .or_else(|| flag("--kubeconfig").map(PathBuf::from));
    adopt(selected, context);
    adopt(impersonate, user);
    if !is_helm && !names_other_users(words) {
        adopt(cluster, "--cluster");
        adopt(entry, "--user");
    }
}

/// Returns the namespace that a command of kubectl or a program with its flags names.
pub(crate) fn namespace(command: &[String]) -> Option<String> {
    let (_, words) = command.split_first()?;
    value(words, "--namespace").or_else(|| value(words, "-n"))
}

/// Returns the role that a command binds, as `roles/NAME` or `clusterroles/NAME`.
pub(crate) fn bound_role(command: &[String]) -> Option<String> {
    let (_, words) = command.split_first()?;
    let flag = |name, resource| Some(format!("{resource}/{}", value(words, name)?));
    let role = flag("--clusterrole", "clusterroles").or_else(|| flag("--role", "roles"));
    role.filter(|_| names_other_users(words))
}

/// Whether `--user` and `--cluster` are not kubectl's global flags: they are the subject of a binding, or fields of a
/// context.
fn names_other_users(words: &[String]) -> bool {
    let has = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    (has(&["create"]) && has(&["rolebinding", "clusterrolebinding"]))
        || (has(&["set"]) && has(&["subject"]))
        || (has(&["config"]) && has(&["set-context"]))
}

/// Returns the value of a flag. Words after `--` belong to another program.
fn value(words: &[String], flag: &str) -> Option<String> {
    let words = words.split(|word| word == "--").next()?;
    words.iter().enumerate().find_map(|(at, word)| {
        let rest = word.strip_prefix(flag)?;
        match rest.strip_prefix('=') {
            Some(value) => Some(value.to_owned()),
            None if rest.is_empty() => words.get(at + 1).cloned(),
            None => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_read_in_both_forms_and_only_before_two_dashes() {
        let found = |line: &str, flag| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            value(&words, flag)
        };
        let two = Some("two".to_owned());
        assert_eq!(found("get pods --context two", "--context"), two);
        assert_eq!(found("--context=two get pods", "--context"), two);
        assert_eq!(found("exec web -- x --context two", "--context"), None);
        assert_eq!(found("get pods --as-group two", "--as"), None);
    }

    #[test]
    fn namespace_of_the_command_is_read() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (line, expected) in [
            ("kubectl create configmap x -n quota", Some("quota")),
            ("kubectl get pods --namespace=web", Some("web")),
            ("kubectl -nweb get pods", None),
            ("kubectl exec web -- x -n y", None),
        ] {
            assert_eq!(namespace(&words(line)).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn subject_of_a_binding_is_not_the_user_of_the_kubeconfig() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (line, is_subject, role) in [
            ("get pods --user=bob", false, None),
            (
                "-n web create rolebinding x --clusterrole=deployer --user=bob",
                true,
                Some("clusterroles/deployer"),
            ),
            (
                "create clusterrolebinding x --clusterrole deployer --user bob",
                true,
                Some("clusterroles/deployer"),
            ),
            (
                "create rolebinding x --role=reader --user=bob",
                true,
                Some("roles/reader"),
            ),
            ("set subject rolebinding x --user=bob", true, None),
            ("config set-context prod --user=bob", true, None),
        ] {
            assert_eq!(names_other_users(&words(line)), is_subject, "{line}");
            let command = words(&format!("kubectl {line}"));
            assert_eq!(bound_role(&command).as_deref(), role, "{line}");
        }
    }
}
