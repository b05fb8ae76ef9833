#!/usr/bin/env python3
"""Draws the images in the documentation. Needs Python 3.10 and a built awsauth, nothing else.

    docs/images/render.py                  uses target/debug/awsauth
    docs/images/render.py PATH             uses another binary

diff.svg and explain.svg show real output: the script runs awsauth on files in examples/ and draws what it prints.
architecture.svg is drawn from the tables CRATES, OUTSIDE and USES below. The same binary always gives the same bytes.
"""

import os
import re
import subprocess
import sys
import tempfile
from xml.sax.saxutils import escape

IMAGES = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(IMAGES))

# Each picture of a terminal: its title for screen readers, and the commands with their arguments as they are shown, line by line.
TERMINALS = {
    "diff.svg": (
        "awsauth map role --dry-run shows the change of the text and the change of access",
        [
            [
                "awsauth map role arn:aws:iam::111122223333:role/mytestrole \\",
                "    --username admin --group system:masters --file examples/aws-auth.yaml --dry-run",
            ],
        ],
    ),
    "explain.svg": (
        "awsauth explain names the entry that applies to an identity, or states why no entry does",
        [
            [
                "awsauth explain arn:aws:sts::111122223333:assumed-role/deployer/build-42 \\",
                "    --file examples/aws-auth-mistakes.yaml",
            ],
            [
                "awsauth explain arn:aws:sts::111122223333:assumed-role/ops/jane \\",
                "    --file examples/aws-auth-mistakes.yaml",
            ],
        ],
    ),
}

# The crates: name, what it does in one or two lines, and its place: left, top, width, height.
CRATES = {
    "awsauth": (("the program: commands, output,", "terminal, backends, evidence for doctor"), (210, 20, 440, 76)),
    "controller": (("watches, lease, webhook, status",), (210, 130, 440, 58)),
    "aws": (("credentials, instance metadata,", "STS, EKS, IAM"), (210, 222, 210, 76)),
    "kube": (("connects, reads and writes", "aws-auth and its history"), (440, 222, 210, 76)),
    "core": (("pure functions: no I/O, no clock, no async", "documents, plans, guards, lint, doctor's checks"), (210, 332, 440, 76)),
    "goyaml": (("YAML exactly as go-yaml v2 reads it,", "and a lossless editor"), (210, 442, 440, 76)),
}
# What the crates talk to, with its place, and the crate that does it.
OUTSIDE = {
    "AWS": (("STS, EKS, IAM,", "metadata service"), (20, 222, 140, 76), "aws"),
    "API server": (("ConfigMaps, RBAC,", "AwsAuthMapping"), (700, 222, 140, 76), "kube"),
    "Files, terminal": (("manifests, plans,", "kubeconfig, editor"), (20, 20, 140, 76), "awsauth"),
    "API server ": (("admission reviews,", "watches"), (700, 121, 140, 76), "controller"),
}
# Which crate uses which. Only direct neighbors are drawn: a crate may use any crate below it.
USES = [("awsauth", "controller"), ("controller", "aws"), ("controller", "kube"), ("aws", "core"), ("kube", "core"), ("core", "goyaml")]

# Terminal colors by SGR code; "1" (bold) is not a color.
COLORS = {
    "31": "#ff7b72", "91": "#ff7b72",
    "32": "#7ee787", "92": "#7ee787",
    "33": "#e3b341", "93": "#e3b341",
    "34": "#79c0ff", "94": "#79c0ff",
    "35": "#d2a8ff", "95": "#d2a8ff",
    "36": "#76e3ea", "96": "#76e3ea",
}
BACKGROUND, FOREGROUND, PROMPT = "#161b22", "#e6edf3", "#8b949e"
FONT = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"
SIZE, ADVANCE, LEADING, MARGIN = 12.5, 7.5, 18, 16
SGR = re.compile("\x1b\\[([0-9;]*)m")


def run(binary, shown):
    """What awsauth prints for a command, with colors; stdout and stderr in their real order."""
    words = " ".join(line.rstrip("\\") for line in shown).split()
    with tempfile.TemporaryDirectory() as home:
        environment = {"HOME": home, "PATH": "/usr/bin:/bin", "COLUMNS": "120"}
        done = subprocess.run(
            [binary, *words[1:], "--color", "always"], cwd=ROOT, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
        )
    if done.returncode != 0:
        sys.exit(f"error: {' '.join(words)} exited with {done.returncode}:\n{done.stdout.decode()}")
    return done.stdout.decode().rstrip("\n").split("\n")


