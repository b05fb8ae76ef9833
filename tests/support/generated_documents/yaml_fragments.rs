//! Tokens, characters and fragments of YAML and JSON that the other modules choose from. rustfmt would put every word on its own line.

pub(super) const AFTER_DOCUMENT: [&str; 8] = [
    "---\n", "...\n", "--- [\n", "...\n%TAG ! x\n--- *a\n", "# end", "--- a\n...\n", "...x", "---x",
];

pub(super) const SOUND_PROLOGUES: [&str; 13] = [
    "---\n", "--- ", "%YAML 1.1\n---\n", "%TAG !t! tag:yaml.org,2002:\n---\n",
    "%TAG ! tag:yaml.org,2002:\n--- ", "%TAG !! !\n---\n", "%YAML 1.1 # c\n---\n", "# c\n", "\u{feff}# c\n",
    "\u{feff}--- ", "%TAG !e! %c3%a9\n---\n", "%YAML 001.1\n---\n", "%TAG !t! !t-\n--- !t!x\n",
];

pub(super) const STRANGE_PROLOGUES: [&str; 11] = [
    "%YAML 1.2\n---\n", "%YAML 1.1\n%YAML 1.1\n---\n", "%FOO bar\n---\n", "%TAG !t! x\n%TAG !t! y\n---\n",
    "%YAML\n", "%TAG !t !x\n---\n", "%YAML 1.1\n", "...\n", "---\n...\n", "% \n---\n", "%TAG !t! \n---\n",
];

pub(super) const ENTRIES_OF_ALIASES: [&str; 7] = [
    " *a", " *b", " {<<: *a, username: m}", " {<<: [*a, *b]}", " &a {rolearn: z, userarn: z}", " ~", "",
];

pub(super) const ANCHORED_FIELDS: [&str; 4] = [
    "username: u, groups: [g, h]", "groups: [~, 1]", "sso: {accountID: '111122223333'}", "Username: U, note: n",
];

pub(super) const ANCHORED_NODES: [&str; 10] = [
    "{groups: &c [q, r]}", "{username: w}", "[*a]", "text", "'1'", "~", "[g1, g2]", "{<<: *a, username: v}",
    "{a: &c x}", "0x1F",
];

pub(super) const MERGES: [&str; 10] = [
    "<<: *a", "<<: [*a, *b]", "<<: {username: m, rolearn: m, groups: [m]}", "!!merge <<: *b", "'<<': *a",
    "<<: *c", "<<: [{rolearn: q}, *a]", "! <<: *a", "<<: []", "<<: {}",
];

pub(super) const SCALAR_KEYS: [&str; 17] = [
    "1", "true", ".nan", "1.5", "'q'", "\"d\"", "2001-01-01", "0x10", "<<", "!!str 1", "!!binary YQ==", "'1'",
    "'~'", "-0.0", "0.0", "1e10", "'1e+10'",
];

pub(super) const TYPE_TAGS: [&str; 11] = [
    "!!map ", "!!seq ", "!!null ", "!!int ", "!!binary ", "!!float ", "!!bool ", "!t!str ", "!", "!!str,",
    "!!timestamp ",
];

pub(super) const SCALARS: [&str; 8] = [
    "a", "dev", "'x'", "\"y\"", "arn:aws:iam::111122223333:role/Dev", "a b", "'111122223333'", "Admin",
];

pub(super) const FLOW_PAIRS: [&str; 12] = [
    "a: b", "? a: b", "? a", "a:", ": b", "{a: b}: c", "[a]: b", "\"a\":b", "'a' : b", "a: [b]: c", "*a : b",
    "&a a: b",
];

pub(super) const FLOW_MAP_PAIRS: [&str; 10] = [
    "a", "? a", "? a: b", ": b", "\"a\":b", "a:b", "*a : b", "<<: *a", "<<: {rolearn: f}", "? : b",
];

