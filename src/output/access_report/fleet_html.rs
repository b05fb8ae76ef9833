//! The reports of several clusters as one HTML file.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::html::{
    badge, changes, embedded, findings, level, namespaces, numbers, page, pictures, principals,
    words,
};
use super::{ChangesSince, Part, day, errors, short_name};
use awsauth_core::access_report::{FleetReport, Level, PrincipalAccess};
use awsauth_core::escape::one_line;

/// Formats the reports of several clusters as HTML, with the changes since an earlier report if there is one. The file contains
/// the data as JSON, too.
pub(crate) fn fleet_report_html(
    fleet: &FleetReport,
    since: Option<ChangesSince<'_>>,
) -> Result<String, serde_json::Error> {
    let (data, digest) = embedded(fleet)?;
    let parts = Part::of(fleet);
    let main = html! {
        (overview(&parts))
        (numbers(&parts))
        (changes(since))
        (pictures(&parts))
        (principals(&parts))
        (clusters(&parts))
        (namespaces(&parts))
        (findings(&parts))
        (words())
    };
    let subject = format!("{} clusters", parts.len());
    Ok(page(&subject, head(&parts, &subject, &digest), main, &data))
}

fn head(parts: &[Part<'_>], subject: &str, digest: &str) -> Markup {
    let gaps = gaps(parts);
    let read = parts.iter().filter_map(|part| part.report.ok());
    let since = read
        .filter_map(|report| report.head.signed_in_since.as_deref())
        .min();
    html! {
        header {
            h1 { "Access to " (subject) }
            dl.facts {
                div { dt { "awsauth" } dd { (env!("CARGO_PKG_VERSION")) } }
                @if let Some(since) = since { div { dt { "Sign-ins since" } dd { (day(since)) } } }
                div.wide { dt { "SHA-256 of the data in this file" } dd { code { (digest) } } }
            }
            @if gaps.is_empty() {
                p.complete { "Everything that this report needs was read." }
            } @else {
                section.gaps aria-labelledby="gaps" {
                    h2 id="gaps" { "Not read" }
                    p { "The report does not cover:" }
                    ul { @for (gap, of) in gaps { li { strong { (one_line(&of.join(", "))) } ": " (one_line(gap)) } } }
                }
            }
        }
    }
}

/// Returns what was not read, with the names of the clusters.
fn gaps<'a>(parts: &[Part<'a>]) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut gaps: Vec<(&str, Vec<&str>)> = Vec::new();
    for part in parts {
        for gap in part.gaps() {
            match gaps.iter_mut().find(|(known, _)| *known == gap) {
                Some((_, clusters)) => clusters.extend(part.cluster),
                None => gaps.push((gap, part.cluster.into_iter().collect())),
            }
        }
    }
    gaps
}

/// Returns the level of each principal in each cluster.
fn clusters(parts: &[Part<'_>]) -> Markup {
    let mut rows: BTreeMap<&str, (&PrincipalAccess, Vec<Option<&PrincipalAccess>>)> =
        BTreeMap::new();
    for (column, part) in parts.iter().enumerate() {
        for (_, one) in super::principals(&[*part]) {
            let none = || (one, vec![None; parts.len()]);
            let (_, cells) = rows.entry(&one.principal).or_insert_with(none);
            cells[column] = Some(one);
        }
    }
    html! {
        section aria-labelledby="by-cluster" {
            h2 id="by-cluster" { "Principals and clusters" }
            p { "The level of each principal in each cluster. An empty cell means that the principal cannot sign in there." }
            div.scroll tabindex="0" role="region" aria-labelledby="by-cluster" {
                table.matrix {
                    thead {
                        tr {
                            th scope="col" { "Principal" }
                            @for part in parts { th scope="col" { (one_line(part.cluster.unwrap_or_default())) } }
                        }
                    }
                    tbody {
                        @for (principal, cells) in rows.values() {
                            tr {
                                th scope="row" { (short_name(principal)) br; small { (one_line(&principal.principal)) } }
                                @for (part, cell) in parts.iter().zip(cells) {
                                    td {
                                        @if part.report.is_err() { span.dead { "not read" } }
                                        @if let Some(one) = cell { (badge(level(one))) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn overview(parts: &[Part<'_>]) -> Markup {
    let headings = [
        "Cluster",
        "Read at",
        "By",
        "Authentication mode",
        "Administrators",
        "Principals",
        "Errors found",
    ];
    let known = |text: &Option<String>| match text {
        Some(text) => one_line(text).into_owned(),
        None => "not known".to_owned(),
    };
    html! {
        section aria-labelledby="clusters" {
            h2 id="clusters" { "Clusters" }
            div.scroll tabindex="0" role="region" aria-labelledby="clusters" {
                table {
                    thead { tr { @for heading in headings { th scope="col" { (heading) } } } }
                    tbody {
                        @for part in parts {
                            tr {
                                th.nowrap scope="row" { (one_line(part.cluster.unwrap_or_default())) }
                                @match part.report {
                                    Ok(report) => {
                                        td.plain { (one_line(&report.head.read_at)) }
                                        td.plain { (known(&report.head.read_by)) }
                                        td.plain { (known(&report.head.authentication_mode)) }
                                        td { (report.at(Level::Admin).count()) }
                                        td { (report.principals.len()) }
                                        td { (errors(&report.findings)) }
                                    }
                                    Err(why) => td colspan="6" { span.dead { "not read" } ": " (one_line(why)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
