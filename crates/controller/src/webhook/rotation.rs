//! Certificate rotation. Pure.
//!
//! Each new certificate has its own CA. It is stored beside the served certificate, and its CA is added to the CA bundle. The
//! certificate is served only after the bundle has been in place for a while, so the API server trusts the certificate of
//! every replica at any time.

use jiff::{SignedDuration, Timestamp};

use super::certificate::{Made, Pair, first_of};

/// How long API servers are given to load a CA after it appears in the configuration. Each API server loads it independently.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// The stored certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// The served certificate.
    pub(super) current: Pair,
    /// The next certificate.
    pub(super) next: Option<Pair>,
    /// The CAs that the API server must trust, as PEM; newest first.
    pub(super) authorities: String,
}

/// The CA bundle in the configuration, and since when it is unchanged.
#[derive(Debug, Default)]
pub(super) struct Published(Option<(String, Timestamp)>);

impl Published {
    /// The current CAs.
    pub(super) fn see(&mut self, trusted: Option<&str>, now: Timestamp) {
        let known = self.0.as_ref().map(|(authorities, _)| authorities.as_str());
        if known != trusted {
            self.0 = trusted.map(|authorities| (authorities.to_owned(), now));
        }
    }

    /// Since when these are the CAs.
    fn since(&self, authorities: &str) -> Option<Timestamp> {
        let (known, since) = self.0.as_ref()?;
        (known == authorities).then_some(*since)
    }
}

/// The next action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing, before then; `None` when it is not for time to bring it.
    Wait(Option<Timestamp>),
    /// To make a certificate that is served at once: there is none that counts.
    Make,
    /// To make one that is served next.
    Stage,
    /// To serve the next one.
    Promote,
}

/// What is to be done with what is kept, if anything is. `published` are the authorities that the API server is told of.
pub(super) fn step(
    kept: Option<&Kept>,
    published: &Published,
    names: &[String],
    now: Timestamp,
) -> Step {
    let Some(kept) = kept else {
        return Step::Make;
    };
    let counts = |pair: &Pair| pair.counts(now);
    match &kept.next {
        Some(next) if counts(next) && next.is_for(names) => {
            if !counts(&kept.current) {
                return Step::Promote;
            }
            // Nobody is told of it. That changes, or what is served ends.
            let Some(since) = published.since(&kept.authorities) else {
                return Step::Wait(Some(kept.current.ends));
            };
            // Where the one that is served ends soon, half of what is left.
            let left = since.duration_until(kept.current.ends) / 2;
            let at = since + OVERLAP.min(left);
            match at <= now {
                true => Step::Promote,
                false => Step::Wait(Some(at)),
            }
        }
        _ if !counts(&kept.current) => Step::Make,
        _ if !kept.current.is_for(names) || kept.current.is_old_from() <= now => Step::Stage,
        _ => Step::Wait(Some(kept.current.is_old_from())),
    }
}

impl Kept {
    /// The first.
    pub(super) fn first(made: Made) -> Self {
        Self {
            current: made.pair,
            next: None,
            authorities: made.authority,
        }
    }

    /// The same with one that is served next; another one that was to be is forgotten.
    pub(super) fn staged(&self, made: Made) -> Self {
        let mut known = self.authorities.as_str();
        if self.next.is_some() {
            known = &known[first_of(known).len()..];
        }
        Self {
            authorities: format!("{}{}", made.authority, first_of(known)),
            current: self.current.clone(),
            next: Some(made.pair),
        }
    }

    /// The same with the next one served. The other's authority is still trusted: some replicas may still serve it.
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

    fn make(day: i64) -> Made {
        Pair::make(&["a".to_owned()], at(day)).unwrap()
    }

    /// The API server is told of what is kept, since then.
    fn published(kept: &Kept, since: Timestamp) -> Published {
        Published(Some((kept.authorities.clone(), since)))
    }

