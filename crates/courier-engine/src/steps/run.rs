//! A step while it runs: what it may ask for, and what it tells.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use courier_store::{
    audit::NewAudit,
    executions::{Claim, Step as StepRow},
};
use courier_transfer::{
    Client, ErrorKind, RemotePath,
    ops::{Guard, Locals},
};
use futures::FutureExt;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    check::path_of,
    record::{Record, SHOWN, SHOWN_RUNNING},
};
use crate::{
    Engine, Error, Failure, Result,
    audit::Entry,
    context,
    live::{Live, Moving},
    sessions::Sessions,
};

/// What a step leaves in the context while it changes names.
const CHANGING: &str = "changing";

/// A step that runs.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// Its configuration: references resolved, checked, defaults filled in.
    pub(crate) config: Map<String, Value>,
    /// The execution's sessions.
    pub(crate) sessions: &'a Sessions,
    /// What it tells.
    pub(crate) state: Arc<StepState>,
    /// Who started the execution.
    pub(crate) triggered_by: &'a str,
    /// How long it may make no progress.
    pub(crate) timeout: Option<Duration>,
}

impl Step<'_> {
    /// A text that its table requires or defaults.
    pub(crate) fn text(&self, field: &str) -> Result<&str> {
        self.optional_text(field)
            .ok_or_else(|| Error::Internal(format!("the step's setting {field} is missing after its check")))
    }

    /// A text that may be left out.
    pub(crate) fn optional_text(&self, field: &str) -> Option<&str> {
        self.config.get(field).and_then(Value::as_str)
    }

    /// Is a switch on?
    pub(crate) fn flag(&self, field: &str) -> bool {
        self.config.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A path on the server.
    pub(crate) fn remote_path(&self, field: &str) -> Result<RemotePath> {
        Ok(RemotePath::new(self.text(field)?).map_err(courier_transfer::Error::from)?)
    }

    /// Does a list of files stand there?
    pub(crate) fn is_list(&self, field: &str) -> bool {
        matches!(self.config.get(field), Some(Value::Array(_)))
    }

    /// The one path on the server, or those of the list.
    pub(crate) fn remote_files(&self, field: &str) -> Result<Vec<RemoteFile>> {
        let file = |item: &Value| {
            let path = RemotePath::new(path_of(item).unwrap_or_default());
            Ok(RemoteFile {
                path: path.map_err(courier_transfer::Error::from)?,
                is_dir: item.get("is_directory") == Some(&Value::Bool(true)),
            })
        };
        match self.config.get(field) {
            Some(Value::Array(items)) => items.iter().map(file).collect(),
            one => file(one.unwrap_or(&Value::Null)).map(|one| vec![one]),
        }
    }

    /// A path on this machine that the job may touch.
    pub(crate) fn local_path(&self, text: &str) -> Result<PathBuf> {
        self.engine().0.paths.resolve(text, self.state.execution)
    }

    /// What its transfers may touch of this machine.
    pub(crate) fn locals(&self) -> Locals {
        self.engine().0.paths.locals(self.state.execution)
    }

    /// The connection that it names.
    pub(crate) fn connection(&self) -> Result<Uuid> {
        crate::input::uuid(self.config.get("connection_id").unwrap_or(&Value::Null))
            .ok_or_else(|| Error::Internal("the step's connection_id is no id after its check".into()))
    }

    /// The execution's session with its connection; connected where it isn't.
    pub(crate) async fn session(&self) -> Result<Arc<dyn Client>> {
        self.sessions.get(self.connection()?).await
    }

    /// Adds to an error of a line that broke which connection's it was.
    pub(crate) async fn name_connection(&self, error: Error) -> Error {
        let Error::Transfer(error) = error else {
            return error;
        };
        let is_of_line = matches!(
            error.kind(),
            ErrorKind::Lost | ErrorKind::Timeout | ErrorKind::Unreachable
        );
        let (true, Ok(id)) = (is_of_line, self.connection()) else {
            return error.into();
        };
        match self.engine().0.store.connections().get(id).await {
            Ok(connection) => error.with("connection", connection.name).into(),
            Err(_) => error.into(),
        }
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.state.engine
    }

    /// The step is about to change names in a way that can't be seen afterwards. Noted for good first; answers whether an
    /// attempt before was stopped in the middle of it, so that what is done already is not taken for missing.
    pub(crate) async fn begin_changes(&self) -> Result<bool> {
        let interrupted = self.state.earlier(CHANGING).is_some();
        self.state.output(CHANGING, Value::Bool(true));
        self.state.note_unsaved();
        self.engine().persist(|| self.state.save().boxed()).await?;
        Ok(interrupted)
    }

    /// They are over, whatever came of them.
    pub(crate) fn end_changes(&self) {
        self.state.output(CHANGING, Value::Null);
    }

    /// Begins an audit record of an operation on its connection.
    pub(crate) fn audit(&self, operation: &'static str, details: Value) -> AuditTimer<'_> {
        AuditTimer {
            step: self,
            operation,
            details,
            started: Instant::now(),
        }
    }

    /// Notes an operation on its connection for the audit log.
    pub(crate) fn record(&self, operation: &str, details: Value, bytes: Option<u64>, took: Duration) {
        let entry = Entry {
            connection: self.connection().ok(),
            execution: Some(self.state.execution),
            bytes,
            duration: Some(took),
            ..Entry::new(operation, self.triggered_by, details)
        };
        self.state.note(entry.into());
    }
}

/// Something on a server that an earlier step left, or the step names.
#[derive(Clone, Debug)]
pub(crate) struct RemoteFile {
    pub(crate) path: RemotePath,
    pub(crate) is_dir: bool,
}

/// An audit record of an operation that is under way.
#[derive(Debug)]
pub(crate) struct AuditTimer<'a> {
    step: &'a Step<'a>,
    operation: &'static str,
    details: Value,
    started: Instant,
}

