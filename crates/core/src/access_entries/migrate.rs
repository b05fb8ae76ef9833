//! The move of aws-auth to access entries, as a plan.
//!
//! An access entry hides aws-auth for its principal, and mode `API` ignores aws-auth. The plan therefore states, for every
//! entry of aws-auth, whether an access entry gives the same identities the same access. The steps are those of
//! <https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html>.

mod comparison;
mod finish_obstacles;
mod input;
mod node_target;
mod planner;
mod standard_target;
mod unfinished;
mod verdict;

pub use finish_obstacles::{
    FinishObstacle, finish_obstacles, is_unused_account, lacks_admin_rights, needs_binding,
};
pub use input::{Choices, ClusterFacts, Masters, MigrationInput};
pub use planner::{ChoiceError, plan};
pub use unfinished::{finished, is_migrated};
pub use verdict::{Item, MigrationPlan, Obstacle, Presence, Reason, Summary, Unchecked, Verdict};
