//! Executions of jobs and folder mappings, and the queue of those that wait.

mod crash;
mod history;
mod load;
mod node;
pub(crate) mod queue;
mod retention;
mod run;

pub use history::Transition;
pub(crate) use load::without_context;
pub use node::{LEASE, Life, Node};
pub(crate) use run::is_uneventful;
pub(crate) use run::{had_last, held};

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::{Page, PageRequest, Result, Store, audit::NewAudit, words::words};

words! {
    /// Where an execution stands.
    ExecutionState {
        /// It waits for a worker.
        Queued = "queued",
        /// A worker has it.
        Running = "running",
        /// It waits for somebody to resume it.
        Paused = "paused",
        /// Every step is done or was skipped.
        Completed = "completed",
        /// A step failed.
        Failed = "failed",
        /// Somebody stopped it.
        Cancelled = "cancelled",
    }
}

impl ExecutionState {
    /// Is it over?
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

words! {
    /// Where a step stands.
    StepState {
        /// Not begun.
        Pending = "pending",
        /// Under way.
        Running = "running",
        /// Done.
        Completed = "completed",
        /// Failed.
        Failed = "failed",
        /// Failed, and the job's policy goes on without it.
        Skipped = "skipped",
    }
}

words! {
    /// What somebody wants of a running execution.
    ExecutionRequest {
        /// Nothing.
        None = "none",
        /// Stop.
        Cancel = "cancel",
        /// Stop, to be resumed.
        Pause = "pause",
    }
}

/// What an execution runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The execution.
    pub id: Uuid,
    /// The job; none where it is a folder mapping's.
    pub job_id: Option<Uuid>,
    /// The folder mapping; none where it is a job's.
    pub mapping_id: Option<Uuid>,
    /// The job's or the mapping's name at that time.
    pub name: String,
}

/// Executions.
#[derive(Clone, Copy, Debug)]
pub struct Executions<'a>(pub(crate) &'a Store);

/// One run of a job or a folder mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Execution {
    /// Its id.
    pub id: Uuid,
    /// The job, which may be gone since; none where it is a mapping's.
    pub job_id: Option<Uuid>,
    /// The version of the job that runs; 0 where it is a mapping's.
    pub job_version: u32,
    /// The folder mapping, which may be gone since; none where it is a job's.
    pub mapping_id: Option<Uuid>,
    /// The job's or the mapping's name at that time.
    pub job_name: String,
    /// Where it stands.
    pub state: ExecutionState,
    /// Who or what began it: a user's name, `schedule`, …
    pub triggered_by: String,
    /// When it was put into the queue first.
    pub queued_at: Timestamp,
    /// When a worker took it first.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// The node that has it, or had it last.
    pub node: Option<String>,
    /// How often a worker took it.
    pub attempts: u32,
    /// Why it failed: an object with `kind` and `message`.
    pub error: Option<Value>,
    /// What its steps left for later ones; an object.
    pub context: Value,
    /// What somebody wants of it.
    pub request: ExecutionRequest,
    /// The time that its schedule had set for it.
    pub scheduled_at: Option<Timestamp>,
    /// The time zone of its dates: its schedule's, by IANA's name.
    pub timezone: Option<String>,
    /// How often the whole job was tried again, by its failure policy.
    pub retries: u32,
}

impl Execution {
    /// The hold on it of whoever has taken it.
    pub fn claim(&self) -> Claim {
        Claim {
            execution: self.id,
            attempt: self.attempts,
        }
    }
}

/// A worker's hold on a running execution. Whatever a worker writes of an execution, it shows this, and what has been
/// taken from it meanwhile is not written: the attempt is a number that only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The execution.
    pub execution: Uuid,
    /// Which of its attempts it is.
    pub attempt: u32,
}

/// One step of an execution.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its place, from 1.
    pub index: u32,
    /// Its name in the job.
    pub name: Option<String>,
    /// What it does: `sftp.upload`, …
    pub step_type: String,
    /// Where it stands.
    pub state: StepState,
    /// How often it was begun.
    pub attempts: u32,
    /// When it was begun first.
    pub started_at: Option<Timestamp>,
    /// When it was over.
    pub ended_at: Option<Timestamp>,
    /// Bytes moved.
    pub bytes_transferred: u64,
    /// Files moved.
    pub files_transferred: u64,
    /// Why it failed: an object with `kind` and `message`.
    pub error: Option<Value>,
    /// How often it was tried again, by the failure policy.
    pub retries: u32,
}

/// What an execution is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A job, in this version.
    Job {
        /// Its id.
        id: Uuid,
        /// The version to run.
        version: u32,
    },
    /// A folder mapping.
    Mapping(Uuid),
}

