//! The state and the responses of the fake API server.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::{Method, Response};
use serde_json::{Value, json};

use super::{Scenario, eksctl_made};

/// The state of the server.
pub(crate) struct State {
    pub(super) scenario: Scenario,
    /// How often the fault has occurred.
    pub(super) shown: u32,
    pub(super) version: u64,
    /// The stored object.
    pub(crate) object: Option<Value>,
    /// Every request, as `GET`, `PUT dry`, `PUT`, `POST dry`, `POST` or `GET /readyz`.
    pub(crate) requests: Vec<String>,
    /// The headers of every request, lower case.
    pub(crate) headers: Vec<Vec<(String, String)>>,
    /// The number of connections.
    pub(crate) connections: u32,
    /// The number of writes that failed with a conflict.
    pub(crate) conflicts: u32,
}

type Reply = Option<Response<Full<Bytes>>>;

impl State {
    /// Returns the response. `None` closes the connection.
    pub(super) fn reply(
        &mut self,
        method: &Method,
        path: &str,
        body: Option<Value>,
        dry: bool,
    ) -> Reply {
        let times_left = |times: u32| self.shown < times;
        let real_write = !dry && method != Method::GET;
        match self.scenario.clone() {
            Scenario::Throttled { times } if times_left(times) => {
                self.shown += 1;
                let mut reply = failure(429, "TooManyRequests", "too many requests")?;
                reply
                    .headers_mut()
                    .insert("retry-after", "1".parse().unwrap());
                return Some(reply);
            }
            Scenario::Failing {
                method: failing,
                status,
                times,
            } if failing == *method && !dry && times_left(times) => {
                self.shown += 1;
                return failure(status, "InternalError", "etcdserver: leader changed");
            }
            Scenario::Resets { times } if times_left(times) => {
                self.shown += 1;
                return None;
            }
            Scenario::Always { status, body } => {
                return Some(
                    Response::builder()
                        .status(status)
                        .body(Full::from(body))
                        .unwrap(),
                );
            }
            Scenario::RefusesWrites {
                status,
                reason,
                message,
            } if method != Method::GET => {
                return failure(status, reason, message);
            }
            Scenario::Starting { times } if path == "/readyz" && times_left(times) => {
                self.shown += 1;
                return Some(
                    Response::builder()
                        .status(500)
                        .body(Full::from("[-]etcd failed"))
                        .unwrap(),
                );
            }
            Scenario::Starting { times } if path != "/readyz" && times_left(2 * times) => {
                self.shown += 1;
                return failure(404, "NotFound", "configmaps \"aws-auth\" not found");
            }
            Scenario::GoneAfterWrite if real_write || self.shown > 0 => {
                self.shown += 1;
                return None;
            }
            Scenario::Conflicts { times, by } if real_write && times_left(times) => {
                self.shown += 1;
                self.foreign_write(by);
            }
            Scenario::Replaced { .. } | Scenario::Dated { .. }
                if !path.ends_with("/configmaps/aws-auth") =>
            {
                return failure(403, "Forbidden", "no");
            }
            Scenario::HistoryRefused if path.ends_with("/awsauth-history") => {
                return failure(403, "Forbidden", "no");
            }
            Scenario::Replaced { roles } if real_write && times_left(1) => {
                self.shown += 1;
                let mut object = self.object.clone().unwrap_or_else(eksctl_made);
                object["data"]["mapRoles"] = roles.into();
                self.store(object);
            }
            Scenario::CreateRace if method == Method::POST && !dry && times_left(1) => {
                self.shown += 1;
                self.store(eksctl_made());
            }
            Scenario::Deleted if real_write && times_left(1) => {
                self.shown += 1;
                self.object = None;
            }
            Scenario::RequestLostAndDeleted if real_write && times_left(1) => {
                self.shown += 1;
                self.object = None;
                return None;
            }
            Scenario::RequestLost if real_write && times_left(1) => {
                self.shown += 1;
                return None;
            }
            Scenario::AnswerLost | Scenario::AnswerLostAndOvertaken
                if real_write && times_left(1) =>
            {
                self.shown += 1;
                self.behave(method, path, body, dry);
                if matches!(self.scenario, Scenario::AnswerLostAndOvertaken) {
                    self.foreign_write("foreign");
                }
                return None;
            }
            _ => {}
        }
        self.behave(method, path, body, dry)
    }

    /// Responds as the real API server does.
    fn behave(&mut self, method: &Method, path: &str, body: Option<Value>, dry: bool) -> Reply {
        if path == "/readyz" {
            return Some(Response::new(Full::from("ok")));
        }
        let Some(stored) = self.object.clone() else {
            return match (method, body) {
                (&Method::POST, Some(object)) => self.accept(201, object, dry),
                _ => failure(404, "NotFound", "configmaps \"aws-auth\" not found"),
            };
        };
        match (method, body) {
            (&Method::GET, _) => success(200, &stored),
            (&Method::POST, _) => failure(
                409,
                "AlreadyExists",
                "configmaps \"aws-auth\" already exists",
            ),
            (_, Some(object))
                if object["metadata"]["resourceVersion"]
                    != stored["metadata"]["resourceVersion"] =>
            {
                self.conflicts += u32::from(!dry);
                failure(
                    409,
                    "Conflict",
                    "Operation cannot be fulfilled on configmaps \"aws-auth\": the object has been modified; please apply your changes to the latest version and try again",
                )
            }
            (_, Some(object)) => self.accept(200, object, dry),
            (_, None) => failure(400, "BadRequest", "no body"),
        }
    }

    fn accept(&mut self, status: u16, object: Value, dry: bool) -> Reply {
        if dry {
            return success(status, &object);
        }
        self.store(object);
        success(status, self.object.as_ref().unwrap())
    }

    pub(super) fn store(&mut self, mut object: Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.object = Some(object);
    }

    /// Adds a line as another client.
    fn foreign_write(&mut self, by: &str) {
        let mut object = self.object.clone().unwrap_or_else(eksctl_made);
        let text = object["data"]["mapRoles"].as_str().unwrap_or_default();
        object["data"]["mapRoles"] = format!("{text}# {by} {}\n", self.shown).into();
        object["metadata"]["managedFields"] = json!([{"manager": by, "operation": "Update",
            "time": "2026-01-01T00:00:01Z", "fieldsV1": {"f:data": {"f:mapRoles": {}}}}]);
        self.store(object);
    }
}

fn success(status: u16, object: &Value) -> Reply {
    Some(
        Response::builder()
            .status(status)
            .body(Full::from(object.to_string()))
            .unwrap(),
    )
}

fn failure(status: u16, reason: &str, message: &str) -> Reply {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": status,
        "reason": reason, "message": message});
    Some(
        Response::builder()
            .status(status)
            .body(Full::from(body.to_string()))
            .unwrap(),
    )
}
