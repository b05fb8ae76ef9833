//! A user who can create mappings makes them as large as the API server allows.

use futures::stream::{self, StreamExt};
use kube::api::PostParams;
use serde_json::json;

use crate::controller::harness::{CONFIG, Harness, developer};

/// All annotations of an object may have 256 KiB together:
/// <https://github.com/kubernetes/apimachinery/blob/v0.34.0/pkg/api/validation/objectmeta.go>
const ANNOTATION: usize = 255 << 10;

/// As many as exceed the length of a response that the controller reads.
const OBJECTS: usize = 140;

#[test]
fn large_annotations_do_not_stop_the_controller() {
    let harness = Harness::shared();
    let objects = harness.objects();
    let padding = "x".repeat(ANNOTATION);
    harness.runtime.block_on(
        stream::iter(0..OBJECTS)
            .map(|number| {
                let mut object = developer(&format!("dev-{number}"));
                object["metadata"]["annotations"] = json!({"padding": padding});
                serde_json::from_value(object).unwrap()
            })
            .for_each_concurrent(4, |object| {
                let objects = objects.clone();
                async move {
                    let parameters = PostParams::default();
                    objects.create(&parameters, &object).await.unwrap();
                }
            }),
    );
    let controller = harness.controller(CONFIG).wait_for_lease();
    harness.wait_for_ready(&format!("dev-{}", OBJECTS - 1), "True Applied");
    controller.terminate();
}
