use std::pin::pin;
use std::time::Duration;

use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::select;
use tokio::time::{Instant, timeout};

use super::{Imds, ImdsError, NoSession, ROLES, TOKEN};
use crate::aws::http::{Answer, Client, Fault};

const TTL: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token-ttl-seconds");
/// Six hours, the most: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html>
const SIX_HOURS: HeaderValue = HeaderValue::from_static("21600");

const SESSION: &str = "a session token";

/// How long the PUT is waited for before IMDSv1 is asked beside it: botocore's read timeout.
const BEFORE_V1: Duration = Duration::from_secs(1);

/// How the service is asked.
#[derive(Clone)]
pub(super) enum Session {
    /// With this header. It is marked as sensitive, so that `Debug` does not show it.
    V2(HeaderValue),
    /// Without one, because there is none.
    V1(NoSession),
}

impl Session {
    pub(super) fn headers(&self) -> HeaderMap {
        match self {
            Self::V2(token) => HeaderMap::from_iter([(TOKEN, token.clone())]),
            Self::V1(_) => HeaderMap::new(),
        }
    }
}

/// What became of the PUT.
enum Put {
    /// It was answered.
    Answered(Answer),
    /// It was not, but IMDSv1 answers, over this client.
    V1(Client),
    /// The connection broke over it.
    Broken,
    /// It was not, and IMDSv1 is refused or not allowed.
    Unanswered,
}

impl Imds {
    /// Opens a session, or settles on IMDSv1 where botocore would: the PUT is not offered (403, 404, 405), keeps failing
    /// or breaking the connection, or is not answered. 400 and a token that is none end it, as with botocore.
    pub(super) async fn open(&mut self, deadline: Instant) -> Result<Session, ImdsError> {
        let put = match self.put(deadline).await {
            Err(ImdsError::Lost { .. }) => Put::Broken,
            put => put?,
        };
        let why = match put {
            Put::Broken => NoSession::Broken,
            Put::Answered(answer) => match answer.status {
                200 => {
                    let session = Session::V2(self.token(&answer)?);
                    self.session = Some(session.clone());
                    return Ok(session);
                }
                400 => return Err(super::refused(SESSION, 400)),
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
                NoSession::NotOffered(403) => self.forbidden(),
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
            _ => Err(self.not_ec2("what it gave as a session token is none".to_owned())),
        }
    }

    async fn put(&mut self, deadline: Instant) -> Result<Put, ImdsError> {
        let mut beside = self.client.another();
        let v1_allowed = self.settings.v1_disabled_by.is_none();
        let container = self.settings.machine.clone();
        let headers = HeaderMap::from_iter([(TTL, SIX_HOURS)]);
        let mut put = pin!(self.ask(
            Method::PUT,
            "/latest/api/token",
            &headers,
            SESSION,
            deadline
        ));
        if let Ok(answered) = timeout(BEFORE_V1, &mut put).await {
            return answered.map(Put::Answered);
        }
        if v1_allowed {
            // Only the PUT's answer is bound by the hop limit; and the service may just be slow.
            let without = beside.send(Method::GET, ROLES, HeaderMap::new(), deadline);
            let v1: Result<Answer, Fault> = select! {
                answered = &mut put => return settled(answered),
                v1 = without => v1,
            };
            match v1.map(|answer| answer.status) {
                Ok(200 | 404) => return Ok(Put::V1(beside)),
                Ok(401) if container.is_container() => return Ok(Put::Unanswered),
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
