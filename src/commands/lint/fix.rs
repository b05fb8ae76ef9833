//! `lint --fix`.

use std::cell::RefCell;
use std::path::Path;

use super::args::{Args, Format};
use super::collect_facts::{self, Requested};
use super::source::{Source, Sources};
use crate::backend::files::{Candidate, Content, search};
use crate::backend::input_files::is_stdin;
use crate::backend::{Backend, Target};
use crate::output::FixedFinding;
use crate::terminal::{Exit, Failure, Out};
use crate::write::{Options, Transaction};
use awsauth_core::aws_auth_snapshot::Snapshot;
use awsauth_core::document::Document;
use awsauth_core::history::Contents;
use awsauth_core::lint::{Facts, Finding, RULES, Selection, Site, Texts, apply_fixes, lint};
use awsauth_core::manifest::{ManifestFaults, ManifestForm};
use awsauth_core::plan::{Allowed, Request};

/// Fixes each file, or the live ConfigMap, and reads the result.
pub(super) fn run(
    args: &Args,
    requested: &Requested<'_>,
    selection: &Selection,
    target: &Target,
    matches: &clap::ArgMatches,
    out: &mut Out,
) -> Result<Sources, Failure> {
    if !matches!(args.answer.output, Format::Human | Format::Json) {
        return Err(Failure::usage("--fix prints text or JSON only")
            .hint("run lint --fix first, then lint again for the report"));
    }
    let mut run = Run {
        args,
        selection,
        requested,
        sources: Sources::default(),
    };
    let candidates = if args.files.is_empty() {
        let backend = Backend::open(target, matches, false, out)?;
        let Some(path) = backend.path().map(Path::to_owned) else {
            let fixed = run.fix_and_read(backend, out);
            run.sources.add(fixed);
            return Ok(run.sources);
        };
        vec![Candidate::named(&path)]
    } else {
        target.only_files(matches)?;
        search(&args.files)?
    };
    for candidate in candidates {
        let fixed = if is_stdin(candidate.path()) {
            run.fix_and_read(Backend::of_stdin(), out)
        } else {
            run.fix_file(&candidate, out)
        };
        run.sources.add(fixed);
    }
    run.sources.check_not_empty(args, out);
    Ok(run.sources)
}

/// The state of a run.
struct Run<'a> {
    args: &'a Args,
    selection: &'a Selection,
    requested: &'a Requested<'a>,
    sources: Sources,
}

