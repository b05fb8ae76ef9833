//! The answers of the authenticator's own code, requested in bulk over a pipe.

use std::collections::BTreeMap;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::go_programs::Binary;

/// A request. Sections are maps from names to strings, as in a ConfigMap's `data`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
pub(crate) enum Request {
    /// The result of ParseMap.
    Parse {
        #[serde(flatten)]
        data: Data,
    },
    /// The user that an identity becomes. `ec2` maps instance IDs to private DNS names.
    Map {
        #[serde(flatten)]
        data: Data,
        identity: Identity,
        /// Whether the feature gate SSORoleMatch is on.
        sso_gate: bool,
        ec2: BTreeMap<String, String>,
    },
    /// An ARN's canonical form and kind.
    Arn { arn: String },
    /// The identity of a token, given this STS response.
    Token {
        token: String,
        partition: String,
        region: String,
        status: u16,
        body: String,
    },
    /// The time of `count` runs of ParseMap.
    Bench {
        #[serde(flatten)]
        data: Data,
        count: u32,
    },
}

/// A ConfigMap's `data`. Values may be any bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Data {
    #[serde(rename = "data", default)]
    pub(crate) texts: BTreeMap<String, String>,
    /// Values that are not UTF-8.
    #[serde(rename = "data_b64", default, with = "in_base64")]
    pub(crate) bytes: BTreeMap<String, Vec<u8>>,
}

/// A caller as STS reports it, and the access key that signed the request.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Identity {
    pub(crate) sts_arn: String,
    pub(crate) sts_account: String,
    pub(crate) sts_userid: String,
    #[serde(default)]
    pub(crate) access_key: String,
}

/// The answer to the [`Request`] of the same name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Parse(Parsed),
    Map(Mapped),
    Arn(CanonicalArn),
    Token(Verdict),
    /// Nanoseconds per run.
    Bench(Vec<u64>),
    /// The library panicked on this request.
    Panic(String),
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Parsed {
    pub(crate) roles: Vec<Role>,
    pub(crate) users: Vec<User>,
    pub(crate) accounts: Vec<String>,
    /// In the order users, roles, accounts.
    pub(crate) errors: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Role {
    /// Empty for an entry with `sso`.
    #[serde(default)]
    pub(crate) rolearn: String,
    pub(crate) sso: Option<Sso>,
    pub(crate) username: String,
    pub(crate) groups: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) userid: String,
    /// The key under which the authenticator stores the entry. The last entry with a key wins.
    pub(crate) key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Sso {
    pub(crate) permission_set_name: String,
    #[serde(rename = "accountID")]
    pub(crate) account_id: String,
    pub(crate) partition: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct User {
    pub(crate) userarn: String,
    pub(crate) username: String,
    pub(crate) groups: Option<Vec<String>>,
    #[serde(default)]
    pub(crate) userid: String,
    pub(crate) key: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Mapped {
    /// What the authenticator derived from the STS response. Missing if it rejected the response.
    pub(crate) identity: Option<Derived>,
    /// The outcome, if there is exactly one.
    pub(crate) result: Option<Login>,
    /// The outcomes among which the authenticator chooses at random.
    #[serde(default)]
    pub(crate) any_of: Vec<Login>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Derived {
    pub(crate) canonical: String,
    pub(crate) account: String,
    pub(crate) userid: String,
    pub(crate) session: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(untagged)]
pub(crate) enum Login {
    Accepted {
        username: String,
        groups: Vec<String>,
    },
    /// Starts with `verify: ` if the identity was rejected before the mappings were checked.
    Refused { error: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum CanonicalArn {
    Valid { canonical: String, kind: String },
    Invalid { error: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Verdict {
    Refused {
        error: String,
    },
    SignedIn {
        /// The host of the STS request.
        host: String,
        canonical: String,
        #[serde(default)]
        access_key: String,
    },
}

/// A running oracle. It ends when its pipe closes, at the latest with the test process.
pub(crate) struct Oracle {
    child: Child,
    requests: BufWriter<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// # Panics
    /// If it cannot be built or started.
    pub(crate) fn start() -> Self {
        let mut command = Command::new(Binary::Oracle.path());
        command
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().expect("the oracle can be run");
        let requests = child.stdin.take().expect("stdin is piped");
        let answers = child.stdout.take().expect("stdout is piped");
        Self {
            child,
            requests: BufWriter::with_capacity(1 << 20, requests),
            answers: BufReader::with_capacity(1 << 20, answers),
        }
    }

    /// Returns one answer per request, in order. Fastest with a few thousand requests at a time, because they
    /// are written while the first answers are read.
    ///
    /// # Panics
    /// If the oracle ends, with the first request without an answer.
    pub(crate) fn ask(&mut self, requests: &[Request]) -> Vec<Answer> {
        let (to, from) = (&mut self.requests, &mut self.answers);
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || write_frames(to, requests));
            let mut answers = Vec::with_capacity(requests.len());
            for request in requests {
                match read_frame(from).and_then(|frame| answer_to(request, &frame)) {
                    Ok(answer) => answers.push(answer),
                    Err(e) => panic!("no answer to request {}: {e}: {request:?}", answers.len()),
                }
            }
            let written = writer.join().expect("the writer does not panic");
            written.expect("the oracle reads the requests");
            answers
        })
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn write_frames(to: &mut BufWriter<ChildStdin>, requests: &[Request]) -> io::Result<()> {
    let mut body = Vec::new();
    for request in requests {
        body.clear();
        serde_json::to_writer(&mut body, request)?;
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        to.write_all(&length.to_le_bytes())?;
        to.write_all(&body)?;
    }
    to.flush()
}

fn read_frame(from: &mut BufReader<ChildStdout>) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_le_bytes(length)).map_err(io::Error::other)?;
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    Ok(body)
}

fn answer_to(request: &Request, body: &[u8]) -> io::Result<Answer> {
    #[derive(Deserialize)]
    struct Panic {
        panic: String,
    }
    #[derive(Deserialize)]
    struct Bench {
        nanos: Vec<u64>,
    }
    if body.starts_with(br#"{"panic":"#) {
        return Ok(Answer::Panic(read::<Panic>(body)?.panic));
    }
    Ok(match request {
        Request::Parse { .. } => Answer::Parse(read(body)?),
        Request::Map { .. } => Answer::Map(read(body)?),
        Request::Arn { .. } => Answer::Arn(read(body)?),
        Request::Token { .. } => Answer::Token(read(body)?),
        Request::Bench { .. } => Answer::Bench(read::<Bench>(body)?.nanos),
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body)
        .map_err(|e| io::Error::other(format!("{e} in {}", String::from_utf8_lossy(body))))
}

/// Encodes [`Data::bytes`] in JSON.
mod in_base64 {
    use std::collections::BTreeMap;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    type Values<T> = BTreeMap<String, T>;

    pub(super) fn serialize<S: Serializer>(
        bytes: &Values<Vec<u8>>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_map(
            bytes
                .iter()
                .map(|(key, value)| (key, BASE64_STANDARD.encode(value))),
        )
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Values<Vec<u8>>, D::Error> {
        let decode = |(key, text): (String, String)| {
            BASE64_STANDARD
                .decode(text)
                .map(|bytes| (key, bytes))
                .map_err(D::Error::custom)
        };
        Values::deserialize(from)?.into_iter().map(decode).collect()
    }
}
