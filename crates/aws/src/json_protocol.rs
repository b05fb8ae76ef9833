//! A client for AWS services with the AWS JSON 1.1 protocol: <https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html>

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::AwsError;
use super::signed_client::{Message, ServiceError, SignedClient};

const CONTENT_TYPE: (&str, &str) = ("content-type", "application/x-amz-json-1.1");

/// A client of one service. Clones share their connections.
#[derive(Clone)]
pub(crate) struct JsonClient {
    pub(crate) client: SignedClient,
    /// The prefix of the `X-Amz-Target` header, such as `Logs_20140328`.
    pub(crate) target_prefix: &'static str,
}

impl JsonClient {
    /// Calls an action and reads its response. Retries after throttling and transient errors.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        action: &str,
        parameters: &impl Serialize,
    ) -> Result<T, AwsError> {
        let invalid = |error: serde_json::Error| AwsError::InvalidResponse {
            why: format!("{action}: {error}"),
        };
        let body = serde_json::to_string(parameters).map_err(invalid)?;
        let target = format!("{}.{action}", self.target_prefix);
        let message = Message {
            headers: &[CONTENT_TYPE, ("x-amz-target", &target)],
            body: &body,
            read_error,
        };
        let text = self.client.send(&message).await?;
        serde_json::from_str(&text).map_err(invalid)
    }
}

fn read_error(text: &str) -> Option<ServiceError> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "__type")]
        kind: String,
        #[serde(alias = "Message", default)]
        message: String,
    }
    let body: Body = serde_json::from_str(text).ok()?;
    // Such as com.amazonaws.logs#ResourceNotFoundException, or without the namespace.
    let code = body.kind.rsplit('#').next().unwrap_or_default();
    Some(ServiceError {
        code: code.to_owned(),
        message: body.message,
        request_id: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_read_with_and_without_its_namespace() {
        for kind in [
            "ResourceNotFoundException",
            "com.amazonaws.logs#ResourceNotFoundException",
        ] {
            let text = format!(r#"{{"__type":"{kind}","message":"no such group"}}"#);
            let error = read_error(&text).expect("an error");
            assert_eq!(
                (error.code.as_str(), error.message.as_str()),
                ("ResourceNotFoundException", "no such group")
            );
        }
        for text in ["", "<html>", r#"{"message":"x"}"#] {
            assert_eq!(read_error(text), None, "{text}");
        }
    }
}
