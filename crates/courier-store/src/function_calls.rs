//! Calls of functions in function apps: each is noted before it is made, so that whatever happens meanwhile, it is made once,
//! and each run that the logs show belongs to one call at most.

mod rivals;
mod write;

use jiff::Timestamp;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error, Result, Store,
    audit::NewAudit,
    entities::{
        executions,
        function_calls::{Column, Entity, Model},
        steps,
    },
    executions::Claim,
    row,
    words::words,
};

words! {
    /// Where a call stands.
    CallState {
        /// It is noted, and may have been made.
        Calling = "calling",
        /// The function app has taken it.
        Accepted = "accepted",
        /// There was no clear answer: it may have been made.
        Unclear = "unclear",
        /// It has surely triggered nothing.
        Refused = "refused",
        /// Its run is found, and went well.
        Succeeded = "succeeded",
        /// Its run is found, and failed.
        Failed = "failed",
    }
}

impl CallState {
    /// Can a run of it still come into the logs, as far as is known?
    pub fn is_open(self) -> bool {
        matches!(self, Self::Calling | Self::Accepted | Self::Unclear)
    }
}

/// A call of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCall {
    /// Its id. Those of later calls are greater.
    pub id: Uuid,
    /// The execution that made it.
    pub execution_id: Uuid,
    /// Which of its steps, from 1.
    pub step: u32,
    /// The connection, which may be gone since.
    pub connection_id: Uuid,
    /// The function app, as `host:port` in lower case.
    pub app: String,
    /// The workspace in whose logs its run is looked for, in lower case.
    pub workspace: String,
    /// The function, as the step names it. Letters of either case are the same to Azure.
    pub function: String,
    /// The trace that it asked the function app to take part in: 32 hexadecimal digits.
    pub trace_id: String,
    /// Where it stands.
    pub state: CallState,
    /// When it was about to be made, by this machine's clock.
    pub triggered_at: Timestamp,
    /// No run of before can be its.
    pub not_before: Timestamp,
    /// Its run, once it is found.
    pub run: Option<FunctionRun>,
    /// When nobody looked for its run any more: it is found, nothing was triggered, or nobody wants to know.
    pub ended_at: Option<Timestamp>,
    /// Was it made in the step's try of now? Not once the failure policy has tried the step or the job again.
    pub is_of_this_try: bool,
}

/// A run of a function, as the logs have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionRun {
    /// What tells it from all others of the app: the invocation's id, or the request's where there is none.
    pub id: String,
    /// The invocation's id.
    pub invocation_id: Option<String>,
    /// The operation's id, which its traces bear.
    pub operation_id: Option<String>,
    /// When it began.
    pub started_at: Timestamp,
    /// Did it succeed?
    pub success: bool,
    /// What it ended with, which may be nothing.
    pub result_code: String,
    /// How long it took, milliseconds.
    pub duration_ms: u64,
}

/// A call that is about to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCall {
    /// The step that makes it, from 1.
    pub step: u32,
    /// The connection.
    pub connection_id: Uuid,
    /// The function app, as `host:port` in lower case.
    pub app: String,
    /// The workspace in whose logs its run will be looked for, in lower case.
    pub workspace: String,
    /// The function, as the step names it.
    pub function: String,
    /// The trace: 32 hexadecimal digits, which no other call has.
    pub trace_id: String,
    /// Now.
    pub triggered_at: Timestamp,
    /// No run of before can be its.
    pub not_before: Timestamp,
}

/// What came of making a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallAnswer {
    /// The function app has taken it.
    Accepted {
        /// No run of before can be its, now that the function app's clock is known.
        not_before: Timestamp,
        /// Does somebody wait for its run?
        awaited: bool,
    },
    /// It may have been made, or not.
    Unclear,
    /// Surely nothing was triggered.
    Refused,
}

/// Calls of functions.
#[derive(Clone, Copy, Debug)]
pub struct FunctionCalls<'a>(pub(crate) &'a Store);