/// An execution to be put into the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct NewExecution {
    /// What is run.
    pub origin: Origin,
    /// The job's or the mapping's name.
    pub job_name: String,
    /// Who or what begins it.
    pub triggered_by: String,
    /// What its steps find from the start; an object.
    pub context: Value,
    /// Its steps, in order.
    pub steps: Vec<NewStep>,
    /// How many of a job's executions may be queued, running or paused, this one among them; none for any number.
    pub max_instances: Option<u32>,
    /// The time that its schedule had set for it.
    pub scheduled_at: Option<Timestamp>,
    /// The time zone of its dates, by IANA's name; none for UTC.
    pub timezone: Option<String>,
}

/// A step of an execution to be put into the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStep {
    /// Its name in the job.
    pub name: Option<String>,
    /// What it does.
    pub step_type: String,
}

/// Which executions are wanted; what is `None` or empty excludes nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecutionFilter {
    /// Of this job.
    pub job_id: Option<Uuid>,
    /// Of this folder mapping.
    pub mapping_id: Option<Uuid>,
    /// In one of these states.
    pub states: Vec<ExecutionState>,
    /// Queued at this time or later.
    pub since: Option<Timestamp>,
    /// Queued before this time.
    pub until: Option<Timestamp>,
    /// With this in the job's or the mapping's name, in either case.
    pub search: Option<String>,
    /// Begun by whom or what has this name.
    pub triggered_by: Option<String>,
    /// Scheduled pulls that are done and found nothing, or all others.
    pub uneventful: Option<bool>,
}

