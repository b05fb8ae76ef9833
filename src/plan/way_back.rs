use super::Plan;
use crate::snapshot::{Change, Snapshot};

/// The way back from a plan that was carried out: the texts as they were before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayBack {
    wrote: Change,
    back: Change,
}

/// Somebody has written one of the texts since.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("somebody else has written {} since", keys.join(" and "))]
pub struct Overtaken {
    /// Which.
    pub keys: Vec<&'static str>,
}

/// What a [`WayBack`] calls the owners' annotation.
const OWNERS: &str = "the record of owners";
/// What it calls the keys that are no sections.
const OTHERS: &str = "other keys";

impl WayBack {
    pub(super) fn of(plan: &Plan) -> Self {
        let change = &plan.change;
        let was = |key: &&'static str| (*key, plan.before.get(*key).cloned());
        let other = |key: &String| (key.clone(), plan.before.get(key).cloned());
        let binary = |key: &String| (key.clone(), plan.binary_before.get(key).cloned());
        Self {
            back: Change {
                data: change.data.keys().map(was).collect(),
                other_data: change.other_data.keys().map(other).collect(),
                binary_data: change.binary_data.keys().map(binary).collect(),
                owners_annotation: change
                    .owners_annotation
                    .is_some()
                    .then(|| plan.owners_before.clone()),
            },
            wrote: change.clone(),
        }
    }

    /// What puts the texts back that were there before; `None` when they are there again.
    ///
    /// # Errors
    /// When a text is neither what was written nor what it was: it is somebody else's by now, and stays.
    pub fn from(&self, snapshot: &Snapshot) -> Result<Option<Change>, Overtaken> {
        let now = |key: &String| match self.wrote.binary_data.contains_key(key) {
            true => snapshot.binary_data.get(key),
            false => snapshot.data.get(key),
        };
        let others_are = |change: &Change| {
            let mut others = change.other_data.iter().chain(&change.binary_data);
            others.all(|(key, text)| text.as_ref() == now(key))
        };
        let is = |change: &Change, key: &str| {
            change.data.get(key).map(Option::as_ref) == Some(snapshot.data.get(key))
        };
        let owners_are = |change: &Change| match &change.owners_annotation {
            Some(owners) => *owners == snapshot.owners_annotation,
            None => true,
        };
        let keys = || self.wrote.data.keys().copied();
        if keys().all(|key| is(&self.back, key)) && owners_are(&self.back) && others_are(&self.back)
        {
            return Ok(None);
        }
        let foreign = keys().filter(|key| !is(&self.wrote, key));
        let owners = (!owners_are(&self.wrote)).then_some(OWNERS);
        let others = (!others_are(&self.wrote)).then_some(OTHERS);
        let keys: Vec<_> = foreign.chain(owners).chain(others).collect();
        match keys.is_empty() {
            true => Ok(Some(self.back.clone())),
            false => Err(Overtaken { keys }),
        }
    }

    /// The change that it is, for somebody else to make.
    pub fn change(&self) -> &Change {
        &self.back
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::document::Principal;
    use crate::document::edit::{Edit, Groups};
    use crate::owners::Owner;
    use crate::plan::{Ownership, Request};

    const ROLE: &str = "arn:aws:iam::111122223333:role/new";

    fn snapshot(texts: &[(&str, &str)], owners: Option<&str>) -> Snapshot {
        let texts = texts
            .iter()
            .map(|&(key, text)| (key.to_owned(), text.into()));
        Snapshot {
            data: texts.collect(),
            owners_annotation: owners.map(str::to_owned),
            ..Snapshot::default()
        }
    }

    fn plan(before: &Snapshot) -> Plan {
        let principal = Principal::Role(ROLE.to_owned());
        let request = Request {
            edits: vec![Edit::Map {
                principal: principal.clone(),
                username: Some("new".to_owned()),
                groups: Groups::Keep,
            }],
            owner: Some(Ownership {
                owner: Owner::new("ci").unwrap(),
                wanted: vec![principal],
                prune: false,
                take_over: false,
            }),
            ..Request::default()
        };
        Plan::new(before, &request).unwrap()
    }

    /// The snapshot with a change made.
    fn with(snapshot: &Snapshot, change: &Change) -> Snapshot {
        let mut changed = snapshot.clone();
        for (key, text) in &change.data {
            match text {
                Some(text) => changed.data.insert((*key).to_owned(), text.clone()),
                None => changed.data.remove(*key),
            };
        }
        if let Some(owners) = &change.owners_annotation {
            changed.owners_annotation.clone_from(owners);
        }
        changed
    }

    #[test]
    fn what_was_written_goes_and_what_was_there_comes_back() {
        for before in [
            snapshot(
                &[("mapRoles", "# nobody\n[]\n"), ("mapUsers", "[]\n")],
                None,
            ),
            snapshot(&[], None),
            snapshot(&[("mapRoles", "")], Some("{\"owners\":{}}")),
        ] {
            let plan = plan(&before);
            let way = plan.way_back();
            let mut written = with(&before, &plan.change);
            assert_ne!(written, before);
            let back = way.from(&written).unwrap().unwrap();
            assert_eq!(with(&written, &back), before);
            assert_eq!(way.from(&before), Ok(None));
            // What somebody did elsewhere stays.
            written
                .data
                .insert("mapAccounts".into(), "- \"1\"\n".into());
            let back = way.from(&written).unwrap().unwrap();
            assert_eq!(back.data.keys().collect::<Vec<_>>(), [&"mapRoles"]);
        }
    }

    #[test]
    fn what_somebody_else_wrote_since_stays() {
        let before = snapshot(&[("mapRoles", "[]\n")], None);
        let plan = plan(&before);
        let way = plan.way_back();
        let written = with(&before, &plan.change);
        let mut theirs = written.clone();
        let more = format!("{}# and theirs\n", theirs.data["mapRoles"]);
        theirs.data.insert("mapRoles".into(), more.into());
        assert_eq!(
            way.from(&theirs).unwrap_err().to_string(),
            "somebody else has written mapRoles since"
        );
        theirs.owners_annotation = None;
        assert_eq!(way.from(&theirs).unwrap_err().keys, ["mapRoles", OWNERS]);
        let gone = Snapshot {
            data: BTreeMap::new(),
            ..written
        };
        assert!(way.from(&gone).is_err());
    }
}
