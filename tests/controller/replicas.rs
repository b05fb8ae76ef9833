//! Several replicas, and an API server that goes away.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::desk::{CONFIG, CONTROLLER, Desk, NODE_ENTRY, developer, eventually, role};
use crate::support::cluster::Cluster;

/// How long it may take until another replica works.
const TAKEOVER: Duration = Duration::from_secs(20);

impl Desk {
    fn lease(&self) -> Value {
        let lease = self.cluster.kubectl(&[
            "get",
            "lease",
            "awsauth-controller",
            "-n",
            "kube-system",
            "-o",
            "json",
        ]);
        serde_json::from_str(&lease).unwrap()
    }

    /// Writes of aws-auth by controllers, dry runs left out.
    pub(crate) fn writes(&self) -> usize {
        let asked = self.cluster.asked().into_iter();
        asked
            .filter(|asked| {
                asked.user == CONTROLLER.name
                    && asked.resource == "configmaps"
                    && asked.name == "aws-auth"
                    && ["update", "patch", "create"].contains(&asked.verb.as_str())
                    && !asked.dry_run
                    && asked.status < 300
            })
            .count()
    }
}

#[test]
fn another_replica_takes_over_and_nothing_is_lost_or_done_twice() {
    let desk = Desk::new(Cluster::start_audited(&[CONTROLLER]));
    desk.create(NODE_ENTRY, "eks");
    let first = desk.controller(CONFIG).leads();
    let second = desk.controller(CONFIG);
    desk.apply(&developer("one"));
    desk.becomes("one", "True Applied");
    assert_eq!(desk.writes(), 1);
    assert_eq!(second.metric("awsauth_leader"), Some(0.0));

    // Killed in the midst of work: between what is recorded and what is reported, somewhere.
    for number in 0..20 {
        desk.apply(&developer(&format!("more-{number}")));
    }
    let begun = Instant::now();
    first.killed();
    let second = second.leads();
    let took = begun.elapsed();
    eprintln!("takeover after kill -9: {took:.1?}");
    assert!(took <= TAKEOVER, "{took:?}");
    for number in 0..20 {
        desk.becomes(&format!("more-{number}"), "True Applied");
    }
    let roles = desk.roles();
    for number in 0..20 {
        let line = format!("{}\n", role(&format!("more-{number}")));
        assert_eq!(roles.matches(&line).count(), 1, "{roles}");
    }
    assert!(roles.starts_with(NODE_ENTRY), "{roles}");
    let writes = desk.writes();
    assert!((2..=4).contains(&writes), "{writes}");

    // Asked to end, it gives the lease back, and nobody waits for its end.
    let third = desk.controller(CONFIG);
    let begun = Instant::now();
    let said = second.asked_to_end();
    assert!(said.contains("the lease is given back"), "{said}");
    let ended = begun.elapsed();
    let holder = desk.lease();
    eprintln!(
        "ended after SIGTERM: {ended:.1?}; the lease then: {}",
        holder["spec"]
    );
    let third = third.leads();
    assert!(begun.elapsed() <= TAKEOVER, "{:?}", begun.elapsed());
    assert_eq!(desk.writes(), writes);

    the_api_server_goes_away(&desk, third);
}

fn the_api_server_goes_away(desk: &Desk, controller: crate::desk::Controller) {
    let writes = desk.writes();
    desk.cluster.kill_apiserver();
    std::thread::sleep(Duration::from_secs(2));
    desk.cluster.start_apiserver();
    desk.delete("one");
    desk.apply(&developer("after"));
    desk.becomes("after", "True Applied");
    eventually("the entry goes with its object", || {
        (!desk.roles().contains(&role("one"))).then_some(())
    });
    eventually("the object is let go", || {
        desk.object("one").is_null().then_some(())
    });
    let roles = desk.roles();
    assert_eq!(roles.matches(&role("after")).count(), 1, "{roles}");
    assert!((1..=2).contains(&(desk.writes() - writes)));
    let said = controller.asked_to_end();
    assert!(!said.contains("panicked"), "{said}");
    let holder = &desk.lease()["spec"]["holderIdentity"];
    assert!(holder.is_null(), "{holder}");
}
