//! The API server's request and the response, as JSON. Reads only what a review needs and borrows the rest from the body.
//! <https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request>

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::{Object, RequestUser, Review, ReviewResult};
use crate::document::SectionName;
use crate::facts::limits::CONFIG_MAP_BYTES;
use crate::history::Contents;

const KIND: &str = "AdmissionReview";
const API_VERSION: &str = "admission.k8s.io/v1";
const NAME: &str = "aws-auth";
const NAMESPACE: &str = "kube-system";
/// The maximum number of lines and of items in flow lists of all sections: the memory of a review is proportional to it.
pub(crate) const MAX_PARTS: usize = 64_000;

/// The maximum number of a user's groups and of a ConfigMap's keys that are read. Each short text takes many times its length in memory.
pub(super) const MAX_ITEMS: usize = 10_000;

/// The maximum length of a UID in bytes. That of the API server has 36.
const MAX_UID: usize = 128;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AdmissionReview<'a> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    request: Option<AdmissionRequest<'a>>,
}

/// A request to review a change of an object.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionRequest<'a> {
    /// Identifies the request. The API server writes it into its audit log.
    pub uid: String,
    kind: Kind,
    #[serde(default)]
    pub resource: Resource,
    pub sub_resource: Option<String>,
    #[serde(default)]
    pub name: String,
    pub operation: Operation,
    user_info: UserInfo,
    #[serde(borrow)]
    object: Option<RawObject<'a>>,
    #[serde(borrow)]
    old_object: Option<RawObject<'a>>,
    #[serde(default)]
    pub dry_run: bool,
    options: Option<Options>,
}

#[derive(Debug, Deserialize)]
struct Kind {
    group: String,
    kind: String,
}

/// The resource of an object, such as `awsauthmappings`.
#[derive(Debug, Default, Deserialize)]
pub struct Resource {
    pub group: String,
    pub resource: String,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

impl Operation {
    /// Returns its name, such as `UPDATE`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Options {
    field_manager: Option<String>,
}

#[derive(Debug, Deserialize)]
struct UserInfo {
    #[serde(default)]
    username: String,
    /// With fewer groups, a user has fewer exemptions.
    groups: Option<FirstTexts<MAX_ITEMS>>,
    extra: Option<Extra>,
}

/// A list of strings, without those after the first `MAX`.
#[derive(Debug)]
struct FirstTexts<const MAX: usize>(Vec<String>);

/// The AWS identity that the authenticator adds.
/// <https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/v0.7.10/pkg/server/server.go>
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extra {
    arn: Option<FirstTexts<1>>,
    canonical_arn: Option<FirstTexts<1>>,
    session_name: Option<FirstTexts<1>>,
    access_key_id: Option<FirstTexts<1>>,
}

/// The data of a ConfigMap, without the keys after the first [`MAX_ITEMS`] that are not sections.
#[derive(Default)]
struct Data {
    texts: BTreeMap<String, String>,
    is_cut: bool,
}

/// An object of any kind. Fields whose type depends on the kind are parsed later.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawObject<'a> {
    #[serde(default)]
    metadata: Metadata,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(borrow)]
    spec: Option<&'a RawValue>,
    #[serde(borrow)]
    immutable: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    name: Option<String>,
    namespace: Option<String>,
    annotations: Option<Annotations>,
}

#[derive(Debug, Default, Deserialize)]
struct Annotations {
    #[serde(rename = "awsauth.dev/owners")]
    owners: Option<String>,
    #[serde(rename = "awsauth.dev/break-glass")]
    break_glass: Option<String>,
}

impl<'a> AdmissionRequest<'a> {
    /// Parses an AdmissionReview with a request.
    ///
    /// # Errors
    /// Why the body is invalid, or that the UID, which the response repeats, is too long; a sentence fragment.
    pub fn parse(body: &'a [u8]) -> Result<Self, String> {
        let review: AdmissionReview<'_> = serde_json::from_slice(body)
            .map_err(|error| format!("not an AdmissionReview: {error}"))?;
        if review.kind != KIND || review.api_version != API_VERSION {
            return Err(format!("only {KIND} of {API_VERSION}"));
        }
        match review.request {
            None => Err("an AdmissionReview without a request".to_owned()),
            Some(request) if request.uid.len() > MAX_UID => {
                Err(format!("the uid is longer than {MAX_UID} bytes"))
            }
            Some(request) => Ok(request),
        }
    }

