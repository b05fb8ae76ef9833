//! Tests that sign in: an AWS stand-in verifies every signature, and an API server calls aws-iam-authenticator.

mod access_entry_faults;
mod aws_stand_in;
mod credentials;
mod demo;
mod doctor;
mod eks_cluster;
mod eks_emulators;
mod metadata_credentials;
#[path = "../support/mod.rs"]
mod support;
mod test_cluster;
