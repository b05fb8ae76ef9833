//! The steps of the session.

use crate::cluster_process::{INSTANCE, NODE_ROLE, ROLE};
use crate::session::Actor::{Creator, Instance};
use crate::session::Session;

/// The demo's API server is on this machine, so awsauth needs permission to send it tokens for an EKS cluster.
const WHOAMI: &str = "awsauth whoami --allow-endpoint 127.0.0.1";
const VERIFY: &str = "awsauth verify --expect-username admin --expect-group system:masters --can '* * -A' --allow-endpoint 127.0.0.1";

pub(crate) fn run(session: &Session) -> Result<(), String> {
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
