//! Generates kubeconfigs in many styles, each from a seed.

use fastrand::Rng;
use serde_json::{Map, Value, json};

use awsauth_core::kubeconfig::{Cluster, Entries, Exec, User};

pub(crate) const ARN: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";

/// The entries that `awsauth kubeconfig --cluster-name prod` writes.
pub(crate) fn prod() -> Entries {
    Entries {
        cluster: Cluster {
            name: ARN.to_owned(),
            server: "https://0A1B.gr7.eu-west-1.eks.amazonaws.com".to_owned(),
            certificate_authority_data: Some("LS0tLS1CRUdJTi==".to_owned()),
            proxy_url: None,
        },
        user: User {
            name: ARN.to_owned(),
            exec: Exec {
                command: "/usr/local/bin/awsauth".to_owned(),
                args: ["token", "--cluster-name", "prod", "--region", "eu-west-1"]
                    .map(str::to_owned)
                    .into(),
                profile: None,
            },
        },
        context: ARN.to_owned(),
    }
}

/// The entries with a profile.
pub(crate) fn prod_as(profile: &str) -> Entries {
    let mut entries = prod();
    entries.user.exec.profile = Some(profile.to_owned());
    entries
}

/// The content of a kubeconfig, and its text.
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) content: Value,
    /// Whether it has entries for `--cluster-name prod`.
    pub(crate) has_ours: bool,
}

pub(crate) fn written(seed: u64) -> Written {
    let mut rng = Rng::with_seed(seed);
    let has_ours = rng.bool();
    let content = config(&mut rng, has_ours);
    let text = match rng.u8(..8) {
        0 => serde_json::to_string(&content).expect("JSON"),
        1 => serde_json::to_string_pretty(&content).expect("JSON") + "\n",
        _ => Hand::new(&mut rng).document(&content),
    };
    Written {
        text,
        content,
        has_ours,
    }
}

fn pick<'a>(rng: &mut Rng, from: &[&'a str]) -> &'a str {
    from[rng.usize(..from.len())]
}

fn shuffled(rng: &mut Rng, value: Value) -> Value {
    let Value::Object(map) = value else {
        return value;
    };
    let mut pairs: Vec<_> = map.into_iter().collect();
    rng.shuffle(&mut pairs);
    pairs.into_iter().collect::<Map<_, _>>().into()
}

fn config(rng: &mut Rng, has_ours: bool) -> Value {
    let mut names = vec![
        "kind",
        "arn:aws:eks:eu-west-1:111122223333:cluster/dev",
        "me@prod.eu-west-1.eksctl.io",
        "123",
        "it's: \"odd\" #1",
        "on",
    ];
    rng.shuffle(&mut names);
    names.truncate(rng.usize(..4));
    if has_ours {
        names.insert(rng.usize(..=names.len()), ARN);
    }
    let entry = |rng: &mut Rng, name: &str, key: &str, body: Value| {
        let mut entry = Map::new();
        entry.insert("name".to_owned(), name.into());
        entry.insert(key.to_owned(), shuffled(rng, body));
        shuffled(rng, entry.into())
    };
    let (mut clusters, mut users, mut contexts) = (Vec::new(), Vec::new(), Vec::new());
    for name in &names {
        let body = cluster(rng, *name == ARN);
        clusters.push(entry(rng, name, "cluster", body));
        if rng.u8(..6) > 0 {
            let body = user(rng, *name == ARN);
            users.push(entry(rng, name, "user", body));
        }
        if rng.u8(..6) > 0 {
            let mut body = json!({"cluster": name, "user": name});
            if rng.bool() {
                body["namespace"] = pick(rng, &["default", "42", "pay ments"]).into();
            }
            contexts.push(entry(rng, name, "context", body));
        }
    }
    let mut config = Map::new();
    for (key, list) in [
        ("clusters", clusters),
        ("users", users),
        ("contexts", contexts),
    ] {
        let list = if list.is_empty() && rng.bool() {
            Value::Null
        } else {
            list.into()
        };
        if list != Value::Null || rng.bool() {
            config.insert(key.to_owned(), list);
        }
    }
    config.insert("kind".to_owned(), "Config".into());
    if rng.bool() {
        config.insert("apiVersion".to_owned(), "v1".into());
    }
    if rng.u8(..3) > 0 {
        let current = if rng.bool() { "" } else { "kind" };
        config.insert("current-context".to_owned(), current.into());
    }
    if rng.bool() {
        config.insert("preferences".to_owned(), json!({}));
    }
    shuffled(rng, config.into())
}