pub(super) const TOKENS: [&str; 88] = [
    "- ", "- ", "-", "-\t", "? ", "?", ": ", ": ", ":", ":\t", "[", "]", "[]", "{", "}", "{}", ",", ", ", "&a ",
    "&a", "*a", "*a ", "*b ", "!", "! ", "!!str ", "!!int ", "!!map ", "!x ", "!<y> ", "|", "|-", "|+", "|1",
    ">", ">-", ">2+", "'", "''", "'a'", "\"", "\"\"", "\"a\"", "\\", "\\\n", "#", " #", " # c\n", "\n", "\n",
    "\n", "\n", "\n ", "\n  ", "\n  ", "\n    ", "\n\t", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{feff}",
    "\u{a0}", "\t", " ", "  ", "---", "\n---", "--- ", "...", "\n...\n", "%YAML 1.1\n", "%TAG !t! x\n", "%",
    "@", "`", "a", "b", "a b", "a:", "rolearn: x", "username: y\n", "groups:\n", "~", "<<: ", "1", "é",
    "\u{1f600}",
];

pub(super) const ODD_CHARS: [char; 31] = [
    '\u{feff}', '\u{85}', '\u{2028}', '\u{2029}', '\u{a0}', '\u{200b}', '\u{17f}', '\u{212a}', '\u{130}',
    '\u{10000}', '\u{1f600}', '\u{fffd}', '\u{e9}', '\u{df}', '\u{3000}', '\u{1680}', '\t', '\r', '\u{e000}',
    '\u{d7ff}', '\u{10ffff}', '\u{2060}', '\u{202e}', '\u{3c2}', '\u{205f}', '\u{180e}', '\u{ff1a}', '\u{2010}',
    '\u{301}', '\u{a1}', '\u{ffdc}',
];

pub(super) const FORBIDDEN_CHARS: [char; 12] = [
    '\0', '\u{1}', '\u{7f}', '\u{80}', '\u{84}', '\u{86}', '\u{9f}', '\u{b}', '\u{c}', '\u{1b}', '\u{fffe}',
    '\u{ffff}',
];

pub(super) const TYPED: [&str; 104] = [
    "", "~", "null", "Null", "NULL", "nULL", "nil", "none", "y", "Y", "yes", "Yes", "YES", "yEs", "n", "N",
    "no", "No", "NO", "on", "On", "ON", "oN", "off", "Off", "OFF", "true", "True", "TRUE", "tRUE", "false",
    "False", "FALSE", "0", "-0", "+0", "1", "-1", "+1", "007", "08", "018", "0o17", "0O17", "0o8", "-0o7",
    "0x1F", "0X1f", "-0x1f", "+0x", "0x", "0b101", "0B11", "0b2", "0b", "-0b11", "0b-1", "0b+1", "-0b-1",
    "+0b1", "1_000", "1__0", "_1", "1_", "0x_f", "-_1", "1.5", "1.", ".5", "-.5", "+.5", "..5", ".5.", ".",
    "1e5", "1e", "1e+5", "1.e-5", "1E400", "-1e400", ".5e400", ".e5", "._5", ".5_0", ".inf", ".Inf", "-.INF",
    "+.inf", ".iNF", ".nan", ".NaN", ".NAN", "-.nan", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551615", "18446744073709551616",
    "0xffffffffffffffff", "0x1ffffffffffffffff", "<<", "=", "12:30:45",
];

pub(super) const TAGS: [&str; 34] = [
    "!!str", "!!int", "!!float", "!!bool", "!!null", "!!timestamp", "!!binary", "!!seq", "!!map", "!!merge",
    "!!set", "!", "!custom", "!c-u_s1", "!!", "!!unknown", "!<tag:yaml.org,2002:str>",
    "!<tag:yaml.org,2002:int>", "!<!>", "!<>", "!<x", "!t!str", "!t!int", "!u!x", "!a%21b", "!a%c3%a9", "!a%80",
    "!a%e2%82", "!%zz", "!a,b", "!a[b]", "!a{b", "!<tag:yaml.org,2002:binary>", "!é",
];

pub(super) const NAMES: [&str; 7] = [
    "Dev", "Ops", "dev", "KarpenterNodeRole-prod", "eksctl-prod-nodegroup-ng-1-NodeInstanceRole-1ABCDEF",
    "Admin_1", "x+y=z,.@-_",
];

pub(super) const USERNAMES: [&str; 16] = [
    "system:node:{{EC2PrivateDNSName}}", "dev", "ops", "admin:{{SessionName}}", "{{AccountID}}", "a b",
    "o'brien", "x@y.z", "{{SessionNameRaw}}-{{AccessKeyID}}", "dev: ops", "dev #1", "éva", "\"quoted\"",
    "back\\slash", "", "system:masters",
];

