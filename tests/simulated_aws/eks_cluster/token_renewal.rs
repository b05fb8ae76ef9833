//! Tokens that expire during a run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use awsauth_core::token::{Credentials, Endpoint, StsHost, Token};
use awsauth_kube::request_error::TokenRenewalError;
use awsauth_kube::{EksClusterId, EksEndpoint, Environment, Flags, Tokens, connect_to};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::{SignedDuration, Timestamp};

use crate::eks_cluster::harness::{ExclusiveCluster, MYTESTROLE, MYTESTROLE_SESSION, map_args};
use crate::support::eks;
use crate::support::simulated_aws::REGION;

/// Returns a token that was signed this long ago.
fn token(credentials: &Credentials, minutes: i64, seconds: i64) -> Token {
    let ago = SignedDuration::from_mins(minutes) + SignedDuration::from_secs(seconds);
    let host = StsHost::of(REGION, Endpoint::default()).unwrap();
    Token::sign(credentials, &host, eks::NAME, Timestamp::now() - ago)
}

fn place(session: &ExclusiveCluster) -> EksEndpoint {
    let ca = std::fs::read(session.cluster.ca()).unwrap();
    EksEndpoint {
        eks: EksClusterId {
            name: eks::NAME.to_owned(),
            arn: format!("arn:aws:eks:{REGION}:111122223333:cluster/{}", eks::NAME),
        },
        token_id: eks::NAME.to_owned(),
        endpoint: session.cluster.server_url(),
        certificate_authority_data: BASE64_STANDARD.encode(ca),
    }
}

#[test]
fn long_run_renews_its_tokens() {
    let session = ExclusiveCluster::start();
    session.done(&map_args(MYTESTROLE));
    let of = session.aws().sessions(&[MYTESTROLE_SESSION]).remove(0);
    session.becomes(
        &of,
        &crate::eks_cluster::token_review::Who::user("admin", &["system:masters"]),
    );
    let credentials = Credentials {
        access_key_id: of.access_key_id.clone(),
        secret_access_key: of.secret_access_key.clone().into(),
        session_token: of.session_token.clone().map(Into::into),
        expiration: None,
        account_id: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let place = place(&session);
    let (flags, environment) = (Flags::default(), Environment::default());
    let connect = |tokens| connect_to(&place, tokens, &flags, &environment);
    let patience = Duration::from_secs(20);
    runtime.block_on(async {
        // An expired token is never sent, and one that is about to expire at most once: each is signed a second later
        // than the one before.
        let minted = Arc::new(AtomicU32::new(0));
        let (counter, signer) = (Arc::clone(&minted), credentials.clone());
        let tokens = Tokens::new(Some(token(&credentials, 16, 0)), move || {
            let number = counter.fetch_add(1, Ordering::Relaxed);
            Ok(token(&signer, 13, 40 + i64::from(number)))
        });
        let store = connect(tokens).await.unwrap();
        for _ in 0..3 {
            let live = store.read(patience).await.unwrap();
            assert!(live.exists());
        }
        assert_eq!(minted.load(Ordering::Relaxed), 3);

        // A rejected token shows that access depends on the token.
        let ended = token(&credentials, 16, 0);
        let tokens = Tokens::new(None, move || Ok(ended.clone()));
        let refused = connect(tokens).await.unwrap().read(patience).await;
        let refused = refused.unwrap_err().to_string();
        assert_eq!(refused, "the API server does not accept the credentials");

        let tokens = Tokens::new(Some(token(&credentials, 16, 0)), || {
            Err(TokenRenewalError {
                cause: "the role is gone".into(),
                hint: "make it anew".to_owned(),
            })
        });
        let failed = connect(tokens).await.unwrap().read(patience).await;
        let failed = failed.unwrap_err();
        assert_eq!(failed.to_string(), "no new token could be created");
        let cause = std::error::Error::source(&failed).unwrap();
        assert_eq!(cause.to_string(), "the role is gone");
        assert_eq!(failed.hint(), "make it anew");
    });
}
