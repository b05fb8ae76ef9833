//! The HTML of `report` in a real browser.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::browser::Browser;
use crate::support::completed_run::Run;

const A: &str = "arn:aws:iam::111122223333:role";

/// Strings that would do something if they were not escaped.
const HOSTILE: [&str; 5] = [
    "<script>document.title='run'</script>",
    "\"><img src=x onerror=\"document.title='run'\">",
    "</script><script>document.title='run'</script>",
    "<!--",
    "]]>&lt;&amp;\u{202e}",
];

/// Writes the report on an aws-auth with many roles, of which some have hostile usernames.
fn page(roles: usize) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut text = String::new();
    for number in 0..roles {
        let group = ["system:masters", "devs", "viewers"][number % 3];
        text +=
            &format!("- rolearn: {A}/r-{number}\n  username: u-{number}\n  groups: [{group}]\n");
    }
    for (number, hostile) in HOSTILE.iter().enumerate() {
        let name = json!(format!("{hostile} {number}"));
        let name = awsauth_core::escape::json_for_yaml(&name.to_string()).into_owned();
        text +=
            &format!("- rolearn: {A}/hostile-{number}\n  username: {name}\n  groups: [{name}]\n");
    }
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "aws-auth", "namespace": "kube-system"}, "data": {"mapRoles": text}});
    fs::write(folder.path().join("aws-auth.json"), object.to_string()).expect("a file");
    let mut report = Command::new(env!("CARGO_BIN_EXE_awsauth"));
    report
        .args(["report", "--file", "aws-auth.json", "-o", "html"])
        .current_dir(folder.path())
        .env_clear();
    let run = Run::of(&mut report);
    assert_eq!(run.status, 0, "{run:?}");
    let file = folder.path().join("report.html");
    fs::write(&file, run.stdout).expect("a file");
    (folder, file)
}

#[test]
fn page_searches_filters_sorts_and_loads_nothing() {
    if !Browser::is_available() {
        return;
    }
    let (folder, file) = page(60);
    for (width, is_dark) in [(400, false), (900, true), (1400, false)] {
        let profile = folder.path().join(format!("profile-{width}"));
        let browser = Browser::open(width, is_dark, &profile);
        browser.show(&file);
        let dark = browser.run("return matchMedia('(prefers-color-scheme: dark)').matches");
        assert_eq!(dark, is_dark);
        browser.assert_readable();
        check_page(&browser);
    }
}

fn check_page(browser: &Browser) {
    let text = |script: &str| browser.run(&format!("return {script}"));
    assert!(
        text("document.title")
            .as_str()
            .expect("a title")
            .starts_with("Access to ")
    );
    assert_eq!(
        text("document.images.length"),
        0,
        "hostile texts stay texts"
    );

    let count = "document.getElementById('count').textContent";
    let visible = "[...document.querySelectorAll('table.sortable tbody tr')].filter((row) => row.checkVisibility()).length";
    assert_eq!(text(count), "65 of 65");
    browser.run("const s = document.getElementById('search'); s.value = 'R-1 devs'; s.dispatchEvent(new Event('input'))");
    // r-1, r-10, r-13, r-16 and r-19.
    assert_eq!((text(count), text(visible)), (json!("5 of 65"), json!(5)));
    browser.run("const s = document.getElementById('search'); s.value = ''; s.dispatchEvent(new Event('input'))");
    browser.run("const l = document.getElementById('level'); l.value = 'admin'; l.dispatchEvent(new Event('change'))");
    assert_eq!((text(count), text(visible)), (json!("20 of 65"), json!(20)));
    browser.run("const l = document.getElementById('level'); l.value = ''; l.dispatchEvent(new Event('change'))");

    let first = "document.querySelector('table.sortable tbody tr').cells[1].querySelector('strong').textContent";
    let sort = "document.querySelectorAll('table.sortable th button')[1].click()";
    browser.run(sort);
    assert_eq!(text(first), "role/hostile-0");
    browser.run(sort);
    assert_eq!(text(first), "role/r-59");
    let order = text("document.querySelectorAll('table.sortable th')[1].getAttribute('aria-sort')");
    assert_eq!(order, "descending");
}