pub(super) const GROUPS: [&str; 10] = [
    "system:masters", "system:bootstrappers", "system:nodes", "eks-console-dashboard-full-access-group", "dev",
    "a", "b", "g:{{SessionName}}", "", "view only",
];

pub(super) const PUNCTUATION: [char; 29] = [
    ' ', 'a', ':', '-', '#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '?',
    '\n', '\\', '=', '<', '~', '1', '.', '_',
];

pub(super) const ZONES: [&str; 14] = [
    "", "Z", "z", "+01:00", "-01:00", "+1", "+0100", " Z", "+24:00", "+25:00", "+23:60", "+23:61", "-00:00",
    "Z0",
];

pub(super) const BLOCK_HEADERS: [&str; 18] = [
    "", "", "-", "+", "2", "1-", "-1", "+3", "3+", "0", "10", "-+", "--", "9", " ", " # comment", "#no", "x",
];

pub(super) const BLOCK_LINES: [&str; 12] = [
    "", "a", "dev", "a b", " c", "\tx", "# no comment", "- x", "b: c", "---", "...", "\u{feff}",
];

pub(super) const QUOTED_PIECES: [&str; 24] = [
    "a", "dev", "a b", "''", "\\n", "\\", "\\ ", "\\\t", "\\x4", "\\x41", "\\u0041", "\\ud83d\\ude00",
    "\\U0001f600", "\\U00110000", "\\/", "\\e", "\\N", "#", " #", ":", ": ", "\t", " ", "",
];

pub(super) const EMPTY_SECTIONS: [&str; 14] = [
    "", "[]", "[]\n", "\n", "~", "null\n", "---\n", "# nobody\n", "``", "\"\"", "''", " \u{a0}\n", "{}", "'[]'",
];

pub(super) const PREAMBLES: [&str; 6] = [
    "---\n", "# managed by terraform\n", "%YAML 1.1\n---\n", "\n", "\u{feff}", "--- # one\n",
];

pub(super) const FIELD_NAMES: [&str; 11] = [
    "rolearn", "userarn", "username", "groups", "groups", "sso", "userid", "accountID", "permissionSetName",
    "partition", "note",
];

pub(super) const NEAR_FIELD_NAMES: [&str; 15] = [
    "roleARN", "userARN", "rolearn ", "role_arn", "k\u{212a}", "user", "groupS", "GROUPS", "Groups",
    "\u{17f}\u{17f}o", "accountId", "<<", "1", "true", "~",
];

pub(super) const JSON_PIECES: [&str; 50] = [
    "{", "}", "[", "]", ":", ",", "\"a\"", "\"\"", "\"\\u00e9\"", "\"\\uD83D\\uDE00\"", "\"\\u12\"", "\"\\x\"",
    "\"\\/\"", "\"\t\"", "\"\u{1f}\"", "true", "false", "null", "tru", "trux", "nul", "falsy", "0", "-0", "-",
    "-a", "01", "1.5", "1.", "1.a", "1e5", "1e", "1e+", "1E-3", "1ex", "1e+x", "-1", " ", "\n", "\t", "\r", "'",
    "\\", "\u{e9}", "\u{feff}", "\u{7f}", "\u{a0}", "\u{ad}", "\"é\u{2028}\"", "#",
];

pub(super) const FRAGMENTS: [&str; 56] = [
    "- ", "-", ": ", ":", "? ", ", ", "[", "]", "{", "}", "{{", "}}", "'", "\"", "''", "\\", "|", ">", "|-",
    "&a ", "*a", "!!str ", "!", "#", " # c", "\n", "\n\n", "\r", "\t", " ", "  ", "---\n", "\n---\n", "...\n",
    "<<: *a", "~", "null", "[]", "{}", "\u{feff}", "\u{85}", "\u{2028}", "\u{a0}", "\u{200b}", "\u{17f}", "\0",
    "\u{7f}", "%", "@", "`", "1", "true", ".nan", "0x1F", "\n- rolearn: x\n", "&a",
];

pub(super) const AT_PIECE_END: [&str; 10] = [
    "\0", "\u{1}", "\u{feff}", "\n\u{feff}", "\n", "\u{fffe}", "...\n", "\n...\n\u{2}", "\u{85}", "\r\n",
];
