use super::c1::failed_at;
use super::evidence::{Place, Probed};
use super::{Evidence, Judged, Outcome, Rung};

pub(super) const RUNG: Rung = Rung {
    id: "C10",
    title: "whoami",
    after: &["C1"],
    judge,
};

fn judge(evidence: &Evidence) -> Judged {
    let is_off = super::c11::is_off(evidence.clock_ahead());
    if let (Ok(Err(none)), false) = (failed_at(evidence, Place::Caller), is_off) {
        return Outcome::trouble(none.source.clone().unwrap_or_default(), &none.trouble);
    }
    if let (Probed::TooLate(limit), None) = (&evidence.caller, evidence.played.known()) {
        return Outcome::problem(
            format!("STS did not answer within {} s", limit.as_secs()),
            "this network does not lead to STS, so nobody can say whose credentials these are",
            "see whether this network leads to AWS: a VPC endpoint for STS, a NAT gateway, or HTTPS_PROXY",
        );
    }
    match evidence.caller.seen()? {
        Ok(caller) => Outcome::ok(format!("{}, account {}", caller.arn, caller.account)),
        // What the clock is to blame for is told there.
        Err(_) if is_off => Outcome::ok("STS takes no signature of this machine: see C11"),
        Err(trouble) => Outcome::trouble("sts:GetCallerIdentity", &trouble.trouble),
    }
}