    /// Returns the review, if the request is about aws-auth. Checks the objects' own names, because requests to delete a collection
    /// contain no name.
    ///
    /// # Errors
    /// If aws-auth is not a ConfigMap with string values, or larger than a ConfigMap can be; a sentence fragment.
    pub fn review(&self) -> Result<Option<Review>, String> {
        let is_configmap = self.kind.group.is_empty() && self.kind.kind == "ConfigMap";
        let mut objects = [&self.object, &self.old_object].into_iter().flatten();
        let is_reviewed = is_configmap && self.operation != Operation::Connect;
        if !is_reviewed || !objects.any(RawObject::is_aws_auth) {
            return Ok(None);
        }
        let object = |object: &Option<RawObject<'_>>| object.as_ref().map(Object::try_from);
        let field_manager = self.options.as_ref();
        let field_manager = field_manager.and_then(|options| options.field_manager.clone());
        Ok(Some(Review {
            before: object(&self.old_object).transpose()?,
            after: object(&self.object).transpose()?,
            user: self.user_info.user(),
            field_manager: field_manager.filter(|name| !name.is_empty()),
        }))
    }

    pub fn username(&self) -> &str {
        &self.user_info.username
    }

    /// Returns the user's groups.
    pub fn groups(&self) -> &[String] {
        let groups = self.user_info.groups.as_ref();
        groups.map_or(&[], |groups| &groups.0)
    }

    /// Returns `spec` of the stored and of the requested object, as JSON.
    pub fn specs(&self) -> [Option<&'a str>; 2] {
        [&self.old_object, &self.object]
            .map(|object| object.as_ref().and_then(|object| Some(object.spec?.get())))
    }

    /// Returns the response as JSON. Without a result, the request is allowed.
    pub fn response(&self, result: Option<&ReviewResult>) -> Vec<u8> {
        let mut response = json!({
            "uid": self.uid,
            "allowed": result.is_none_or(ReviewResult::is_allowed),
        });
        if let Some(result) = result {
            if !result.is_allowed() {
                response["status"] = json!({
                    "status": "Failure",
                    "message": result.message,
                    "reason": "Forbidden",
                    "code": 403,
                });
            }
            if !result.warnings.is_empty() {
                response["warnings"] = json!(result.warnings);
            }
            if !result.audit.is_empty() {
                response["auditAnnotations"] = json!(result.audit);
            }
        }
        let review: Value = json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "response": response,
        });
        review.to_string().into_bytes()
    }
}

impl RawObject<'_> {
    fn is_aws_auth(&self) -> bool {
        let Metadata {
            name, namespace, ..
        } = &self.metadata;
        name.as_deref() == Some(NAME) && namespace.as_deref() == Some(NAMESPACE)
    }
}

/// Returns whether a byte counts toward [`MAX_PARTS`]. Each node of YAML needs one of these.
pub(crate) fn is_part(byte: &u8) -> bool {
    matches!(byte, b'\n' | b',' | b'[' | b'{')
}

