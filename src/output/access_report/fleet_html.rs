//! The reports of several clusters as one HTML file.

use maud::{Markup, html};
use serde_json::json;

use super::ClusterAccess;
use super::html::{embedded, findings, page, principals, words};
use super::text::errors;
use awsauth_core::access_report::Level;
use awsauth_core::escape::one_line;

/// Formats the reports of several clusters as HTML, with a filter by cluster. The file contains the data as JSON, too.
pub(crate) fn fleet_report_html(clusters: &[ClusterAccess]) -> Result<String, serde_json::Error> {
    let data = clusters.iter().map(|one| match &one.report {
        Ok(report) => json!({"cluster": one.cluster, "result": report, "error": null}),
        Err(why) => json!({"cluster": one.cluster, "result": null, "error": why}),
    });
    let (data, digest) = embedded(&json!({ "clusters": data.collect::<Vec<_>>() }))?;
    let read = || {
        let read = clusters.iter();
        read.filter_map(|one| Some((one.cluster.as_str(), one.report.as_ref().ok()?)))
    };
    let rows = read().flat_map(|(cluster, report)| {
        let principals = report.principals.iter();
        principals.map(move |one| (Some(cluster), one))
    });
    let found = read().flat_map(|(cluster, report)| {
        let findings = report.findings.iter();
        findings.map(move |one| (Some(cluster), one))
    });
    let main = html! {
        (overview(clusters))
        (principals(&rows.collect::<Vec<_>>()))
        (findings(&found.collect::<Vec<_>>()))
        (words())
    };
    let subject = format!("{} clusters", clusters.len());
    Ok(page(
        &subject,
        head(clusters, &subject, &digest),
        main,
        &data,
    ))
}

fn head(clusters: &[ClusterAccess], subject: &str, digest: &str) -> Markup {
    let gaps = gaps(clusters);
    html! {
        header {
            h1 { "Access to " (subject) }
            dl.facts {
                div { dt { "awsauth" } dd { (env!("CARGO_PKG_VERSION")) } }
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
fn gaps(clusters: &[ClusterAccess]) -> Vec<(&str, Vec<&str>)> {
    let mut gaps: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in clusters {
        let of_cluster = match &one.report {
            Ok(report) => &report.head.not_read[..],
            Err(why) => std::slice::from_ref(why),
        };
        for gap in of_cluster {
            match gaps.iter_mut().find(|(known, _)| known == gap) {
                Some((_, clusters)) => clusters.push(&one.cluster),
                None => gaps.push((gap, vec![&one.cluster])),
            }
        }
    }
    gaps
}

fn overview(clusters: &[ClusterAccess]) -> Markup {
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
                        @for one in clusters {
                            tr {
                                th scope="row" { (one_line(&one.cluster)) }
                                @match &one.report {
                                    Ok(report) => {
                                        td.plain { (one_line(&report.head.read_at)) }
                                        td.plain { (known(&report.head.read_by)) }
                                        td.plain { (known(&report.head.authentication_mode)) }
                                        td { (report.at(Level::Admin).count()) }
                                        td { (report.principals.len()) }
                                        td { (errors(report)) }
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
