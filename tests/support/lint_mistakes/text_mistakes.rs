//! Mistakes in the text and in the keys of `data`.

use fastrand::Rng;

use super::Style;
use crate::support::lint_facts::Data;

/// Makes the mistake. Returns `false` if that is impossible.
pub(super) type Mistake = fn(&mut Data, Style, &mut Rng) -> bool;

/// The mistakes, each with its rule and number.
pub(super) fn all() -> Vec<(&'static str, usize, Mistake)> {
    let rules: [(&'static str, Vec<Mistake>); 9] = [
        (
            "L01",
            vec![|data, style, _| is_list(style) && comment(data, "# awsauth: ignore[G05]")],
        ),
        (
            "L02",
            vec![
                |data, style, _| is_list(style) && comment(data, "# awsauth: ignore[R99] because"),
                |data, style, _| is_list(style) && comment(data, "# awsauth: ignore[] because"),
            ],
        ),
        (
            "S01",
            vec![|data, _, _| key(data, "maproles"), |data, _, _| {
                key(data, "MapRoles")
            }],
        ),
        (
            "S02",
            vec![
                |data, _, _| key(data, "mapRole"),
                |data, _, _| key(data, "mapGroups"),
                |data, _, _| key(data, "notes"),
            ],
        ),
        (
            "S04",
            vec![
                |data, style, _| {
                    has_fields(style) && change(data, |text| text.replacen("\n  ", "\n\t", 1))
                },
                |data, style, _| {
                    has_fields(style) && change(data, |text| text.replacen("\n  ", "\n   ", 1))
                },
                |data, style, _| {
                    has_fields(style) && change(data, |text| text.replacen("\n  ", "\n\u{a0} ", 1))
                },
                |data, style, _| !has_fields(style) && change(data, last_brace_lost),
                |data, _, _| change(data, |text| format!("{text}\n  \"")),
            ],
        ),
        (
            "S05",
            vec![
                |data, style, _| {
                    style == Style::Block
                        && put(
                            data,
                            "- rolearn: arn:aws:iam::444455556666:role/mistake\n  username: {{SessionName}}\n  groups: [viewers]\n",
                        )
                },
                |data, style, _| {
                    style == Style::Flow
                        && put(
                            data,
                            "- {rolearn: \"arn:aws:iam::444455556666:role/mistake\", username: {{SessionName}}, groups: [viewers]}\n",
                        )
                },
                |data, style, _| {
                    style == Style::Block
                        && put(
                            data,
                            "- rolearn: arn:aws:iam::444455556666:role/mistake\n  username: mistake\n  groups: [team-{{AccountID}}]\n",
                        )
                },
            ],
        ),
        (
            "S06",
            vec![
                |data, style, _| {
                    style == Style::Block
                        && change(data, |_| {
                            "rolearn: arn:aws:iam::444455556666:role/mistake\nusername: mistake\n"
                                .to_owned()
                        })
                },
                |data, _, _| change(data, |text| serde_json::to_string(text).expect("JSON")),
                |data, style, _| {
                    is_list(style)
                        && change(data, |text| format!("|\n  {}", text.replace('\n', "\n  ")))
                },
            ],
        ),
        (
            "S14",
            vec![
                |data, style, _| {
                    is_list(style)
                        && data.contains_key("mapRoles")
                        && put(
                            data,
                            "---\n- rolearn: arn:aws:iam::444455556666:role/mistake\n  username: mistake\n  groups: [viewers]\n",
                        )
                },
                |data, style, _| {
                    style == Style::Json && change(data, |text| format!("{text}\n---\n[]\n"))
                },
            ],
        ),
        (
            "S15",
            vec![|data, style, _| {
                style == Style::Block
                    && put(
                        data,
                        "- rolearn: arn:aws:iam::444455556666:role/mistake\n  username: mistake\n  groups:\n  - system:bootstrappers\n        - system:nodes\n",
                    )
            }],
        ),
    ];
    let numbered = rules.into_iter().flat_map(|(rule, mistakes)| {
        mistakes
            .into_iter()
            .enumerate()
            .map(move |(number, mistake)| (rule, number, mistake))
    });
    numbered.collect()
}

fn is_list(style: Style) -> bool {
    style != Style::Json
}

/// Returns whether each field is on its own line.
fn has_fields(style: Style) -> bool {
    matches!(style, Style::Block | Style::Quoted)
}

fn last_brace_lost(text: &str) -> String {
    let (before, behind) = text.rsplit_once('}').unwrap_or((text, ""));
    format!("{before}{behind}")
}

/// Changes the text of mapRoles. Returns `false` if nothing changes.
fn change(data: &mut Data, change: impl Fn(&str) -> String) -> bool {
    let Some(text) = data.get_mut("mapRoles") else {
        return false;
    };
    let changed = change(text);
    let is_other = changed != *text;
    *text = changed;
    is_other
}

fn put(data: &mut Data, entry: &str) -> bool {
    *data.entry("mapRoles".to_owned()).or_default() += entry;
    true
}

fn comment(data: &mut Data, comment: &str) -> bool {
    change(data, |text| format!("{comment}\n{text}"))
}

fn key(data: &mut Data, key: &str) -> bool {
    let Some(text) = data.remove("mapRoles") else {
        return false;
    };
    data.insert(key.to_owned(), text);
    true
}