impl TryFrom<&RawObject<'_>> for Object {
    type Error = String;

    fn try_from(object: &RawObject<'_>) -> Result<Self, String> {
        let data: Option<Data> = match object.data {
            Some(data) => serde_json::from_str(data.get())
                .map_err(|error| format!("invalid data of aws-auth: {error}"))?,
            None => None,
        };
        let Data {
            texts: data,
            is_cut,
        } = data.unwrap_or_default();
        if data.values().map(String::len).sum::<usize>() > CONFIG_MAP_BYTES {
            return Err(format!(
                "data of aws-auth is larger than {CONFIG_MAP_BYTES} bytes"
            ));
        }
        let sections = SectionName::ALL.map(|section| data.get(section.key()));
        let texts = sections.into_iter().flatten();
        let parts = texts.flat_map(|text| text.as_bytes()).copied();
        let parts = parts.filter(is_part).count();
        let data = data.into_iter();
        let annotations = object.metadata.annotations.as_ref();
        Ok(Self {
            contents: Contents {
                exists: true,
                data: data.map(|(key, text)| (key, text.into())).collect(),
                // Not reviewed.
                binary_data: BTreeMap::new(),
                owners_annotation: annotations.and_then(|all| all.owners.clone()),
            },
            break_glass: annotations.and_then(|all| all.break_glass.clone()),
            is_immutable: object.immutable.is_some_and(|value| value.get() == "true"),
            has_too_many_parts: is_cut || parts > MAX_PARTS,
        })
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for FirstTexts<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<const MAX: usize>;
        impl<'de, const MAX: usize> Visitor<'de> for Reader<MAX> {
            type Value = FirstTexts<MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of strings")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut texts = Vec::new();
                while texts.len() < MAX
                    && let Some(text) = seq.next_element()?
                {
                    texts.push(text);
                }
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(FirstTexts(texts))
            }
        }
        deserializer.deserialize_seq(Reader)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Data;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("strings by key")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
                let mut data = Data::default();
                while let Some(key) = map.next_key::<String>()? {
                    let mut sections = SectionName::ALL.iter();
                    if data.texts.len() < MAX_ITEMS || sections.any(|name| name.key() == key) {
                        data.texts.insert(key, map.next_value()?);
                    } else {
                        data.is_cut = true;
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(data)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

impl UserInfo {
    fn user(&self) -> RequestUser {
        let none = Extra::default();
        let extra = self.extra.as_ref().unwrap_or(&none);
        let first = |values: &Option<FirstTexts<1>>| values.as_ref()?.0.first().cloned();
        let groups = self.groups.as_ref();
        RequestUser {
            username: self.username.clone(),
            groups: groups.map(|groups| groups.0.clone()).unwrap_or_default(),
            arn: first(&extra.arn).or_else(|| first(&extra.canonical_arn)),
            session_name: first(&extra.session_name),
            access_key_id: first(&extra.access_key_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BREAK_GLASS, Verdict};
    use super::*;
    use crate::aws_auth_snapshot::OWNERS_ANNOTATION;

    fn body(kind: &str, object: &Value) -> Vec<u8> {
        let review = json!({
            "apiVersion": API_VERSION,
            "kind": KIND,
            "request": {
                "uid": "1",
                "kind": {"group": "", "version": "v1", "kind": kind},
                "operation": "UPDATE",
                "userInfo": {"username": "dev", "groups": ["g"], "extra": {
                    "canonicalArn": ["arn"], "sessionName": ["s"], "other": ["x"],
                }},
                "object": object,
                "oldObject": null,
                "dryRun": true,
                "options": {"kind": "UpdateOptions", "fieldManager": "kubectl"},
            },
        });
        review.to_string().into_bytes()
    }

    fn aws_auth() -> Value {
        json!({
            "metadata": {"name": NAME, "namespace": NAMESPACE, "managedFields": [{"a": {}}], "annotations": {
                OWNERS_ANNOTATION: "o", BREAK_GLASS: "b", "other": "c",
            }},
            "data": {"mapRoles": "a \u{1F600}\n"},
            "binaryData": {"x": "AA=="},
            "immutable": true,
        })
    }

    #[test]
    fn request_keeps_what_is_reviewed() {
        let body = body("ConfigMap", &aws_auth());
        let request = AdmissionRequest::parse(&body).unwrap();
        assert!(request.dry_run && request.operation == Operation::Update);
        let review = request.review().unwrap().unwrap();
        assert_eq!(review.before, None);
        assert_eq!(review.field_manager.as_deref(), Some("kubectl"));
        let user = review.user;
        assert_eq!(
            (user.username.as_str(), user.arn.as_deref()),
            ("dev", Some("arn"))
        );
        assert_eq!(user.session_name.as_deref(), Some("s"));
        let after = review.after.unwrap();
        assert_eq!(&*after.contents.data["mapRoles"], "a \u{1F600}\n");
        assert_eq!(after.contents.owners_annotation.as_deref(), Some("o"));
        assert_eq!(after.break_glass.as_deref(), Some("b"));
        assert!(after.is_immutable && after.contents.binary_data.is_empty());
    }

    #[test]
    fn objects_of_other_kinds_are_not_reviewed() {
        let mut other = aws_auth();
        other["data"] = json!([{"a": 1}]);
        other["immutable"] = json!("no");
        let body_of_other = body("Secret", &other);
        let request = AdmissionRequest::parse(&body_of_other).unwrap();
        assert!(request.review().unwrap().is_none());
        let response: Value = serde_json::from_slice(&request.response(None)).unwrap();
        assert_eq!(response["response"], json!({"uid": "1", "allowed": true}));
        // The API server sends no such ConfigMaps.
        for data in [
            json!([{"a": 1}]),
            json!({"mapRoles": "a".repeat(CONFIG_MAP_BYTES + 1)}),
        ] {
            other["data"] = data;
            let invalid = body("ConfigMap", &other);
            assert!(AdmissionRequest::parse(&invalid).unwrap().review().is_err());
        }
    }

    #[test]
    fn many_short_texts_are_not_kept() {
        let mut object = aws_auth();
        let keys = (0..=MAX_ITEMS).map(|number| (number.to_string(), json!("")));
        object["data"]
            .as_object_mut()
            .unwrap()
            .extend(keys.collect::<serde_json::Map<_, _>>());
        let mut review: Value = serde_json::from_slice(&body("ConfigMap", &object)).unwrap();
        review["request"]["userInfo"]["groups"] = json!(vec!["g"; 2 * MAX_ITEMS]);
        let body = review.to_string().into_bytes();
        let request = AdmissionRequest::parse(&body).unwrap();
        assert_eq!(request.groups().len(), MAX_ITEMS);
        let after = request.review().unwrap().unwrap().after.unwrap();
        assert!(after.has_too_many_parts);
        assert!(after.contents.data.len() <= MAX_ITEMS + SectionName::ALL.len());
        assert_eq!(&*after.contents.data["mapRoles"], "a \u{1F600}\n");
    }

    #[test]
    fn only_lines_of_sections_count() {
        let many = "\n".repeat(MAX_PARTS + 1);
        let parts = |key: &str| {
            let mut object = aws_auth();
            object["data"][key] = many.as_str().into();
            let body = body("ConfigMap", &object);
            let request = AdmissionRequest::parse(&body).unwrap();
            let review = request.review().unwrap().unwrap();
            review.after.unwrap().has_too_many_parts
        };
        assert!(parts("mapUsers") && parts("mapAccounts"));
        assert!(!parts("notes"));
    }

    #[test]
    fn long_uid_is_refused() {
        let text = String::from_utf8(body("ConfigMap", &aws_auth())).unwrap();
        let with_uid = |length| {
            text.replace(
                "\"uid\":\"1\"",
                &format!("\"uid\":\"{}\"", "1".repeat(length)),
            )
        };
        assert!(AdmissionRequest::parse(with_uid(MAX_UID).as_bytes()).is_ok());
        let longer = with_uid(MAX_UID + 1);
        let refused = AdmissionRequest::parse(longer.as_bytes());
        assert!(refused.unwrap_err().contains("uid"));
    }

    #[test]
    fn denial_is_a_status() {
        let body = body("ConfigMap", &aws_auth());
        let request = AdmissionRequest::parse(&body).unwrap();
        let result = ReviewResult {
            verdict: Verdict::Denied,
            message: "why".to_owned(),
            warnings: vec!["w".to_owned()],
            audit: [("verdict", "denied".to_owned())].into(),
        };
        let response: Value = serde_json::from_slice(&request.response(Some(&result))).unwrap();
        assert_eq!(
            response["response"],
            json!({
                "uid": "1",
                "allowed": false,
                "status": {"status": "Failure", "message": "why", "reason": "Forbidden", "code": 403},
                "warnings": ["w"],
                "auditAnnotations": {"verdict": "denied"},
            })
        );
    }
}
