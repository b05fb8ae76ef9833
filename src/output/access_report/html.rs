//! A report as one HTML file that loads nothing.

use std::collections::{BTreeSet, HashMap};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::flow_diagram::{Flow, Line};
use super::{ChangesSince, Part};
use super::{day, kind_name, last_use, place, scope, short_name, shows_use, store_name};
use awsauth_core::access_report::{AccessReport, Change, Level, PrincipalAccess, Right};
use awsauth_core::escape::{self, json, one_line};

const STYLE: &str = include_str!("report.css");
const SCRIPT: &str = include_str!("report.js");

/// Formats a report as HTML, with the changes since an earlier one if there is one. The file contains the report as JSON, too.
pub(crate) fn access_report_html(
    report: &AccessReport,
    since: Option<ChangesSince<'_>>,
) -> Result<String, serde_json::Error> {
    let (data, digest) = embedded(report)?;
    let parts = Part::only(report);
    let main = html! {
        (numbers(&parts))
        (changes(since))
        (picture(report))
        (principals(&parts))
        (namespaces(&parts))
        (findings(&parts))
        (words())
    };
    Ok(page(
        &report.head.cluster,
        head(report, &digest),
        main,
        &data,
    ))
}

/// Returns data as JSON for a script element, which only `<` could end, and its SHA-256.
pub(super) fn embedded(data: &impl Serialize) -> Result<(String, String), serde_json::Error> {
    let data = json(&serde_json::to_string(data)?).replace('<', "\\u003c");
    let digest = hex::encode(Sha256::digest(&data));
    Ok((data, digest))
}

/// Returns the page. `data` is JSON without `<`.
pub(super) fn page(subject: &str, head: Markup, main: Markup, data: &str) -> String {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        source_hash(STYLE),
        source_hash(SCRIPT)
    );
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Access to " (one_line(subject)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#principals" { "Skip to the principals" }
                (head)
                main { (main) }
                script type="application/json" id="report" { (PreEscaped(data)) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    escape::html(page.into_string()) + "\n"
}

/// Returns the source expression of an inline script or style:
/// <https://www.w3.org/TR/CSP3/#grammardef-hash-source>
fn source_hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn head(report: &AccessReport, digest: &str) -> Markup {
    let head = &report.head;
    html! {
        header {
            h1 { "Access to " (one_line(&head.cluster)) }
            dl.facts {
                div { dt { "Read at" } dd { (one_line(&head.read_at)) } }
                div { dt { "By" } dd { (head.read_by.as_deref().map_or("not known".into(), one_line)) } }
                div { dt { "Authentication mode" } dd { (head.authentication_mode.as_deref().map_or("not known".into(), one_line)) } }
                div { dt { "awsauth" } dd { (one_line(&head.version)) } }
                @if let Some(since) = &head.signed_in_since { div { dt { "Sign-ins since" } dd { (day(since)) } } }
                div.wide { dt { "SHA-256 of the data in this file" } dd { code { (digest) } } }
            }
            @if head.not_read.is_empty() {
                p.complete { "Everything that this report needs was read." }
            } @else {
                section.gaps aria-labelledby="gaps" {
                    h2 id="gaps" { "Not read" }
                    p { "The report does not cover:" }
                    ul { @for gap in &head.not_read { li { (one_line(gap)) } } }
                }
            }
        }
    }
}