fn cluster(rng: &mut Rng, ours: bool) -> Value {
    let mut body = json!({"server": pick(rng, &["https://127.0.0.1:6443", "https://a b", "https://0A1B.gr7.eu-west-1.eks.amazonaws.com"])});
    if rng.bool() {
        body["certificate-authority-data"] = "T0xE".into();
    } else if ours && rng.bool() {
        body["certificate-authority"] = "/etc/ca.pem".into();
        body["insecure-skip-tls-verify"] = rng.bool().into();
    }
    if rng.u8(..4) == 0 {
        body["proxy-url"] = "http://bastion:3128".into();
    }
    if rng.u8(..4) == 0 {
        body["extensions"] = json!([{"name": "x", "extension": {"b": 1.5, "a": [null, "y\n"]}}]);
    }
    body
}

fn user(rng: &mut Rng, ours: bool) -> Value {
    if !ours && rng.bool() {
        return json!({"token": "it's a \"secret\"", "client-certificate-data": "LS0tLS1C\nRUdJTi==\n"});
    }
    let mut exec = json!({
        "apiVersion": pick(rng, &["client.authentication.k8s.io/v1beta1", "client.authentication.k8s.io/v1"]),
        "command": pick(rng, &["aws", "aws-iam-authenticator", "/usr/local/bin/awsauth"]),
        "interactiveMode": "IfAvailable",
    });
    if rng.u8(..4) > 0 {
        let args = [
            "token",
            "--cluster-name",
            "prod",
            "-i",
            "eks",
            "123",
            "a b",
            "",
            "eu-west-1",
        ];
        let count = rng.usize(..8);
        exec["args"] = (0..count).map(|_| pick(rng, &args)).collect();
    }
    if rng.bool() {
        let mut env = vec![json!({"name": "AWS_STS_REGIONAL_ENDPOINTS", "value": "regional"})];
        if rng.bool() {
            env.insert(
                rng.usize(..2),
                json!({"name": "AWS_PROFILE", "value": "old one"}),
            );
        }
        if rng.u8(..4) == 0 {
            env.truncate(1);
        }
        exec["env"] = env.into();
    }
    if rng.bool() {
        exec["provideClusterInfo"] = false.into();
    }
    if rng.u8(..3) == 0 {
        exec["installHint"] = "Install it:\n\n  curl -O …\n".into();
    }
    json!({"exec": shuffled(rng, exec)})
}

/// A style of YAML.
struct Hand<'r> {
    rng: &'r mut Rng,
    /// The indentation of a mapping below its key.
    step: usize,
    /// The indentation of a list below its key.
    dash: usize,
    comments: bool,
    line_break: &'static str,
    out: String,
}

impl<'r> Hand<'r> {
    fn new(rng: &'r mut Rng) -> Self {
        Self {
            step: [2, 2, 2, 4, 3][rng.usize(..5)],
            dash: [0, 0, 2, 4][rng.usize(..4)],
            comments: rng.bool(),
            line_break: if rng.u8(..8) == 0 { "\r\n" } else { "\n" },
            out: String::new(),
            rng,
        }
    }

    fn document(mut self, content: &Value) -> String {
        if self.rng.u8(..4) == 0 {
            self.out.push_str("# a file\n");
        }
        if self.rng.u8(..4) == 0 {
            self.out.push_str("---\n");
        }
        let Value::Object(map) = content else {
            unreachable!()
        };
        self.pairs(map, 0, false);
        match self.rng.u8(..8) {
            0 => self.out.truncate(self.out.trim_end().len()),
            1 => self.out.push_str("# the end\n"),
            2 => self.out.push_str("...\n"),
            _ => {}
        }
        if self.line_break == "\n" {
            return self.out;
        }
        self.out.replace('\n', self.line_break)
    }

    fn pairs(&mut self, map: &Map<String, Value>, column: usize, behind_dash: bool) {
        for (number, (key, value)) in map.iter().enumerate() {
            if number > 0 || !behind_dash {
                self.between(column);
                self.indent(column);
            }
            let key = match self.rng.u8(..12) {
                0 => format!("\"{key}\""),
                1 => format!("'{key}'"),
                2 => format!("{key} "),
                _ => key.clone(),
            };
            self.out.push_str(&key);
            self.out.push(':');
            self.value(value, column);
        }
    }

