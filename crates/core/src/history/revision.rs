//! One revision of the history, and its encoding.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::access_entry_write::{EntryWrite, EntryWriteData};
use super::aws_auth_contents::{Contents, Digest};
use super::delta::Delta;
use super::gzip::{gunzip, gzip};
use super::unreadable::Unreadable;
use crate::facts::authentication_mode::AuthenticationMode;

/// The command in revisions that the controller writes.
pub const CONTROLLER: [&str; 2] = ["awsauth", "controller"];

/// How the reason in revisions begins that `rescue` writes.
pub const RESCUE: &str = "awsauth rescue";

/// The version of the encoding of a write to aws-auth. A change that older versions of awsauth would misread needs a new version; an
/// added field does not.
const VERSION: u32 = 1;

/// The version of the encoding of a write to access entries. Older versions would read it as a write without a change.
const ENTRIES_VERSION: u32 = 2;

/// The maximum size of a decompressed revision: aws-auth before and after, each of which the API server accepts up to 3 MiB of JSON,
/// and the rest.
/// <https://github.com/kubernetes/kubernetes/blob/v1.34.0/staging/src/k8s.io/apiserver/pkg/server/config.go>
const MAX_DECOMPRESSED_BYTES: usize = 8 << 20;

/// How many copies of a section are in memory while a revision is decoded. Afterwards, there are two: before and after.
const COPIES: usize = 3;

/// The memory that a string of a few bytes takes in addition to them.
const BYTES_PER_TEXT: usize = 192;

/// The memory that a list or an object of a few bytes takes, such as one tag.
const BYTES_PER_LIST: usize = 640;

/// The memory that a further item of a list takes.
const BYTES_PER_ITEM: usize = 32;

/// The maximum memory for all revisions of a history.
pub(super) const MAX_HISTORY_BYTES: usize = 128 << 20;

/// The maximum memory for a revision where only one is in memory at a time.
pub(super) const MAX_REVISION_BYTES: usize = 32 << 20;

/// A write, with aws-auth before and after it, or with the access entries that it changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The resourceVersion of the aws-auth that the write found, which orders writes independently of clocks. If aws-auth did not exist,
    /// that of `awsauth-history`.
    /// <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>
    pub number: u64,
    /// A random ID of the run that wrote it: 16 hex digits.
    pub run: String,
    /// aws-auth before the write.
    pub before: Contents,
    /// aws-auth after the write.
    pub after: Contents,
    pub who: Who,
    pub when: Timestamp,
    /// The command line, without secrets.
    pub command: Vec<String>,
    /// The version of awsauth.
    pub version: String,
    /// The user's reason.
    pub reason: Option<String>,
    /// The number of the revision that the write undoes.
    pub undoes: Option<u64>,
    /// The ID that this revision shares with the others of the same write, if a write may have several: those of both stores.
    pub transaction: Option<String>,
    /// Whether another client made the write. The controller records such a write when it observes it.
    pub is_foreign: bool,
    /// The change to access entries; `None` for a write to aws-auth. aws-auth is then the same before and after.
    pub entries: Option<EntryWrite>,
}

/// The order of the revisions that found the same aws-auth: writes to access entries precede the write that changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum WriteOrder {
    /// The sequence of the write.
    AccessEntries(u64),
    AwsAuth,
}

/// The user who made the write, as far as known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The Kubernetes user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The ARN that the authenticator reported for the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// The field manager of another client's write.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manager: Option<String>,
}

/// The stored form of everything except the contents of aws-auth.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    v: u32,
    number: u64,
    run: String,
    when: String,
    #[serde(default)]
    who: Who,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undoes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transaction: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    foreign: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_entries: Option<EntryWriteData>,
    /// Whether aws-auth existed before the write.
    existed: bool,
    /// Whether the write deleted aws-auth.
    #[serde(default, skip_serializing_if = "is_false")]
    deleted: bool,
    before_digest: String,
    after_digest: String,
    /// The difference between before and after.
    change: Delta,
}

/// The stored form. It is read in two parts, because serde would keep the unknown fields of a flattened structure in memory.
#[derive(Debug, Serialize)]
struct Whole {
    #[serde(flatten)]
    meta: Meta,
    #[serde(flatten)]
    texts: Texts,
}

/// aws-auth before the write.
#[derive(Debug, Serialize, Deserialize)]
struct Texts {
    #[serde(default)]
    data: BTreeMap<String, String>,
    #[serde(default, rename = "binaryData")]
    binary_data: BTreeMap<String, String>,
    #[serde(default)]
    owners: Option<String>,
}

