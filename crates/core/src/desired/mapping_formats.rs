//! Reads one mapping in any of its forms.

use super::DesiredMapping;
use super::error::{Fault, Reason};
use super::validate::check;
use super::yaml_value::{Field, Value};
use crate::arn::Parts;
use crate::document::{Principal, SsoRole};
use crate::expiry::Expiry;

/// A form of a mapping.
#[derive(Debug)]
pub(super) struct Form {
    /// The name in messages.
    pub(super) what: &'static str,
    /// The fields for the principal, of which exactly one is given.
    pub(super) principals: &'static [&'static str],
    /// The other fields.
    pub(super) others: &'static [&'static str],
}

/// Fields that configure the controller, with their values. They are ignored in a file.
const POLICIES: [(&str, [&str; 2]); 2] = [
    ("deletionPolicy", ["Delete", "Retain"]),
    ("driftPolicy", ["Repair", "Report"]),
];

const USER: &[&str] = &["username", "groups"];
const TEMPORARY_USER: &[&str] = &["username", "groups", "expires"];

pub(super) const MAP_ROLES: Form = Form {
    what: "an item of mapRoles",
    principals: &["rolearn", "sso"],
    others: TEMPORARY_USER,
};
pub(super) const MAP_USERS: Form = Form {
    what: "an item of mapUsers",
    principals: &["userarn"],
    others: TEMPORARY_USER,
};
pub(super) const BARE: Form = Form {
    what: "an item of the list",
    principals: &["rolearn", "userarn", "account", "sso"],
    others: TEMPORARY_USER,
};
pub(super) const LISTED: Form = Form {
    what: "an entry in the output of get",
    principals: &["arn", "sso"],
    others: &[
        "username",
        "groups",
        "expires",
        "changedSince",
        "line",
        "fileLine",
        "status",
        "reason",
    ],
};
pub(super) const EKSCTL: Form = Form {
    what: "an item of iamIdentityMappings",
    principals: &["arn", "account"],
    others: &[
        "username",
        "groups",
        "noDuplicateARNs",
        "serviceName",
        "namespace",
    ],
};
pub(super) const IAM_IDENTITY_MAPPING: Form = Form {
    what: "the spec of an IAMIdentityMapping",
    principals: &["arn"],
    others: USER,
};
pub(super) const AWS_AUTH_MAPPING: Form = Form {
    what: "the spec of an AwsAuthMapping",
    principals: &["role", "user", "account"],
    others: &[
        "username",
        "groups",
        "expiresAt",
        "deletionPolicy",
        "driftPolicy",
    ],
};

/// Returns whether an entry in the output of `get` has an effect.
pub(super) fn is_in_effect(entry: Value<'_>) -> Result<bool, Fault> {
    let fields = entry.fields(LISTED.what)?;
    let given = |name: &str| fields.iter().find(|field| field.name == name);
    let Some(status) = given("status") else {
        return Ok(true);
    };
    // An entry that never matches is effective, with the reason why it has no effect.
    Ok(status.value.text("`status`")? == "effective" && given("reason").is_none())
}

/// Reads one mapping.
pub(super) fn read(value: Value<'_>, form: &Form, source: &str) -> Result<DesiredMapping, Fault> {
    let fields = value.fields(form.what)?;
    refuse_unknown(&fields, form)?;
    let given = |name: &str| {
        fields
            .iter()
            .copied()
            .find(|field| field.name == name && !field.value.is_null())
    };
    if let Some(service) = given("serviceName").or_else(|| given("namespace")) {
        return Err(Fault::new(service.line, Reason::ServiceName));
    }
    let create_only = given("noDuplicateARNs")
        .map(|field| field.value.flag("`noDuplicateARNs`"))
        .transpose()?;
    for (name, values) in POLICIES {
        let Some(policy) = given(name) else { continue };
        let text = policy.value.text(&format!("`{name}`"))?;
        if !values.contains(&text) {
            let reason = Reason::Policy {
                field: name,
                text: text.to_owned(),
                values,
            };
            return Err(Fault::new(policy.line, reason));
        }
    }
    let mut principals = form.principals.iter().filter_map(|name| given(name));
    let Some(first) = principals.next() else {
        return Err(Fault::new(value.line(), no_principal(form)));
    };
    if let Some(second) = principals.next() {
        let reason = Reason::TwoPrincipals {
            first: first.name.to_owned(),
            second: second.name.to_owned(),
        };
        return Err(Fault::new(second.line, reason));
    }
    // In the output of `get`, the time of an entry that was changed afterwards has no effect.
    let expires = given("expires").or_else(|| given("expiresAt"));
    let expires = expires.filter(|_| given("changedSince").is_none());
    let desired = DesiredMapping {
        principal: principal(first)?,
        username: given("username")
            .map(|field| field.value.text("`username`").map(str::to_owned))
            .transpose()?,
        groups: given("groups")
            .map(|field| groups(field.value))
            .transpose()?,
        entry: None,
        access: None,
        create_only: create_only.unwrap_or_default(),
        expires: expires.map(expiry).transpose()?,
        cluster: None,
        source: source.to_owned(),
        line: value.line(),
    };
    check(&desired)?;
    Ok(desired)
}

