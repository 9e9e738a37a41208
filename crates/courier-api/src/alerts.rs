//! Alerts: whom to tell of what.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Secret, words::words};

words! {
    /// Of what an alert tells.
    pub enum AlertKind {
        /// An execution failed; and the next one of the job that completes, as a recovery.
        ExecutionFailed = "execution_failed",
        /// An execution completed.
        ExecutionCompleted = "execution_completed",
        /// An execution was not over in time; and its end, as a recovery.
        ExecutionLate = "execution_late",
        /// An expected file had not come by its time of day; and that it has come, as a recovery.
        FileMissing = "file_missing",
        /// A connection fails or waits for somebody; and that it is healthy again.
        ConnectionHealth = "connection_health",
        /// A file was pulled into its storage. Each has a message of its own.
        FilePulled = "file_pulled",
        /// Somebody tried the alert out. No alert asks for it.
        Test = "test",
    }
}

words! {
    /// A day of the week.
    pub enum Weekday {
        /// Monday.
        Monday = "mon",
        /// Tuesday.
        Tuesday = "tue",
        /// Wednesday.
        Wednesday = "wed",
        /// Thursday.
        Thursday = "thu",
        /// Friday.
        Friday = "fri",
        /// Saturday.
        Saturday = "sat",
        /// Sunday.
        Sunday = "sun",
    }
}

words! {
    /// How a message stands.
    pub enum DeliveryState {
        /// It is to be sent.
        Pending = "pending",
        /// The other side has it.
        Delivered = "delivered",
        /// It could not be delivered, and is not tried again.
        Failed = "failed",
        /// It goes out with another one.
        Joined = "joined",
        /// The alert was disabled before it was sent.
        Dropped = "dropped",
    }
}

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AlertChannel {
    /// Posted to an address, as JSON, signed by the convention of Standard Webhooks.
    Webhook {
        /// The address, `https://` or `http://`.
        url: String,
        /// What messages are signed with: `whsec_` and the base64 of a key, or any text of 16 to 256 bytes. Stays where it
        /// isn't given; `null` takes it away.
        #[schema(write_only, nullable)]
        #[serde(default, skip_serializing_if = "Option::is_none")]
        secret: Option<Secret>,
        /// Are messages signed?
        #[serde(default)]
        #[schema(read_only)]
        has_secret: bool,
    },
    /// Sent by mail, by the server in the settings `smtp.*`.
    Email {
        /// To whom, 1 to 50 addresses.
        to: Vec<String>,
    },
}

/// A file that comes each day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExpectedFile {
    /// What its name, or with a `/` its remote path, looks like: `*.csv`, `/inbox/**/orders_*.xml`.
    pub pattern: String,
    /// The connection it comes by; any where none is given.
    #[serde(default)]
    pub connection_id: Option<Uuid>,
    /// The job that moves it; any where none is given.
    #[serde(default)]
    pub job_id: Option<Uuid>,
    /// When it must have come, counted from local midnight: `06:30`.
    pub by: String,
    /// The time zone, by its IANA name; UTC where none is given.
    #[serde(default)]
    pub timezone: String,
    /// On which days; every day where none is named.
    #[serde(default)]
    pub weekdays: Vec<Weekday>,
}

/// When messages wait.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct QuietHours {
    /// From this time of day: `22:00`.
    pub from: String,
    /// To this one, of the next day where it is earlier or the same.
    pub to: String,
    /// The time zone, by its IANA name; UTC where none is given.
    #[serde(default)]
    pub timezone: String,
    /// The days on which they begin; every day where none is named.
    #[serde(default)]
    pub weekdays: Vec<Weekday>,
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    /// Its id.
    pub id: Uuid,
    /// Its name, unique.
    pub name: String,
    /// Does it tell anybody anything?
    pub enabled: bool,
    /// Of what it tells.
    pub on: Vec<AlertKind>,
    /// Where messages go.
    pub channel: AlertChannel,
    /// Executions of these jobs, and of the mappings that are named, only; of all where none is.
    pub jobs: Vec<Uuid>,
    /// The health and the files of these connections only; of all where none is named.
    pub connections: Vec<Uuid>,
    /// The executions, the health and the files of these folder mappings only; of all where none is named.
    pub mappings: Vec<Uuid>,
    /// How long an execution may take from the time that it was due, seconds; for `execution_late`.
    pub late_after_sec: Option<u32>,
    /// The file that must come; for `file_missing`.
    pub expect: Option<ExpectedFile>,
    /// When messages wait.
    pub quiet_hours: Option<QuietHours>,
    /// No more than one message about the same in this time, seconds.
    pub repeat_after_sec: u32,
    /// What is insecure or doesn't work about it, in words.
    pub warnings: Vec<String>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
}

/// An alert to make, or as it is to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AlertInput {
    /// Its name, unique.
    pub name: String,
    /// Does it tell anybody anything? `true` where it isn't said.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Of what it tells.
    pub on: Vec<AlertKind>,
    /// Where messages go.
    pub channel: AlertChannel,
    /// Executions of these jobs, and of the mappings that are named, only; of all where none is.
    #[serde(default)]
    pub jobs: Vec<Uuid>,
    /// The health and the files of these connections only; of all where none is named.
    #[serde(default)]
    pub connections: Vec<Uuid>,
    /// The executions, the health and the files of these folder mappings only; of all where none is named.
    #[serde(default)]
    pub mappings: Vec<Uuid>,
    /// How long an execution may take from the time that it was due, seconds; for `execution_late`.
    #[serde(default)]
    pub late_after_sec: Option<u32>,
    /// The file that must come; for `file_missing`.
    #[serde(default)]
    pub expect: Option<ExpectedFile>,
    /// When messages wait.
    #[serde(default)]
    pub quiet_hours: Option<QuietHours>,
    /// No more than one message about the same in this time, seconds: 3600 where it isn't said.
    #[serde(default)]
    pub repeat_after_sec: Option<u32>,
}

/// What became of a message that was sent to try an alert out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlertTrial {
    /// Has the other side taken it?
    pub delivered: bool,
    /// What it said, or why it could not be asked.
    pub answer: String,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
}

/// A message of an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertDelivery {
    /// Its id, the same in every attempt: a webhook's `webhook-id`.
    pub id: Uuid,
    /// What it tells of.
    #[serde(rename = "type")]
    pub kind: AlertKind,
    /// Does it tell that all is well again?
    pub recovered: bool,
    /// How it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub attempts: u32,
    /// How many messages about the same were held back before it.
    pub held: u32,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// When it is sent, or tried again, while it is pending.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    /// When it was delivered or given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// What the other side said last, or why it could not be asked.
    pub answer: Option<String>,
    /// The message that it goes out with.
    pub joined_into: Option<Uuid>,
    /// What is known: job, execution, step, error, connection, mapping, file.
    #[schema(value_type = Object)]
    pub facts: Value,
}