impl Run<'_> {
    /// Fixes a file, if it contains an aws-auth that can be written.
    fn fix_file(&mut self, candidate: &Candidate, out: &mut Out) -> Result<Vec<Source>, Failure> {
        let content = match candidate.read(out)? {
            Some(Content::Manifest(backend)) if self.is_writable(&backend.manifest_faults()) => {
                return self.fix_and_read(backend, out);
            }
            content => content,
        };
        match &content {
            Some(Content::Manifest(backend)) => out.note(&format!(
                "Nothing in {backend} was fixed: {}.",
                why_not_writable(&backend.manifest_faults())
            )),
            Some(Content::Terraform(file, _)) => out.note(&format!(
                "{file} is a Terraform plan or state: fix the Terraform configuration instead."
            )),
            Some(Content::Desired { file, .. }) => out.note(&format!(
                "Nothing in {file} was fixed: it is desired state in another form than aws-auth."
            )),
            None => {}
        }
        Ok(Source::of_file(candidate, content, self.requested.account))
    }

    fn is_writable(&self, faults: &ManifestFaults) -> bool {
        let is_text = faults.not_text.is_empty()
            || (faults.fits_literal_blocks && self.adds_literal_blocks());
        is_text && !faults.is_substitute && faults.repeated.is_empty()
    }

    fn adds_literal_blocks(&self) -> bool {
        let mut rules = RULES.into_iter();
        rules.any(|rule| rule.id == NOT_A_STRING && self.selection.admits(rule))
    }

    /// Fixes one aws-auth and reads the result.
    fn fix_and_read(
        &mut self,
        mut backend: Backend,
        out: &mut Out,
    ) -> Result<Vec<Source>, Failure> {
        match self.fix(&mut backend, out) {
            // The findings are still reported.
            Err(refusal) if refusal.exit() == Exit::Refused => {
                self.sources.failures.push(refusal.at(&backend.to_string()));
            }
            result => result?,
        }
        Source::after_write(backend, self.requested, out)
    }

    fn fix(&mut self, backend: &mut Backend, out: &mut Out) -> Result<(), Failure> {
        if self.adds_literal_blocks() {
            backend.add_literal_blocks();
        }
        let facts = match backend.has_server() {
            // Some fixes follow from what EKS and IAM report, such as the role of an instance profile. A fix is applied even if
            // it reveals a group without a binding.
            true => Facts {
                rbac: None,
                ..collect_facts::read(backend, self.requested, out)?.1
            },
            false => Facts {
                account: self.requested.account.map(str::to_owned),
                ..Facts::default()
            },
        };
        let args = &self.args.fix;
        let fixed = RefCell::new(Vec::new());
        let unfixed = RefCell::new(Vec::new());
        let request = |snapshot: &Snapshot| {
            let result = apply_fixes(&snapshot.data, &facts, self.selection);
            fixed.replace(result.fixed);
            unfixed.replace(result.unfixed);
            let contents = Contents {
                data: result.data,
                ..Contents::of(snapshot)
            };
            Ok(Request {
                contents: Some(contents),
                ..Request::default()
            })
        };
        if !backend.is_pipe() {
            let data: Texts = backend.read(out)?.snapshot.data;
            let result = apply_fixes(&data, &facts, self.selection);
            if !backend.has_new_literal_blocks() && result.fixed.is_empty() {
                note_unfixed(result.unfixed, backend, out);
                return Ok(());
            }
        }
        let write = args.write_args(self.args.answer.output);
        let options = write.options(backend);
        let plan = Transaction {
            edits: &[],
            request: &request,
            create: false,
            entries: None,
            verify: None,
            options: &Options {
                prints_own_report: true,
                // The fixes cause no findings, but may change what identifies a finding, such as the ARN.
                allow: Allowed {
                    rules: RULES.to_vec(),
                    ..options.allow.clone()
                },
                ..options
            },
        }
        .run(backend, out)?;
        self.sources.follow_output |= plan.is_change();
        let is_dry = args.is_dry();
        for finding in fixed_by_literal_blocks(backend)
            .into_iter()
            .chain(fixed.into_inner())
        {
            let finding = with_place(finding, backend);
            out.note(&finding.message(is_dry));
            self.sources.fixed.push(finding);
        }
        note_unfixed(unfixed.into_inner(), backend, out);
        if backend.is_pipe() && !is_dry {
            backend.apply_in_memory(&plan.change)?;
        }
        Ok(())
    }
}

/// Prints why findings with a fix were not fixed.
fn note_unfixed(unfixed: Vec<(Finding, String)>, backend: &Backend, out: &mut Out) {
    for (finding, why) in unfixed {
        out.note(&with_place(finding, backend).unfixed_message(&why));
    }
}

/// Returns why a manifest cannot be changed.
fn why_not_writable(faults: &ManifestFaults) -> &'static str {
    match &faults.form {
        ManifestForm::Fragment => "it has no ConfigMap around the entries",
        ManifestForm::Generator { .. } => "kustomize generates the ConfigMap",
        ManifestForm::ConfigMap if faults.is_substitute => "it is not the ConfigMap aws-auth",
        ManifestForm::ConfigMap if !faults.repeated.is_empty() => "data has a key twice",
        ManifestForm::ConfigMap => "a value of data is not text",
    }
}

/// The rule whose fix adds `|` after the keys of sections, outside their contents.
const NOT_A_STRING: &str = "S03";

/// Returns the findings that the added literal blocks fix.
fn fixed_by_literal_blocks(backend: &Backend) -> Vec<Finding> {
    if !backend.has_new_literal_blocks() {
        return Vec::new();
    }
    let facts = Facts {
        manifest_faults: backend.manifest_faults(),
        ..Facts::default()
    };
    let nothing = Texts::new();
    let document = Document::read(&nothing);
    let report = lint(&nothing, &document, &facts, &Selection::default());
    let findings = report.findings.into_iter();
    findings
        .filter(|finding| finding.rule.id == NOT_A_STRING)
        .collect()
}

/// Adds the location of a fixed finding.
fn with_place(finding: Finding, backend: &Backend) -> FixedFinding {
    let file = backend.path().map(|_| backend.to_string());
    let file_line = match &finding.site {
        Site::Text(text) => backend.file_line(text.section, text.start.line),
        Site::Key(key) => backend.key_line(key),
        Site::File(_) | Site::ConfigMap => None,
    };
    FixedFinding {
        finding,
        file,
        file_line,
    }
}
