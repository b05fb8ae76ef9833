//! The steps of the session.

use crate::cluster_process::{ENGINEER, INSTANCE, NODE_ROLE, ROLE};
use crate::session::Actor::{Creator, Engineer, Instance};
use crate::session::Session;

/// The demo's API server is on this machine, so awsauth needs permission to send it tokens for an EKS cluster.
const WHOAMI: &str = "awsauth whoami --allow-endpoint 127.0.0.1";
const VERIFY: &str = "awsauth verify --expect-username admin --expect-group system:masters --can '* * -A' --allow-endpoint 127.0.0.1";

/// Maps an instance role and unmaps it.
pub(crate) fn edit(session: &Session) -> Result<(), String> {
    let caller = format!("arn:aws:sts::111122223333:assumed-role/mytestrole/{INSTANCE}");
    let map = format!("awsauth map role {ROLE} --username admin --group system:masters");

    session.comment("A new cluster. Its creator checks who has access: only the nodes.");
    session.run(Creator, "awsauth get", 0)?;

    session.comment(
        "An EC2 instance has the role mytestrole. It has no access keys and no AWS CLI: kubectl runs awsauth to get a token,\n\
         and awsauth gets the role's credentials from the instance metadata service.",
    );
    session.run(Instance, "grep -A6 exec: $KUBECONFIG", 0)?;
    session.run(Instance, WHOAMI, 0)?;
    session.run(Instance, "kubectl auth whoami", 1)?;

    session.comment("Why is it denied? Because aws-auth does not map the role.");
    session.run(Creator, &format!("awsauth explain {caller}"), 0)?;

    session.comment(
        "The creator maps the role: first a dry run that shows the change, then the write.",
    );
    session.run(Creator, &format!("{map} --dry-run"), 0)?;
    session.run(Creator, &map, 0)?;

    session.comment(
        "The authenticator watches aws-auth. On the instance, verify waits until the change is in force. It signs in, so the\n\
         API server itself reports the resulting user and what that user may do.",
    );
    session.run(Instance, VERIFY, 0)?;
    session.run(Instance, "kubectl auth whoami", 0)?;
    session.run(Instance, "kubectl get namespaces", 0)?;
    session.run(Instance, "kubectl auth can-i '*' '*'", 0)?;

    session.comment(
        "The same command again changes nothing. Removing the nodes' entry by mistake is refused.",
    );
    session.run(Creator, &map, 0)?;
    session.run(Creator, &format!("awsauth unmap role {NODE_ROLE}"), 4)?;

    session.comment("The creator removes the role again. aws-auth has every byte of before, and the instance has no access.");
    session.run(Creator, &format!("awsauth unmap role {ROLE}"), 0)?;
    session.wait_for(Instance, "kubectl auth whoami", 1)?;
    session.run(Instance, "kubectl get namespaces", 1)?;
    session.run(Creator, "awsauth get", 0)
}

/// Locks the administrator out and lets them in again. Then moves aws-auth to access entries.
pub(crate) fn rescue_and_migrate(session: &Session) -> Result<(), String> {
    const GET: &str = "awsauth get --cluster-name my-cluster";
    const MIGRATE: &str = "awsauth migrate --cluster-name my-cluster";
    let arn = ENGINEER.replace("platform/", "");
    session.comment(
        "The second act. An engineer with the IAM role ops becomes an administrator of the cluster through aws-auth. The engineer\n\
         needs no kubeconfig: --cluster-name asks EKS for the endpoint.",
    );
    let map = format!("awsauth map role {arn} --username ops --group system:masters");
    session.run(Creator, &map, 0)?;
    session.wait_for(Engineer, GET, 0)?;
    session.run(Engineer, GET, 0)?;

    session.comment("Another tool replaces aws-auth with an empty one. Now no administrator can sign in, and no node.");
    let empty = "kubectl create configmap aws-auth -n kube-system --dry-run=client -o yaml | kubectl replace -f -";
    session.run(Creator, empty, 0)?;
    session.wait_for(Engineer, GET, 3)?;
    session.run(Engineer, GET, 3)?;

    session.comment(
        "IAM permissions are left. The rescue makes the engineer an administrator through an access entry, proves it by signing\n\
         in, restores aws-auth from its history, and removes the access entry. --dry-run would only print the steps.",
    );
    session.run(
        Engineer,
        "awsauth rescue --cluster-name my-cluster --from history --leave-no-trace --yes",
        0,
    )?;
    session.run(Engineer, GET, 0)?;

    session.comment(
        "Now the cluster moves to access entries, which such an accident cannot delete. First the plan, then the access entries,\n\
         the engineer's own last.",
    );
    session.run(Engineer, &format!("{MIGRATE} --apply --yes"), 0)?;
    session.run(Engineer, &format!("{MIGRATE} --check"), 0)?;

    session.comment(
        "aws-auth is unchanged, so the move can be reverted. Only the mode stays: EKS cannot reverse its change. Then the same\n\
         command creates the access entries again.",
    );
    session.run(Engineer, &format!("{MIGRATE} --revert --yes"), 0)?;
    session.run(Engineer, GET, 0)?;
    session.run(Engineer, &format!("{MIGRATE} --apply --yes"), 0)?;

    session.comment("aws-auth loses what access entries answer for. Then the cluster ignores aws-auth from now on.");
    session.run(Engineer, &format!("{MIGRATE} --clean --yes"), 0)?;
    session.run(Engineer, &format!("{MIGRATE} --finish --yes"), 0)?;
    session.run(Engineer, GET, 0)
}
