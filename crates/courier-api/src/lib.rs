//! Request and response types of the HTTP API, and its error codes.
//!
//! The comments on fields are what the OpenAPI document says of them. One noun a file, named as in every other layer.
//! Field names and enum values are `snake_case`, times are RFC 3339 in UTC, ids are UUIDs.

mod activity;
mod alerts;
mod audit;
mod auth;
mod connections;
mod errors;
mod events;
mod executions;
mod folder_mappings;
mod given;
mod jobs;
mod keys;
mod overview;
mod page;
mod problem;
mod protocols;
mod pulls;
mod secret;
mod settings;
mod storages;

mod test_result;
mod tokens;
mod traces;
mod users;
mod words;

pub use activity::{ActivityHour, ActivityQuery};
pub use alerts::{
    Alert, AlertChannel, AlertDelivery, AlertInput, AlertKind, AlertTrial, DeliveryState, ExpectedFile,
    QuietHours, Weekday,
};
pub use audit::{AuditEntry, AuditExportQuery, AuditFinding, AuditQuery, AuditReport, ExportFormat};
pub use auth::{FirstStart, LoginRequest, LoginResponse, Me, PasswordChange};
pub use connections::{
    AddConnectionKey, ApproveHostKey, AuthMethod, Connection, ConnectionInput, ConnectionKey,
    ConnectionQuery, ConnectionStatus, FileEntry, FilesQuery, FtpsMode, FunctionAppProperties, Health,
    HostKeyPolicy, KeyUse, KnownHost, Own, RevokeKey, ServerCertificate, SshAlgorithms, TlsCertPolicy,
    TlsVersionFloor, TransferType,
};
pub use errors::ErrorCode;
pub use events::{Changed, ExecutionChange, ExecutionProgress, ExecutionSummary, Hello};
pub use executions::{
    Execution, ExecutionError, ExecutionQuery, ExecutionState, ExecutionStates, ExecutionStep, Progress,
    StateChange, StepProgress, StepState,
};
pub use folder_mappings::{
    AfterPull, FolderMapping, FolderMappingInput, FolderMappingQuery, MappingDryRun, MappingDryRunFile,
    MappingIdentity, RefusedFolder,
};
pub use jobs::{
    FailureAction, FailurePolicy, Job, JobInput, JobQuery, JobStep, JobVersion, MissedRuns, NextRun,
    NextRunsInput, NextRunsQuery, Schedule, StepType, StepTypeSetting,
};
pub use keys::{GenerateKey, ImportKey, KeyStatus, KeyType, SshKey, SshKeyInput, SshKeyQuery};
pub use overview::{
    AttentionAction, AttentionItem, AttentionKind, ExpiringItem, ExpiringKind, Moved, Overview,
    PullsOverview, UpcomingPull, UpcomingRun,
};
pub use page::{DEFAULT_LIMIT, MAX_LIMIT, Page, PageQuery};
pub use problem::{CONTENT_TYPE, FieldError, Problem};
pub use protocols::{
    AlgorithmPreset, ConnectionField, FieldCondition, FieldGroup, KnownAlgorithm, KnownAlgorithms,
    ProtocolDescription,
};
pub use pulls::{
    AfterState, HistoryExportQuery, HistoryQuery, PulledFile, RefusedReplays, ReplayInput, Replays,
};
pub use secret::Secret;
pub use settings::{Setting, SettingInput};
pub use storages::{Storage, StorageDetails, StorageInput, StoragePatch, StorageTest, StorageTestInput};
pub use test_result::{Algorithms, Capabilities, TestCheck, TestResult, TlsCertificate, WeakAlgorithm};
pub use tokens::{NewToken, SCOPES, Token, TokenInput};
pub use traces::{Trace, Traces};
pub use users::{Role, User, UserInput, UserPatch};
pub use words::UnknownWord;