pub(super) fn numbers(parts: &[Part<'_>]) -> Markup {
    html! {
        section aria-labelledby="numbers" {
            h2 id="numbers" { "Numbers" }
            @if has_clusters(parts) { p { "A principal counts once for each cluster to which it has access." } }
            dl.numbers {
                @for (name, number) in super::numbers(parts) { div { dt { (name) } dd { (number) } } }
            }
        }
    }
}

pub(super) fn has_clusters(parts: &[Part<'_>]) -> bool {
    parts.iter().any(|part| part.cluster.is_some())
}

pub(super) fn changes(since: Option<ChangesSince<'_>>) -> Markup {
    let Some((earlier, difference)) = since else {
        return html! {};
    };
    let of_clusters = difference.changes.iter().map(|one| one.cluster);
    let has_clusters =
        of_clusters.flatten().next().is_some() || !difference.not_compared.is_empty();
    let row = |cluster: Option<&str>, change: &Change<'_>| {
        let (word, class, before, after) = match *change {
            Change::Added(now) => ("added", "gain", None, Some(now)),
            Change::Removed(then) => ("removed", "loss", Some(then), None),
            Change::Changed { before, after } => ("changed", "", Some(before), Some(after)),
        };
        html! {
            tr {
                @if let Some(cluster) = cluster { td.plain { (one_line(cluster)) } }
                td { span class={ "change " (class) } { (word) } }
                td { (name(change.principal())) }
                td { @if let Some(before) = before { (text_access(before)) } }
                td { @if let Some(after) = after { (text_access(after)) } }
            }
        }
    };
    let mut headings = vec!["Change", "Principal", "Before", "Now"];
    if has_clusters {
        headings.insert(0, "Cluster");
    }
    html! {
        section aria-labelledby="changes" {
            h2 id="changes" { "Changes since " (one_line(earlier)) }
            @if difference.is_same() {
                p { "The access is the same." }
            } @else {
                div.scroll tabindex="0" role="region" aria-labelledby="changes" {
                    table {
                        thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
                        tbody {
                            @for one in &difference.changes { (row(one.cluster, &one.change)) }
                            @for one in &difference.not_compared {
                                tr {
                                    td.plain { (one_line(one.cluster)) }
                                    td colspan="4" { span.change { "not compared" } " " (one_line(&one.why)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn text_access(one: &PrincipalAccess) -> String {
    one_line(&super::text::access(one)).into_owned()
}

/// The sizes of the diagram, in its own units.
const WIDTH: usize = 290;
const GAP: usize = 48;
const HEIGHT: usize = 26;
const STEP: usize = 34;
const TOP: usize = 34;
/// The number of characters that fit into a box.
const FITS: usize = 38;

fn picture(report: &AccessReport) -> Markup {
    let flow = Flow::of(report);
    if flow.rows() == 0 {
        return html! {};
    }
    html! {
        section aria-labelledby="picture" {
            h2 id="picture" { "How access is granted" }
            p { "From the principal to what it is granted. The table below has the same content." }
            (diagram(&flow, "How access is granted"))
        }
    }
}

/// The maximum number of diagrams that are expanded when the page opens.
const OPEN: usize = 3;

/// Returns the diagram of each cluster. Clusters with the same diagram share it.
pub(super) fn pictures(parts: &[Part<'_>]) -> Markup {
    let mut places: HashMap<Flow, usize> = HashMap::new();
    let mut names: Vec<Vec<&str>> = Vec::new();
    for part in parts {
        let Ok(report) = part.report else { continue };
        let next = names.len();
        let place = *places.entry(Flow::of(report)).or_insert(next);
        if place == next {
            names.push(Vec::new());
        }
        names[place].extend(part.cluster);
    }
    let mut flows: Vec<_> = places.into_iter().collect();
    flows.sort_unstable_by_key(|(_, place)| *place);
    let is_open = flows.len() <= OPEN;
    html! {
        section aria-labelledby="picture" {
            h2 id="picture" { "How access is granted" }
            p {
                "From the principal to what it is granted. The table below has the same content. "
                "Clusters in which the same principals have the same access in the same way share a diagram."
            }
            @for (flow, place) in &flows {
                @let clusters = names[*place].join(", ");
                details.clusters open[is_open || *place == 0] {
                    summary {
                        @if names[*place].len() > 1 { (names[*place].len()) " clusters: " }
                        (one_line(&clusters))
                    }
                    @if flow.rows() == 0 {
                        p { "No principal can do anything." }
                    } @else {
                        (diagram(flow, &format!("How access is granted in {}", one_line(&clusters))))
                    }
                }
            }
        }
    }
}

fn diagram(flow: &Flow, label: &str) -> Markup {
    let rows = flow.rows();
    let (width, height) = (4 * WIDTH + 3 * GAP, TOP + rows * STEP);
    let left = |column: usize| column * (WIDTH + GAP);
    let top = |column: usize, row: usize| {
        let spare = rows - flow.columns[column].len();
        TOP + row * STEP + spare * STEP / 2
    };
    let curve = |line: &Line| {
        let (x1, x2) = (left(line.column) + WIDTH, left(line.column + 1));
        let y1 = top(line.column, line.from) + HEIGHT / 2;
        let y2 = top(line.column + 1, line.to) + HEIGHT / 2;
        let middle = (x1 + x2) / 2;
        format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}")
    };
    html! {
        div.scroll tabindex="0" role="region" aria-label=(label) {
            svg viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img" aria-label=(label) {
                @for (column, heading) in ["Principal", "User, group or policy", "Binding", "Grants"].iter().enumerate() {
                    text.heading x=(left(column)) y="16" { (heading) }
                }
                @for line in &flow.lines { path class={ "line " (line.level.name()) } d=(curve(line)) {} }
                @for (column, boxes) in flow.columns.iter().enumerate() {
                    @for (row, one) in boxes.iter().enumerate() {
                        g {
                            title { (one.full.iter().map(|name| one_line(name)).collect::<Vec<_>>().join("\n")) }
                            rect class={ "box " (one.level.name()) } x=(left(column)) y=(top(column, row)) width=(WIDTH) height=(HEIGHT) rx="4" {}
                            text x=(left(column) + 8) y=(top(column, row) + 17) { (fitted(&one.label)) }
                        }
                    }
                }
            }
        }
    }
}

/// Returns the start and the end of a string, so that it fits into a box.
fn fitted(label: &str) -> String {
    let label = one_line(label);
    let count = label.chars().count();
    if count <= FITS {
        return label.into_owned();
    }
    let start: String = label.chars().take(FITS / 2).collect();
    let end: String = label.chars().skip(count - FITS / 2 + 1).collect();
    format!("{start}…{end}")
}

/// Returns the table of principals, each with its cluster if there are several.
pub(super) fn principals(parts: &[Part<'_>]) -> Markup {
    let rows: &[_] = &super::principals(parts).collect::<Vec<_>>();
    fn distinct<'a>(
        rows: &[(Option<&str>, &'a PrincipalAccess)],
        of: fn(&'a PrincipalAccess) -> &'a str,
    ) -> BTreeSet<&'a str> {
        rows.iter().map(|(_, one)| of(one)).collect()
    }
    let shows_use = shows_use(parts);
    let levels = Level::ALL.iter().map(|level| level.name());
    let levels = levels.filter(|name| rows.iter().any(|(_, one)| level(one) == *name));
    let clusters: BTreeSet<&str> = rows.iter().filter_map(|(cluster, _)| *cluster).collect();
    let filter = |id: &str, label: &str, values: Vec<&str>| {
        html! {
            label {
                (label) " "
                select id=(id) data-filter=(id) {
                    option value="" { "all" }
                    @for value in values { option value=(one_line(value)) { (one_line(value)) } }
                }
            }
        }
    };
    let controls = match clusters.is_empty() {
        true => "search level kind account store",
        false => "search cluster level kind account store",
    };
    let columns = [
        "Level",
        "Principal",
        "Account",
        "Kind",
        "Source",
        "Username",
        "Groups",
    ];
    html! {
        section aria-labelledby="principals" {
            h2 id="principals" { "Principals" }
            div.controls role="search" {
                label { "Search " input id="search" type="search" autocomplete="off"; }
                @if !clusters.is_empty() { (filter("cluster", "Cluster", clusters.iter().copied().collect())) }
                (filter("level", "Level", levels.collect()))
                (filter("kind", "Kind", distinct(rows, |one| kind_name(one.kind)).into_iter().collect()))
                (filter("account", "Account", distinct(rows, |one| one.account.as_deref().unwrap_or_default()).into_iter().filter(|id| !id.is_empty()).collect()))
                (filter("store", "Source", distinct(rows, |one| store_name(&one.source)).into_iter().collect()))
                output id="count" for=(controls) { (rows.len()) " of " (rows.len()) }
            }
            div.scroll tabindex="0" role="region" aria-labelledby="principals" {
                table.sortable {
                    thead {
                        tr {
                            @if !clusters.is_empty() { th scope="col" { button type="button" { "Cluster" } } }
                            @for column in columns { th scope="col" { button type="button" { (column) } } }
                            @if shows_use { th scope="col" { button type="button" { "Last used" } } }
                            th scope="col" { "Permissions" }
                            th.decision scope="col" { "Decision" }
                        }
                    }
                    tbody { @for (cluster, one) in rows { (row(*cluster, one, shows_use)) } }
                }
            }
        }
    }
}

/// Returns the level as the table shows it. A dead entry gives no access.
pub(super) fn level(one: &PrincipalAccess) -> &'static str {
    if one.is_dead {
        Level::None.name()
    } else {
        one.level.name()
    }
}

fn row(cluster: Option<&str>, one: &PrincipalAccess, shows_use: bool) -> Markup {
    let rank = Level::ALL.iter().position(|of| of.name() == level(one));
    html! {
        tr data-level=(level(one)) data-kind=(kind_name(one.kind)) data-account=(one_line(one.account.as_deref().unwrap_or_default())) data-store=(store_name(&one.source)) data-cluster=[cluster.map(one_line)] {
            @if let Some(cluster) = cluster { td.plain { (one_line(cluster)) } }
            td data-sort=(rank.unwrap_or_default()) {
                (badge(level(one)))
                @if one.is_dead { " " span.dead { "dead entry: its principal was deleted" } }
            }
            td.name { (name(one)) }
            td.plain { (one_line(one.account.as_deref().unwrap_or_default())) }
            td.plain { (kind_name(one.kind)) }
            td.plain { (store_name(&one.source)) br; small { (place(&one.source)) } }
            td.user { (one.username.as_deref().map_or("not known".into(), one_line)) }
            td.groups { @for group in &one.groups { span.group { (one_line(group)) } " " } }
            @if shows_use { td { (last_use(one)) } }
            td.rights { (rights(&one.rights)) }
            td.decision {}
        }
    }
}

fn name(one: &PrincipalAccess) -> Markup {
    let full = one_line(&one.principal);
    html! {
        strong { (short_name(one)) }
        @if full != short_name(one) { br; small { (full) } }
        @if let Some(at) = &one.expires {
            br;
            @if one.is_expired {
                small { strong { "expired " (one_line(at)) ", still gives access" } }
            } @else {
                small { "expires " (one_line(at)) }
            }
        }
    }
}

fn rights(rights: &[Right]) -> Markup {
    let list = html! {
        ul {
            @for right in rights {
                li {
                    (badge(right.level.name())) " "
                    (one_line(&right.role)) ", " (scope(right))
                    @if right.for_some_sessions { ", for some sessions" }
                    br;
                    small { "by " (one_line(&right.by)) @if let Some(binding) = &right.binding { " and " (one_line(binding)) } }
                }
            }
        }
    };
    match rights {
        [] => html! { "none" },
        [_, _, _, ..] => html! { details { summary { (rights.len()) " permissions" } (list) } },
        _ => list,
    }
}

/// The level of a principal in each namespace, in these clusters.
struct NamespaceRow<'a> {
    principal: &'a PrincipalAccess,
    clusters: Vec<&'a str>,
    levels: Vec<Level>,
}

/// Returns the levels of principals with permissions in single namespaces. A principal with the same levels in several clusters
/// has one row.
fn namespace_rows<'a>(parts: &[Part<'a>], namespaces: &BTreeSet<&str>) -> Vec<NamespaceRow<'a>> {
    let is_limited = |one: &PrincipalAccess| {
        let mut rights = one.rights.iter();
        !one.is_dead && rights.any(|right| right.namespaces.is_some() && !right.for_some_sessions)
    };
    let mut places = HashMap::new();
    let mut rows: Vec<NamespaceRow<'_>> = Vec::new();
    for (cluster, principal) in super::principals(parts).filter(|(_, one)| is_limited(one)) {
        let levels = namespaces
            .iter()
            .map(|namespace| principal.level_in(namespace));
        let levels: Vec<_> = levels.collect();
        let key = (principal.principal.as_str(), levels.clone());
        let place = *places.entry(key).or_insert(rows.len());
        if place == rows.len() {
            rows.push(NamespaceRow {
                principal,
                clusters: Vec::new(),
                levels,
            });
        }
        rows[place].clusters.extend(cluster);
    }
    rows
}

pub(super) fn namespaces(parts: &[Part<'_>]) -> Markup {
    let read = parts.iter().filter_map(|part| part.report.ok());
    let namespaces: BTreeSet<&str> = read.flat_map(AccessReport::namespaces).collect();
    if namespaces.is_empty() {
        return html! {};
    }
    let everywhere = super::principals(parts).map(|(_, one)| one);
    let everywhere = everywhere.filter(|one| !one.is_dead && one.level_in_cluster() >= Level::Read);
    let everywhere: BTreeSet<_> = everywhere.map(|one| one.principal.as_str()).collect();
    let has_clusters = has_clusters(parts);
    html! {
        section aria-labelledby="namespaces" {
            h2 id="namespaces" { "Namespaces" }
            p {
                "The principals with permissions in single namespaces. "
                @match everywhere.len() {
                    1 => { "1 principal has" }
                    number => { (number) " principals have" }
                }
                @if has_clusters {
                    " permissions in a whole cluster, and so in each of its namespaces."
                } @else {
                    " permissions in the whole cluster, and so in every namespace."
                }
            }
            div.scroll tabindex="0" role="region" aria-labelledby="namespaces" {
                table.matrix {
                    thead {
                        tr {
                            th scope="col" { "Principal" }
                            @if has_clusters { th scope="col" { "Clusters" } }
                            @for namespace in &namespaces { th scope="col" { (one_line(namespace)) } }
                        }
                    }
                    tbody {
                        @for row in namespace_rows(parts, &namespaces) {
                            tr {
                                th scope="row" { (short_name(row.principal)) }
                                @if has_clusters { td { (one_line(&row.clusters.join(", "))) } }
                                @for level in row.levels { td { @if level > Level::None { (badge(level.name())) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Returns a level as the tables show it.
pub(super) fn badge(level: &str) -> Markup {
    html! { span class={ "level " (level) } { (level) } }
}

/// Returns the findings, each with its cluster if there are several.
pub(super) fn findings(parts: &[Part<'_>]) -> Markup {
    html! {
        section aria-labelledby="findings" {
            h2 id="findings" { "Findings" }
            @if super::findings(parts).next().is_none() {
                p { "awsauth lint found nothing." }
            } @else {
                ul.findings {
                    @for (cluster, finding) in super::findings(parts) {
                        li {
                            @if let Some(cluster) = cluster { (one_line(cluster)) " " }
                            span class={ "severity " (one_line(&finding.severity)) } { (one_line(&finding.severity)) } " "
                            strong { (one_line(&finding.rule)) } " "
                            @if let Some(principal) = &finding.principal { code { (one_line(principal)) } ": " }
                            (one_line(&finding.message)) "."
                            @if !finding.help.is_empty() { p.help { (one_line(&finding.help)) "." } }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn words() -> Markup {
    html! {
        section aria-labelledby="words" {
            h2 id="words" { "Words" }
            dl.words {
                dt { "admin" } dd { "Everything in the whole cluster, or a permission that leads there: escalate or bind for ClusterRoles, or impersonate for users or groups." }
                dt { "write" } dd { "Any verb other than get, list and watch." }
                dt { "read" } dd { "Only get, list and watch. Reading Secrets may lead to more access." }
                dt { "node" } dd { "What a kubelet needs." }
                dt { "unknown" } dd { "A role or the bindings could not be read, or awsauth does not classify the access policy." }
                dt { "none" } dd { "Signs in, but can do only what every authenticated user can." }
                dt { "for some sessions" } dd { "The username has a placeholder such as {{SessionName}}, and a binding names one value that it can have." }
            }
        }
    }
}
