//! Proves a write by signing in, and takes it back where that fails.

use std::collections::BTreeMap;

use clap::Args;
use clap::builder::FalseyValueParser;
use serde_json::json;

use super::proof::{Expected, Proof};
use super::signer::Signer;
use crate::arn::{canonical, fold};
use crate::cluster::shell::quoted;
use crate::edge::{Exit, Failure, Kind, Out};
use crate::facts::partitions::Partition;
use crate::plan::{Plan, WayBack};
use crate::snapshot::OWNERS_ANNOTATION;
use crate::world::{Keep, Landed, SignIn, World, keep_aside};

/// Whether a write is to be proved, and by whom.
#[derive(Debug, Args)]
pub(crate) struct WitnessArgs {
    /// After the write, sign in with a fresh token of your AWS credentials; if that fails, put the previous text back
    #[arg(long, env = "AWSAUTH_VERIFY", value_parser = FalseyValueParser::new())]
    verify: bool,

    /// The same, but sign in as this role
    #[arg(long, env = "AWSAUTH_VERIFY_AS", value_name = "ROLE-ARN")]
    verify_as: Option<String>,
}

/// Somebody who is ready to sign in after a write.
pub(crate) struct Witness {
    cluster: SignIn,
    signer: Signer,
    rolls_back: bool,
}

/// What a witness saw.
pub(crate) struct Seen {
    /// What came of signing in; `None` when the API server gave no answer.
    pub(crate) proof: Option<Proof>,
    /// Why the write is not proved; `None` when it is.
    pub(crate) failure: Option<Failure>,
}

impl Seen {
    /// Whether what was written does not stand any more.
    pub(crate) fn is_rolled_back(&self) -> bool {
        let exit = self.failure.as_ref().map(Failure::exit);
        exit == Some(Exit::RolledBack)
    }
}

impl WitnessArgs {
    /// Whether there is to be a proof.
    pub(crate) fn is_asked(&self) -> bool {
        self.verify || self.verify_as.is_some()
    }

    /// The role that signs in, where one is named.
    pub(crate) fn role(&self) -> Option<&str> {
        self.verify_as.as_deref()
    }

    /// Gets ready to sign in, before anything is written: who can't sign in at all writes nothing.
    pub(crate) fn witness(
        &self,
        rolls_back: bool,
        world: &World,
        out: &mut Out,
    ) -> Result<Option<Witness>, Failure> {
        if !self.is_asked() {
            return Ok(None);
        }
        let cluster = world.sign_in(out)?;
        let what = format!(
            "cannot verify what would be written to {}",
            cluster.target()
        );
        let signer = Signer::get(&cluster, self.role(), &what, out)?;
        Ok(Some(Witness {
            cluster,
            signer,
            rolls_back,
        }))
    }
}

impl Witness {
    /// Whoever carries the write out, ready to sign in anew, if these AWS credentials are theirs.
    ///
    /// # Errors
    /// Why they can't: a clause.
    pub(crate) fn own(
        arn: &str,
        rolls_back: bool,
        world: &World,
        out: &mut Out,
    ) -> Result<Self, String> {
        let what = "cannot sign in with these AWS credentials";
        let cluster = world.sign_in(out).map_err(|failure| failure.message())?;
        let signer = Signer::get(&cluster, None, what, out).map_err(|failure| failure.message())?;
        let caller = signer.caller().map_err(|error| error.to_string())?;
        let key = |arn: &str| {
            canonical(arn)
                .ok()
                .map(|canonical| fold(&canonical.arn).into_owned())
        };
        match key(&caller.arn) == key(arn) {
            true => Ok(Self {
                cluster,
                signer,
                rolls_back,
            }),
            false => Err(format!("these AWS credentials are those of {}", caller.arn)),
        }
    }

    /// Signs in until the API server takes the witness for whom aws-auth now says, and takes the write back otherwise.
    pub(crate) fn see(
        &self,
        plan: &Plan,
        landed: Landed,
        world: &mut World,
        out: &mut Out,
    ) -> Seen {
        let (before, document) = (plan.before(), plan.after());
        let expected = Expected {
            before: (landed != Landed::Unchanged).then_some(&before),
            document: Some(&document),
            access_entries: plan.access_entries().cloned(),
            ..Expected::default()
        };
        let patience = world.patience();
        let (proof, why) = match expected.prove(&self.cluster, &self.signer, patience, out) {
            Ok(proof) => {
                let why = proof.failure(&self.cluster, &self.signer);
                (Some(proof), why)
            }
            Err(failure) => (None, Some(failure)),
        };
        let failure = why.map(|why| match landed {
            Landed::Unchanged => why,
            Landed::Created | Landed::Changed => self.after(why, plan, landed, world, out),
        });
        Seen { proof, failure }
    }