/// Only the version, so that the other fields of a later version are not parsed.
#[derive(Deserialize)]
struct Versioned {
    v: u32,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(value: &bool) -> bool {
    !value
}

/// Returns whether `rescue` recorded this reason.
pub fn is_reason_of_rescue(reason: Option<&str>) -> bool {
    let rest = reason.and_then(|reason| reason.strip_prefix(RESCUE));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(": "))
}

impl Who {
    /// Returns the ARN, else the Kubernetes user, else the field manager.
    pub fn name(&self) -> Option<&str> {
        let names = [&self.arn, &self.username, &self.manager];
        names.into_iter().flatten().next().map(String::as_str)
    }
}

impl Revision {
    /// Returns the number that names the revision.
    pub fn id(&self) -> u64 {
        self.entries
            .as_ref()
            .map_or(self.number, |write| write.sequence)
    }

    /// Returns the position among all revisions, from the oldest to the newest.
    pub fn order(&self) -> impl Ord + Copy + use<> {
        (self.number, self.write_order())
    }

    pub(super) fn write_order(&self) -> WriteOrder {
        match &self.entries {
            Some(write) => WriteOrder::AccessEntries(write.sequence),
            None => WriteOrder::AwsAuth,
        }
    }

    /// Returns the authentication modes before and after, if the write changed the mode.
    pub fn mode_change(&self) -> Option<(AuthenticationMode, AuthenticationMode)> {
        let write = self.entries.as_ref()?;
        Some((write.mode_before?, write.mode))
    }

    /// Returns whether a rescue gave its caller access through an access entry.
    pub fn is_access_by_rescue(&self) -> bool {
        // A user may give the same reason to another command.
        let is_rescue = self.command.iter().any(|word| word == "rescue");
        self.entries.is_some() && is_rescue && is_reason_of_rescue(self.reason.as_deref())
    }

    /// Returns whether the controller made the write.
    pub fn is_by_controller(&self) -> bool {
        self.command == CONTROLLER
    }

    /// Returns whether the write created aws-auth.
    pub fn is_creation(&self) -> bool {
        !self.before.exists && self.entries.is_none()
    }

    /// Returns whether another client deleted aws-auth.
    pub fn is_deletion(&self) -> bool {
        !self.after.exists && self.entries.is_none()
    }

    pub(super) fn meta(&self) -> Meta {
        Meta {
            v: match self.entries {
                None => VERSION,
                Some(_) => ENTRIES_VERSION,
            },
            number: self.number,
            run: self.run.clone(),
            when: self.when.to_string(),
            who: self.who.clone(),
            command: self.command.clone(),
            version: self.version.clone(),
            reason: self.reason.clone(),
            undoes: self.undoes,
            transaction: self.transaction.clone(),
            foreign: self.is_foreign,
            access_entries: self.entries.as_ref().map(EntryWriteData::of),
            existed: self.before.exists,
            deleted: !self.after.exists,
            before_digest: self.before.digest().0,
            after_digest: self.after.digest().0,
            change: Delta::between(&self.before, &self.after),
        }
    }

    /// Rebuilds the revision of a write that found `before`, and checks the stored digests.
    pub(super) fn of(meta: Meta, before: Contents) -> Result<Self, Unreadable> {
        let before = Contents {
            exists: meta.existed,
            ..before
        };
        if before.digest() != Digest(meta.before_digest) {
            return Err(Unreadable::new(
                "its text does not match the recorded digest",
            ));
        }
        let after = meta
            .change
            .apply_to(&before)
            .map(|after| Contents {
                exists: !meta.deleted,
                ..after
            })
            .filter(|after| after.digest() == Digest(meta.after_digest))
            .ok_or_else(|| Unreadable::new("its recorded change does not fit its text"))?;
        let when = meta.when.parse();
        Ok(Self {
            number: meta.number,
            run: meta.run,
            before,
            after,
            who: meta.who,
            when: when.map_err(|_| Unreadable::new("it has no valid time"))?,
            command: meta.command,
            version: meta.version,
            reason: meta.reason,
            undoes: meta.undoes,
            transaction: meta.transaction,
            is_foreign: meta.foreign,
            entries: meta.access_entries.map(EntryWriteData::read).transpose()?,
        })
    }

    /// Encodes the revision for `awsauth-history`.
    pub fn encode(&self) -> Vec<u8> {
        let text = |map: &BTreeMap<String, Arc<str>>| {
            let texts = map.iter();
            texts
                .map(|(key, text)| (key.clone(), text.to_string()))
                .collect()
        };
        let whole = Whole {
            meta: self.meta(),
            texts: Texts {
                data: text(&self.before.data),
                binary_data: text(&self.before.binary_data),
                owners: self.before.owners_annotation.clone(),
            },
        };
        let json = serde_json::to_vec(&whole).unwrap_or_default();
        gzip(&json).unwrap_or_default()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// If it is something else, damaged, or of a later version.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut left = MAX_HISTORY_BYTES;
        Self::decode_within(bytes, &mut left)
    }

