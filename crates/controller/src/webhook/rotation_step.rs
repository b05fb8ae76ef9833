//! Certificate rotation. Pure.
//!
//! Each new certificate has its own CA. It is stored next to the served certificate, and its CA is added to the CA bundle. The
//! certificate is served only after the bundle has been in place for a while, so the API server trusts the certificate of
//! every replica at any time.

use jiff::{SignedDuration, Timestamp};

use super::certificate::{IssuedCertificate, ServerCertificate, first_of};

/// How long API servers are given to load a CA after it appears in the configuration. Each API server loads it independently.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// The stored certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredCertificates {
    pub(super) current: ServerCertificate,
    /// The certificate that replaces the current one once its CA is trusted.
    pub(super) next: Option<ServerCertificate>,
    /// The CAs that the API server must trust, as PEM; newest first.
    pub(super) authorities: String,
}

/// The CA bundle in the ValidatingWebhookConfiguration, and since when it is unchanged.
#[derive(Debug, Default)]
pub(super) struct PublishedBundle(Option<(String, Timestamp)>);

impl PublishedBundle {
    /// Registers the current CA bundle.
    pub(super) fn update(&mut self, bundle: Option<&str>, now: Timestamp) {
        let known = self.0.as_ref().map(|(bundle, _)| bundle.as_str());
        if known != bundle {
            self.0 = bundle.map(|bundle| (bundle.to_owned(), now));
        }
    }

    /// Returns since when the bundle consists of these CAs; `None` if it does not.
    fn since(&self, authorities: &str) -> Option<Timestamp> {
        let (known, since) = self.0.as_ref()?;
        (known == authorities).then_some(*since)
    }
}

/// The next action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Wait until then; `None` to wait for another change.
    Wait(Option<Timestamp>),
    /// Issue a certificate and serve it immediately, because there is no valid one.
    Replace,
    /// Issue the next certificate.
    Stage,
    /// Serve the next certificate.
    Promote,
}

/// Returns the next action.
pub(super) fn next_step(
    stored: Option<&StoredCertificates>,
    published: &PublishedBundle,
    names: &[String],
    now: Timestamp,
) -> Step {
    let Some(stored) = stored else {
        return Step::Replace;
    };
    match &stored.next {
        Some(next) if next.is_valid(now) && next.covers(names) => {
            if !stored.current.is_valid(now) {
                return Step::Promote;
            }
            // The bundle does not contain the next CA yet: wait for that, or for the current certificate to expire.
            let Some(since) = published.since(&stored.authorities) else {
                return Step::Wait(Some(stored.current.not_after));
            };
            // If the current certificate expires soon, wait for half of the time that is left.
            let left = since.duration_until(stored.current.not_after) / 2;
            let at = since + OVERLAP.min(left);
            match at <= now {
                true => Step::Promote,
                false => Step::Wait(Some(at)),
            }
        }
        _ if !stored.current.is_valid(now) => Step::Replace,
        _ if !stored.current.covers(names) || stored.current.renew_at() <= now => Step::Stage,
        _ => Step::Wait(Some(stored.current.renew_at())),
    }
}

impl StoredCertificates {
    pub(super) fn first(issued: IssuedCertificate) -> Self {
        Self {
            current: issued.certificate,
            next: None,
            authorities: issued.authority,
        }
    }

    /// Returns the same with this next certificate, which replaces a previous next one.
    pub(super) fn staged(&self, issued: IssuedCertificate) -> Self {
        let mut known = self.authorities.as_str();
        if self.next.is_some() {
            known = &known[first_of(known).len()..];
        }
        Self {
            authorities: format!("{}{}", issued.authority, first_of(known)),
            current: self.current.clone(),
            next: Some(issued.certificate),
        }
    }

