//! Completed steps that must run again: their files lie on another node than the one that goes on.
//!
//! A file counts as lost where it isn't here and can't have been used up here: the execution has no work folder on this
//! node, or another node has completed the step. Steps run again only where one that is still to come needs their files.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use courier_store::executions::{ExecutionState, Step as StepRow, StepState as RowState, Transition};
use courier_transfer::{Error as TransferError, ErrorKind, Retry};
use futures::FutureExt;
use serde_json::Value;

use super::{Halt, Run};
use crate::{Error, context, definition::StepDefinition, steps};

/// Outputs that are local files.
const FILES: &[&str] = &["downloaded_file", "downloaded_files", "file"];
/// Steps that use up the file that they are given.
const CONSUMERS: &[&str] = &["local.move", "local.delete"];

impl Run<'_> {
    /// Puts back the completed steps whose files are lost and still needed.
    pub(super) async fn repeat_what_is_lost(&mut self, history: &[Transition]) -> Result<(), Halt> {
        let work = self.engine.0.paths.work_dir(self.execution.id);
        let has_work = tokio::fs::try_exists(work).await.unwrap_or(false);
        let mut lost = BTreeSet::new();
        for row in self.rows.iter().filter(|_| !history.is_empty()) {
            let here = has_work && last_node(history, row) == self.execution.node.as_deref();
            let files = match self.files_of(row) {
                whole if whole.is_empty() && !is_done(row) => self.begun_files_of(row),
                whole => whole,
            };
            if !here && !files.is_empty() && !self.are_here(files).await {
                lost.insert(row.index);
            }
        }
        for index in self.needed(&lost, has_work) {
            self.repeat(index, history).await?;
        }
        Ok(())
    }

    /// Which of the lost ones are needed by what is still to come, or by another that must run again for it.
    fn needed(&self, lost: &BTreeSet<u32>, has_work: bool) -> BTreeSet<u32> {
        let mut again = BTreeSet::new();
        let to_come = self.rows.iter().filter(|row| !is_done(row));
        let mut open: Vec<u32> = to_come.map(|row| row.index).collect();
        // What it has moved itself until it was stopped.
        again.extend(open.iter().filter(|index| lost.contains(index)));
        while let Some(index) = open.pop() {
            let Some((definition, row)) = self.at(index) else {
                continue;
            };
            // It had begun, and what it began with is gone because of that.
            let used_up = has_work
                && row.attempts > 0
                && !is_done(row)
                && CONSUMERS.contains(&definition.step_type.as_str());
            for &needed in lost.iter().filter(|&&earlier| !used_up && earlier < index) {
                if self.needs(definition, needed) && again.insert(needed) {
                    open.push(needed);
                }
            }
        }
        again
    }

    /// Does a step need the files of that earlier one? It does where it refers to it, and where it reads the work folder by
    /// a relative path.
    fn needs(&self, definition: &StepDefinition, earlier: u32) -> bool {
        let refers = context::references(&definition.config).contains(&earlier);
        let reads_work_folder = || {
            let source = steps::find(&definition.step_type)?.local_source()?;
            let path = definition.config.get(source)?.as_str()?;
            Some(!context::is_reference(&Value::from(path)) && Path::new(path).is_relative())
        };
        refers || reads_work_folder().unwrap_or(false)
    }

    /// Puts one step back.
    async fn repeat(&mut self, index: u32, history: &[Transition]) -> Result<(), Halt> {
        let Some((definition, row)) = self.at(index) else {
            return Ok(());
        };
        let there = last_node(history, row).unwrap_or("another node").to_owned();
        let here = self.execution.node.as_deref().unwrap_or("this one").to_owned();
        let after = definition.config.get("after").and_then(Value::as_str);
        let has_taken = matches!(after, Some("delete" | "move")) && !self.files_of(row).is_empty();
        if has_taken && definition.step_type.ends_with(".download") {
            let message = format!(
                "the files of step {index} lie on the node {there}, and {here}, which goes on, does not have them; the step \
                 cannot run again, since it has taken them from the server (after: {}). Run the job again when the \
                 files are back on the server, and let all nodes share one data folder, so that this does not happen",
                after.unwrap_or_default()
            );
            let error = TransferError::new(ErrorKind::Local, message).with_retry(Retry::Never);
            return Err(Error::from(error).into());
        }
        let mut row = row.clone();
        let reason = format!("step {index} runs again: its files lie on {there}, and {here} goes on");
        tracing::warn!(execution = %self.execution.id, "{reason}");
        row.state = RowState::Pending;
        (row.ended_at, row.error) = (None, None);
        (row.bytes_transferred, row.files_transferred) = (0, 0);
        let own = context::key(index, "");
        self.context.retain(|key, _| !key.starts_with(&own));
        self.keep(&row).await?;
        let (store, claim) = (self.engine.0.store.executions(), self.execution.claim());
        let reason = reason.as_str();
        self.write(|| async move { Ok(store.remark(claim, reason).await?) }.boxed())
            .await
    }

    fn at(&self, index: u32) -> Option<(&StepDefinition, &StepRow)> {
        let at = usize::try_from(index).ok()?.checked_sub(1)?;
        Some((self.job.steps.get(at)?, self.rows.get(at)?))
    }

    /// Are all of them there, where this node may read? What another process of this machine has is no help.
    async fn are_here(&self, files: Vec<PathBuf>) -> bool {
        let (paths, id) = (self.engine.0.paths.clone(), self.execution.id);
        let is_here = move |file: &PathBuf| paths.resolve_found(file, id).is_ok() && file.exists();
        let look = move || files.iter().all(is_here);
        tokio::task::spawn_blocking(look).await.unwrap_or(false)
    }

    /// The half-made files of a download: it begins anew where they are not.
    fn begun_files_of(&self, row: &StepRow) -> Vec<PathBuf> {
        match self
            .at(row.index)
            .and_then(|(definition, _)| steps::find(&definition.step_type))
        {
            Some(step_type) if step_type.is_download() => steps::begun_local_files(&self.context, row.index),
            _ => Vec::new(),
        }
    }

    /// The local files that a step has left.
    fn files_of(&self, row: &StepRow) -> Vec<PathBuf> {
        let output = |name: &&str| self.context.get(&context::key(row.index, name));
        let outputs: Vec<&Value> = FILES.iter().filter_map(output).collect();
        let texts = outputs.into_iter().flat_map(|value| match value {
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        });
        let files = texts.filter_map(Value::as_str).map(PathBuf::from);
        match is_done(row) {
            true => files.collect(),
            // Outputs are left at its end.
            false => match self
                .at(row.index)
                .and_then(|(definition, _)| steps::find(&definition.step_type))
            {
                Some(step_type) if step_type.is_download() => {
                    steps::whole_local_files(&self.context, row.index)
                }
                _ => Vec::new(),
            },
        }
    }
}

fn is_done(row: &StepRow) -> bool {
    matches!(row.state, RowState::Completed | RowState::Skipped)
}

/// The node that had the execution when the step ended; before the one that has it now, where it did not.
fn last_node<'a>(history: &'a [Transition], row: &StepRow) -> Option<&'a str> {
    let runs = history.iter().filter(|t| t.state == ExecutionState::Running);
    let mut before: Vec<&Transition> = runs.collect();
    before.pop();
    let ended = row.ended_at.filter(|_| is_done(row));
    let had = before
        .into_iter()
        .rev()
        .find(|t| ended.is_none_or(|ended| t.at <= ended));
    had.and_then(|t| t.node.as_deref())
}
