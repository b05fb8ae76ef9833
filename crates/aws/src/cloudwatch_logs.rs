//! CloudWatch Logs: the log of a cluster's authenticator.
//! <https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html>

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::action_error::{ActionError, of};
use super::blocking_runtime::BlockingRuntime;
use super::client_config::ProfileSettings;
use super::credentials::ResolvedCredentials;
use super::json_protocol::JsonClient;
use super::signed_client::{Endpoint, SignedClient, Timeouts};
use super::{AwsEnvironment, AwsError};

const SIGNING_NAME: &str = "logs";

const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(5),
    operation: Duration::from_secs(60),
};

/// The maximum number of events in a page:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>
const EVENTS_PER_PAGE: u32 = 10_000;
/// The maximum number of pages, so that a malformed response cannot cause endless requests.
const MAX_PAGES: usize = 100_000;

/// Where EKS writes the authenticator's log.
const STREAM_PREFIX: &str = "authenticator-";

/// A log group.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogGroup {
    log_group_name: String,
    /// How many days events are kept; `None` if they are kept forever.
    pub retention_in_days: Option<u32>,
    /// The compressed size of all events in bytes.
    #[serde(default)]
    pub stored_bytes: u64,
}

/// CloudWatch Logs in one region. Blocks; must not be used from within an async runtime.
pub struct Logs {
    client: JsonClient,
    runtime: BlockingRuntime,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GroupsRequest<'a> {
    log_group_name_prefix: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Groups {
    #[serde(default)]
    log_groups: Vec<LogGroup>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventsRequest<'a> {
    log_group_name: &'a str,
    log_stream_name_prefix: &'a str,
    filter_pattern: &'a str,
    start_time: i64,
    end_time: i64,
    limit: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Events {
    #[serde(default)]
    events: Vec<Event>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    message: String,
}

impl Logs {
    /// Prepares a client. The settings of `profile`, or else of the default profile, determine how AWS is reached.
    ///
    /// # Errors
    /// If a connection setting is invalid.
    pub fn new(
        resolved: &ResolvedCredentials,
        profile: Option<&str>,
        environment: &AwsEnvironment,
    ) -> Result<Self, ActionError> {
        let profile = ProfileSettings::read(profile, environment)?;
        let settings = profile.client();
        let region = &resolved.region.name;
        let endpoint = Endpoint::regional(&settings, SIGNING_NAME, "CLOUDWATCH_LOGS", region)?;
        let credentials = &resolved.credentials;
        Ok(Self {
            client: JsonClient {
                client: SignedClient::new(
                    &settings,
                    SIGNING_NAME,
                    endpoint,
                    credentials,
                    TIMEOUTS,
                )?,
                target_prefix: "Logs_20140328",
            },
            runtime: BlockingRuntime::default(),
        })
    }

    /// Returns the log group of a cluster's control plane; `None` if it does not exist.
    ///
    /// # Errors
    /// If CloudWatch Logs does not return it.
    pub fn cluster_group(&mut self, cluster: &str) -> Result<Option<LogGroup>, ActionError> {
        let name = group_name(cluster);
        let request = GroupsRequest {
            log_group_name_prefix: &name,
        };
        // Groups are sorted by name, so this one comes first among those that begin with its name.
        let answer = self.client.call("DescribeLogGroups", &request);
        let answer: Groups = self
            .runtime
            .block_on(answer)?
            .map_err(of("logs:DescribeLogGroups"))?;
        let mut groups = answer.log_groups.into_iter();
        Ok(groups.find(|group| group.log_group_name == name))
    }

    /// Calls `read` with each line of the authenticator's log between two times that contains `access granted`.
    ///
    /// # Errors
    /// If CloudWatch Logs does not return all of them.
    pub fn sign_ins(
        &mut self,
        cluster: &str,
        since: Timestamp,
        until: Timestamp,
        mut read: impl FnMut(&str),
    ) -> Result<(), ActionError> {
        let name = group_name(cluster);
        let client = &self.client;
        let all = async {
            let mut token: Option<String> = None;
            for _ in 0..MAX_PAGES {
                let request = EventsRequest {
                    log_group_name: &name,
                    log_stream_name_prefix: STREAM_PREFIX,
                    filter_pattern: r#""access granted""#,
                    start_time: since.as_millisecond(),
                    end_time: until.as_millisecond(),
                    limit: EVENTS_PER_PAGE,
                    next_token: token.as_deref(),
                };
                let page: Events = client.call("FilterLogEvents", &request).await?;
                page.events.iter().for_each(|event| read(&event.message));
                match page.next_token {
                    None => return Ok(()),
                    next if next == token => {
                        let why = "FilterLogEvents: two pages have the same token".to_owned();
                        return Err(AwsError::InvalidResponse { why });
                    }
                    next => token = next,
                }
            }
            let why = format!("FilterLogEvents: more than {MAX_PAGES} pages");
            Err(AwsError::InvalidResponse { why })
        };
        self.runtime
            .block_on(all)?
            .map_err(of("logs:FilterLogEvents"))
    }
}

fn group_name(cluster: &str) -> String {
    format!("/aws/eks/{cluster}/cluster")
}
