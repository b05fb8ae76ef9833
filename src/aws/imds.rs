//! EC2 instance metadata: the role of the instance and its credentials.
//!
//! Credentials cost three requests on one connection: a session (IMDSv2), the role's name, its credentials. Where there
//! are no sessions, IMDSv1 is asked, as botocore does.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

mod error;
mod role;
mod session;
mod settings;

use std::fmt;
use std::time::Duration;

use http::Method;
use http::header::{HeaderMap, HeaderName};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::http::{Answer, Client, Fault};
use super::issued::Issued;
use super::machine::is_instance_id;
use crate::token::Credentials;
use session::Session;

pub use error::{ImdsError, Instance, NoSession, Unreached};
pub use settings::Settings;

/// How long instance metadata is waited for, over all requests of one [`Imds`] together.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// What credentials that have ended are said to last from now.
const EXTENSION: SignedDuration = SignedDuration::from_mins(15);

/// The waits before a request is repeated after a failure of the service.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(450),
];

const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const REGION: &str = "/latest/meta-data/placement/region";
const CREDENTIALS: &str = "the role's credentials";
const ID: &str = "/latest/meta-data/instance-id";

/// A conversation with instance metadata. It keeps its session and its connection, and all of its waiting together is
/// [`PATIENCE`].
pub struct Imds {
    settings: Settings,
    client: Client,
    session: Option<Session>,
    left: Duration,
}

/// What the instance's role gave.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The credentials.
    pub credentials: Credentials,
    /// The role's name.
    pub role: String,
    /// Why IMDSv1 was asked, if it was.
    pub v1: Option<NoSession>,
    /// Set when the credentials had ended by what they say themselves.
    pub stale: Option<Stale>,
}

/// Instance metadata serves credentials past their end when it can't renew them, and AWS may go on accepting them. As
/// botocore does, we go on with them and say a later end: [`Fetched::credentials`] then end 15 minutes from now.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// When they ended.
    pub ended: Timestamp,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the credentials from instance metadata ended at {}, and it has no newer ones; if AWS refuses them \
             (ExpiredToken), check this machine's clock, or attach the instance profile again",
            self.ended
        )
    }
}

impl Imds {
    /// A conversation that has not begun.
    pub fn new(settings: Settings) -> Self {
        Self {
            client: Client::new(settings.endpoint.clone(), None),
            settings,
            session: None,
            left: PATIENCE,
        }
    }

    /// The credentials of the instance's role. `now` decides whether they have ended.
    ///
    /// # Errors
    /// Each way in which there can be none, told apart.
    pub async fn credentials(&mut self, now: Timestamp) -> Result<Fetched, ImdsError> {
        let deadline = self.begin(CREDENTIALS)?;
        let fetched = self.fetch(now, deadline).await;
        self.end(deadline);
        fetched
    }

    /// The region that the instance is in.
    ///
    /// # Errors
    /// As for [`Self::credentials`], as far as they apply.
    pub async fn region(&mut self) -> Result<String, ImdsError> {
        let deadline = self.begin("the region")?;
        let region = self.text(REGION, "the region", deadline).await;
        self.end(deadline);
        region
    }

    /// The id of the instance.
    ///
    /// # Errors
    /// As for [`Self::credentials`], as far as they apply.
    pub async fn instance_id(&mut self) -> Result<String, ImdsError> {
        let deadline = self.begin("the instance id")?;
        let id = self.text(ID, "the instance id", deadline).await;
        self.end(deadline);
        id
    }

    fn begin(&self, what: &str) -> Result<Instant, ImdsError> {
        if self.settings.disabled {
            return Err(ImdsError::Disabled);
        }
        if self.left.is_zero() {
            let what = what.to_owned();
            return Err(ImdsError::Slow { what });
        }
        Ok(Instant::now() + self.left)
    }

    fn end(&mut self, deadline: Instant) {
        self.left = deadline.saturating_duration_since(Instant::now());
    }

    async fn fetch(&mut self, now: Timestamp, deadline: Instant) -> Result<Fetched, ImdsError> {
        let role = self.role(deadline).await?;
        let target = format!("{ROLES}{role}");
        let answer = self.get(&target, CREDENTIALS, deadline).await?;
        let garbage = |source| ImdsError::Garbage {
            role: role.clone(),
            source,
        };
        if answer.status != 200 {
            return Err(refused(CREDENTIALS, answer.status));
        }
        let issued = Issued::read(&answer.body).map_err(garbage)?;
        match issued.code.as_deref() {
            None | Some("Success") => {}
            Some("AssumeRoleUnauthorizedAccess") => return Err(ImdsError::NotTrusted { role }),
            Some(code) => {
                return Err(ImdsError::NoCredentials {
                    code: code.to_owned(),
                    message: issued.message.unwrap_or_default(),
                    role,
                });
            }
        }
        let mut credentials = issued.credentials().map_err(garbage)?;
        let ended = credentials.expiration.filter(|end| *end <= now);
        if ended.is_some() {
            credentials.expiration = now.checked_add(EXTENSION).ok();
        }
        Ok(Fetched {
            credentials,
            role,
            v1: match self.session {
                Some(Session::V1(why)) => Some(why),
                _ => None,
            },
            stale: ended.map(|ended| Stale { ended }),
        })
    }

