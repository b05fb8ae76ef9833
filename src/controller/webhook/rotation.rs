//! When a certificate gives way to the next one. Pure.
//!
//! A new certificate has an authority of its own. It is put beside the one that is served, and its authority beside the other's, which
//! the API server is told of; it is served only when that has been so for a while. So whatever the API server knows, it trusts what any
//! replica serves.

use jiff::{SignedDuration, Timestamp};

use super::certificate::{Made, Pair, first_of};

/// How long the API servers are given to learn of an authority.
const OVERLAP: SignedDuration = SignedDuration::from_secs(60);

/// What is kept of certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    /// What is served.
    pub(super) current: Pair,
    /// What is served next.
    pub(super) next: Option<Pair>,
    /// The authorities that the API server is to trust, as PEM; the newest first.
    pub(super) authorities: String,
}

/// What is to be done.
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

/// What is to be done with what is kept, if anything is. `trusted` are the authorities that the API server is told of.
pub(super) fn step(
    kept: Option<&Kept>,
    trusted: Option<&str>,
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
            // Where the one that is served ends soon, half of what is left.
            let left = next.made().duration_until(kept.current.ends) / 2;
            let at = next.made() + OVERLAP.min(left);
            match trusted == Some(&kept.authorities) {
                true if at <= now => Step::Promote,
                true => Step::Wait(Some(at)),
                // Nobody is told of it. That changes, or what is served ends.
                false => Step::Wait(Some(kept.current.ends)),
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

    #[test]
    fn it_is_renewed_after_two_thirds_of_its_life_and_trusted_before_it_is_served() {
        let names = ["a".to_owned()];
        let step =
            |kept: &Kept, trusted: Option<&str>, now| super::step(Some(kept), trusted, &names, now);
        assert_eq!(super::step(None, None, &names, at(0)), Step::Make);

        let first = Kept::first(make(0));
        let trusted = Some(first.authorities.as_str());
        assert_eq!(
            step(&first, None, at(1)),
            Step::Wait(Some(first.current.is_old_from()))
        );
        assert_eq!(step(&first, trusted, at(61)), Step::Stage);
        assert_eq!(step(&first, trusted, at(91)), Step::Make);
        assert_eq!(
            super::step(Some(&first), trusted, &["b".to_owned()], at(1)),
            Step::Stage
        );

        let staged = first.staged(make(61));
        assert!(staged.authorities.ends_with(&first.authorities));
        let soon = at(61) + OVERLAP;
        // As long as the API server is not told of it, it is not served.
        assert_eq!(
            step(&staged, trusted, soon),
            Step::Wait(Some(first.current.ends))
        );
        assert_eq!(step(&staged, trusted, at(90)), Step::Promote);
        let trusted = Some(staged.authorities.as_str());
        assert_eq!(step(&staged, trusted, at(61)), Step::Wait(Some(soon)));
        assert_eq!(step(&staged, trusted, soon), Step::Promote);

        // One that is for other names by now gives way to yet another one, and what is served is trusted all the while.
        let again = staged.staged(make(62));
        assert!(again.authorities.ends_with(&first.authorities));
        assert_eq!(again.current, first.current);

        let second = staged.promoted();
        assert_eq!(Some(&second.current), staged.next.as_ref());
        assert_eq!(second.authorities, staged.authorities);
        assert!(matches!(step(&second, trusted, soon), Step::Wait(_)));

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
        let trusted = Some(staged.authorities.as_str());
        assert_eq!(
            step(Some(&staged), trusted, &names, late),
            Step::Wait(Some(half))
        );
        assert_eq!(step(Some(&staged), trusted, &names, half), Step::Promote);
    }
}
