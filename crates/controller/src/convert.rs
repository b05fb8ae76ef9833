//! Converts Kubernetes objects to the types of [`reconcile`](awsauth_core::reconcile), and statuses back.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::crd::{
    self, AwsAuthMappingSpec, AwsAuthMappingStatus, RecordedAccessEntry, RecordedCondition,
    RecordedEntry,
};
use super::unparsed_mapping::UnparsedMapping;
use awsauth_core::access_entries::NamedPolicy;
use awsauth_core::arn::Parts;
use awsauth_core::document::{Principal, SectionName, SsoRole};
use awsauth_core::facts::access_entries::{AccessPolicy, AccessScope};
use awsauth_core::reconcile::{
    AccessEntryRecord, Condition, ConditionKind, DeletionPolicy, DriftPolicy, EntryRecord,
    InvalidSpec, Object, ObjectKind, Reason, Spec, Status,
};

/// The most bytes of a spec or a status as JSON. What the schema of AwsAuthMapping allows, and what the controller writes, is shorter.
const MAX_JSON: usize = 256 << 10;

/// The most groups of a spec, and the most characters of each group and of the username, as in the schema of AwsAuthMapping: that of
/// IAMIdentityMapping has no limits, and nothing applies them to a review that the API server did not send.
const MAX_GROUPS: usize = 64;
const MAX_GROUP: usize = 253;
const MAX_USERNAME: usize = 1024;

/// The most characters of `expiresAt`, as in the schema.
const MAX_TIME: usize = 64;

/// The maximum total length of the strings of an IAMIdentityMapping, in bytes.
const MAX_TEXTS: usize = 20 << 10;

/// The most bytes of the access policies of a spec. All that the schema allows would have 140 KB.
const MAX_POLICIES: usize = 16 << 10;

/// An object, with the metadata that patches need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CachedObject {
    pub(crate) object: Object,
    /// As [`Finalizers::names`](super::unparsed_mapping::Finalizers::names).
    pub(crate) finalizers: Option<Vec<String>>,
    pub(crate) resource_version: String,
}

/// Converts an object of this kind. An invalid spec becomes an error in [`Object::spec`].
pub(crate) fn cached_object(kind: ObjectKind, read: UnparsedMapping) -> CachedObject {
    let metadata = read.metadata;
    let spec = read.spec.as_ref().map_or("null", |spec| spec.get());
    let stored = read.status.as_ref().map(|status| status.get());
    let status = match (kind, stored.filter(|json| json.len() <= MAX_JSON)) {
        (ObjectKind::AwsAuthMapping, Some(json)) => status(json),
        // The authenticator writes the status of an IAMIdentityMapping. The controller keeps its own in memory.
        _ => Status::default(),
    };
    CachedObject {
        object: Object {
            kind,
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            generation: metadata.generation.unwrap_or_default(),
            created: metadata
                .creation_timestamp
                .map_or(Timestamp::UNIX_EPOCH, |time| time.0),
            is_deleting: metadata.deletion_timestamp.is_some(),
            has_finalizer: read.finalizers.has_own,
            spec: parse_spec(kind, spec),
            status,
        },
        finalizers: read.finalizers.names,
        resource_version: metadata.resource_version.unwrap_or_default(),
    }
}

/// Parses the spec of an object of this kind.
///
/// # Errors
/// If it is invalid. The API server accepts more than the controller does.
pub(crate) fn parse_spec(kind: ObjectKind, json: &str) -> Result<Spec, InvalidSpec> {
    let parsed = match kind {
        _ if json.len() > MAX_JSON => Err("it is longer than 256 KiB".to_owned()),
        ObjectKind::AwsAuthMapping => mapping(json),
        ObjectKind::IamIdentityMapping => identity_mapping(json),
    };
    parsed.map_err(|why| match kind {
        ObjectKind::AwsAuthMapping => invalid_mapping(json, why),
        ObjectKind::IamIdentityMapping => InvalidSpec {
            why,
            ..InvalidSpec::default()
        },
    })
}

