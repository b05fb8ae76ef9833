//! Reviews bodies that libFuzzer generates: no body may cause a panic, because that aborts the controller.
//!
//! An input is the body of an AdmissionReview, or mapRoles before and after an edit, separated by NUL.
#![no_main]

use awsauth_core::admission::{
    AdmissionRequest, Deadline, Facts, Object, Policy, Review, validate,
};
use awsauth_core::history::Contents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(request) = AdmissionRequest::parse(input)
        && let Ok(review) = request.review()
    {
        request.response(review.map(|review| result(&review)).as_ref());
    }
    if let Ok(texts) = std::str::from_utf8(input)
        && let Some((before, after)) = texts.split_once('\0')
    {
        result(&Review {
            before: Some(object(before)),
            after: Some(object(after)),
            ..Review::default()
        });
    }
});

fn result(review: &Review) -> awsauth_core::admission::ReviewResult {
    let (policy, facts) = (Policy::default(), Facts::default());
    let result = validate(review, &policy, &facts, &Deadline::default());
    result.expect("a deadline that is never over")
}

fn object(roles: &str) -> Object {
    Object {
        contents: Contents {
            exists: true,
            data: [("mapRoles".to_owned(), roles.into())].into(),
            ..Contents::default()
        },
        ..Object::default()
    }
}