    fn value(&mut self, value: &Value, column: usize) {
        if self.rng.u8(..12) == 0 && !value.is_null() {
            self.out.push(' ');
            let flow = self.flow(value);
            self.out.push_str(&flow);
            return self.end_line();
        }
        match value {
            Value::Object(map) if !map.is_empty() => {
                self.end_line();
                self.pairs(map, column + self.step, false);
            }
            Value::Array(items) if !items.is_empty() => {
                self.end_line();
                let column = column + self.dash;
                for item in items {
                    self.between(column);
                    self.indent(column);
                    self.out.push('-');
                    match item {
                        Value::Object(map) if !map.is_empty() => {
                            let gap = [1, 1, 1, 3][self.rng.usize(..4)];
                            self.indent(gap);
                            self.pairs(map, column + 1 + gap, true);
                        }
                        item => self.value(item, column),
                    }
                }
            }
            Value::String(text)
                if text.ends_with('\n') && !text.starts_with(' ') && self.rng.bool() =>
            {
                self.out.push_str(" |\n");
                for line in text.lines() {
                    if !line.is_empty() {
                        self.indent(column + self.step);
                        self.out.push_str(line);
                    }
                    self.out.push('\n');
                }
            }
            Value::Null => {
                let null = pick(self.rng, &["", " null", " ~"]);
                self.out.push_str(null);
                self.end_line();
            }
            other => {
                self.out.push(' ');
                let text = self.scalar(other, true);
                self.out.push_str(&text);
                self.end_line();
            }
        }
    }

    fn scalar(&mut self, value: &Value, may_be_plain: bool) -> String {
        let Value::String(text) = value else {
            return value.to_string();
        };
        let is_plain = !["on", "123", "42", ""].contains(&text.as_str())
            && !text.contains(['"', '\'', '#', '\n'])
            && (may_be_plain || !text.contains(':'));
        let fits_single = !text.contains('\n');
        match self.rng.u8(..6) {
            0 if fits_single => format!("'{}'", text.replace('\'', "''")),
            1..6 if is_plain => text.clone(),
            _ => Value::from(text.as_str()).to_string(),
        }
    }

    fn flow(&mut self, value: &Value) -> String {
        let blank = if self.rng.bool() { " " } else { "" };
        match value {
            Value::Object(map) => {
                let mut pairs = Vec::new();
                for (key, value) in map {
                    pairs.push(format!("{key}: {}", self.flow(value)));
                }
                format!("{{{blank}{}{blank}}}", pairs.join(", "))
            }
            Value::Array(items) => {
                let items: Vec<_> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{blank}{}{blank}]", items.join(", "))
            }
            other => self.scalar(other, false),
        }
    }

    fn end_line(&mut self) {
        if self.comments && self.rng.u8(..8) == 0 {
            self.out.push_str(" # it's: a comment");
        }
        self.out.push('\n');
    }

    fn between(&mut self, column: usize) {
        if self.comments && self.rng.u8(..8) == 0 {
            let column = self.rng.usize(..=column);
            self.indent(column);
            self.out.push_str("# between\n");
        }
        if self.rng.u8(..24) == 0 {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }
}

/// Returns the expected content after the entries were written.
pub(crate) fn expected(mut content: Value, profile: bool) -> Value {
    let ours = |content: &mut Value, list: &str| -> usize {
        if content[list].is_null() {
            content[list] = json!([]);
        }
        let list = content[list].as_array_mut().expect("a list");
        let at = list.iter().position(|item| item["name"] == ARN);
        at.unwrap_or_else(|| {
            list.push(json!({"name": ARN}));
            list.len() - 1
        })
    };
    let entries = prod();
    let at = ours(&mut content, "clusters");
    let cluster = &mut content["clusters"][at]["cluster"];
    cluster["server"] = entries.cluster.server.into();
    cluster["certificate-authority-data"] = entries.cluster.certificate_authority_data.into();
    let fields = cluster.as_object_mut().expect("a mapping");
    fields.remove("certificate-authority");
    if fields.get("insecure-skip-tls-verify") == Some(&true.into()) {
        fields.remove("insecure-skip-tls-verify");
    }
    let at = ours(&mut content, "contexts");
    let context = &mut content["contexts"][at]["context"];
    context["cluster"] = ARN.into();
    context["user"] = ARN.into();
    content["current-context"] = ARN.into();
    let at = ours(&mut content, "users");
    let exec = &mut content["users"][at]["user"]["exec"];
    exec["apiVersion"] = "client.authentication.k8s.io/v1".into();
    exec["args"] = entries.user.exec.args.into();
    exec["command"] = entries.user.exec.command.into();
    exec["interactiveMode"] = "Never".into();
    let env = exec.as_object_mut().expect("a mapping");
    let mut variables = match env.remove("env") {
        Some(Value::Array(variables)) => variables,
        _ => Vec::new(),
    };
    let at = variables
        .iter()
        .position(|variable| variable["name"] == "AWS_PROFILE");
    match (at, profile) {
        (Some(at), true) => variables[at]["value"] = "ops".into(),
        (None, true) => variables.push(json!({"name": "AWS_PROFILE", "value": "ops"})),
        (Some(at), false) => drop(variables.remove(at)),
        (None, false) => {}
    }
    if !variables.is_empty() {
        env.insert("env".to_owned(), variables.into());
    }
    content
}