    async fn text(
        &mut self,
        target: &str,
        what: &str,
        deadline: Instant,
    ) -> Result<String, ImdsError> {
        let answer = self.get(target, what, deadline).await?;
        match (answer.status, answer.text()) {
            (200, "") => Err(self.not_ec2(format!("{what} is empty"))),
            (200, text) => Ok(text.to_owned()),
            (404, _) => Err(self.not_ec2(format!("{what} is not found"))),
            (status, _) => Err(refused(what, status)),
        }
    }

    /// Gets a document within the session, which is opened before. Failures of the service and broken connections are
    /// tried again; any other answer is given back, except those that concern the session.
    async fn get(
        &mut self,
        target: &str,
        what: &str,
        deadline: Instant,
    ) -> Result<Answer, ImdsError> {
        let session = match &self.session {
            Some(session) => session.clone(),
            None => self.open(deadline).await?,
        };
        let headers = session.headers();
        let answer = self
            .ask(Method::GET, target, &headers, what, deadline)
            .await?;
        match (answer.status, session) {
            (403, _) => Err(self.forbidden()),
            (401, Session::V1(why)) => Err(ImdsError::V2Required { why }),
            (status, _) if answer.is_failure() => Err(ImdsError::Failing {
                what: what.to_owned(),
                status,
            }),
            _ => Ok(answer),
        }
    }

    /// Sends a request, and again after a failure of the service or a broken connection. After the last repetition the
    /// answer is what it is.
    async fn ask(
        &mut self,
        method: Method,
        target: &str,
        headers: &HeaderMap,
        what: &str,
        deadline: Instant,
    ) -> Result<Answer, ImdsError> {
        let may_pass = |answered: &Result<Answer, Fault>| match answered {
            Ok(answer) => answer.is_failure(),
            Err(fault) => matches!(fault, Fault::Lost(_)),
        };
        let answered = self
            .client
            .insist(method, target, headers, &PAUSES, may_pass, deadline);
        answered.await.map_err(|fault| self.failed(fault, what))
    }

    fn failed(&self, fault: Fault, what: &str) -> ImdsError {
        let what = what.to_owned();
        let unreachable = |how, source| ImdsError::Unreachable {
            endpoint: self.endpoint(),
            how,
            on_ec2: self.settings.machine.is_ec2(),
            source,
        };
        match fault {
            Fault::ConnectTimedOut => unreachable(Unreached::TimedOut, None),
            Fault::Connect(error) => unreachable(Unreached::of(&error), Some(error)),
            Fault::TimedOut => ImdsError::Slow { what },
            Fault::TooLong => self.not_ec2(format!("{what} is far too long")),
            fault => ImdsError::Lost {
                what,
                source: Box::new(fault),
            },
        }
    }

    fn endpoint(&self) -> String {
        let url = self.client.url().to_string();
        url.trim_end_matches('/').to_owned()
    }

    /// What a 403 means depends on where this is: anything may answer so at this address.
    fn forbidden(&self) -> ImdsError {
        match self.settings.machine.is_ec2() {
            true => ImdsError::SwitchedOff {
                instance: self.instance_by_firmware(),
            },
            false => ImdsError::Forbidden {
                endpoint: self.endpoint(),
            },
        }
    }

    fn not_ec2(&self, saw: String) -> ImdsError {
        ImdsError::NotEc2 {
            endpoint: self.endpoint(),
            saw,
        }
    }

    /// Which instance this is, for a message: from the service, else from the firmware.
    ///
    /// # Errors
    /// Only [`ImdsError::NotEc2`]: other clouds have a metadata service at this address too.
    async fn instance(&mut self, deadline: Instant) -> Result<Instance, ImdsError> {
        let mut instance = self.instance_by_firmware();
        match self.text(ID, "the instance id", deadline).await {
            Ok(id) if is_instance_id(&id) => instance.id = Some(id),
            Ok(_) => return Err(self.not_ec2("its instance id is not one of EC2".to_owned())),
            Err(error @ ImdsError::NotEc2 { .. }) => return Err(error),
            Err(_) => return Ok(instance),
        }
        let plain = |text: &String| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let region = self.text(REGION, "the region", deadline).await;
        instance.region = region.ok().filter(plain);
        Ok(instance)
    }

    fn instance_by_firmware(&self) -> Instance {
        Instance {
            id: self.settings.machine.instance_id(),
            region: None,
        }
    }
}

fn refused(what: &str, status: u16) -> ImdsError {
    ImdsError::Refused {
        what: what.to_owned(),
        status,
    }
}