/// Reads what applies to the entry of an AwsAuthMapping whose spec is invalid.
fn invalid_mapping(spec: &str, why: String) -> InvalidSpec {
    /// Each value as text, so that the others are read even if one has another type.
    #[derive(Default, serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Ends<'a> {
        #[serde(borrow, default)]
        deletion_policy: Option<&'a RawValue>,
        #[serde(borrow, default)]
        expires_at: Option<&'a RawValue>,
    }
    let ends: Ends<'_> = serde_json::from_str(spec).unwrap_or_default();
    let retains = ends
        .deletion_policy
        .is_some_and(|policy| policy.get() == r#""Retain""#);
    let time = ends.expires_at.filter(|time| time.get() != "null");
    let time = time.map(|time| serde_json::from_str::<String>(time.get()).ok());
    InvalidSpec {
        why,
        deletion: match retains {
            true => DeletionPolicy::Retain,
            false => DeletionPolicy::Delete,
        },
        expires_at: time.map(|time| {
            let read = time.and_then(|time| expires_at(&time).ok());
            read.unwrap_or(Timestamp::MIN)
        }),
    }
}

fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    let value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    // Without a position, which the user does not know.
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// Checks the limits of [`MAX_GROUPS`].
fn check_limits(username: Option<&str>, groups: Option<&[String]>) -> Result<(), String> {
    let groups = groups.unwrap_or_default();
    let is_longer = |text: &str, max| text.chars().nth(max).is_some();
    if groups.len() > MAX_GROUPS {
        return Err("it has more than 64 groups".to_owned());
    }
    if groups.iter().any(|group| is_longer(group, MAX_GROUP)) {
        return Err("one of its groups is longer than 253 characters".to_owned());
    }
    if username.is_some_and(|username| is_longer(username, MAX_USERNAME)) {
        return Err("its username is longer than 1,024 characters".to_owned());
    }
    Ok(())
}

fn mapping(spec: &str) -> Result<Spec, String> {
    let spec: AwsAuthMappingSpec = read(spec)?;
    check_limits(spec.username.as_deref(), spec.groups.as_deref())?;
    let principal = match (spec.role, spec.user, spec.account, spec.sso) {
        (Some(role), None, None, None) => Principal::Role(role),
        (None, Some(user), None, None) => Principal::User(user),
        (None, None, Some(account), None) => Principal::Account(account),
        (None, None, None, Some(sso)) => Principal::Sso(Box::new(SsoRole {
            permission_set_name: sso.permission_set,
            account_id: sso.account,
            partition: String::new(),
        })),
        _ => return Err("it must contain exactly one of role, user, account and sso".to_owned()),
    };
    let policies = spec.policies.iter().flatten();
    let bytes = |policy: &crd::RequestedPolicy| {
        let namespaces = policy.namespaces.iter().flatten().map(String::len);
        policy.name.len() + namespaces.sum::<usize>()
    };
    if policies.map(bytes).sum::<usize>() > MAX_POLICIES {
        return Err(
            "its policies are longer than 16 KiB; list fewer namespaces, or use * in their names"
                .to_owned(),
        );
    }
    Ok(Spec {
        principal,
        username: spec.username,
        groups: spec.groups.unwrap_or_default(),
        policies: spec
            .policies
            .into_iter()
            .flatten()
            .map(|policy| NamedPolicy {
                scope: scope(policy.namespaces),
                name: policy.name,
            })
            .collect(),
        deletion: match spec.deletion_policy {
            crd::DeletionPolicy::Delete => DeletionPolicy::Delete,
            crd::DeletionPolicy::Retain => DeletionPolicy::Retain,
        },
        drift: match spec.drift_policy {
            crd::DriftPolicy::Repair => DriftPolicy::Repair,
            crd::DriftPolicy::Report => DriftPolicy::Report,
        },
        expires_at: spec.expires_at.as_deref().map(expires_at).transpose()?,
    })
}

