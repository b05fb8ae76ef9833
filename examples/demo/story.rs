//! The story itself.

use crate::holder::{INSTANCE, NODE_ROLE, ROLE};
use crate::stage::Place::{Creator, Instance};
use crate::stage::Stage;

const VERIFY: &str =
    "awsauth verify --expect-username admin --expect-group system:masters --can '* * -A'";

pub(crate) fn tell(stage: &Stage) -> Result<(), String> {
    let session = format!("arn:aws:sts::111122223333:assumed-role/mytestrole/{INSTANCE}");
    let map = format!("awsauth map role {ROLE} --username admin --group system:masters");

    stage.say("A new cluster. Its creator looks who may enter: the nodes, nobody else.");
    stage.type_(Creator, "awsauth get", 0)?;

    stage.say("An EC2 instance has the role mytestrole. No keys, no aws CLI: kubectl asks awsauth for a token, awsauth");
    stage.go_on("asks the instance's metadata service for the role's credentials.");
    stage.type_(Instance, "grep -A6 exec: $KUBECONFIG", 0)?;
    stage.type_(Instance, "awsauth whoami", 0)?;
    stage.type_(Instance, "kubectl auth whoami", 1)?;

    stage.say("Why? Because nobody said that this role may enter.");
    stage.type_(Creator, &format!("awsauth explain {session}"), 0)?;

    stage.say(
        "The creator merges it into aws-auth: first a look at what would change, then the write.",
    );
    stage.type_(Creator, &format!("{map} --dry-run"), 0)?;
    stage.type_(Creator, &map, 0)?;

    stage.say("The authenticator watches aws-auth. On the instance, verify waits until it has the change, and proves it by");
    stage.go_on("signing in: the API server itself says who comes out and what they may do.");
    stage.type_(Instance, VERIFY, 0)?;
    stage.type_(Instance, "kubectl auth whoami", 0)?;
    stage.type_(Instance, "kubectl get namespaces", 0)?;
    stage.type_(Instance, "kubectl auth can-i '*' '*'", 0)?;

    stage.say("Once more changes nothing, and the nodes' entry is not taken away by mistake.");
    stage.type_(Creator, &map, 0)?;
    stage.type_(Creator, &format!("awsauth unmap role {NODE_ROLE}"), 4)?;

    stage.say("The creator takes the role out again: every byte is as it was, and the instance is a stranger.");
    stage.type_(Creator, &format!("awsauth unmap role {ROLE}"), 0)?;
    stage.wait(Instance, "kubectl auth whoami", 1)?;
    stage.type_(Instance, "kubectl get namespaces", 1)?;
    stage.type_(Creator, "awsauth get", 0)
}