impl AuditTimer<'_> {
    /// Notes it, with the error where there is one, and passes the result on.
    pub(crate) fn finish<T>(mut self, result: courier_transfer::Result<T>) -> courier_transfer::Result<T> {
        if let (Err(error), Value::Object(details)) = (&result, &mut self.details) {
            details.insert("error".into(), json!(Failure::from(error)));
        }
        self.step
            .record(self.operation, self.details, None, self.started.elapsed());
        result
    }
}

/// What a running step tells: outputs and counts. Outlives the step's future, so that what an interrupted step reached
/// can be kept.
#[derive(Debug)]
pub(crate) struct StepState {
    pub(crate) engine: Engine,
    pub(crate) execution: Uuid,
    claim: Claim,
    /// Counted from 1.
    pub(crate) index: u32,
    /// The step as it was when this attempt began.
    row: StepRow,
    live: Arc<Live>,
    /// The context as earlier steps, and interrupted attempts of this one, left it.
    before: Map<String, Value>,
    outputs: Mutex<Map<String, Value>>,
    transfer: Mutex<Option<Arc<Record>>>,
    bytes: AtomicU64,
    files: AtomicU64,
    /// When something moved last, in milliseconds since the attempt began.
    active: AtomicU64,
    began: tokio::time::Instant,
    /// Counts what comes into the context that a crash should not lose.
    changes: AtomicU64,
    /// What is to be written to the audit log, many at a time.
    audits: Mutex<Vec<NewAudit>>,
    /// Held by whoever writes.
    written: tokio::sync::Mutex<Written>,
}

/// What the store has of a step that runs.
#[derive(Debug, Default)]
struct Written {
    /// So many changes.
    changes: u64,
    /// The step runs no more, and the runner writes how it ended.
    ended: bool,
}

/// Audit records that are written at once.
const AUDITS: usize = 64;

impl StepState {
    pub(crate) fn new(
        engine: &Engine,
        claim: Claim,
        live: Arc<Live>,
        before: Map<String, Value>,
        row: StepRow,
    ) -> Self {
        let (bytes, files) = counted(&before, &row);
        Self {
            engine: engine.clone(),
            execution: claim.execution,
            claim,
            index: row.index,
            bytes: bytes.into(),
            files: files.into(),
            active: AtomicU64::new(0),
            began: tokio::time::Instant::now(),
            row,
            live,
            before,
            outputs: Mutex::default(),
            transfer: Mutex::default(),
            changes: AtomicU64::new(0),
            audits: Mutex::default(),
            written: tokio::sync::Mutex::default(),
        }
    }

    /// The hold on the execution, which is shown with all that is written for it.
    pub(crate) fn claim(&self) -> Claim {
        self.claim
    }

    /// What an interrupted attempt left under that name.
    pub(crate) fn earlier(&self, name: &str) -> Option<&Value> {
        self.before.get(&context::key(self.index, name))
    }

    /// Leaves something for later steps; with `null`, what an attempt before had left is gone.
    pub(crate) fn output(&self, name: &str, value: Value) {
        self.outputs.lock().insert(name.into(), value);
    }

