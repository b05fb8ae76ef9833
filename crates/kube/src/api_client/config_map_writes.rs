//! Requests that change a ConfigMap.

use http::Method;
use hyper::body::Bytes;
use serde_json::Value;
use tokio::time::Instant;

use super::{APPLY_PATCH, ApiClient, Content, JSON, JSON_PATCH, MERGE_PATCH, Writer};
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
        let path = self.path(name, mode);
        self.write(Method::PUT, &path, JSON, object, mode, deadline)
            .await
    }

    /// Applies the operations of `patch` to the current object, if all its tests hold. The API server itself repeats this if another
    /// client changes the object in the meantime. A test that fails is answered with 422.
    pub async fn patch_if(
        &self,
        name: &str,
        patch: &Bytes,
        mode: Mode,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let path = self.path(name, mode);
        self.write(Method::PATCH, &path, JSON_PATCH, patch, mode, deadline)
            .await
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
        let (method, path, media_type) = match self.writer {
            Writer::Program => (Method::POST, format!("{all}?{}", self.query(mode)), JSON),
            Writer::Controller => (Method::PATCH, self.path(name, mode), APPLY_PATCH),
        };
        self.write(method, &path, media_type, object, mode, deadline)
            .await
    }

    /// Merges `patch` into an object without comparing its resourceVersion. The patch must be idempotent, because it is
    /// retried after transient faults.
    pub async fn patch(
        &self,
        name: &str,
        patch: &Bytes,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let path = self.path(name, Mode::Real);
        let content = Content {
            media_type: MERGE_PATCH,
            bytes: patch.clone(),
        };
        let send = || self.send(Method::PATCH, &path, Some(content.clone()), deadline);
        self.repeat(deadline, send).await
    }

    fn path(&self, name: &str, mode: Mode) -> String {
        let query = self.query(mode);
        format!("/api/v1/namespaces/{NAMESPACE}/configmaps/{name}?{query}")
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
        media_type: &'static str,
        body: &Bytes,
        mode: Mode,
        deadline: Instant,
    ) -> Result<Value, Fault> {
        let content = Content {
            media_type,
            bytes: body.clone(),
        };
        let send = || self.send(method.clone(), path, Some(content.clone()), deadline);
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
