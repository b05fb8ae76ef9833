//! EC2 instance metadata: the instance's role and its credentials.
//!
//! Fetching credentials takes three requests on one connection: a session token (IMDSv2), the role's name, and the
//! credentials. If the service offers no sessions, the client uses IMDSv1, as botocore does.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

mod error;
mod settings;

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::select;
use tokio::time::{Instant, timeout};

use super::machine::is_instance_id;
use super::metadata_credentials::CredentialsResponse;
use super::metadata_http::{Answer, Client, HttpError};
use awsauth_core::token::Credentials;

pub use error::{ImdsError, Instance, NoSession, TIMEOUT, Unreached};
pub use settings::Settings;

/// How long expired credentials remain in use.
const GRACE_PERIOD: SignedDuration = SignedDuration::from_mins(15);

/// The delays before retries, if the service fails.
const RETRY_DELAYS: [Duration; 3] = [
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(450),
];

const TOKEN: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
const REGION: &str = "/latest/meta-data/placement/region";
const CREDENTIALS: &str = "the role's credentials";
const ID: &str = "/latest/meta-data/instance-id";

/// A client for instance metadata. It keeps its session and its connection. All requests together take at most
/// [`TIMEOUT`].
pub struct Imds {
    settings: Settings,
    client: Client,
    session: Option<Session>,
    left: Duration,
}

/// The credentials of the instance's role.
#[derive(Clone, Debug)]
pub struct Fetched {
    pub credentials: Credentials,
    /// The role's name.
    pub role: String,
    /// Why IMDSv1 was used, if it was.
    pub v1: Option<NoSession>,
    /// Set if the credentials had expired.
    pub stale: Option<Stale>,
}

/// Credentials that have expired. Instance metadata returns these if it cannot renew them, and AWS may still accept
/// them. As in botocore, they remain in use: [`Fetched::credentials`] then expire 15 minutes from now.
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// When they expired.
    pub ended: Timestamp,
}

impl fmt::Display for Stale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the credentials from instance metadata expired at {}, and the service has no newer ones; if AWS refuses them \
             (ExpiredToken), check this machine's clock, or attach the instance profile again",
            self.ended
        )
    }
}

impl Imds {
    /// Creates a client. Sends no request.
    pub fn new(settings: Settings) -> Self {
        Self {
            client: Client::new(settings.endpoint.clone(), None),
            settings,
            session: None,
            left: TIMEOUT,
        }
    }

    /// Returns the credentials of the instance's role. `now` decides whether they have expired.
    ///
    /// # Errors
    /// If there are none; a separate variant for each cause.
    pub async fn credentials(&mut self, now: Timestamp) -> Result<Fetched, ImdsError> {
        let deadline = self.begin(CREDENTIALS)?;
        let fetched = self.fetch(now, deadline).await;
        self.end(deadline);
        fetched
    }

    /// Returns the instance's region.
    ///
    /// # Errors
    /// The same errors as [`Self::credentials`].
    pub async fn region(&mut self) -> Result<String, ImdsError> {
        let deadline = self.begin("the region")?;
        let region = self.text(REGION, "the region", deadline).await;
        self.end(deadline);
        region
    }