    /// From now on the record shows as `transfer_state`.
    pub(crate) fn show(&self, record: Arc<Record>) {
        *self.transfer.lock() = Some(record);
    }

    /// Bytes have moved.
    pub(crate) fn moved(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.progressed();
    }

    /// An interrupted attempt had noted a file up to the one offset, and this one goes on with it at the other: bytes that
    /// had arrived and were not noted any more count now, and those that were lost again don't.
    pub(crate) fn resumed(&self, noted: u64, from: u64) {
        let change = |bytes: u64| Some(bytes.saturating_add(from).saturating_sub(noted));
        // The change is always made.
        let _ = self
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
        self.progressed();
    }

    /// It goes on at this offset with a file of which nothing was noted. Where an attempt before was interrupted right after
    /// it had begun with it, these bytes were moved by this execution, and are at most among those of the step's row.
    pub(crate) fn resumed_unnoted(&self, from: u64) {
        if self.row.attempts < 2 {
            return;
        }
        match noted(&self.before, &self.row) {
            Some(_) => self.resumed(0, from),
            None => _ = self.bytes.fetch_max(from, Ordering::Relaxed),
        }
    }

    /// A file is whole.
    pub(crate) fn file_done(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.progressed();
        self.note_unsaved();
    }

    /// Something got on: a byte, a file, a listed entry. What the step's `timeout_sec` waits for.
    pub(crate) fn progressed(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.active.store(now, Ordering::Relaxed);
    }

    /// When something got on last; at first, when the attempt began.
    pub(crate) fn last_progress(&self) -> tokio::time::Instant {
        self.began + Duration::from_millis(self.active.load(Ordering::Relaxed))
    }

    /// What a long wait comes to that needs nothing of this machine: another execution works here meanwhile.
    pub(crate) async fn aside<T>(&self, wait: impl Future<Output = T>) -> T {
        self.live.aside(wait).await
    }

    /// Something is in the context that a crash should not lose.
    pub(crate) fn note_unsaved(&self) {
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// Bytes and files moved until now; never fewer than were shown before a crash.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let (bytes, files) = self.counted();
        (
            bytes.max(self.row.bytes_transferred),
            files.max(self.row.files_transferred),
        )
    }

    fn counted(&self) -> (u64, u64) {
        (
            self.bytes.load(Ordering::Relaxed),
            self.files.load(Ordering::Relaxed),
        )
    }

    /// The context as it is now.
    pub(crate) fn context(&self) -> Map<String, Value> {
        self.context_with(SHOWN)
    }

    /// The context as it is now, with all that is known of so many files.
    fn context_with(&self, shown: usize) -> Map<String, Value> {
        let mut all = self.before.clone();
        for (name, value) in &*self.outputs.lock() {
            let key = context::key(self.index, name);
            match value {
                Value::Null => all.remove(&key),
                value => all.insert(key, value.clone()),
            };
        }
        if let Some(record) = &*self.transfer.lock() {
            let mut state = record.to_json(shown);
            let (bytes, files) = self.counted();
            if let Value::Object(state) = &mut state {
                state.insert("moved".into(), json!({"bytes": bytes, "files": files}));
            }
            all.insert(context::key(self.index, "transfer_state"), state);
        }
        all
    }

    /// Says whether names may still be changed for this execution: not once it is told to stop, nor after the lease.
    pub(crate) fn guard(&self) -> Arc<dyn Guard> {
        Arc::new(OfLive(self.live.clone()))
    }

    /// Writes the numbers of the running step.
    pub(crate) async fn save_progress(&self) -> Result<()> {
        let (bytes, files) = self.counts();
        Ok(self
            .engine
            .0
            .store
            .executions()
            .progress(self.claim, self.index, bytes, files)
            .await?)
    }

    /// Writes the numbers of the running step, and the context with what it has left until now, if anything is new. What
    /// was new before the call is in the store after it.
    pub(crate) async fn save(self: &Arc<Self>) -> Result<()> {
        let state = self.clone();
        to_its_end(async move {
            let wanted = state.changes.load(Ordering::Acquire);
            let mut written = state.written.lock().await;
            // Of many that wait, one writes for all.
            if written.ended || written.changes >= wanted {
                return Ok(());
            }
            let changes = state.changes.load(Ordering::Acquire);
            let mut row = state.row.clone();
            (row.bytes_transferred, row.files_transferred) = state.counts();
            let context = Value::Object(state.context_with(SHOWN_RUNNING));
            let executions = state.engine.0.store.executions();
            executions.checkpoint(state.claim, &row, Some(&context)).await?;
            written.changes = changes;
            Ok(())
        })
        .await
    }

