//! The arguments of the commands that the benchmarks measure.

/// kubectl's arguments that read aws-auth.
pub(crate) const KUBECTL_GET: [&str; 7] = [
    "get",
    "configmap",
    "aws-auth",
    "-n",
    "kube-system",
    "-o",
    "yaml",
];

/// awsauth's arguments for a mapping that already exists.
pub(crate) const MAP_NO_OP: [&str; 7] = map("arn:aws:iam::111122223333:role/admins");

/// awsauth's arguments for a new mapping.
pub(crate) const MAP_NEW: [&str; 7] = map(NEW_ROLE);

pub(crate) const NEW_ROLE: &str = "arn:aws:iam::111122223333:role/mytestrole";

pub(crate) const fn map(arn: &str) -> [&str; 7] {
    [
        "map",
        "role",
        arn,
        "--username",
        "admin",
        "--group",
        "system:masters",
    ]
}
