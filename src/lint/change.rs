//! Rules about a change of aws-auth that somebody else is about to make: what a Terraform plan takes away.
//!
//! Upgrades and moves of modules have deleted aws-auth, and with it all nodes of a cluster
//! (<https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2644>,
//! <https://github.com/pulumi/pulumi-eks/issues/983>).

use super::context::Context;
use super::finding::{Finding, Site};
use super::found::Found;
use super::{Needs, Report, Rule, Selection, Severity};
use crate::document::{Document, SectionName};
use crate::effect::{Loss, LostNodes, Standing, Store, lost_nodes, node_entries};

pub(super) const DELETES: Rule = rule("P01", "plan-deletes-aws-auth");
pub(super) const LOSES_NODES: Rule = rule("P02", "plan-loses-node-entry");
pub(super) const EMPTIES: Rule = rule("P03", "plan-empties-map");

const fn rule(id: &'static str, name: &'static str) -> Rule {
    Rule {
        id,
        name,
        severity: Severity::Error,
        needs: Needs::File,
        check: nothing,
    }
}

/// These rules are about two documents, not one.
fn nothing(_: &Context<'_>, _: &mut Found) {}

/// What is to become of the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// It stays, with other texts.
    Stays,
    /// It is deleted and created anew.
    Replaced,
    /// It is deleted.
    Deleted,
}

/// Adds to a report on the document as it will be what the change from the one before takes away. `unknown` are the sections
/// that nobody knows yet.
pub fn lint_change(
    report: &mut Report,
    (before, after): (&Document, &Document),
    whole: Whole,
    unknown: &[SectionName],
    selection: &Selection,
) {
    let mut findings = Vec::new();
    if whole != Whole::Stays {
        findings.push(deleted(before, whole));
    }
    if whole != Whole::Deleted {
        findings.extend(taken_away(before, after, unknown));
    }
    findings.retain(|finding| selection.admits(finding.rule));
    findings.append(&mut report.findings);
    report.findings = findings;
}

fn deleted(before: &Document, whole: Whole) -> Finding {
    let nodes = node_entries(&Store::new(before)).count();
    let nodes = match nodes {
        0 => String::new(),
        1 => ", an entry of nodes among them".to_owned(),
        many => format!(", {many} entries of nodes among them"),
    };
    let message = match whole {
        Whole::Deleted => {
            format!("the plan takes aws-auth away: everybody in it is locked out{nodes}")
        }
        _ => format!(
            "the plan takes aws-auth away and writes it anew: until then everybody in it is locked out{nodes}"
        ),
    };
    let help = "keep it: tell Terraform what became of the resource with a `moved` block, or with `removed` and `destroy = false`";
    finding(&DELETES, Site::ConfigMap, message, help, None)
}

/// The entries of nodes that are gone or say less, and the maps that lose all their entries.
fn taken_away(before: &Document, after: &Document, unknown: &[SectionName]) -> Vec<Finding> {
    let is_known = |section: SectionName| !unknown.contains(&section);
    let mut findings = Vec::new();
    for LostNodes { arn, section, loss } in lost_nodes(&Store::new(before), &Store::new(after)) {
        if !is_known(section) {
            continue;
        }
        let (message, help) = match loss {
            Loss::Entry => (
                format!(
                    "the plan takes away the entry of the nodes of {arn}: they can no longer join, and soon not work"
                ),
                "keep the entry while nodes have this role",
            ),
            Loss::Terms => (
                format!(
                    "the plan gives the nodes of {arn} another username or fewer groups: they can no longer join, and soon not work"
                ),
                "keep what the entry says while nodes have this role",
            ),
        };
        let site = Site::Key(section.key().to_owned());
        findings.push(finding(&LOSES_NODES, site, message, help, Some(arn)));
    }
    let told: Vec<Site> = findings
        .iter()
        .map(|finding| finding.site.clone())
        .collect();
    for section in SectionName::ALL
        .into_iter()
        .filter(|section| is_known(*section))
    {
        let (had, has) = (mapped(before, section), mapped(after, section));
        let is_told = told.contains(&Site::Key(section.key().to_owned()));
        if had > 0 && has == 0 && !is_told {
            let key = section.key();
            let entries = if had == 1 {
                "the one entry"
            } else {
                "all entries"
            };
            let message =
                format!("the plan takes away {entries} of {key}: nobody is mapped there any more");
            findings.push(finding(
                &EMPTIES,
                Site::Key(key.to_owned()),
                message,
                "keep those that somebody still needs",
                None,
            ));
        }
    }
    findings
}

/// How many entries of a section the authenticator keeps.
fn mapped(document: &Document, section: SectionName) -> usize {
    let store = Store::new(document);
    let is_kept = |standing: Standing<'_>| !matches!(standing, Standing::Ignored { .. });
    store
        .section(section)
        .filter(|slot| is_kept(slot.standing))
        .count()
}

fn finding(
    rule: &'static Rule,
    site: Site,
    message: String,
    help: &'static str,
    principal: Option<String>,
) -> Finding {
    Finding {
        rule,
        severity: rule.severity,
        site,
        message: message.into(),
        help: help.into(),
        fix: None,
        other: None,
        principal,
        entry: None,
    }
}
