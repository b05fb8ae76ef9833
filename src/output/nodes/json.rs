//! The JSON of `nodes`, as documented in docs/json.md.

use serde::Serialize;

use super::super::access_entry::AccessEntryData;
use super::{NodesRead, required_name};
use awsauth_core::facts::node_inventory::NodeSource;
use awsauth_core::node_report::{RoleReport, State};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'a> {
    /// Null if EKS was not asked.
    cluster: Option<&'a str>,
    /// Null if it is unknown.
    authentication_mode: Option<&'static str>,
    roles: Vec<RoleData<'a>>,
    unknown: Vec<UnknownData<'a>>,
    unused: Vec<UnusedData<'a>>,
    unread: Vec<UnreadData<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RoleData<'a> {
    role_arn: &'a str,
    uses: Vec<UseData<'a>>,
    instances: usize,
    joined: usize,
    /// Whether the role is linked to the cluster only by tags.
    known_by_tags_only: bool,
    aws_auth: Option<EntryData<'a>>,
    access_entry: Option<AccessEntryData<'a>>,
    required_in: Option<&'static str>,
    state: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UseData<'a> {
    source: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    r#type: &'static str,
}

#[derive(Serialize)]
struct EntryData<'a> {
    section: &'static str,
    line: usize,
    username: &'a str,
    groups: &'a [String],
}

#[derive(Serialize)]
struct UnknownData<'a> {
    nodes: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UnusedData<'a> {
    role_arn: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'a str>,
    fits_hybrid_nodes: bool,
}

#[derive(Serialize)]
struct UnreadData<'a> {
    message: &'a str,
    hint: &'a str,
}

/// Pretty-printed JSON.
pub(crate) fn nodes_json(read: &NodesRead<'_>) -> Result<String, serde_json::Error> {
    let report = read.report;
    let unknown = report.unknown.iter().chain(read.unknown);
    let data = Data {
        cluster: read.cluster,
        authentication_mode: read.mode,
        roles: report
            .roles
            .iter()
            .map(|role| role_data(role, read.cluster))
            .collect(),
        unknown: unknown
            .map(|one| UnknownData {
                nodes: &one.nodes,
                why: &one.why,
            })
            .collect(),
        unused: report
            .unused
            .iter()
            .map(|entry| UnusedData {
                role_arn: entry.arn,
                section: entry.place.map(|place| place.section.key()),
                line: entry.place.map(|place| place.line),
                r#type: entry.kind,
                fits_hybrid_nodes: entry.fits_hybrid_nodes,
            })
            .collect(),
        unread: read
            .unread
            .iter()
            .map(|one| UnreadData {
                message: &one.message,
                hint: &one.hint,
            })
            .collect(),
    };
    serde_json::to_string_pretty(&data).map(|text| text + "\n")
}

fn role_data<'a>(role: &'a RoleReport<'a>, cluster: Option<&str>) -> RoleData<'a> {
    let uses = role.role.uses.iter().map(|one| {
        let (source, name) = source(one.by);
        UseData {
            source,
            name,
            r#type: one.kind.access_entry_type(),
        }
    });
    RoleData {
        role_arn: &role.arn,
        uses: uses.collect(),
        instances: role.instances,
        joined: role.joined,
        known_by_tags_only: role.is_known_by_tags_only(),
        aws_auth: role.aws_auth.map(|(place, mapping)| EntryData {
            section: place.section.key(),
            line: place.line,
            username: &mapping.username,
            groups: mapping.groups(),
        }),
        access_entry: role.access_entry.map(AccessEntryData::of),
        required_in: required_name(role.required_in),
        state: name(&role.state),
        message: role.state.to_string(),
        fix: role.fix.as_ref().map(|fix| fix.text(role, cluster)),
    }
}

fn source(source: NodeSource<'_>) -> (&'static str, Option<&str>) {
    match source {
        NodeSource::Group(name) => ("nodeGroup", Some(name)),
        NodeSource::Profile(name) => ("fargateProfile", Some(name)),
        NodeSource::Class(name) => ("karpenterNodeClass", Some(name)),
        NodeSource::Instance(id) => ("instance", Some(id)),
        NodeSource::ScalingGroup(name) => ("autoScalingGroup", Some(name)),
        NodeSource::AutoClass(name) => ("autoModeNodeClass", Some(name)),
        NodeSource::AutoMode => ("autoMode", None),
    }
}

fn name(state: &State) -> &'static str {
    match state {
        State::Mapped => "mapped",
        State::Missing { .. } => "missing",
        State::WrongTerms { .. } => "wrongTerms",
        State::WrongType { .. } => "wrongType",
        State::SeveralTypes { .. } => "severalTypes",
        State::MissingPolicy => "missingPolicy",
        State::DeadEntry => "deadEntry",
        State::NoSuchRole => "noSuchRole",
        State::Unknown { .. } => "unknown",
    }
}