impl FunctionCalls<'_> {
    /// Notes a call that is about to be made. To be called before it is; and again, with the same call, where it isn't known
    /// whether it is noted.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the claim is lost, or a call of the step is open: two triggers would be one too many;
    /// [`Error::NotFound`] where there is no such step; [`Error::Database`], [`Error::Unavailable`].
    pub async fn begin(&self, claim: Claim, call: NewCall) -> Result<FunctionCall> {
        write::begin(self.0, claim, call).await
    }

    /// Notes what came of making a call, with the record of it. [`CallAnswer::Unclear`] is also for one whose maker is gone.
    ///
    /// What came of it is true also when the execution was told to stop meanwhile, so that it is noted as long as nobody else
    /// has taken the execution: whoever does says that it is unclear.
    ///
    /// # Errors
    /// [`Error::Conflict`] where somebody else has, or the answer to this call is known; as [`Self::begin`].
    pub async fn answered(
        &self,
        claim: Claim,
        call: Uuid,
        answer: CallAnswer,
        record: NewAudit,
    ) -> Result<FunctionCall> {
        write::answered(self.0, claim, call, answer, record).await
    }

    /// Takes a run as this call's own, with the record of how it ended; `false` where another call has it.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the claim is lost, or the call isn't open; as [`Self::begin`].
    pub async fn claim_run(
        &self,
        claim: Claim,
        call: Uuid,
        run: &FunctionRun,
        record: NewAudit,
    ) -> Result<bool> {
        write::claim_run(self.0, claim, call, run, record).await
    }

    /// Notes that the logs of this workspace were asked for a call's run, and answered: a wait gets on by that, and an execution
    /// that gets on is not given up where its process ends time and again. Whoever gives the connection another workspace
    /// meanwhile moves its calls there.
    ///
    /// # Errors
    /// As [`Self::latest`].
    pub async fn looked(&self, call: Uuid, workspace: &str) -> Result<()> {
        write::looked(self.0, call, workspace).await
    }

    /// The newest call of a step, before all others one whose run is looked for; none where it has made none.
    ///
    /// # Errors
    /// [`Error::Database`], [`Error::Unavailable`].
    pub async fn latest(&self, execution: Uuid, step: u32) -> Result<Option<FunctionCall>> {
        let calls = Entity::find()
            .filter(Column::ExecutionId.eq(execution))
            .filter(Column::Step.eq(row::small(step)))
            .all(self.0.read())
            .await?;
        // Ids alone don't tell the order where nodes don't agree on the time.
        let newest = calls
            .into_iter()
            .max_by_key(|call| (call.ended_at.is_none(), call.job_try, call.step_try, call.id));
        let Some(newest) = newest else {
            return Ok(None);
        };
        let tries = tries(self.0.read(), execution, step).await?;
        newest.read(tries).map(Some)
    }

    /// The calls that say which of these runs of this call's workspace may be this call's: those that have one of the runs, by
    /// their ids; those whose trace a run belongs to; and those of a function of the same name that wait for a run, as this
    /// one does, of which none before `since` can be theirs. This call itself is among them, where `since` isn't later.
    ///
    /// # Errors
    /// As [`Self::latest`].
    pub async fn rivals(
        &self,
        call: &FunctionCall,
        since: Timestamp,
        runs: &[String],
        traces: &[String],
    ) -> Result<Vec<FunctionCall>> {
        rivals::of(self.0, call, since, runs, traces).await
    }

    /// Did the run that was found last of this call's function bear the trace of its own call? Then the app takes traces over,
    /// and what bears another one is somebody else's.
    ///
    /// # Errors
    /// As [`Self::latest`].
    pub async fn bears_traces(&self, call: &FunctionCall) -> Result<bool> {
        rivals::bears_traces(self.0, call).await
    }
}

/// How often the whole job and the step were tried again.
type Tries = (i32, i32);

async fn tries(db: &impl ConnectionTrait, execution: Uuid, step: u32) -> Result<Tries> {
    const NOT_FOUND: Error = Error::NotFound {
        what: "step of this execution",
    };
    let job: Option<i32> = executions::Entity::find_by_id(execution)
        .select_only()
        .column(executions::Column::Retries)
        .into_tuple()
        .one(db)
        .await?;
    let step: Option<i32> = steps::Entity::find_by_id((execution, row::small(step)))
        .select_only()
        .column(steps::Column::Retries)
        .into_tuple()
        .one(db)
        .await?;
    job.zip(step).ok_or(NOT_FOUND)
}

impl Model {
    fn read(self, tries: Tries) -> Result<FunctionCall> {
        let run = self.run.map(serde_json::from_value).transpose();
        let run =
            run.map_err(|e| Error::Database(DbErr::Type(format!("function_calls.run is no run: {e}"))))?;
        Ok(FunctionCall {
            id: self.id,
            execution_id: self.execution_id,
            step: row::number(self.step),
            connection_id: self.connection_id,
            app: self.app,
            workspace: self.workspace,
            function: self.function_name,
            trace_id: self.trace_id,
            state: row::word("function_calls.state", &self.state)?,
            triggered_at: row::time(self.triggered_at)?,
            not_before: row::time(self.not_before)?,
            run,
            ended_at: row::maybe_time(self.ended_at)?,
            is_of_this_try: (self.job_try, self.step_try) == tries,
        })
    }
}