impl Executions<'_> {
    /// Puts an execution into the queue, with all its steps pending, and with the audit record of it.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where the job has `max_instances` already,
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable), as everywhere.
    pub async fn enqueue(
        &self,
        execution: NewExecution,
        record: impl FnOnce(&Execution) -> NewAudit,
    ) -> Result<Execution> {
        queue::enqueue(self.0, execution, record).await
    }

    /// Takes an execution out of the queue for this life of a node; none where it doesn't wait (any more), or the life has
    /// lost its lease. No two callers get it. It is then running, with one attempt more.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn claim(&self, id: Uuid, life: &Life) -> Result<Option<Execution>> {
        queue::claim(self.0, id, life).await
    }

    /// Takes a place among the processes that use this database, under this name, with a lease of [`LEASE`].
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict) where another process has the name, on PostgreSQL.
    pub async fn join(&self, node: &str) -> Result<Node> {
        Node::join(self.0, node).await
    }

    /// Puts back what dead processes have left running: what was to be cancelled or paused is so now; what has ended its
    /// process several times in a row without getting further has failed; the rest is queued, its running steps pending.
    /// Answers which there were, and where they stand now.
    ///
    /// On PostgreSQL a process is dead when the lease of its [`Node`] is over. SQLite has one process: there, this is to be
    /// called at its start, before anything runs, and not again.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn put_back(&self) -> Result<Vec<(Uuid, ExecutionState)>> {
        crash::put_back(self.0).await
    }

    /// What runs, as far as the database knows, and was taken by this life of a node.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn held_by(&self, life: &Life) -> Result<Vec<Claim>> {
        load::held_by(self.0, life).await
    }

    /// Puts one back that whoever took it doesn't run; answers where it stands now, or nothing where the claim is lost.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn put_back_lost(&self, claim: Claim) -> Result<Option<ExecutionState>> {
        crash::put_back_lost(self.0, claim).await
    }

    /// Ends a worker's hold on an execution: it becomes this, with the error that goes with it (`None` clears it). A final
    /// state sets `ended_at`; every state clears the request.
    ///
    /// One that is to be paused or queued becomes what is wished of it at this moment: cancelled, paused, or queued where
    /// nothing is (any more). The answer says what it has become.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound); [`Error::Conflict`](crate::Error::Conflict) where the claim is lost.
    pub async fn release(
        &self,
        claim: Claim,
        to: ExecutionState,
        error: Option<Value>,
        reason: Option<&str>,
    ) -> Result<Execution> {
        run::release(self.0, claim, to, error, reason).await
    }

    /// Writes how a step stands now and, where given, the context, in one transaction. The step is found by its index;
    /// its name and type stay.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) for the execution or the step;
    /// [`Error::Conflict`](crate::Error::Conflict) where the claim is lost.
    pub async fn checkpoint(&self, claim: Claim, step: &Step, context: Option<&Value>) -> Result<()> {
        run::checkpoint(self.0, claim, step, context, Vec::new()).await
    }

    /// The same with the records of what the step has done since the last ones, so that whoever goes on with it knows all that
    /// is on record.
    ///
    /// # Errors
    /// As [`Self::checkpoint`]; then none is recorded.
    pub async fn checkpoint_recorded(
        &self,
        claim: Claim,
        step: &Step,
        context: &Value,
        records: Vec<NewAudit>,
    ) -> Result<()> {
        run::checkpoint(self.0, claim, step, Some(context), records).await
    }

    /// Notes how far a running step has come. Nothing happens where the step isn't running, or the claim is lost.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn progress(&self, claim: Claim, step: u32, bytes: u64, files: u64) -> Result<()> {
        run::progress(self.0, claim, step, bytes, files).await
    }

    /// Notes that the whole job is tried again: its retries, all steps put back, and this context, in one transaction.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub async fn start_over(&self, claim: Claim, retries: u32, context: &Value) -> Result<()> {
        run::start_over(self.0, claim, retries, context).await
    }

    /// Notes in a running execution's history what is out of the ordinary with it: why it makes no progress, or does
    /// something again.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub async fn remark(&self, claim: Claim, why: &str) -> Result<()> {
        run::remark(self.0, claim, why).await
    }

    /// The states that an execution went through, in order; none for one that isn't there.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn history(&self, id: Uuid) -> Result<Vec<Transition>> {
        history::of(self.0, id).await
    }

    /// Stops an execution, with the audit record of it: at once where it waits, by [`ExecutionRequest::Cancel`] where it
    /// runs.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound); [`Error::Conflict`](crate::Error::Conflict) where it is over.
    pub async fn request_cancel(
        &self,
        id: Uuid,
        record: impl FnOnce(&Execution) -> NewAudit,
    ) -> Result<Execution> {
        run::request(self.0, id, run::Wish::Cancel, record).await
    }

    /// Pauses an execution, with the audit record of it: at once where it is queued, by [`ExecutionRequest::Pause`] where
    /// it runs.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound); [`Error::Conflict`](crate::Error::Conflict) where it is over, paused
    /// or being cancelled.
    pub async fn request_pause(
        &self,
        id: Uuid,
        record: impl FnOnce(&Execution) -> NewAudit,
    ) -> Result<Execution> {
        run::request(self.0, id, run::Wish::Pause, record).await
    }

    /// Queues a paused execution again, or takes back the wish to pause a running one, with the audit record of it.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound); [`Error::Conflict`](crate::Error::Conflict) where it is neither.
    pub async fn request_resume(
        &self,
        id: Uuid,
        record: impl FnOnce(&Execution) -> NewAudit,
    ) -> Result<Execution> {
        run::request(self.0, id, run::Wish::Resume, record).await
    }

    /// What somebody wants of the execution; cheap enough to ask once a second.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub async fn requested(&self, id: Uuid) -> Result<ExecutionRequest> {
        load::requested(self.0, id).await
    }

    /// One execution.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub async fn get(&self, id: Uuid) -> Result<Execution> {
        load::get(self.0.read(), id).await
    }

    /// An execution's steps, in order; none for an execution that isn't there.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn steps(&self, id: Uuid) -> Result<Vec<Step>> {
        Ok(load::steps(self.0, &[id])
            .await?
            .into_iter()
            .map(|(_, step)| step)
            .collect())
    }

    /// The steps of several executions, each with its execution, sorted by execution and index.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn steps_of(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, Step)>> {
        load::steps(self.0, ids).await
    }

    /// Executions, newest first, each with an empty context: [`Self::get`] has it.
    ///
    /// # Errors
    /// [`Error::BadCursor`](crate::Error::BadCursor).
    pub async fn list(&self, filter: &ExecutionFilter, page: &PageRequest) -> Result<Page<Execution>> {
        load::list(self.0, filter, page).await
    }

    /// Where each of these executions stands; those that aren't there are left out.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn states_of(&self, ids: &[Uuid]) -> Result<Vec<(Uuid, ExecutionState)>> {
        load::states_of(self.0, ids).await
    }

    /// What each of these executions runs; those that aren't there are left out.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn names_of(&self, ids: &[Uuid]) -> Result<Vec<Name>> {
        load::names_of(self.0, ids).await
    }

    /// Since when the first of those that wait in the queue has waited there; none where nothing waits.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn waiting_since(&self) -> Result<Option<Timestamp>> {
        load::waiting_since(self.0).await
    }

    /// Removes executions that were over before this time, with their steps and history: some of them, so that others can
    /// write in between. Answers how many; none where no more are left.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn forget(&self, until: Timestamp) -> Result<u64> {
        retention::forget(self.0, until).await
    }

    /// Removes scheduled pulls that found nothing and were over before this time, but for each mapping's last: some of
    /// them, as [`Self::forget`] does.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn forget_uneventful(&self, until: Timestamp) -> Result<u64> {
        retention::forget_uneventful(self.0, until).await
    }

    /// How many executions are in each state, every state listed: of those that are over, the ones queued since then.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn count_by_state(&self, since: Timestamp) -> Result<Vec<(ExecutionState, u64)>> {
        load::count_by_state(self.0, since).await
    }

    /// The newest execution of a job or a folder mapping.
    ///
    /// # Errors
    /// As [`Self::enqueue`].
    pub async fn last_of(&self, origin: Uuid) -> Result<Option<Execution>> {
        load::last_of(self.0, origin).await
    }
}