#[test]
fn page_is_usable_with_the_keyboard_alone() {
    const TAB: &str = "\u{e004}";
    const ENTER: &str = "\u{e007}";
    const DOWN: &str = "\u{e015}";
    if !Browser::is_available() {
        return;
    }
    let (folder, file) = page(60);
    let browser = Browser::open(900, false, &folder.path().join("profile"));
    browser.show(&file);
    let text = |script: &str| browser.run(&format!("return {script}"));
    let focused = || text("document.activeElement.id || document.activeElement.textContent");
    let count = || text("document.getElementById('count').textContent");
    // What has the focus is visible and has an outline.
    let press = |keys: &str| {
        browser.press(keys);
        let is_seen = "(() => { const e = document.activeElement, r = e.getBoundingClientRect(); \
            return e.checkVisibility() && r.left >= 0 && r.width > 0 && getComputedStyle(e).outlineStyle !== 'none' })()";
        if keys == TAB {
            assert_eq!(text(is_seen), true, "{}", focused());
        }
    };
    press(TAB);
    assert_eq!(focused(), "Skip to the principals");
    press(ENTER);
    press(TAB);
    assert_eq!(focused(), "search");
    press("r-1 devs");
    assert_eq!(count(), "5 of 65");
    for filter in ["level", "kind", "account", "store"] {
        press(TAB);
        assert_eq!(focused(), filter);
    }
    browser.run("document.getElementById('level').focus()");
    press(DOWN);
    assert_eq!(
        text("document.getElementById('level').value !== ''"),
        true,
        "the arrow selects a level"
    );
    browser.run("document.getElementById('store').focus()");
    // The table can be scrolled, and each heading sorts.
    press(TAB);
    assert_eq!(text("document.activeElement.className"), "scroll");
    press(TAB);
    assert_eq!(focused(), "Level");
    press(TAB);
    press(ENTER);
    let order =
        || text("document.querySelectorAll('table.sortable th')[1].getAttribute('aria-sort')");
    assert_eq!(order(), "ascending");
    press(" ");
    assert_eq!(order(), "descending");
    // Nothing can have the focus without a name that a screen reader reads.
    let unnamed = text(
        "[...document.querySelectorAll('a, button, input, select, [tabindex]')].filter((e) => \
         !(e.textContent.trim() && e.matches('a, button')) && !e.closest('label') && \
         !e.getAttribute('aria-label') && !document.getElementById(e.getAttribute('aria-labelledby')))\
         .map((e) => e.outerHTML.slice(0, 80))",
    );
    assert_eq!(unnamed, Value::Array(Vec::new()));
}

#[test]
fn printed_page_is_complete() {
    if !Browser::is_available() {
        return;
    }
    let (folder, file) = page(60);
    // A dark screen does not make paper dark.
    let browser = Browser::open(900, true, &folder.path().join("profile"));
    browser.show(&file);
    browser.run("const s = document.getElementById('search'); s.value = ''; document.body.insertAdjacentHTML('beforeend', '<details id=\"closed\"><summary>x</summary>y</details>')");
    let pdf = browser.print();
    // %PDF in base64.
    assert!(
        pdf.starts_with("JVBER") && pdf.len() > 50_000,
        "{}",
        pdf.len()
    );
    assert_eq!(
        browser.run("return document.getElementById('closed').open"),
        true
    );
    browser.show_printed();
    browser.assert_readable();
    let text = |script: &str| browser.run(&format!("return {script}"));
    assert_eq!(
        text("getComputedStyle(document.body).backgroundColor"),
        "rgb(255, 255, 255)"
    );
    assert_eq!(
        text("document.querySelector('.controls').checkVisibility()"),
        false
    );
    // Nothing is cut off at the edge of the paper.
    let cut = text(
        "[...document.querySelectorAll('table, svg, .scroll')].filter((e) => \
         e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.outerHTML.slice(0, 80))",
    );
    assert_eq!(cut, Value::Array(Vec::new()));
}

#[test]
fn picture_stays_readable_with_many_principals() {
    if !Browser::is_available() {
        return;
    }
    let (folder, file) = page(500);
    let browser = Browser::open(1400, false, &folder.path().join("profile"));
    browser.show(&file);
    let boxes = browser.run("return document.querySelectorAll('svg rect').length");
    assert!(boxes.as_u64().unwrap() < 60, "{boxes}");
    // Every label is inside its box.
    let outside = browser.run(
        "return [...document.querySelectorAll('svg g')].filter((g) => \
         g.querySelector('text').getBBox().width + 8 > g.querySelector('rect').getBBox().width).map((g) => g.textContent)",
    );
    assert_eq!(outside, Value::Array(Vec::new()));
}
