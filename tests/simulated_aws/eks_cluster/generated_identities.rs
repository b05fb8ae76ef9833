//! Generated identities sign in with generated maps and become what `explain` predicts.

use std::collections::BTreeMap;

use awsauth_core::authenticator::explain;
use awsauth_core::document::Document;
use fastrand::Rng;
use serde_json::{Value, json};

use crate::eks_cluster::harness::ExclusiveCluster;
use crate::eks_cluster::token_review::Who;
use crate::support::authenticator_oracle::Login;
use crate::support::generated_identities::{Caller, Reach, explained, map};
use crate::support::simulated_aws::{ACCOUNT, Credentials};

const MAPS: u64 = 10;

/// The number of identities for each map.
const PEOPLE: usize = 20;

/// The identity whose entry shows which map the authenticator has loaded.
const SENTINEL: &str = "arn:aws:iam::111122223333:role/sentinel";
const SENTINEL_SESSION: &str = "arn:aws:sts::111122223333:assumed-role/sentinel/any";

#[test]
fn two_hundred_identities_become_what_explain_predicts() {
    let session = ExclusiveCluster::start();
    let instances = BTreeMap::from([
        ("i-0123456789abcdef0", "ip-10-0-0-1.ec2.internal"),
        ("i-01234567", "ip-10-0-0-2.ec2.internal"),
    ]);
    for (id, name) in &instances {
        let fields = json!({"id": id, "privateDnsName": name, "account": ACCOUNT});
        session.aws().instance(&fields);
    }
    let instances = instances
        .into_iter()
        .map(|(id, name)| (id.to_owned(), name.to_owned()))
        .collect();
    let mut admitted = 0;
    for number in 1..=MAPS {
        let rng = &mut Rng::with_seed(number);
        let mut callers: Vec<_> = (0..PEOPLE)
            .map(|_| Caller::draw(rng, Reach::OneCluster))
            .collect();
        let name = format!("sentinel of map {number}");
        let sentinel = json!({"userarn": SENTINEL, "username": name});
        let data = map(rng, &callers, &[sentinel]);
        session.put(&json!(data));
        let sentinel = session.aws().sessions(&[SENTINEL_SESSION]).remove(0);
        session.becomes(&sentinel, &Who::user(&name, &[]));

        let document = Document::read(&data);
        let credentials = credentials(&session, &callers);
        for (caller, credentials) in callers.iter_mut().zip(credentials) {
            caller.access_key.clone_from(&credentials.access_key_id);
            let question = caller.question(false, &instances);
            let message = explained(&explain(&document, &question).unwrap());
            let mut expected: Vec<Who> = message.into_iter().map(outcome).collect();
            expected.sort();
            expected.dedup();
            let who = session.who(&session.fresh_token(&credentials));
            assert!(
                expected.contains(&who),
                "seed {number}: {caller:?} is {who:?}, not {expected:?}, in {data:#?}"
            );
            let on_the_cluster = session.done(&explain_args(caller, &instances)).json();
            assert_eq!(outcomes(&on_the_cluster), expected, "{on_the_cluster}");
            admitted += u64::from(who != Who::Unauthorized);
        }
    }
    let all = MAPS * PEOPLE as u64;
    assert!((all / 4..all * 3 / 4).contains(&admitted), "{admitted}");
}

/// Returns the credentials of the identities in order.
fn credentials(session: &ExclusiveCluster, callers: &[Caller]) -> Vec<Credentials> {
    let of = |caller: &Caller| json!({"arn": caller.arn, "userId": caller.user_id});
    session
        .aws()
        .sessions_with(&callers.iter().map(of).collect::<Vec<Value>>())
}

/// Returns the arguments of `explain` for an identity.
fn explain_args<'a>(caller: &'a Caller, instances: &'a BTreeMap<String, String>) -> Vec<&'a str> {
    let mut args = vec!["explain", &caller.arn, "-o", "json"];
    args.extend(["--access-key-id", &caller.access_key]);
    if let Some(name) = caller.instance().and_then(|id| instances.get(id)) {
        args.extend(["--private-dns-name", name]);
    }
    args
}

/// Returns the results of `explain` in the form of [`outcome`].
fn outcomes(explained: &Value) -> Vec<Who> {
    let reason = explained["reason"].as_str().unwrap_or_default();
    if reason.contains("needs --private-dns-name") {
        // explain needs the name, which does not exist for an instance that EC2 does not know.
        return vec![Who::Unauthorized];
    }
    let several = explained["anyOf"].as_array().into_iter().flatten();
    let mut whos: Vec<Who> = several.map(Who::of).collect();
    if explained["allowed"] == true && whos.is_empty() {
        whos.push(Who::of(explained));
    }
    if explained["allowed"] == false {
        whos.push(Who::Unauthorized);
    }
    whos.sort();
    whos
}

/// Returns the result of a login as the API server reports it.
fn outcome(login: Login) -> Who {
    match login {
        Login::Refused { .. } => Who::Unauthorized,
        Login::Accepted { username, groups } => Who::User {
            name: username,
            groups,
        },
    }
}