/// Reads an element of mapAccounts.
pub(super) fn account(value: Value<'_>, source: &str) -> Result<DesiredMapping, Fault> {
    let account = value.source("an item of mapAccounts")?.to_owned();
    let desired = DesiredMapping {
        principal: Principal::Account(account),
        username: None,
        groups: None,
        entry: None,
        access: None,
        create_only: false,
        expires: None,
        cluster: None,
        source: source.to_owned(),
        line: value.line(),
    };
    check(&desired)?;
    Ok(desired)
}

/// Reads when access ends.
pub(super) fn expiry(field: Field<'_>) -> Result<Expiry, Fault> {
    let text = field.value.source(&format!("`{}`", field.name))?;
    Expiry::parse(text).map_err(|error| {
        let field_name = field.name.to_owned();
        Fault::new(
            field.line,
            Reason::Expiry {
                field: field_name,
                error,
            },
        )
    })
}

fn refuse_unknown(fields: &[Field<'_>], form: &Form) -> Result<(), Fault> {
    let known = [form.principals, form.others].concat();
    let Some(field) = fields.iter().find(|field| !known.contains(&field.name)) else {
        return Ok(());
    };
    let what = form.what.to_owned();
    let list = match field.name {
        "rolearn" | "sso" => Some("mapRoles"),
        "userarn" => Some("mapUsers"),
        _ => None,
    };
    let first = fields
        .iter()
        .find(|field| form.principals.contains(&field.name));
    let reason = match (list, first) {
        (Some(_), Some(first)) => Reason::TwoPrincipals {
            first: first.name.to_owned(),
            second: field.name.to_owned(),
        },
        (Some(list), None) if form.what == MAP_ROLES.what || form.what == MAP_USERS.what => {
            Reason::OtherList {
                field: field.name.to_owned(),
                what,
                list,
            }
        }
        _ => unknown(field.name, what, &known),
    };
    Err(Fault::new(field.line, reason))
}

/// Returns the error for an unknown field, with the most similar known one.
pub(super) fn unknown(field: &str, what: String, known: &[&str]) -> Reason {
    let nearest = known
        .iter()
        .map(|name| (likeness(field, name), *name))
        .filter(|(likeness, _)| *likeness > 0.7)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name.to_owned());
    Reason::UnknownField {
        field: field.to_owned(),
        what,
        nearest,
        known: known.join(", "),
    }
}

/// Returns the similarity of two field names from 0 to 1, ignoring letter case and word separators.
pub(super) fn likeness(one: &str, other: &str) -> f64 {
    let folded = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    strsim::jaro(&folded(one), &folded(other))
}

/// Returns the error for a mapping without a principal.
pub(super) fn no_principal(form: &Form) -> Reason {
    let choices: Vec<_> = form
        .principals
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    Reason::NoPrincipal {
        what: form.what.to_owned(),
        choices: choices.join(", "),
    }
}

fn principal(field: Field<'_>) -> Result<Principal, Fault> {
    let what = format!("`{}`", field.name);
    Ok(match field.name {
        "sso" => Principal::Sso(Box::new(sso(field.value)?)),
        // Twelve digits are read as written, quoted or not.
        "account" => Principal::Account(field.value.source(&what)?.to_owned()),
        "rolearn" | "role" => Principal::Role(field.value.text(&what)?.to_owned()),
        "userarn" | "user" => Principal::User(field.value.text(&what)?.to_owned()),
        _ => by_kind(field.value.text(&what)?)
            .map_err(|reason| Fault::new(field.value.line(), reason))?,
    })
}

/// Assigns an ARN to mapRoles or mapUsers like eksctl. The account's root and federated users belong to mapUsers.
pub(super) fn by_kind(arn: &str) -> Result<Principal, Reason> {
    let is = |kinds: &[(&str, &str)]| {
        let parts = Parts::of(arn);
        parts.is_some_and(|parts| kinds.iter().any(|(service, kind)| parts.is(service, kind)))
    };
    if is(&[
        ("iam", "role"),
        ("sts", "assumed-role"),
        ("iam", "assumed-role"),
    ]) {
        Ok(Principal::Role(arn.to_owned()))
    } else if is(&[("iam", "user"), ("iam", "root"), ("sts", "federated-user")]) {
        Ok(Principal::User(arn.to_owned()))
    } else {
        Err(Reason::ArnKind {
            arn: arn.to_owned(),
        })
    }
}

fn sso(value: Value<'_>) -> Result<SsoRole, Fault> {
    const KNOWN: [&str; 3] = ["permissionSetName", "accountID", "partition"];
    let fields = value.fields("`sso`")?;
    if let Some(field) = fields.iter().find(|field| !KNOWN.contains(&field.name)) {
        return Err(Fault::new(
            field.line,
            unknown(field.name, "`sso`".to_owned(), &KNOWN),
        ));
    }
    let text = |name: &str| {
        let field = fields
            .iter()
            .find(|field| field.name == name && !field.value.is_null());
        field.map_or(Ok(String::new()), |field| {
            field.value.text(&format!("`{name}`")).map(str::to_owned)
        })
    };
    Ok(SsoRole {
        permission_set_name: text(KNOWN[0])?,
        account_id: text(KNOWN[1])?,
        partition: text(KNOWN[2])?,
    })
}

fn groups(value: Value<'_>) -> Result<Vec<String>, Fault> {
    value
        .items("`groups`")?
        .map(|group| group.text("an item of `groups`").map(str::to_owned))
        .collect()
}
