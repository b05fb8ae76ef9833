//! The edit with which the controller sees whether edits are judged at all.

/// The field manager of the edit.
pub const MANAGER: &str = "awsauth-admission-probe";

/// The name of the webhook, which the API server gives with what it refuses.
pub const WEBHOOK: &str = "guard.awsauth.dev";

/// The key of `data` that is brought in. Nobody reads it, and lint calls it an error (S01): were it stored after all, nothing would come
/// of it. It stands by itself, whatever state aws-auth is in, and it is nothing that a policy or EKS's own webhook looks at.
const KEY: &str = "mAPaCCOUNTS";

/// The fields of the forbidden edit, as server-side apply takes them.
pub fn forbidden() -> serde_json::Value {
    serde_json::json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"},
        "data": {KEY: "[] # awsauth-controller sees whether this is refused; it is never stored\n"},
    })
}

/// What the API server's answer to the edit means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// We have refused it.
    Enforced,
    /// It went through though we were asked, for one of the reasons that let edits through; what was said of it.
    LetThrough(String),
    /// It went through, and nobody asked us, or not in time.
    NotEnforced,
    /// Somebody else has refused it before we could; what they said.
    Unknown(String),
}

impl Outcome {
    /// Reads an answer by its status and what it says: the message of a refusal, or else the warnings.
    pub fn of(status: u16, message: &str, warnings: &[String]) -> Self {
        let ours = format!("admission webhook \"{WEBHOOK}\" denied the request");
        if status >= 300 {
            return match message.contains(&ours) {
                true => Self::Enforced,
                false => Self::Unknown(message.to_owned()),
            };
        }
        let mut warnings = warnings.iter();
        match warnings.find(|warning| warning.contains(super::words::LET_THROUGH)) {
            Some(warning) => Self::LetThrough(warning.clone()),
            None => Self::NotEnforced,
        }
    }
}