    /// Returns the same with the next certificate as the current one. Keeps the previous CA, because other replicas may still serve its
    /// certificate.
    pub(super) fn promoted(&self) -> Self {
        Self {
            current: self.next.clone().unwrap_or_else(|| self.current.clone()),
            next: None,
            authorities: self.authorities.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap()
    }

    fn issue(day: i64) -> IssuedCertificate {
        ServerCertificate::issue(&["a".to_owned()], at(day)).unwrap()
    }

    /// Returns a bundle with the CAs of these certificates, unchanged since then.
    fn published(stored: &StoredCertificates, since: Timestamp) -> PublishedBundle {
        PublishedBundle(Some((stored.authorities.clone(), since)))
    }

    #[test]
    fn certificate_is_renewed_after_two_thirds_of_its_validity_and_trusted_before_it_is_served() {
        let names = ["a".to_owned()];
        let step = |stored: &StoredCertificates, published: &PublishedBundle, now| {
            next_step(Some(stored), published, &names, now)
        };
        let unpublished = PublishedBundle::default();
        assert_eq!(next_step(None, &unpublished, &names, at(0)), Step::Replace);

        let first = StoredCertificates::first(issue(0));
        let trusted = published(&first, at(0));
        assert_eq!(
            step(&first, &unpublished, at(1)),
            Step::Wait(Some(first.current.renew_at()))
        );
        assert_eq!(step(&first, &trusted, at(61)), Step::Stage);
        assert_eq!(step(&first, &trusted, at(91)), Step::Replace);
        assert_eq!(
            next_step(Some(&first), &trusted, &["b".to_owned()], at(1)),
            Step::Stage
        );

        let staged = first.staged(issue(61));
        assert!(staged.authorities.ends_with(&first.authorities));
        let soon = at(61) + OVERLAP;
        // It is not served until the bundle contains its CA.
        assert_eq!(
            step(&staged, &trusted, soon),
            Step::Wait(Some(first.current.not_after))
        );
        assert_eq!(step(&staged, &trusted, at(90)), Step::Promote);
        let trusted = published(&staged, at(61));
        assert_eq!(step(&staged, &trusted, at(61)), Step::Wait(Some(soon)));
        assert_eq!(step(&staged, &trusted, soon), Step::Promote);

        // Another next certificate replaces it, and the CA of the served one stays in the bundle.
        let again = staged.staged(issue(62));
        assert!(again.authorities.ends_with(&first.authorities));
        assert_eq!(again.current, first.current);

        let second = staged.promoted();
        assert_eq!(Some(&second.current), staged.next.as_ref());
        assert_eq!(second.authorities, staged.authorities);
        assert!(matches!(step(&second, &trusted, soon), Step::Wait(_)));

        // The third certificate removes the CA of the first.
        let third = issue(121);
        let authority = third.authority.clone();
        let staged = second.staged(third);
        assert_eq!(
            staged.authorities,
            format!("{authority}{}", first_of(&second.authorities))
        );
        assert!(!staged.authorities.contains(&first.authorities));
    }

    #[test]
    fn certificate_that_expires_soon_is_replaced_sooner() {
        let first = StoredCertificates::first(issue(0));
        let end = first.current.not_after;
        let late = end - SignedDuration::from_secs(20);
        let issued = ServerCertificate::issue(&["a".to_owned()], late).unwrap();
        let staged = first.staged(issued);
        let names = ["a".to_owned()];
        let half = end - SignedDuration::from_secs(10);
        let trusted = published(&staged, late);
        assert_eq!(
            next_step(Some(&staged), &trusted, &names, late),
            Step::Wait(Some(half))
        );
        assert_eq!(
            next_step(Some(&staged), &trusted, &names, half),
            Step::Promote
        );
    }

    /// For example because the controller may not patch the configuration for a while.
    #[test]
    fn late_publication_delays_the_next_certificate() {
        let names = ["a".to_owned()];
        let first = StoredCertificates::first(issue(0));
        let staged = first.staged(issue(61));
        let mut published = PublishedBundle::default();
        published.update(Some(&first.authorities), at(61));
        let late = at(62);
        published.update(Some(&staged.authorities), late);
        let soon = late + OVERLAP;
        for now in [late, soon - SignedDuration::from_secs(1)] {
            published.update(Some(&staged.authorities), now);
            assert_eq!(
                next_step(Some(&staged), &published, &names, now),
                Step::Wait(Some(soon))
            );
        }
        assert_eq!(
            next_step(Some(&staged), &published, &names, soon),
            Step::Promote
        );

        // Another client removes the CA, and the controller restores it.
        for bundle in [None, Some(first.authorities.as_str())] {
            published.update(bundle, soon);
            published.update(Some(&staged.authorities), soon);
            assert_eq!(
                next_step(Some(&staged), &published, &names, soon),
                Step::Wait(Some(soon + OVERLAP))
            );
        }
    }
}
