//! Sections at the limits: nesting, keys, aliases, lengths.

use awsauth_core::document::SectionName;
use fastrand::Rng;

use super::{Draw, entry_lists};

/// Large and slow to read, so it is generated rarely.
pub(super) fn section(rng: &mut Rng, name: SectionName) -> String {
    match rng.u32(..10) {
        0 => nested_flow(rng),
        1 => nested_block(rng),
        2 | 3 => long_key(rng),
        4 | 5 => aliases(rng),
        6 => alias_ladder(rng),
        7 => {
            let entry = entry_lists::section(rng, name, entry_lists::Values::Wild);
            format!("{entry}\n").repeat(1 + rng.usize(..200))
        }
        8 => {
            let line = rng.pick(&[
                "# comment\n",
                "\n",
                " \n",
                "- ~\n",
                "- a\n",
                "- {}\n",
                "- [\n",
            ]);
            format!(
                "- rolearn: a\n{}- rolearn: b\n",
                line.repeat(rng.usize(..3000))
            )
        }
        _ => format!(
            "- rolearn: '{}'\n  username: {}\n",
            "a ".repeat(rng.usize(..4000)),
            "b".repeat(rng.usize(..4000))
        ),
    }
}

fn depth(rng: &mut Rng) -> usize {
    match rng.u32(..4) {
        0 => 9_990 + rng.usize(..20),
        1 => 990 + rng.usize(..20),
        2 => 4_995 + rng.usize(..10),
        _ => rng.usize(..200),
    }
}

fn nested_flow(rng: &mut Rng) -> String {
    let depth = depth(rng);
    let (open, close) = rng.pick(&[
        ("[", "]"),
        ("{a: ", "}"),
        ("[[", "]]"),
        ("{a: [", "]}"),
        ("{? ", "}"),
        ("[? ", "]"),
    ]);
    let closed = if rng.one_in(3) {
        rng.usize(..=depth)
    } else {
        depth
    };
    let text = format!("{}x{}", open.repeat(depth), close.repeat(closed));
    match rng.u32(..3) {
        0 => text,
        1 => format!("- rolearn: a\n  username: b\n  x: {text}\n"),
        _ => format!("- {text}\n"),
    }
}

fn nested_block(rng: &mut Rng) -> String {
    let depth = depth(rng).min(10_010);
    match rng.u32(..4) {
        0 => format!("{}x\n", "- ".repeat(depth)),
        1 => format!("{}x\n", "? ".repeat(depth)),
        2 => format!("{}x: y\n", "- a: \n  - ".repeat(depth.min(3))),
        _ => {
            let depth = depth.min(1_200);
            let lines = (0..depth).map(|at| format!("{}a:\n", " ".repeat(at)));
            lines.collect()
        }
    }
}

fn long_key(rng: &mut Rng) -> String {
    let length = 1_010 + rng.usize(..30);
    let filler = rng.pick(&["k", "é", "\u{1f600}", "k "]);
    let key = filler.repeat(length / filler.chars().count());
    let key = match rng.u32(..6) {
        0 => format!("\"{key}\""),
        1 => format!("'{key}'"),
        2 => format!("[{key}]"),
        3 => format!("&a {key}"),
        4 => format!("!!str '{key}'"),
        _ => key,
    };
    match rng.u32(..5) {
        0 => format!("- rolearn: a\n  {key}: b\n"),
        1 => format!("- {{rolearn: a, {key}: b}}\n"),
        2 => format!("- rolearn: a\n  ? {key}\n  : b\n"),
        3 => format!("- [{key}: b]\n"),
        _ => format!("{key}: b\n"),
    }
}

/// A count near the limit.
fn aliases(rng: &mut Rng) -> String {
    let (per_anchor, count) = match rng.u32(..3) {
        0 => (90 + rng.usize(..20), 1 + rng.usize(..3)),
        1 => (1 + rng.usize(..4), 95 + rng.usize(..1000)),
        _ => (rng.usize(..120), rng.usize(..120)),
    };
    let items = vec!["x"; per_anchor].join(", ");
    let aliases = "  - *a\n".repeat(count);
    let rest = "- rolearn: b\n".repeat(rng.usize(..30));
    format!("- rolearn: a\n  x: &a [{items}]\n  y:\n{aliases}{rest}")
}

/// Anchors that each repeat the previous one several times.
fn alias_ladder(rng: &mut Rng) -> String {
    let (width, height) = (2 + rng.usize(..9), 2 + rng.usize(..6));
    let mut text = "- rolearn: a\n  a0: &a0 [x]\n".to_owned();
    for at in 1..=height {
        let below = vec![format!("*a{}", at - 1); width].join(",");
        text += &match rng.u32(..3) {
            0 => format!("  a{at}: &a{at} {{<<: {{k: [{below}]}}}}\n"),
            _ => format!("  a{at}: &a{at} [{below}]\n"),
        };
    }
    text
}
