//! `remote.pull`: what a folder mapping names comes into storage.

use courier_transfer::settings::{Kind, Setting};
use serde_json::Value;

use super::{Step, StepType};
use crate::{Error, Result, definition::PULL, input::uuid, pulls};

/// The setting that names the mapping.
pub(super) const MAPPING: &str = "mapping_id";

pub(super) const STEP: StepType = StepType {
    name: PULL,
    protocol: None,
    settings: &[Setting::required(
        MAPPING,
        Kind::Text,
        "The folder mapping to pull, by its id. It need not be enabled.",
    )],
    outputs: &[
        "files",
        "pulled",
        "bytes",
        "waiting",
        "known",
        "unreadable",
        "changed",
        "vanished",
        "failed",
        "warnings",
        "not_found",
    ],
    lists: &[],
    help: "Pulls the files of a folder mapping that are ready and were not pulled yet into its storage, each once. `files` shows \
           the first thousand; the connection's history has all.",
    run: |step| Box::pin(run(step)),
};

async fn run(step: &Step<'_>) -> Result<()> {
    let mapping = uuid(step.config.get(MAPPING).unwrap_or(&Value::Null));
    let mapping =
        mapping.ok_or_else(|| Error::not_found("folder mapping", step.text(MAPPING).unwrap_or_default()))?;
    pulls::run(step, mapping).await
}