/// Reads a time. The format `date-time` of schemas also allows more than nine fractional digits, which are cut, and times after
/// [`Timestamp::MAX`], which become that.
fn expires_at(text: &str) -> Result<Timestamp, String> {
    let cut = with_nine_fractional_digits(text);
    let of_last_days = ["9999-12-30", "9999-12-31"];
    let of_last_days = of_last_days.iter().find_map(|day| cut.strip_prefix(day));
    let clamped = || {
        let earlier = format!("9999-12-28{}", of_last_days?);
        earlier.parse::<Timestamp>().ok().map(|_| Timestamp::MAX)
    };
    let read = cut.parse().ok().or_else(clamped);
    read.ok_or_else(|| {
        let text: String = text.chars().take(MAX_TIME).collect();
        format!("expiresAt is not a time such as 2027-01-31T18:00:00Z: {text:?}")
    })
}

fn with_nine_fractional_digits(text: &str) -> Cow<'_, str> {
    let Some((seconds, rest)) = text.split_once('.') else {
        return Cow::Borrowed(text);
    };
    let offset = rest.trim_start_matches(|character: char| character.is_ascii_digit());
    let digits = &rest[..rest.len() - offset.len()];
    match digits.get(..9) {
        Some(digits) => Cow::Owned(format!("{seconds}.{digits}{offset}")),
        None => Cow::Borrowed(text),
    }
}

/// Reads the spec of an IAMIdentityMapping. Like the authenticator, treats every ARN that is not a role's as a user's.
fn identity_mapping(spec: &str) -> Result<Spec, String> {
    #[derive(serde::Deserialize)]
    struct IamIdentityMappingSpec {
        arn: String,
        username: Option<String>,
        #[serde(default)]
        groups: Option<Vec<String>>,
    }
    let spec: IamIdentityMappingSpec = read(spec)?;
    check_limits(spec.username.as_deref(), spec.groups.as_deref())?;
    let groups = spec.groups.iter().flatten();
    let texts = groups.chain(&spec.username).chain([&spec.arn]);
    if texts.map(String::len).sum::<usize>() > MAX_TEXTS {
        return Err("it has more than 20 KiB of text".to_owned());
    }
    let is_role = Parts::of(&spec.arn)
        .is_some_and(|parts| parts.is("iam", "role") || parts.is("sts", "assumed-role"));
    Ok(Spec {
        principal: match is_role {
            true => Principal::Role(spec.arn),
            false => Principal::User(spec.arn),
        },
        username: spec.username,
        groups: spec.groups.unwrap_or_default(),
        policies: Vec::new(),
        deletion: DeletionPolicy::default(),
        drift: DriftPolicy::default(),
        expires_at: None,
    })
}

/// Reads a status. Ignores fields of other controllers.
fn status(json: &str) -> Status {
    let Ok(status) = read::<AwsAuthMappingStatus>(json) else {
        return Status::default();
    };
    Status {
        observed_generation: status.observed_generation,
        canonical_arn: status.canonical_arn,
        entry: status.entry.and_then(recorded),
        pending: status.pending.into_iter().filter_map(recorded).collect(),
        access_entry: status.access_entry.map(recorded_access_entry),
        conditions: status
            .conditions
            .into_iter()
            .filter_map(condition)
            .collect(),
    }
}

fn recorded_access_entry(entry: RecordedAccessEntry) -> AccessEntryRecord {
    let policies = entry.policies.into_iter();
    AccessEntryRecord {
        principal_arn: entry.principal_arn,
        username: entry.username,
        groups: entry.groups,
        policies: policies
            .map(|policy| AccessPolicy {
                arn: policy.name,
                scope: scope(policy.namespaces),
            })
            .collect(),
    }
}

fn scope(namespaces: Option<Vec<String>>) -> AccessScope {
    namespaces.map_or(AccessScope::Cluster, AccessScope::Namespaces)
}

