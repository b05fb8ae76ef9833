//! Requests that change a ConfigMap.

use http::Method;
use hyper::body::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::{APPLIES, ApiClient, Writer};
use crate::request_error::Fault;
use crate::{CONTROLLER, FIELD_MANAGER, NAMESPACE};

/// Whether the API server stores a write or only validates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Admission and validation run; nothing is stored.
    DryRun,
    /// The write is stored.
    Real,
}

impl ApiClient {
    /// Replaces the object with the resourceVersion of `object`. A dry run is retried after every transient fault. A
    /// real write is sent again only after 429, which means that the server did nothing.
    pub async fn replace(
        &self,
        name: &str,
        object: &Bytes,
        mode: Mode,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let path = format!(
            "/api/v1/namespaces/{NAMESPACE}/configmaps/{name}?{}",
            self.query(mode)
        );
        self.write(Method::PUT, &path, object, mode, deadline).await
    }

    /// Creates `object`, as [`replace`](Self::replace) replaces. If another client has created a different object in
    /// the meantime, this is a conflict.
    pub async fn create(
        &self,
        name: &str,
        object: &Bytes,
        mode: Mode,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let all = format!("/api/v1/namespaces/{NAMESPACE}/configmaps");
        let query = self.query(mode);
        let (method, path) = match self.writer {
            Writer::Program => (Method::POST, format!("{all}?{query}")),
            Writer::Controller => (Method::PATCH, format!("{all}/{name}?{query}{APPLIES}")),
        };
        self.write(method, &path, object, mode, deadline).await
    }

    /// Merges `patch` into an object without comparing its resourceVersion. The patch must be idempotent, because it is
    /// retried after transient faults.
    pub async fn patch(
        &self,
        name: &str,
        patch: &Bytes,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let query = self.query(Mode::Real);
        let path = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{name}?{query}");
        let send = || self.send(Method::PATCH, &path, Some(patch.clone()), deadline);
        self.repeat(deadline, send).await
    }

    fn query(&self, mode: Mode) -> String {
        let manager = match self.writer {
            Writer::Program => FIELD_MANAGER,
            Writer::Controller => CONTROLLER,
        };
        match mode {
            Mode::DryRun => format!("fieldManager={manager}&dryRun=All"),
            Mode::Real => format!("fieldManager={manager}"),
        }
    }

    async fn write(
        &self,
        method: Method,
        path: &str,
        object: &Bytes,
        mode: Mode,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let send = || self.send(method.clone(), path, Some(object.clone()), deadline);
        match mode {
            Mode::DryRun => self.repeat(deadline, send).await,
            Mode::Real => {
                self.repeat_if(
                    |fault| matches!(fault, Fault::Throttled(..)),
                    deadline,
                    send,
                )
                .await
            }
        }
    }
}