def spans(line):
    """The line as (text, color, bold) parts."""
    parts, color, bold, at = [], None, False, 0
    for code in [*SGR.finditer(line), None]:
        text = line[at:code.start()] if code else line[at:]
        if text:
            parts.append((text, color, bold))
        if code is None:
            return parts
        for number in (code[1] or "0").split(";"):
            if number == "0":
                color, bold = None, False
            elif number == "1":
                bold = True
            elif number in COLORS:
                color = COLORS[number]
        at = code.end()


def terminal(binary, title, commands):
    lines = []
    for shown in commands:
        if lines:
            lines.append([])
        lines.append([("$ ", PROMPT, False), (shown[0], None, True)])
        lines += [[(line, None, True)] for line in shown[1:]]
        lines += [spans(line) for line in run(binary, shown)]
    width = max(sum(len(text) for text, _, _ in line) for line in lines) * ADVANCE + 2 * MARGIN
    height = len(lines) * LEADING + 2 * MARGIN
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        f'<g font-family="{FONT}" font-size="{SIZE}" fill="{FOREGROUND}" xml:space="preserve" style="white-space: pre">',
    ]
    for number, line in enumerate(lines):
        y, column = MARGIN + number * LEADING + SIZE, 0
        for text, color, bold in line:
            # Some viewers drop leading and trailing spaces, so position the text instead of drawing them.
            stripped = text.strip(" ")
            if stripped:
                x = MARGIN + (column + len(text) - len(text.lstrip(" "))) * ADVANCE
                style = (f' fill="{color}"' if color else "") + (' font-weight="bold"' if bold else "")
                length = len(stripped) * ADVANCE
                out.append(f'<text x="{x:g}" y="{y:g}" textLength="{length:g}"{style}>{escape(stripped)}</text>')
            column += len(text)
    return "\n".join([*out, "</g>", "</svg>", ""])


def box(name, lines, place, fill, stroke):
    left, top, width, height = place
    middle = left + width / 2
    first = top + (height - 17 * (len(lines) + 1)) / 2 + 14
    out = [
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="6" fill="{fill}" stroke="{stroke}"/>',
        f'<text x="{middle:g}" y="{first:g}" font-weight="bold">{escape(name.strip())}</text>',
    ]
    for number, line in enumerate(lines, 1):
        out.append(f'<text x="{middle:g}" y="{first + 17 * number:g}" font-size="12">{escape(line)}</text>')
    return out


def arrow(x1, y1, x2, y2, both=False):
    start = ' marker-start="url(#start)"' if both else ""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{PROMPT}" stroke-width="1.5" marker-end="url(#end)"{start}/>'


def architecture():
    width, height = 860, 540
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
        "<title>The crates of awsauth, from the program at the top to goyaml at the bottom; each uses only the crates below it</title>",
        "<defs>",
        f'<marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="{PROMPT}"/></marker>',
        f'<marker id="start" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M8 0L0 4L8 8z" fill="{PROMPT}"/></marker>',
        "</defs>",
        f'<rect width="100%" height="100%" rx="8" fill="{BACKGROUND}"/>',
        f'<g font-family="ui-sans-serif, system-ui, \'Helvetica Neue\', Arial, sans-serif" font-size="14" fill="{FOREGROUND}" text-anchor="middle">',
    ]
    for user, used in USES:
        above, below = CRATES[user][1], CRATES[used][1]
        x = (below if below[2] < above[2] else above)
        x = x[0] + x[2] / 2
        out.append(arrow(x, above[1] + above[3], x, below[1]))
    for lines, (left, top, wide, high), crate in OUTSIDE.values():
        place = CRATES[crate][1]
        y = top + high / 2
        if left < place[0]:
            out.append(arrow(left + wide, y, place[0], y, both=True))
        else:
            out.append(arrow(place[0] + place[2], y, left, y, both=True))
    for name, (lines, place) in CRATES.items():
        pure = name in ("core", "goyaml")
        out += box(name, lines, place, "#12261e" if pure else "#1f2a3a", "#3fb950" if pure else "#388bfd")
    for name, (lines, place, _) in OUTSIDE.items():
        out += box(name, lines, place, "none", PROMPT)
    return "\n".join([*out, "</g>", "</svg>", ""])


def main():
    if len(sys.argv) > 2 or any(argument.startswith("-") for argument in sys.argv[1:]):
        sys.exit(__doc__)
    binary = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(ROOT, "target/debug/awsauth")
    if not os.path.exists(binary):
        sys.exit(f"error: cannot draw the pictures: there is no {binary}\nhint: cargo build, or pass the path of an awsauth binary")
    pictures = {name: terminal(binary, title, commands) for name, (title, commands) in TERMINALS.items()}
    pictures["architecture.svg"] = architecture()
    for name, text in pictures.items():
        with open(os.path.join(IMAGES, name), "w", encoding="utf-8") as file:
            file.write(text)
        print(f"docs/images/{name}")


if __name__ == "__main__":
    main()
