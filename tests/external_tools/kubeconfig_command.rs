//! `awsauth kubeconfig` compared with kubectl, the AWS CLI, and botocore's model of EKS.

mod access_entries;
mod eks;
mod files;
mod harness;
mod kubectl;
