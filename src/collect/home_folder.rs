//! Finds AWS files in another home folder than that of this process, as after `sudo`.

use std::fs;
use std::path::{Path, PathBuf};

use awsauth_aws::AwsEnvironment;
use awsauth_aws::config_file::ConfigFiles;
use awsauth_core::doctor::evidence::Problem;
use awsauth_core::shell_quote::quoted;

/// Returns the problem that the AWS files are in the home folder of the kubeconfig's owner or of the user who ran sudo.
/// `None` if there are none, or if this home folder has AWS files, too.
pub(super) fn problem(
    aws_environment: &AwsEnvironment,
    kubeconfigs: &[PathBuf],
) -> Option<Problem> {
    let own = ConfigFiles::read(aws_environment).ok()?;
    if own.config.missing.is_none() || own.credentials.missing.is_none() {
        return None;
    }
    let home = aws_environment.home()?;
    let is_other = |other: &PathBuf| {
        let environment = aws_environment.clone().at_home(other);
        let files = ConfigFiles::read(&environment).unwrap_or_default();
        let mut profiles = files.profile_names();
        other != home
            && profiles.any(|name| files.profile(name).is_some_and(|it| it.names_credentials()))
    };
    let of_kubeconfigs = kubeconfigs.iter().filter_map(|path| of_kubeconfig(path));
    let users = ["SUDO_USER", "USER", "LOGNAME"];
    let of_users = users.iter().filter_map(|name| {
        let accounts = fs::read_to_string("/etc/passwd").ok()?;
        of_user(&accounts, aws_environment.get(name)?)
    });
    let other = of_kubeconfigs.chain(of_users).find(is_other)?;
    let (home, other) = (home.display(), other.display().to_string());
    let sudo = match aws_environment.get("SUDO_USER") {
        Some(_) => "run the command without sudo",
        None => "run the command as the owner of these files",
    };
    Some(Problem {
        cause: format!(
            "the home folder is {home}, which has no AWS files; those in {other}/.aws are not read"
        ),
        next: format!("{sudo}, or with HOME={}", quoted(&other)),
    })
}

/// Returns the home folder that a kubeconfig in its usual place belongs to.
fn of_kubeconfig(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    (folder.file_name()? == ".kube").then(|| folder.parent().map(Path::to_owned))?
}

/// Returns the home folder of a user from the content of `/etc/passwd`.
fn of_user(accounts: &str, user: &str) -> Option<PathBuf> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == user).then(|| fields.nth(4).map(PathBuf::from))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_folder_of_the_kubeconfig_is_named_if_only_it_has_credentials() {
        let root = tempfile::tempdir().unwrap();
        let (own, other) = (root.path().join("root"), root.path().join("alice"));
        let kubeconfig = other.join(".kube/config");
        for folder in [&own, &other.join(".aws")] {
            fs::create_dir_all(folder).unwrap();
        }
        let environment = AwsEnvironment::default().at_home(&own);
        let found = |environment: &AwsEnvironment| {
            problem(environment, std::slice::from_ref(&kubeconfig)).map(|problem| problem.next)
        };
        assert_eq!(found(&environment), None);
        let credentials = other.join(".aws/credentials");
        fs::write(&credentials, "[default]\nregion = eu-west-1\n").unwrap();
        assert_eq!(found(&environment), None);
        fs::write(&credentials, "[default]\naws_access_key_id = AKID\n").unwrap();
        let with = format!("with HOME={}", other.display());
        let next = found(&environment).unwrap();
        assert!(next.ends_with(&with), "{next}");
        let sudo = environment.clone().with("SUDO_USER", "alice");
        let next = found(&sudo).unwrap();
        assert!(next.starts_with("run the command without sudo"), "{next}");
        assert_eq!(found(&environment.clone().at_home(&other)), None);
        fs::create_dir(own.join(".aws")).unwrap();
        fs::write(own.join(".aws/config"), "[default]\n").unwrap();
        assert_eq!(found(&environment), None);
    }

    #[test]
    fn home_folder_of_a_user_is_the_sixth_field() {
        let accounts =
            "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000:,,,:/home/alice:/bin/sh\n";
        let of = |user| of_user(accounts, user);
        assert_eq!(of("alice"), Some(PathBuf::from("/home/alice")));
        assert_eq!(of("bob"), None);
    }
}
