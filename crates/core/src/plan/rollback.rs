//! Undoes a plan that was carried out.

use super::Plan;
use crate::aws_auth_snapshot::{Change, Snapshot};

/// Restores what a plan replaced in aws-auth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollback {
    wrote: Change,
    restores: Change,
}

/// Another client has changed a section since the plan was carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another client has changed {} since", keys.join(" and "))]
pub struct Overwritten {
    /// The changed keys.
    pub keys: Vec<&'static str>,
}

/// The name of the owners annotation in messages.
const OWNERS: &str = "the owners annotation";
/// The name of the keys that are not sections in messages.
const OTHERS: &str = "other keys";

impl Rollback {
    pub(super) fn of(plan: &Plan) -> Self {
        let change = &plan.change;
        let section = |key: &&'static str| (*key, plan.texts_before.get(*key).cloned());
        let other = |key: &String| (key.clone(), plan.texts_before.get(key).cloned());
        let binary = |key: &String| (key.clone(), plan.binary_before.get(key).cloned());
        Self {
            restores: Change {
                data: change.data.keys().map(section).collect(),
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

    /// Returns the change that restores the previous sections; `None` if they are already restored.
    ///
    /// # Errors
    /// If a section is neither what the plan wrote nor what it replaced: another client has written it, and it stays.
    pub fn from(&self, snapshot: &Snapshot) -> Result<Option<Change>, Overwritten> {
        let stored = |key: &String| match self.wrote.binary_data.contains_key(key) {
            true => snapshot.binary_data.get(key),
            false => snapshot.data.get(key),
        };
        let others_are = |change: &Change| {
            let mut others = change.other_data.iter().chain(&change.binary_data);
            others.all(|(key, text)| text.as_ref() == stored(key))
        };
        let is = |change: &Change, key: &str| {
            change.data.get(key).map(Option::as_ref) == Some(snapshot.data.get(key))
        };
        let owners_are = |change: &Change| match &change.owners_annotation {
            Some(owners) => *owners == snapshot.owners_annotation,
            None => true,
        };
        let keys = || self.wrote.data.keys().copied();
        if keys().all(|key| is(&self.restores, key))
            && owners_are(&self.restores)
            && others_are(&self.restores)
        {
            return Ok(None);
        }
        let foreign = keys().filter(|key| !is(&self.wrote, key));
        let owners = (!owners_are(&self.wrote)).then_some(OWNERS);
        let others = (!others_are(&self.wrote)).then_some(OTHERS);
        let keys: Vec<_> = foreign.chain(owners).chain(others).collect();
        match keys.is_empty() {
            true => Ok(Some(self.restores.clone())),
            false => Err(Overwritten { keys }),
        }
    }

    /// Returns the change that restores the previous sections, unconditionally.
    pub fn change(&self) -> &Change {
        &self.restores
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::document::Principal;
    use crate::document::edit::{Edit, Groups};
    use crate::owners_annotation::Owner;
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
                requested: vec![principal],
                prune: false,
                take_over: false,
            }),
            ..Request::default()
        };
        Plan::new(before, &request).unwrap()
    }

    /// Applies a change to a snapshot.
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
    fn rollback_restores_the_replaced_texts() {
        for before in [
            snapshot(&[("mapRoles", "# empty\n[]\n"), ("mapUsers", "[]\n")], None),
            snapshot(&[], None),
            snapshot(&[("mapRoles", "")], Some("{\"owners\":{}}")),
        ] {
            let plan = plan(&before);
            let rollback = plan.rollback();
            let mut written = with(&before, &plan.change);
            assert_ne!(written, before);
            let back = rollback.from(&written).unwrap().unwrap();
            assert_eq!(with(&written, &back), before);
            assert_eq!(rollback.from(&before), Ok(None));
            // Another client's changes to other sections stay.
            written
                .data
                .insert("mapAccounts".into(), "- \"1\"\n".into());
            let back = rollback.from(&written).unwrap().unwrap();
            assert_eq!(back.data.keys().collect::<Vec<_>>(), [&"mapRoles"]);
        }
    }

    #[test]
    fn rollback_after_another_client_wrote_is_refused() {
        let before = snapshot(&[("mapRoles", "[]\n")], None);
        let plan = plan(&before);
        let rollback = plan.rollback();
        let written = with(&before, &plan.change);
        let mut other = written.clone();
        let more = format!("{}# and more\n", other.data["mapRoles"]);
        other.data.insert("mapRoles".into(), more.into());
        assert_eq!(
            rollback.from(&other).unwrap_err().to_string(),
            "another client has changed mapRoles since"
        );
        other.owners_annotation = None;
        assert_eq!(
            rollback.from(&other).unwrap_err().keys,
            ["mapRoles", OWNERS]
        );
        let gone = Snapshot {
            data: BTreeMap::new(),
            ..written
        };
        assert!(rollback.from(&gone).is_err());
    }
}