    /// Returns the instance's id.
    ///
    /// # Errors
    /// The same errors as [`Self::credentials`].
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
        let malformed = |source| ImdsError::Malformed {
            role: role.clone(),
            source,
        };
        if answer.status != 200 {
            return Err(refused(CREDENTIALS, answer.status));
        }
        let response = CredentialsResponse::read(&answer.body).map_err(malformed)?;
        match response.code.as_deref() {
            None | Some("Success") => {}
            Some("AssumeRoleUnauthorizedAccess") => return Err(ImdsError::NotTrusted { role }),
            Some(code) => {
                return Err(ImdsError::NoCredentials {
                    code: code.to_owned(),
                    message: response.message.unwrap_or_default(),
                    role,
                });
            }
        }
        let mut credentials = response.credentials().map_err(malformed)?;
        let ended = credentials.expiration.filter(|end| *end <= now);
        if ended.is_some() {
            credentials.expiration = now.checked_add(GRACE_PERIOD).ok();
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
            (404, _) => Err(self.not_ec2(format!("it returned 404 for {what}"))),
            (status, _) => Err(refused(what, status)),
        }
    }

    /// Sends a GET in the session, which it opens first if needed. Retries if the service fails or the connection is
    /// lost. Status 403, a rejection of IMDSv1 and a persistent failure become errors; every other response is returned
    /// as is.
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
            (403, _) => Err(self.forbidden(answer.is_of_ec2)),
            (401, Session::V1(why)) => Err(ImdsError::V2Required { why }),
            (status, _) if answer.is_failure() => Err(ImdsError::Failing {
                what: what.to_owned(),
                status,
            }),
            _ => Ok(answer),
        }
    }

    /// Sends a request, and retries if the service fails or the connection is lost. Returns the last response.
    async fn ask(
        &mut self,
        method: Method,
        target: &str,
        headers: &HeaderMap,
        what: &str,
        deadline: Instant,
    ) -> Result<Answer, ImdsError> {
        let may_pass = |answered: &Result<Answer, HttpError>| match answered {
            Ok(answer) => answer.is_failure(),
            Err(fault) => matches!(fault, HttpError::Lost(_)),
        };
        let answered = self.client.send_with_retries(
            method,
            target,
            headers,
            &RETRY_DELAYS,
            may_pass,
            deadline,
        );
        answered.await.map_err(|fault| self.failed(fault, what))
    }

    fn failed(&self, fault: HttpError, what: &str) -> ImdsError {
        let what = what.to_owned();
        let unreachable = |how, source| ImdsError::Unreachable {
            endpoint: self.endpoint(),
            how,
            on_ec2: self.settings.machine.is_ec2(),
            source,
        };
        match fault {
            HttpError::ConnectTimedOut => unreachable(Unreached::TimedOut, None),
            HttpError::Connect(error) => unreachable(Unreached::of(&error), Some(error)),
            HttpError::TimedOut => ImdsError::Slow { what },
            HttpError::TooLong => self.not_ec2(format!(
                "its response to the request for {what} is too long"
            )),
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

    /// Returns the error for status 403, which could also come from a server other than EC2's at this address.
    fn forbidden(&self, is_of_ec2: bool) -> ImdsError {
        match is_of_ec2 || self.settings.machine.is_ec2() {
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

    /// Identifies the instance for messages: asks the service first, and falls back to the firmware.
    ///
    /// # Errors
    /// Only [`ImdsError::NotEc2`]: other clouds use the same address.
    async fn instance(&mut self, deadline: Instant) -> Result<Instance, ImdsError> {
        let mut instance = self.instance_by_firmware();
        match self.text(ID, "the instance id", deadline).await {
            Ok(id) if is_instance_id(&id) => instance.id = Some(id),
            Ok(_) => {
                return Err(self.not_ec2("its instance ID is not an EC2 instance ID".to_owned()));
            }
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

const TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
/// Six hours, the maximum:
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>
const SIX_HOURS: HeaderValue = HeaderValue::from_static("21600");

const SESSION: &str = "a session token";

/// How long to wait for the PUT before IMDSv1 is tried as well: botocore's read timeout.
const V1_DELAY: Duration = Duration::from_secs(1);

/// The session that requests use.
#[derive(Clone)]
enum Session {
    /// A session token, marked as sensitive so that `Debug` does not show it.
    V2(HeaderValue),
    /// No session, for this reason.
    V1(NoSession),
}

impl Session {
    fn headers(&self) -> HeaderMap {
        match self {
            Self::V2(token) => HeaderMap::from_iter([(TOKEN, token.clone())]),
            Self::V1(_) => HeaderMap::new(),
        }
    }
}

/// The result of the PUT that requests a session token.
enum Put {
    /// A response.
    Answered(Answer),
    /// No response, but IMDSv1 answers through this client.
    V1(Client),
    /// The connection was lost.
    Broken,
    /// No response, and IMDSv1 is not allowed or does not work either.
    Unanswered,
}

impl Imds {
    /// Opens a session, or falls back to IMDSv1 when botocore would: the PUT is answered with a status other than 200
    /// or 400, such as 403, 404 or 405, keeps failing, loses its connection, or is not answered. As in botocore, status
    /// 400 or an invalid token is an error.
    async fn open(&mut self, deadline: Instant) -> Result<Session, ImdsError> {
        let put = match self.put(deadline).await {
            Err(ImdsError::Lost { .. }) => Put::Broken,
            put => put?,
        };
        let is_of_ec2 = matches!(&put, Put::Answered(answer) if answer.is_of_ec2);
        let why = match put {
            Put::Broken => NoSession::Broken,
            Put::Answered(answer) => match answer.status {
                200 => {
                    let session = Session::V2(self.token(&answer)?);
                    self.session = Some(session.clone());
                    return Ok(session);
                }
                400 => return Err(refused(SESSION, 400)),
                status if answer.is_failure() => NoSession::Failed(status),
                status => NoSession::NotOffered(status),
            },
            Put::V1(client) => {
                self.client = client;
                NoSession::Unanswered
            }
            Put::Unanswered => return Err(self.unanswered()),
        };
        if let Some(setting) = &self.settings.v1_disabled_by {
            let setting = setting.clone();
            return Err(match why {
                NoSession::NotOffered(403) => self.forbidden(is_of_ec2),
                why => ImdsError::V1Disabled { why, setting },
            });
        }
        let session = Session::V1(why);
        self.session = Some(session.clone());
        Ok(session)
    }

    fn token(&self, answer: &Answer) -> Result<HeaderValue, ImdsError> {
        let text = answer.text();
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        match HeaderValue::from_str(text) {
            Ok(mut token) if plain => {
                token.set_sensitive(true);
                Ok(token)
            }
            _ => Err(self.not_ec2("its response is not a session token".to_owned())),
        }
    }

    async fn put(&mut self, deadline: Instant) -> Result<Put, ImdsError> {
        let mut second_connection = self.client.new_connection();
        let v1_allowed = self.settings.v1_disabled_by.is_none();
        let machine = self.settings.machine.clone();
        let headers = HeaderMap::from_iter([(TTL, SIX_HOURS)]);
        let mut put = pin!(self.ask(
            Method::PUT,
            "/latest/api/token",
            &headers,
            SESSION,
            deadline
        ));
        if let Ok(answered) = timeout(V1_DELAY, &mut put).await {
            return answered.map(Put::Answered);
        }
        if v1_allowed {
            // Either the hop limit dropped the response to the PUT (responses to a GET are not subject to it), or the
            // service is slow.
            let without = second_connection.send(Method::GET, ROLES, HeaderMap::new(), deadline);
            let v1: Result<Answer, HttpError> = select! {
                answered = &mut put => return settled(answered),
                v1 = without => v1,
            };
            match v1.map(|answer| answer.status) {
                Ok(200 | 404) => return Ok(Put::V1(second_connection)),
                Ok(401) if machine.is_container() => return Ok(Put::Unanswered),
                _ => {}
            }
        }
        settled(put.await)
    }

    fn unanswered(&self) -> ImdsError {
        let (endpoint, instance) = (self.endpoint(), self.instance_by_firmware());
        if self.settings.machine.is_container() {
            ImdsError::HopLimit { endpoint, instance }
        } else {
            ImdsError::NoAnswer { endpoint, instance }
        }
    }
}

fn settled(answered: Result<Answer, ImdsError>) -> Result<Put, ImdsError> {
    match answered {
        Err(ImdsError::Slow { .. }) => Ok(Put::Unanswered),
        other => other.map(Put::Answered),
    }
}

const ROLE: &str = "the name of the instance's role";

/// The instance profile, from `iam/info`.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc>
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Info {
    code: Option<String>,
    instance_profile_arn: Option<String>,
}

impl Imds {
    /// Returns the name of the instance's role.
    async fn role(&mut self, deadline: Instant) -> Result<String, ImdsError> {
        let answer = self.get(ROLES, ROLE, deadline).await?;
        match (answer.status, answer.text()) {
            (200 | 404, "") | (404, _) => Err(self.without_role(deadline).await),
            (200, name) if is_role_name(name) => Ok(name.to_owned()),
            (200, _) => Err(self.not_ec2(format!("its response is not {ROLE}"))),
            (status, _) => Err(refused(ROLE, status)),
        }
    }

    /// Finds out why no role is listed.
    async fn without_role(&mut self, deadline: Instant) -> ImdsError {
        let asked = self.get(
            "/latest/meta-data/iam/info",
            "the instance profile",
            deadline,
        );
        let info: Option<Info> = match asked.await {
            Ok(answer) if answer.status == 200 => {
                Some(serde_json::from_slice(&answer.body).unwrap_or_default())
            }
            Ok(_) => None,
            Err(error) => return error,
        };
        match info {
            None => match self.instance(deadline).await {
                Ok(instance) => ImdsError::NoProfile { instance },
                Err(error) => error,
            },
            Some(info) if info.code.as_deref() == Some("InstanceProfileNotFound") => {
                let instance = self.instance(deadline).await.unwrap_or_default();
                ImdsError::ProfileNotFound { instance }
            }
            Some(info) => ImdsError::ProfileWithoutRole {
                profile: info.instance_profile_arn,
            },
        }
    }
}

/// Returns whether IAM accepts the name, which becomes part of a URL's path.
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>
fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
}
