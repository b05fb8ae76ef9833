//! Reads desired state from an aws-auth ConfigMap.

use std::collections::BTreeMap;

use super::error::{Fault, Reason};
use super::mapping_formats::{MAP_ROLES, MAP_USERS, unknown};
use super::validate::check;
use super::yaml_value::{Field, Value, documents, root};
use super::{DesiredMapping, Mappings};
use crate::document::{Document, Mapping, Principal, Section, SectionName};
use crate::manifest::FIELDS;
use goyaml::Tree;

/// Reads the sections of an aws-auth ConfigMap as the authenticator does. Everything else in it is ignored.
pub(super) fn read(fields: &[Field<'_>], mappings: &mut Mappings<'_>) -> Result<(), Fault> {
    if let Some(field) = fields.iter().find(|field| !FIELDS.contains(&field.name)) {
        return Err(Fault::new(
            field.line,
            unknown(field.name, "the ConfigMap".to_owned(), &FIELDS),
        ));
    }
    let mut texts = BTreeMap::new();
    let mut values = BTreeMap::new();
    let data = fields
        .iter()
        .find(|field| field.name == "data" && !field.value.is_null());
    for field in data
        .map(|data| data.value.fields("`data`"))
        .transpose()?
        .into_iter()
        .flatten()
    {
        let Some(name) = SectionName::ALL
            .into_iter()
            .find(|name| name.key() == field.name)
        else {
            let known = SectionName::ALL.map(SectionName::key);
            return Err(Fault::new(
                field.line,
                unknown(field.name, "`data`".to_owned(), &known),
            ));
        };
        if field.value.is_list() || field.value.is_map() {
            return Err(Fault::new(field.line, Reason::NotText { key: name.key() }));
        }
        if field.value.is_null() {
            return Err(no_value(name, field.line));
        }
        texts.insert(
            name.key().to_owned(),
            field.value.text(name.key())?.to_owned(),
        );
        values.insert(name, field.value);
    }
    let document = Document::read(&texts);
    for (name, value) in values {
        section(document.section(name), value, mappings)?;
    }
    Ok(())
}

fn section(section: &Section, value: Value<'_>, mappings: &mut Mappings<'_>) -> Result<(), Fault> {
    let name = section.name();
    // The lines of a `|` text are lines of the file. For any other style, only the first line is known.
    let file_line = |line: usize| {
        if value.is_literal() {
            value.line() + line
        } else {
            value.line()
        }
    };
    if let Some(first) = section.problems().first() {
        let problems = section
            .problems()
            .iter()
            .map(|problem| (file_line(problem.line), problem.message.clone()));
        let reason = Reason::Section {
            section: name,
            problems: problems.collect(),
        };
        return Err(Fault::new(file_line(first.line), reason));
    }
    let written = documents(section.text().unwrap_or_default());
    if section.entries().is_empty() && !written.as_deref().is_ok_and(begins_with_a_list) {
        return Err(no_value(name, value.line()));
    }
    let in_file = |fault: Fault| Fault {
        line: file_line(fault.line),
        ..fault
    };
    let written = written.map_err(in_file)?;
    let later = written
        .iter()
        .skip(1)
        .find(|tree| root(tree).is_some_and(|root| !root.is_null()));
    if let Some(later) = later {
        let reason = Reason::SeveralDocuments { section: name };
        return Err(Fault::new(file_line(later.start.line() + 1), reason));
    }
    if let Some(first) = written.first().and_then(root) {
        known_fields(name, first).map_err(in_file)?;
    }
    mappings.found_list = true;
    for entry in section.entries() {
        let Some(mapping) = entry.mapping() else {
            continue;
        };
        mappings.list.push(desired_mapping(
            mapping,
            mappings.source,
            file_line(entry.line),
        ));
        mappings.list.last().map_or(Ok(()), check)?;
    }
    Ok(())
}

/// Returns whether the text begins with a list, which may be an explicit empty one.
fn begins_with_a_list(documents: &[Tree<'_>]) -> bool {
    documents.first().and_then(root).is_some_and(Value::is_list)
}

fn no_value(name: SectionName, line: usize) -> Fault {
    let what = name.key().to_owned();
    Fault::new(line, Reason::NoValue { what })
}

/// Rejects fields that the authenticator would ignore, such as `group` instead of `groups`.
fn known_fields(name: SectionName, list: Value<'_>) -> Result<(), Fault> {
    let form = match name {
        SectionName::Roles => MAP_ROLES,
        SectionName::Users => MAP_USERS,
        SectionName::Accounts => return Ok(()),
    };
    let known = [form.principals, form.others].concat();
    for entry in list.items(name.key())? {
        for field in entry.fields(form.what)? {
            // The authenticator ignores letter case here.
            if !known
                .iter()
                .any(|known| known.eq_ignore_ascii_case(field.name))
            {
                return Err(Fault::new(
                    field.line,
                    unknown(field.name, form.what.to_owned(), &known),
                ));
            }
        }
    }
    Ok(())
}

fn desired_mapping(mapping: &Mapping, source: &str, line: usize) -> DesiredMapping {
    let is_account = matches!(mapping.principal, Principal::Account(_));
    DesiredMapping {
        principal: mapping.principal.clone(),
        username: (!is_account).then(|| mapping.username.clone()),
        groups: mapping.groups.clone().filter(|_| !is_account),
        entry: None,
        access: None,
        create_only: false,
        expires: None,
        cluster: None,
        source: source.to_owned(),
        line,
    }
}
