use std::collections::BTreeSet;

use crate::effect::User;
use crate::facts::auth_mode::AuthenticationMode;

/// What guards have to know besides the document, gathered once for a run.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Who answers for the cluster, where EKS says so.
    pub mode: Option<AuthenticationMode>,
    /// The account that the cluster is in, where EKS says so.
    pub account: Option<String>,
    /// Who writes.
    pub caller: Known<Caller>,
    /// To whom the ClusterRole `cluster-admin` is bound.
    pub admins: Known<Admins>,
    /// Whether these users may update aws-auth, as far as that was asked.
    pub may_update: Vec<(User, Known<bool>)>,
    /// Whether an access entry makes somebody an administrator, once that was asked.
    pub access_entry_of_admin: Known<bool>,
}

/// A fact, or why it is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Known<T> {
    /// It was not asked for: there is nobody to ask, or nobody needed it yet.
    #[default]
    NotAsked,
    /// It was, and can't be known.
    Unknown {
        /// What it would take; a fragment.
        needs: String,
    },
    /// It is this.
    Is(T),
}

/// Who writes, as the API server and the authenticator see them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The user.
    pub user: User,
    /// The ARN that they signed in with; `None` of who is no AWS identity.
    pub arn: Option<String>,
    /// The name of their session.
    pub session_name: Option<String>,
    /// Their access key id.
    pub access_key_id: Option<String>,
}

/// To whom the ClusterRole `cluster-admin` is bound in the whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admins {
    /// Users.
    pub users: BTreeSet<String>,
    /// Groups.
    pub groups: BTreeSet<String>,
}

/// What a guard has to know before it can say anything, and which is asked only then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Open {
    /// Whether this user may update aws-auth.
    MayUpdate(User),
    /// To whom `cluster-admin` is bound.
    Admins,
    /// Whether an access entry makes somebody an administrator.
    AccessEntryOfAdmin,
}