    /// The step runs no more: nothing writes from here on that it does.
    pub(crate) async fn end(&self) {
        self.written.lock().await.ended = true;
    }

    /// Was there an attempt before this one?
    pub(crate) fn is_again(&self) -> bool {
        self.row.attempts > 1
    }

    /// Notes something for the audit log.
    pub(crate) fn note(&self, record: NewAudit) {
        self.audits.lock().push(record);
    }

    /// Writes the audit records that wait. They go on waiting where that fails.
    pub(crate) async fn record_all(self: &Arc<Self>) -> Result<()> {
        let state = self.clone();
        to_its_end(async move {
            let _written = state.written.lock().await;
            let waiting = std::mem::take(&mut *state.audits.lock());
            if waiting.is_empty() {
                return Ok(());
            }
            let result = state.engine.0.store.audit().append(waiting.clone()).await;
            if result.is_err() {
                state.audits.lock().splice(0..0, waiting);
            }
            Ok(result?)
        })
        .await
    }

    /// Writes the audit records that wait, together with the context that the step has left: a crash right after that does
    /// nothing again that is on record.
    pub(crate) async fn record_end(self: &Arc<Self>, context: &Value) -> Result<()> {
        let (state, context) = (self.clone(), context.clone());
        to_its_end(async move {
            let _written = state.written.lock().await;
            let waiting = std::mem::take(&mut *state.audits.lock());
            if waiting.is_empty() {
                return Ok(());
            }
            let mut row = state.row.clone();
            (row.bytes_transferred, row.files_transferred) = state.counts();
            let store = &state.engine.0.store;
            let executions = store.executions();
            let written = executions.checkpoint_recorded(state.claim, &row, &context, waiting.clone());
            let result = match written.await {
                // Another has the execution by now; what was done here is recorded nevertheless.
                Err(courier_store::Error::Conflict(_)) => store.audit().append(waiting.clone()).await,
                written => written,
            };
            if result.is_err() {
                state.audits.lock().splice(0..0, waiting);
            }
            Ok(result?)
        })
        .await
    }

    /// Writes the audit records that wait, where they are many.
    pub(crate) async fn record_full_batch(self: &Arc<Self>) -> Result<()> {
        if self.audits.lock().len() < AUDITS {
            return Ok(());
        }
        self.engine.persist(|| self.record_all().boxed()).await
    }

    /// A file begins to move, at this offset. Watchers hear of it as long as somebody holds it.
    pub(crate) fn file_moves(&self, name: String, offset: u64, total: Option<u64>) -> Arc<Moving> {
        self.live.file(self.index, name, offset, total)
    }
}

/// Bytes and files that earlier attempts have moved, as they stand beside what these had reached. The row's own numbers are
/// written more often, so that after a crash they may include what is moved once more.
fn counted(before: &Map<String, Value>, row: &StepRow) -> (u64, u64) {
    let moved = noted(before, row);
    let number = |name: &str| moved?.get(name)?.as_u64();
    (
        number("bytes").unwrap_or(row.bytes_transferred),
        number("files").unwrap_or(row.files_transferred),
    )
}

/// What earlier attempts have moved, where any has noted it.
fn noted<'a>(before: &'a Map<String, Value>, row: &StepRow) -> Option<&'a Value> {
    before
        .get(&context::key(row.index, "transfer_state"))?
        .get("moved")
}

/// Asks the execution.
#[derive(Debug)]
struct OfLive(Arc<Live>);

impl Guard for OfLive {
    fn allows(&self) -> bool {
        self.0.is_held() && self.0.wish().is_none()
    }
}

/// Writes in a task of its own: whoever waits for it may be dropped, and may be part of a stream that nobody polls for
/// a while, and must neither leave half of it undone nor hold a transaction meanwhile.
async fn to_its_end(write: impl Future<Output = Result<()>> + Send + 'static) -> Result<()> {
    tokio::spawn(write)
        .await
        .unwrap_or_else(|e| Err(Error::Internal(format!("a write to the store did not end: {e}"))))
}

/// Runs blocking work off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> courier_transfer::Result<T> + Send + 'static,
) -> courier_transfer::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(courier_transfer::Error::new(
            courier_transfer::ErrorKind::Local,
            "a local file operation did not end",
        )
        .with_source(e))
    })
}