    /// Like [`decode`](Self::decode), if what it needs is left of the memory for the history.
    pub(super) fn decode_within(bytes: &[u8], left: &mut usize) -> Result<Self, Unreadable> {
        let json = gunzip(bytes, MAX_DECOMPRESSED_BYTES)
            .ok_or_else(|| Unreadable::new("it is not gzip data of awsauth"))?;
        *left = left.checked_sub(memory(&json)).ok_or_else(|| {
            Unreadable(format!(
                "with it, the history would need more than {} MiB",
                MAX_HISTORY_BYTES >> 20
            ))
        })?;
        check_version(&json)?;
        let invalid = |error| Unreadable(format!("it is not a revision: {error}"));
        let meta: Meta = serde_json::from_slice(&json).map_err(invalid)?;
        let texts: Texts = serde_json::from_slice(&json).map_err(invalid)?;
        drop(json);
        let shared = |map: BTreeMap<String, String>| {
            map.into_iter()
                .map(|(key, text)| (key, text.into()))
                .collect()
        };
        let before = Contents {
            exists: true,
            data: shared(texts.data),
            binary_data: shared(texts.binary_data),
            owners_annotation: texts.owners,
        };
        Self::of(meta, before)
    }
}

/// Returns how much memory decoding this JSON takes at most, about.
fn memory(json: &[u8]) -> usize {
    let mut bytes = COPIES * json.len();
    let (mut is_text, mut is_escaped) = (false, false);
    for byte in json {
        bytes += match byte {
            b'"' if !is_text => BYTES_PER_TEXT,
            b'[' | b'{' if !is_text => BYTES_PER_LIST,
            b',' if !is_text => BYTES_PER_ITEM,
            _ => 0,
        };
        is_text ^= *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
    }
    bytes
}

