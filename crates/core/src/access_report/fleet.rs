//! The reports of several clusters.

use serde::{Deserialize, Serialize};

use super::AccessReport;

/// The reports of several clusters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetReport {
    pub clusters: Vec<ClusterReport>,
}

/// One cluster of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterReport {
    /// The name in the fleet.
    pub cluster: String,
    /// `None` if the cluster could not be read.
    #[serde(rename = "result")]
    pub report: Option<AccessReport>,
    /// Why the cluster could not be read.
    pub error: Option<String>,
}

impl ClusterReport {
    /// Returns the report, or why there is none.
    pub fn read(&self) -> Result<&AccessReport, &str> {
        let why = self.error.as_deref().unwrap_or("it was not read");
        self.report.as_ref().ok_or(why)
    }
}