    /// What a failed verification means for what was written.
    fn after(
        &self,
        why: Failure,
        plan: &Plan,
        landed: Landed,
        world: &mut World,
        out: &mut Out,
    ) -> Failure {
        if why.exit() == Exit::Interrupted {
            return Failure::new(
                Kind::Interrupted,
                "interrupted: aws-auth was written, and is not verified",
            )
            .hint("verify it: awsauth verify");
        }
        let why = why.at("aws-auth was written, and could not be verified");
        if !self.rolls_back {
            return why
                .of_kind(Kind::NotRolledBack)
                .note("what was written stands, as --no-rollback asks");
        }
        let way = plan.way_back();
        let mut planner = |snapshot: &_| {
            way.from(snapshot)
                .map_err(|error| Failure::new(Kind::Conflict, error))
        };
        let keep = Keep {
            reason: Some("put back: it could not be verified".to_owned()),
            // What is put back was kept before.
            optional: true,
        };
        match world.write(&mut planner, false, &keep, out) {
            Ok(_) => {
                let why = why
                    .of_kind(Kind::RolledBack)
                    .note("the previous text is back");
                match landed {
                    Landed::Created => left_empty(why, &world.kubectl()),
                    Landed::Unchanged | Landed::Changed => why,
                }
            }
            Err(obstacle) => {
                let why = why.of_kind(Kind::NotRolledBack).note(format!(
                    "what was written stands, because it can't be put back: {}",
                    obstacle.message()
                ));
                match obstacle.exit() {
                    Exit::Conflict => why.hint("see what is there now: awsauth get"),
                    _ => self.ways_out(why, &way, world),
                }
            }
        }
    }

    /// What somebody else can run who still gets in, or has IAM rights to let themselves in.
    ///
    /// <https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html>
    fn ways_out(&self, why: Failure, way: &WayBack, world: &World) -> Failure {
        let kubectl = world.kubectl();
        let name = quoted(&self.signer.cluster);
        let region = quoted(&self.signer.host.region);
        let partition = Partition::of_region(&self.signer.host.region).id;
        let why = match keep_aside("aws-auth-before-", ".json", patch(way).as_bytes()) {
            Ok(path) => why.hint(format!(
                "whoever may still write aws-auth puts it back with: {kubectl} patch configmap aws-auth -n kube-system --type merge --patch-file {}",
                quoted(&path.to_string_lossy())
            )),
            Err(error) => why.note(format!("the previous text could not be kept in a file either: {error}")),
        };
        let undo = format!("awsauth undo --cluster-name {name} --region {region}");
        why.hint(format!(
            "the IAM identity that made the cluster gets in whatever aws-auth says, unless that right was taken from it; as that identity: {undo}"
        ))
        .hint(format!(
            "if nobody gets in, somebody with IAM rights lets a principal in first: aws eks create-access-entry --cluster-name {name} --region {region} --principal-arn ARN && \
             aws eks associate-access-policy --cluster-name {name} --region {region} --principal-arn ARN \
             --policy-arn arn:{partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy --access-scope type=cluster"
        ))
        .hint(format!(
            "if the cluster takes no access entries, then before that (no cluster can be switched back): aws eks update-cluster-config --name {name} --region {region} \
             --access-config authenticationMode=API_AND_CONFIG_MAP"
        ))
        .hint(format!("then, as that principal: {undo}"))
        .hint(format!(
            "and in the end take its right away again: aws eks delete-access-entry --cluster-name {name} --region {region} --principal-arn ARN"
        ))
    }
}

/// There was no aws-auth, and now there is one. It is not deleted: whoever has seen it since may have come to count on it.
fn left_empty(why: Failure, kubectl: &str) -> Failure {
    why.note("aws-auth, which was not there before, stays and is empty, which admits nobody: awsauth never deletes it")
        .hint(format!(
            "to remove it, once awsauth get shows that nobody uses it: {kubectl} delete configmap aws-auth -n kube-system"
        ))
}

/// The way back as a JSON merge patch.
fn patch(way: &WayBack) -> String {
    let change = way.change();
    let sections = change.data.iter();
    let sections = sections.map(|(key, text)| (*key, text.as_deref()));
    let others = change.other_data.iter();
    let others = others.map(|(key, text)| (key.as_str(), text.as_deref()));
    let data: BTreeMap<_, _> = sections.chain(others).collect();
    let binary = change.binary_data.iter();
    let binary_data: BTreeMap<_, _> = binary.map(|(key, text)| (key, text.as_deref())).collect();
    let mut patch = json!({"data": data});
    if !binary_data.is_empty() {
        patch["binaryData"] = json!(binary_data);
    }
    if let Some(owners) = &change.owners_annotation {
        patch["metadata"]["annotations"][OWNERS_ANNOTATION] = json!(owners);
    }
    patch.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Contents;
    use crate::plan::Request;

    #[test]
    fn the_way_back_brings_back_every_key() {
        let texts = |texts: &[(&str, &str)]| {
            let texts = texts.iter();
            texts
                .map(|&(key, text)| (key.to_owned(), text.into()))
                .collect()
        };
        let before = Contents {
            exists: true,
            data: texts(&[("mapRoles", "[]\n"), ("other", "was")]),
            binary_data: texts(&[("blob", "AAEC")]),
            owners_annotation: None,
        };
        let after = Contents {
            data: texts(&[("mapRoles", ""), ("other", "is"), ("new", "is")]),
            binary_data: texts(&[("logo", "AAAA")]),
            ..before.clone()
        };
        let request = Request {
            kept: Some(after),
            ..Request::default()
        };
        let plan = Plan::new(&before.snapshot(), &request).unwrap();
        let patch: serde_json::Value = serde_json::from_str(&patch(&plan.way_back())).unwrap();
        assert_eq!(
            patch,
            json!({
                "data": {"mapRoles": "[]\n", "other": "was", "new": null},
                "binaryData": {"blob": "AAEC", "logo": null},
            })
        );
    }
}
