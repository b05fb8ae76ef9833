//! What the controller decides: rule by rule, and laws that hold whatever objects come and go and whatever others do to aws-auth.
#![allow(
    clippy::print_stdout,
    reason = "how long it takes is a part of the result"
)]

mod laws;
mod protection;
mod rules;
mod scale;
mod world;