/// Returns whether this program knows the version of the encoding.
pub(super) fn check_version(json: &[u8]) -> Result<(), Unreadable> {
    match serde_json::from_slice(json) {
        Ok(Versioned {
            v: VERSION | ENTRIES_VERSION,
        }) => Ok(()),
        Ok(Versioned { v }) => Err(Unreadable(format!(
            "it has version {v}, written by a later version of awsauth"
        ))),
        Err(error) => Err(Unreadable(format!("it is not a revision: {error}"))),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::access_entries::EntryChange;
    use crate::facts::access_entries::{AccessPolicy, AccessScope, AccessTerms};
    use crate::facts::authentication_mode::AuthenticationMode;
    use proptest::collection::btree_map;
    use proptest::option;
    use proptest::prelude::*;

    fn texts() -> impl Strategy<Value = BTreeMap<String, Arc<str>>> {
        let key = prop_oneof!["mapRoles", "mapUsers", "mapAccounts", "[a-z]{1,3}"];
        let text = prop_oneof!["- [a-c\u{e9}\n ]{0,12}", "(- [ab]\n){0,6}", any::<String>()];
        btree_map(key, text.prop_map(Into::into), 0..4)
    }

    /// Generates contents of an existing aws-auth.
    pub(in crate::history) fn contents() -> impl Strategy<Value = Contents> {
        (texts(), texts(), option::of(any::<String>())).prop_map(|(data, binary_data, owners)| {
            Contents {
                exists: true,
                data,
                binary_data,
                owners_annotation: owners,
            }
        })
    }

    /// Generates revisions, some of which create aws-auth.
    pub(in crate::history) fn revision() -> impl Strategy<Value = Revision> {
        let words = (
            any::<(u64, bool)>(),
            option::of(any::<String>()),
            prop::collection::vec(any::<String>(), 0..3),
            0..2_000_000_000_i64,
        );
        (contents(), contents(), any::<bool>(), words).prop_map(
            |(before, after, created, ((run, is_foreign), reason, command, second))| Revision {
                number: run % 50,
                run: format!("{run:016x}"),
                before: if created { Contents::default() } else { before },
                after,
                who: Who {
                    username: reason.clone(),
                    arn: None,
                    manager: is_foreign.then(|| "kubectl-edit".to_owned()),
                },
                when: Timestamp::from_second(second).unwrap(),
                command,
                version: "0.1.0".to_owned(),
                reason,
                undoes: created.then_some(run),
                transaction: created.then(|| format!("{run:016x}")),
                is_foreign,
                entries: None,
            },
        )
    }

    proptest! {
        #[test]
        fn encoded_revision_decodes_to_itself(revision in revision()) {
            prop_assert_eq!(Revision::decode(&revision.encode()), Ok(revision.clone()));
            let deletion = Revision { after: Contents::default(), ..revision };
            prop_assert_eq!(Revision::decode(&deletion.encode()), Ok(deletion));
        }

        #[test]
        fn digests_are_equal_if_and_only_if_contents_are(one in contents(), other in contents()) {
            prop_assert_eq!(one.digest() == other.digest(), one == other);
            prop_assert_ne!(one.digest(), Contents::default().digest());
        }
    }

    /// Returns a revision of a write to access entries.
    pub(in crate::history) fn entry_revision(
        sequence: u64,
        before: Option<&str>,
        after: Option<&str>,
    ) -> Revision {
        let terms = |group: &str| AccessTerms {
            username: Some("dev:{{SessionName}}".to_owned()),
            groups: vec![group.to_owned()],
            policies: Some(vec![AccessPolicy {
                arn: "arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy".to_owned(),
                scope: AccessScope::Namespaces(vec!["shop-*".to_owned()]),
            }]),
            tags: [("team".to_owned(), "a".to_owned())].into(),
            ..AccessTerms::default()
        };
        Revision {
            number: 7,
            run: format!("{sequence:016x}"),
            before: Contents::default(),
            after: Contents::default(),
            who: Who::default(),
            when: Timestamp::UNIX_EPOCH,
            command: Vec::new(),
            version: String::new(),
            reason: None,
            undoes: None,
            transaction: None,
            is_foreign: false,
            entries: Some(EntryWrite {
                sequence,
                mode: AuthenticationMode::Api,
                mode_before: None,
                changes: vec![EntryChange {
                    principal_arn: "arn:aws:iam::111122223333:role/team/dev".to_owned(),
                    before: before.map(terms),
                    after: after.map(terms),
                }],
            }),
        }
    }

    #[test]
    fn write_to_access_entries_is_recorded() {
        for (before, after) in [(None, Some("a")), (Some("a"), Some("b")), (Some("a"), None)] {
            let revision = entry_revision(9, before, after);
            assert_eq!(Revision::decode(&revision.encode()), Ok(revision.clone()));
            assert_eq!((revision.id(), revision.number), (9, 7));
            assert!(!revision.is_creation() && !revision.is_deletion());
        }
    }

    #[test]
    fn brackets_and_quotes_in_a_text_need_no_memory() {
        let text = r#"{\"groups\":[\"a\",\"b\"]},"#;
        let json = format!("{{\"mapRoles\":\"{}\"}}", text.repeat(10_000));
        assert!(memory(json.as_bytes()) < COPIES * json.len() + 2000);
    }

    #[test]
    fn damage_and_later_versions_have_different_messages() {
        let revision = Revision {
            number: 1,
            run: "0".repeat(16),
            before: Contents::default(),
            after: Contents {
                exists: true,
                ..Contents::default()
            },
            who: Who::default(),
            when: Timestamp::UNIX_EPOCH,
            command: Vec::new(),
            version: String::new(),
            reason: None,
            undoes: None,
            transaction: None,
            is_foreign: false,
            entries: None,
        };
        let result = |json: &str| {
            let packed = gzip(json.as_bytes()).unwrap();
            Revision::decode(&packed).map_or_else(|error| error.to_string(), |_| "fine".to_owned())
        };
        let json = gunzip(&revision.encode(), MAX_DECOMPRESSED_BYTES).unwrap();
        let json = String::from_utf8(json).unwrap();
        assert_eq!(result(&json), "fine");
        assert_eq!(
            result(&json.replace("\"v\":1", "\"v\":1,\"new\":[]")),
            "fine"
        );
        assert_eq!(
            result(&json.replace("\"v\":1", "\"v\":3")),
            "it has version 3, written by a later version of awsauth"
        );
        assert_eq!(
            result(&json.replace("\"existed\":false", "\"existed\":true")),
            "its text does not match the recorded digest"
        );
        assert_eq!(
            result(&json.replace("\"change\":{}", "\"change\":{\"data\":{\"gone\":[\"x\"]}}")),
            "its recorded change does not fit its text"
        );
        let list = format!("\"v\":1,\"new\":[0{}]", ",0".repeat(4_000_000));
        assert_eq!(
            result(&json.replace("\"v\":1", &list)),
            "with it, the history would need more than 128 MiB"
        );
        // A list of one item takes as much memory as one of four.
        let nested = format!("[{}0{}]", "[".repeat(99), "]".repeat(99));
        let nested = format!("\"v\":1,\"new\":[0{}]", format!(",{nested}").repeat(39_000));
        assert_eq!(
            result(&json.replace("\"v\":1", &nested)),
            "with it, the history would need more than 128 MiB"
        );
        assert!(result("{}").starts_with("it is not a revision"));
        assert!(Revision::decode(b"hello").is_err());
    }
}
