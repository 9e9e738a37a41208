//! What the first page shows.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{ErrorCode, Execution, words::words};

words! {
    /// What somebody should look at.
    pub enum AttentionKind {
        /// A connection that fails, or waits for a decision.
        Connection = "connection",
        /// A folder mapping that fails.
        FolderMapping = "folder_mapping",
        /// A job whose last execution failed.
        Job = "job",
        /// An alert whose messages nobody got.
        Alert = "alert",
        /// A certificate that has ended.
        Certificate = "certificate",
        /// An SSH key that is due for rotation.
        SshKey = "ssh_key",
        /// An API token that has ended.
        Token = "token",
        /// How this server is reached.
        Server = "server",
    }
}

words! {
    /// What helps, or begins to.
    pub enum AttentionAction {
        /// Approve a host key that the server has presented, if it is the right one.
        ApproveHostKey = "approve_host_key",
        /// Test the connection.
        Test = "test",
        /// Run the job.
        Run = "run",
        /// Open its page.
        Open = "open",
    }
}

words! {
    /// What ends.
    pub enum ExpiringKind {
        /// The certificate of a connection's server.
        ServerCertificate = "server_certificate",
        /// The certificate that a connection proves itself by.
        ClientCertificate = "client_certificate",
        /// The certificate of this server.
        ListenerCertificate = "listener_certificate",
        /// An API token.
        Token = "token",
        /// An SSH key that is due for rotation.
        SshKey = "ssh_key",
    }
}

/// Something that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttentionItem {
    /// What it is.
    pub kind: AttentionKind,
    /// Its id; `null` for the server.
    pub id: Option<Uuid>,
    /// The connection that it is, or belongs to.
    pub connection_id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// What is wrong, as a number, where that is known.
    pub code: Option<ErrorCode>,
    /// What is wrong, and what helps.
    pub reason: String,
    /// Since when, where that is known.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub since: Option<Timestamp>,
    /// What helps, or begins to.
    pub action: AttentionAction,
}

/// Something that ends soon, or has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpiringItem {
    /// What it is.
    pub kind: ExpiringKind,
    /// Its id: that of the connection for certificates; `null` for this server's own.
    pub id: Option<Uuid>,
    /// The connection that it belongs to.
    pub connection_id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// When it ends, or has ended.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What that means, in words.
    pub reason: String,
}

/// What is going on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// The node that answers.
    pub node: String,
    /// Its version.
    pub version: String,
    /// What is unsafe about how this server is reached, in words.
    pub warnings: Vec<String>,
    /// What somebody should look at, in words: messages of alerts that nobody got.
    pub attention: Vec<String>,
    /// What somebody should look at, the gravest first, 50 at most.
    #[serde(default)]
    pub needs_attention: Vec<AttentionItem>,
    /// How much there is of that.
    #[serde(default)]
    pub needs_attention_total: u64,
    /// What ends within 30 days or has ended, the soonest first, 50 at most.
    #[serde(default)]
    pub expiring: Vec<ExpiringItem>,
    /// How many connections there are, by health, which is that of their folder mappings where that is graver.
    pub connections: BTreeMap<String, u64>,
    /// How many executions there are, by state; of those that are over, the ones queued in the last 24 hours.
    pub executions: BTreeMap<String, u64>,
    /// Those that run now, the newest first, 20 at most.
    pub running: Vec<Execution>,
    /// The last ones that failed, the newest first, 10 at most.
    pub recent_failures: Vec<Execution>,
    /// What runs by itself next, the earliest first, 10 at most; each schedule once.
    pub next_runs: Vec<UpcomingRun>,
    /// What moved in the last 24 hours.
    pub moved_24h: Moved,
    /// What moved in the last 7 days.
    pub moved_7d: Moved,
    /// What folder mappings do.
    pub pulls: PullsOverview,
}

/// What folder mappings do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PullsOverview {
    /// How many pull by themselves, by health.
    pub mappings: BTreeMap<String, u64>,
    /// What was pulled in the last 24 hours.
    pub pulled_24h: Moved,
    /// What was pulled in the last 7 days.
    pub pulled_7d: Moved,
    /// Those that are due next, the earliest first, 10 at most.
    pub next: Vec<UpcomingPull>,
}

/// A folder mapping that pulls by itself, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpcomingPull {
    /// The folder mapping.
    pub mapping_id: Uuid,
    /// Its name.
    pub mapping_name: String,
    /// Its connection.
    pub connection_id: Uuid,
    /// The connection's name.
    pub connection_name: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

/// A run to come, of any job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpcomingRun {
    /// The job.
    pub job_id: Uuid,
    /// Its name.
    pub job_name: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The same on the clocks of the schedule's time zone.
    #[schema(format = DateTime)]
    pub local: String,
    /// That time zone.
    pub timezone: String,
}

/// How much moved: uploads, downloads and pulls together, where not said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Moved {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}