fn recorded(entry: RecordedEntry) -> Option<EntryRecord> {
    let mut sections = SectionName::ALL.into_iter();
    Some(EntryRecord {
        section: sections.find(|section| section.key() == entry.section)?,
        key: entry.key,
        username: entry.username.unwrap_or_default(),
        groups: entry.groups,
    })
}

fn condition(read: RecordedCondition) -> Option<Condition> {
    Some(Condition {
        kind: ConditionKind::named(&read.kind)?,
        is_true: read.status == "True",
        reason: Reason::named(&read.reason)?,
        message: read.message,
        observed_generation: read.observed_generation.unwrap_or_default(),
        since: read.last_transition_time.parse().ok()?,
    })
}

/// Returns the merge patch that changes a stored status to this one.
pub(crate) fn status_patch(uid: &str, status: &Status) -> Value {
    json!({
        // The patch fails if a new object has the same name.
        "metadata": {"uid": uid},
        "status": {
            "observedGeneration": status.observed_generation,
            "canonicalArn": status.canonical_arn,
            "entry": status.entry.as_ref().map(entry),
            "pending": match status.pending.is_empty() {
                true => Value::Null,
                false => status.pending.iter().map(entry).collect(),
            },
            "accessEntry": status.access_entry.as_ref().map(access_entry),
            "conditions": status.conditions.iter().map(stored_condition).collect::<Value>(),
        },
    })
}

fn access_entry(recorded: &AccessEntryRecord) -> Value {
    let policy = |policy: &AccessPolicy| {
        json!({
            "name": policy.arn,
            "namespaces": match &policy.scope {
                AccessScope::Cluster => None,
                AccessScope::Namespaces(names) => Some(names),
            },
        })
    };
    let policies: Vec<Value> = recorded.policies.iter().map(policy).collect();
    json!({
        "principalArn": recorded.principal_arn,
        "username": recorded.username,
        "groups": Some(&recorded.groups).filter(|groups| !groups.is_empty()),
        "policies": Some(policies).filter(|policies| !policies.is_empty()),
    })
}

fn entry(recorded: &EntryRecord) -> Value {
    // Nulls remove fields: a merge patch keeps fields that it does not contain.
    json!({
        "section": recorded.section.key(),
        "key": recorded.key,
        "username": Some(&recorded.username).filter(|name| !name.is_empty()),
        "groups": Some(&recorded.groups).filter(|groups| !groups.is_empty()),
    })
}

