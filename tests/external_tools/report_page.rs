//! The HTML of `report` in a real browser.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::browser::Browser;
use crate::support::completed_run::Run;

const A: &str = "arn:aws:iam::111122223333:role";

/// Texts that would do something if they were not escaped.
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

/// Returns whether there is a browser. `.ci/run` installs one, and sets the variable so that its absence is a failure.
#[allow(
    clippy::print_stderr,
    reason = "a developer wants to know what did not run"
)]
fn has_browser() -> bool {
    let has = Browser::exists();
    assert!(
        has || std::env::var_os("AWSAUTH_TEST_BROWSER").is_none(),
        "chromedriver is not on PATH"
    );
    if !has {
        eprintln!(
            "not checked: chromedriver is not on PATH (Debian: apt-get install chromium-driver)"
        );
    }
    has
}

/// Text whose contrast with its background is below 4.5, which WCAG 2 requires at level AA:
/// <https://www.w3.org/TR/WCAG22/#contrast-minimum>
const LOW_CONTRAST: &str = r#"
  const rgb = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = [r, g, b].map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const background = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgb(getComputedStyle(at).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const bad = new Set();
  for (const element of document.querySelectorAll("body *:not(script)")) {
    const has = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!has || element.closest("svg")) continue;
    const pair = [luminance(rgb(getComputedStyle(element).color)), luminance(background(element))];
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) bad.add(`${element.tagName}.${element.className} ${ratio.toFixed(2)}`);
  }
  return [...bad];
"#;

#[test]
fn page_searches_filters_sorts_and_loads_nothing() {
    if !has_browser() {
        return;
    }
    let (folder, file) = page(60);
    for (width, is_dark) in [(400, false), (900, true), (1400, false)] {
        let profile = folder.path().join(format!("profile-{width}"));
        let browser = Browser::open(width, is_dark, &profile);
        browser.show(&file);
        let dark = browser.run("return matchMedia('(prefers-color-scheme: dark)').matches");
        assert_eq!(dark, is_dark);
        assert_eq!(browser.run(LOW_CONTRAST), json!([]), "{width}");
        let fits =
            "return document.documentElement.scrollWidth <= document.documentElement.clientWidth";
        assert_eq!(
            browser.run(fits),
            true,
            "only tables and the picture scroll sideways at {width}"
        );
        check_page(&browser);
    }
}

fn check_page(browser: &Browser) {
    let text = |script: &str| browser.run(&format!("return {script}"));
    assert_eq!(text("performance.getEntriesByType('resource').length"), 0);
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
fn picture_stays_readable_with_many_principals() {
    if !has_browser() {
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
