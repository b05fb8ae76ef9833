//! The identity that `whoami` shows.

use std::fmt::Write;

use serde::Serialize;

use super::access_changes::user_text;
use super::access_entry::{self, AccessEntryData};
use super::style::{GAIN, NOTICE, PLACE, paint};
use crate::backend::KubeconfigUser;
use awsauth_aws::credentials::ResolvedCredentials;
use awsauth_core::arn::Identity;
use awsauth_core::authenticator::{Place, User};
use awsauth_core::escape::one_line;
use awsauth_core::facts::access_entries::AccessEntry;
use awsauth_kube::Target;
use awsauth_kube::access_review::ClusterUser;

/// An identity in AWS and in a cluster.
#[derive(Debug)]
pub(crate) struct Whoami<'a> {
    /// The ARN as STS reports it.
    pub(crate) arn: &'a str,
    /// As the authenticator reads it.
    pub(crate) identity: &'a Identity,
    /// The credentials and their source.
    pub(crate) resolved: &'a ResolvedCredentials,
    /// The user in the cluster, if a cluster was asked.
    pub(crate) on_cluster: Option<OnCluster>,
    /// The user in the cluster that the kubeconfig's own credentials sign in as, if they were tried.
    pub(crate) kubeconfig_user: Option<KubeconfigUser>,
}

/// A user in a cluster.
#[derive(Debug)]
pub(crate) struct OnCluster {
    pub(crate) target: Target,
    /// `None` if the cluster does not report the user.
    pub(crate) user: Option<User>,
    /// The entry of aws-auth that applies.
    pub(crate) place: Option<Place>,
    /// The access entry that applies.
    pub(crate) access_entry: Option<AccessEntry>,
    /// Why one of these is missing.
    pub(crate) note: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WhoamiData<'a> {
    arn: &'a str,
    account: &'a str,
    user_id: &'a str,
    canonical_arn: &'a str,
    source: &'static str,
    roles: &'a [String],
    expiration: Option<String>,
    cluster: Option<ClusterData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kubeconfig_user: Option<KubeconfigUserData<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KubeconfigUserData<'a> {
    username: Option<&'a str>,
    groups: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    arn: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterData<'a> {
    context: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    server: &'a str,
    username: Option<&'a str>,
    groups: &'a [String],
    section: Option<&'static str>,
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_entry: Option<AccessEntryData<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// Formats the identity as the JSON that docs/json.md documents.
pub(crate) fn whoami_json(whoami: &Whoami<'_>) -> Result<String, serde_json::Error> {
    let cluster = whoami.on_cluster.as_ref().map(|on| ClusterData {
        context: on.target.context.as_deref(),
        name: on.target.eks.as_ref().map(|eks| eks.name.as_str()),
        server: &on.target.server,
        username: on.user.as_ref().map(|user| user.username.as_str()),
        groups: on.user.as_ref().map_or(&[], |user| &user.groups),
        section: on.place.map(|place| place.section.key()),
        line: on.place.map(|place| place.line),
        access_entry: on.access_entry.as_ref().map(AccessEntryData::of),
        reason: on.note.as_deref(),
    });
    let data = WhoamiData {
        arn: whoami.arn,
        account: &whoami.identity.account,
        user_id: &whoami.identity.user_id,
        canonical_arn: &whoami.identity.canonical_arn,
        source: whoami.resolved.source.name(),
        roles: &whoami.resolved.roles,
        expiration: expiration(whoami.resolved),
        cluster,
        kubeconfig_user: whoami.kubeconfig_user.as_ref().map(|user| {
            let reason = user.as_ref().err().map(String::as_str);
            let user = user.as_ref().ok();
            KubeconfigUserData {
                username: user.map(|user| user.username.as_str()),
                groups: user.map_or(&[], |user| &user.groups),
                arn: user.and_then(|user| user.attribute("arn")),
                reason,
            }
        }),
    };
    serde_json::to_string_pretty(&data).map(|text| text + "\n")
}

/// Formats the identity as text with styles.
pub(crate) fn whoami_text(whoami: &Whoami<'_>) -> String {
    let Whoami { arn, identity, .. } = whoami;
    let mut text = format!("{}\n", one_line(arn));
    if identity.canonical_arn != *arn {
        let _ = writeln!(text, "  to aws-auth: {}", one_line(&identity.canonical_arn));
    }
    let _ = writeln!(text, "  account: {}", one_line(&identity.account));
    let _ = write!(text, "  credentials: {}", whoami.resolved.source);
    for role in &whoami.resolved.roles {
        let _ = write!(text, ", then {}", one_line(role));
    }
    let _ = match expiration(whoami.resolved) {
        Some(end) => writeln!(text, "; until {end}"),
        None => writeln!(text, "; they do not expire"),
    };
    let Some(on) = &whoami.on_cluster else {
        return text;
    };
    let who = match &on.user {
        Some(user) => paint(GAIN, &user_text(user)),
        None => paint(NOTICE, "no user"),
    };
    let _ = writeln!(text, "  to {}: {who}", one_line(&on.target.to_string()));
    if let Some(place) = on.place {
        let place = format!("{} line {}", place.section.key(), place.line);
        let _ = writeln!(text, "    by {}", paint(PLACE, &place));
    }
    if let Some(entry) = &on.access_entry {
        let _ = writeln!(text, "    by {}", access_entry::name(entry));
    }
    if let Some(note) = &on.note {
        let _ = writeln!(text, "    {}", paint(NOTICE, &one_line(note)));
    }
    if let Some(user) = &whoami.kubeconfig_user {
        text.push_str("  as the kubeconfig's own user, which kubectl uses: ");
        let is_same = |user: &ClusterUser| on.user.as_ref() == Some(&user.user());
        let _ = match user {
            Ok(user) if is_same(user) => writeln!(text, "the same user"),
            Ok(user) => writeln!(text, "{}", paint(GAIN, &user_text(&user.user()))),
            Err(why) => writeln!(
                text,
                "{}\n    {}",
                paint(NOTICE, "no user"),
                paint(NOTICE, &one_line(why))
            ),
        };
        if let Some(arn) = user.as_ref().ok().and_then(|user| user.attribute("arn"))
            && arn != whoami.arn
        {
            let _ = writeln!(text, "    {}", one_line(arn));
        }
    }
    text
}

fn expiration(resolved: &ResolvedCredentials) -> Option<String> {
    let end = resolved.credentials.expiration?;
    Some(end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