fn stored_condition(condition: &Condition) -> Value {
    json!({
        "type": condition.kind.name(),
        "status": if condition.is_true { "True" } else { "False" },
        "observedGeneration": condition.observed_generation,
        "lastTransitionTime": condition.since.to_string(),
        "reason": condition.reason.name(),
        "message": condition.message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unparsed_mapping::FINALIZER;

    fn object(spec: Value, status: Value) -> UnparsedMapping {
        object_with(spec, status, &["other", FINALIZER])
    }

    fn object_with(spec: Value, status: Value, finalizers: &[&str]) -> UnparsedMapping {
        let object = json!({
            "apiVersion": "awsauth.dev/v1alpha1",
            "kind": "AwsAuthMapping",
            "metadata": {"name": "dev", "uid": "u", "generation": 3, "resourceVersion": "7",
                "creationTimestamp": "2026-01-01T00:00:00Z", "finalizers": finalizers, "labels": {"a": "b"}},
            "spec": spec,
            "status": status,
        });
        serde_json::from_str(&object.to_string()).unwrap()
    }

    #[test]
    fn status_patch_is_read_back_unchanged() {
        let status = Status {
            observed_generation: Some(3),
            canonical_arn: Some("arn:aws:iam::111122223333:role/dev".into()),
            entry: Some(EntryRecord {
                section: SectionName::Accounts,
                key: "111122223333".into(),
                username: String::new(),
                groups: Vec::new(),
            }),
            pending: vec![EntryRecord {
                section: SectionName::Roles,
                key: "arn".into(),
                username: "dev".into(),
                groups: vec!["g".into()],
            }],
            access_entry: Some(AccessEntryRecord {
                principal_arn: "arn".into(),
                username: "dev".into(),
                groups: vec!["g".into()],
                policies: vec![AccessPolicy {
                    arn: "p".into(),
                    scope: AccessScope::Namespaces(vec!["ns".into()]),
                }],
            }),
            conditions: vec![Condition {
                kind: ConditionKind::Ready,
                is_true: false,
                reason: Reason::Conflict,
                message: "m".into(),
                observed_generation: 3,
                since: "2026-01-01T00:00:00Z".parse().unwrap(),
            }],
        };
        // The API server removes nulls when it applies a merge patch.
        let mut patch = status_patch("u", &status)["status"].take();
        patch["entry"]
            .as_object_mut()
            .unwrap()
            .retain(|_, value| !value.is_null());
        let read = cached_object(ObjectKind::AwsAuthMapping, object(json!({}), patch));
        assert_eq!(read.object.status, status);
        assert!(read.object.has_finalizer);
        assert_eq!(read.resource_version, "7");
    }

    #[test]
    fn finalizers_and_policies_of_other_users_take_little_memory() {
        let of_others = vec!["example.com/f"; 15_000];
        let long = object_with(
            json!({}),
            Value::Null,
            &[of_others, vec![FINALIZER]].concat(),
        );
        assert_eq!(long.metadata.labels, None);
        let cached = cached_object(ObjectKind::AwsAuthMapping, long);
        assert_eq!(
            (cached.finalizers, cached.object.has_finalizer),
            (None, true)
        );
        let with_namespaces = |count: usize| {
            let policies = json!([{"name": "view", "namespaces": vec!["n".repeat(63); count]}]);
            let spec = json!({"role": "r", "username": "u", "policies": policies});
            cached_object(ObjectKind::AwsAuthMapping, object(spec, Value::Null))
                .object
                .spec
        };
        assert!(with_namespaces(64).is_ok());
        assert!(
            with_namespaces(300)
                .unwrap_err()
                .why
                .contains("longer than 16 KiB")
        );
        let identity_of = |arn: &str, groups: Vec<&str>| {
            let spec = json!({"arn": arn, "username": "u", "groups": groups});
            cached_object(ObjectKind::IamIdentityMapping, object(spec, Value::Null))
                .object
                .spec
        };
        let identity = |groups| identity_of("arn:aws:iam::111122223333:role/a", groups);
        let long = identity_of(&"a".repeat(21 << 10), Vec::new());
        assert!(long.unwrap_err().why.contains("more than 20 KiB"));
        assert!(identity(vec!["g"; 64]).is_ok());
        for (groups, expected) in [
            (vec!["g"; 65], "more than 64 groups"),
            (vec![&*"g".repeat(254)], "longer than 253"),
            (vec!["g"; 70_000], "longer than 256 KiB"),
        ] {
            let error = identity(groups).unwrap_err().why;
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn specs_have_the_limits_of_the_schema() {
        let arn = "arn:aws:iam::111122223333:role/a";
        let parsed = |username: usize, group: usize, groups: usize| {
            let (username, groups) = ("u".repeat(username), vec!["g".repeat(group); groups]);
            [
                (ObjectKind::AwsAuthMapping, "role"),
                (ObjectKind::IamIdentityMapping, "arn"),
            ]
            .map(|(kind, key)| {
                let spec = json!({key: arn, "username": username, "groups": groups});
                parse_spec(kind, &spec.to_string())
                    .err()
                    .unwrap_or_default()
                    .why
            })
        };
        assert_eq!(parsed(1024, 253, 64), [""; 2]);
        for (username, group, groups, expected) in [
            (1025, 1, 1, "longer than 1,024"),
            (1, 254, 1, "longer than 253"),
            (1, 1, 65, "more than 64 groups"),
        ] {
            let errors = parsed(username, group, groups);
            assert!(
                errors.iter().all(|error| error.contains(expected)),
                "{errors:?}"
            );
        }
    }

    #[test]
    fn invalid_spec_is_an_error_with_its_reason() {
        let spec = |spec| {
            cached_object(ObjectKind::AwsAuthMapping, object(spec, Value::Null))
                .object
                .spec
        };
        assert!(
            spec(json!({"role": 7}))
                .unwrap_err()
                .why
                .contains("invalid type")
        );
        assert!(
            spec(json!({"role": "r", "user": "u"}))
                .unwrap_err()
                .why
                .contains("exactly one")
        );
        assert!(spec(json!({"account": "111122223333"})).is_ok());
        assert!(spec(Value::Null).is_err());
        let expiring = |at: &str| spec(json!({"account": "111122223333", "expiresAt": at}));
        let expires_at = expiring("2027-01-31T18:00:00+01:00").unwrap().expires_at;
        assert_eq!(expires_at, Some("2027-01-31T17:00:00Z".parse().unwrap()));
        assert!(
            expiring("2027-01-31")
                .unwrap_err()
                .why
                .contains("is not a time")
        );
    }

    #[test]
    fn invalid_spec_keeps_its_deletion_policy_and_its_expiry() {
        let read = |expires_at: &Value, policy: &str, username: Value| {
            let spec = json!({"account": "111122223333", "expiresAt": expires_at, "deletionPolicy": policy, "username": username});
            parse_spec(ObjectKind::AwsAuthMapping, &spec.to_string()).unwrap_err()
        };
        let at = Some("2027-01-31T18:00:00Z".parse().unwrap());
        let time = json!("2027-01-31T18:00:00Z");
        for invalid in [
            json!(7),
            "u".repeat(2000).into(),
            "u".repeat(300 << 10).into(),
        ] {
            for (policy, expected) in [
                ("Retain", DeletionPolicy::Retain),
                ("Delete", DeletionPolicy::Delete),
                ("retain", DeletionPolicy::Delete),
            ] {
                let read = read(&time, policy, invalid.clone());
                assert_eq!((read.deletion, read.expires_at), (expected, at));
            }
            assert_eq!(read(&Value::Null, "Delete", invalid).expires_at, None);
        }
        for unreadable in [json!("2027-01-31T00:00:00ZtX"), json!(7), json!({})] {
            let read = read(&unreadable, "Delete", "u".into());
            assert_eq!(read.expires_at, Some(Timestamp::MIN), "{unreadable}");
        }
        let nothing = parse_spec(ObjectKind::AwsAuthMapping, "null").unwrap_err();
        assert_eq!(
            (nothing.deletion, nothing.expires_at),
            (DeletionPolicy::Delete, None)
        );
    }

    #[test]
    fn times_that_the_schema_accepts_are_read() {
        let max = Timestamp::MAX.to_string();
        for (text, expected) in [
            (
                "2027-01-01T00:00:00.1234567891Z",
                "2027-01-01T00:00:00.123456789Z",
            ),
            (
                "2027-01-01t01:00:00.000000000999999999999+01:00",
                "2027-01-01T00:00:00Z",
            ),
            ("2027-01-01T00:00:00.5z", "2027-01-01T00:00:00.5Z"),
            ("9999-12-31T23:59:59-12:00", &max),
            ("9999-12-31T23:59:59.9999999999Z", &max),
            ("9999-12-30T23:59:59-23:59", &max),
            ("0000-01-01T00:00:00+23:59", "-000001-12-31T00:01:00Z"),
        ] {
            assert_eq!(expires_at(text).unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "9999-12-31T23:59:59",
            "9999-12-31",
            "2027-01-01T00:00:00.Z",
            "",
        ] {
            assert!(expires_at(text).is_err(), "{text}");
        }
    }
}
