//! `awsauth kubeconfig` compared with kubectl, the AWS CLI, and botocore's model of EKS.

mod access_entries;
mod eks_lookup;
mod harness;
mod kubectl;
mod written_files;