    #[test]
    fn it_is_renewed_after_two_thirds_of_its_life_and_trusted_before_it_is_served() {
        let names = ["a".to_owned()];
        let step = |kept: &Kept, published: &Published, now| {
            super::step(Some(kept), published, &names, now)
        };
        let nobody = Published::default();
        assert_eq!(super::step(None, &nobody, &names, at(0)), Step::Make);

        let first = Kept::first(make(0));
        let trusted = published(&first, at(0));
        assert_eq!(
            step(&first, &nobody, at(1)),
            Step::Wait(Some(first.current.is_old_from()))
        );
        assert_eq!(step(&first, &trusted, at(61)), Step::Stage);
        assert_eq!(step(&first, &trusted, at(91)), Step::Make);
        assert_eq!(
            super::step(Some(&first), &trusted, &["b".to_owned()], at(1)),
            Step::Stage
        );

        let staged = first.staged(make(61));
        assert!(staged.authorities.ends_with(&first.authorities));
        let soon = at(61) + OVERLAP;
        // As long as the API server is not told of it, it is not served.
        assert_eq!(
            step(&staged, &trusted, soon),
            Step::Wait(Some(first.current.ends))
        );
        assert_eq!(step(&staged, &trusted, at(90)), Step::Promote);
        let trusted = published(&staged, at(61));
        assert_eq!(step(&staged, &trusted, at(61)), Step::Wait(Some(soon)));
        assert_eq!(step(&staged, &trusted, soon), Step::Promote);

        // One that is for other names by now gives way to yet another one, and what is served is trusted all the while.
        let again = staged.staged(make(62));
        assert!(again.authorities.ends_with(&first.authorities));
        assert_eq!(again.current, first.current);

        let second = staged.promoted();
        assert_eq!(Some(&second.current), staged.next.as_ref());
        assert_eq!(second.authorities, staged.authorities);
        assert!(matches!(step(&second, &trusted, soon), Step::Wait(_)));

        // The authority of the first is forgotten when the third comes.
        let third = make(121);
        let authority = third.authority.clone();
        let staged = second.staged(third);
        assert_eq!(
            staged.authorities,
            format!("{authority}{}", first_of(&second.authorities))
        );
        assert!(!staged.authorities.contains(&first.authorities));
    }

    #[test]
    fn what_ends_soon_gives_way_sooner() {
        let first = Kept::first(make(0));
        let end = first.current.ends;
        let late = end - SignedDuration::from_secs(20);
        let made = Pair::make(&["a".to_owned()], late).unwrap();
        let staged = first.staged(made);
        let names = ["a".to_owned()];
        let half = end - SignedDuration::from_secs(10);
        let trusted = published(&staged, late);
        assert_eq!(
            step(Some(&staged), &trusted, &names, late),
            Step::Wait(Some(half))
        );
        assert_eq!(step(Some(&staged), &trusted, &names, half), Step::Promote);
    }

    /// As where the controller may not patch the configuration for a while, or there is none.
    #[test]
    fn what_is_published_late_is_served_later() {
        let names = ["a".to_owned()];
        let first = Kept::first(make(0));
        let staged = first.staged(make(61));
        let mut published = Published::default();
        published.see(Some(&first.authorities), at(61));
        let late = at(62);
        published.see(Some(&staged.authorities), late);
        let soon = late + OVERLAP;
        for now in [late, soon - SignedDuration::from_secs(1)] {
            published.see(Some(&staged.authorities), now);
            assert_eq!(
                step(Some(&staged), &published, &names, now),
                Step::Wait(Some(soon))
            );
        }
        assert_eq!(step(Some(&staged), &published, &names, soon), Step::Promote);

        // Somebody takes it away, and it comes back.
        for taken in [None, Some(first.authorities.as_str())] {
            published.see(taken, soon);
            published.see(Some(&staged.authorities), soon);
            assert_eq!(
                step(Some(&staged), &published, &names, soon),
                Step::Wait(Some(soon + OVERLAP))
            );
        }
    }
}
