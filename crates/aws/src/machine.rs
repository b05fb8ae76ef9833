//! Where the program runs: an EC2 instance, a container or another machine.

use std::fs;
use std::path::{Path, PathBuf};

use super::AwsEnvironment;

/// Variables that Kubernetes, ECS, and systemd-nspawn or podman set in containers.
const VARIABLES: [&str; 4] = [
    "KUBERNETES_SERVICE_HOST",
    "ECS_CONTAINER_METADATA_URI_V4",
    "ECS_CONTAINER_METADATA_URI",
    "container",
];

/// Names of container runtimes in the paths of control groups.
const RUNTIMES: [&str; 7] = [
    "docker",
    "kubepods",
    "containerd",
    "libpod",
    "crio",
    "lxc",
    "/ecs/",
];

/// The machine that this process runs on. It is inspected to explain failures.
#[derive(Clone, Debug)]
pub struct Machine {
    root: PathBuf,
    has_container_variable: bool,
}

impl Machine {
    /// Returns the machine that this process runs on.
    pub fn of(environment: &AwsEnvironment) -> Self {
        Self {
            root: PathBuf::from("/"),
            has_container_variable: VARIABLES.iter().any(|name| environment.get(name).is_some()),
        }
    }

    /// Returns the machine with `root` in place of `/`, for tests.
    #[must_use]
    pub fn rooted(mut self, root: &Path) -> Self {
        self.root = root.to_owned();
        self
    }

    /// Whether this process seems to run in a container.
    pub(crate) fn is_container(&self) -> bool {
        let exists = |path| self.root.join(path).exists();
        let groups = ["proc/1/cgroup", "proc/self/cgroup"].map(|path| self.text(path));
        self.has_container_variable
            || exists(".dockerenv")
            || exists("run/.containerenv")
            || groups
                .iter()
                .any(|text| RUNTIMES.iter().any(|word| text.contains(word)))
    }

    /// Returns the id of the EC2 instance. Nitro instances report it in the firmware, as the board's asset tag.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/identify_ec2_instances.html>
    pub fn instance_id(&self) -> Option<String> {
        let tag = self.text("sys/devices/virtual/dmi/id/board_asset_tag");
        is_instance_id(tag.trim()).then(|| tag.trim().to_owned())
    }

    /// Whether the firmware identifies an EC2 instance.
    pub fn is_ec2(&self) -> bool {
        let vendor = self.text("sys/devices/virtual/dmi/id/sys_vendor");
        let hypervisor = self.text("sys/hypervisor/uuid");
        self.instance_id().is_some()
            || vendor.trim() == "Amazon EC2"
            || hypervisor.starts_with("ec2")
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }
}

/// Whether a string is an instance id: `i-` and hexadecimal digits.
pub(super) fn is_instance_id(text: &str) -> bool {
    text.strip_prefix("i-").is_some_and(|digits| {
        (8..=17).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let machine = Machine::of(&AwsEnvironment::default()).rooted(root.path());
        (root, machine)
    }

    #[test]
    fn container_is_recognized_by_files_control_groups_and_variables() {
        for (file, text, container) in [
            (".dockerenv", "", true),
            ("run/.containerenv", "", true),
            ("proc/1/cgroup", "0::/init.scope\n", false),
            ("proc/1/cgroup", "11:cpu:/docker/0123\n", true),
            ("proc/self/cgroup", "0::/kubepods.slice/pod1/cri\n", true),
            ("proc/self/cgroup", "0::/user.slice/session.scope\n", false),
        ] {
            let (_root, machine) = with(&[(file, text)]);
            assert_eq!(machine.is_container(), container, "{file} {text}");
        }
        let (root, _) = with(&[]);
        let pod = AwsEnvironment::default().with("KUBERNETES_SERVICE_HOST", "10.0.0.1");
        assert!(Machine::of(&pod).rooted(root.path()).is_container());
    }

    #[test]
    fn instance_is_recognized_by_its_firmware() {
        let tag = "sys/devices/virtual/dmi/id/board_asset_tag";
        let (_root, nitro) = with(&[(tag, "i-0abc1234def567890\n")]);
        assert_eq!(nitro.instance_id().as_deref(), Some("i-0abc1234def567890"));
        assert!(nitro.is_ec2());
        let (_root, xen) = with(&[("sys/hypervisor/uuid", "ec2e1916-9099\n")]);
        assert_eq!((xen.instance_id(), xen.is_ec2()), (None, true));
        let (_root, desk) = with(&[(tag, "Not Specified\n")]);
        assert_eq!((desk.instance_id(), desk.is_ec2()), (None, false));
    }
}
