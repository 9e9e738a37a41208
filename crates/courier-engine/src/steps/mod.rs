//! The steps that there are. One file a step or family, one line here.
//!
//! A step names a connection, not a protocol: `sftp.upload` is `remote.upload` with a check of the connection's protocol.

mod after;
mod azure_function;
mod check;
mod directories;
mod download;
mod failures;
mod leftovers;
mod local;
mod partials;
mod pull;
mod record;
mod remote_files;
mod run;
mod settings;
mod transfer;
mod upload;

use courier_transfer::settings::Setting;
use futures::future::BoxFuture;
use serde::Serialize;

pub(crate) use check::{check, prepare};
pub(crate) use leftovers::{begun_local_files, context_of_next_try, remove_partials, whole_local_files};
pub(crate) use partials::AllPartials;
pub(crate) use run::{Step, StepState};

use crate::Result;

/// A step, as it is registered.
pub(crate) struct StepType {
    /// Its name in job definitions.
    pub(crate) name: &'static str,
    /// The protocol that its connection must have; none for any.
    pub(crate) protocol: Option<&'static str>,
    /// Its settings.
    pub(crate) settings: &'static [Setting],
    /// What it leaves in the context.
    pub(crate) outputs: &'static [&'static str],
    /// Those of its settings that also take a reference to a list of files.
    pub(crate) lists: &'static [&'static str],
    /// What it does, in a sentence.
    pub(crate) help: &'static str,
    /// Does it.
    pub(crate) run: for<'a> fn(&'a Step<'a>) -> BoxFuture<'a, Result<()>>,
}

impl StepType {
    /// The setting that names the local files which it reads, if it reads any.
    pub(crate) fn local_source(&self) -> Option<&'static str> {
        let names = self.settings.iter().map(|setting| setting.name);
        let mut sources = names.filter(|name| match *name {
            "local_path" => self.is_upload(),
            "path" => true,
            _ => false,
        });
        sources.next()
    }

    /// Does it send files?
    pub(crate) fn is_upload(&self) -> bool {
        self.outputs.contains(&"uploaded_files")
    }

    /// Does it leave local files that it has downloaded?
    pub(crate) fn is_download(&self) -> bool {
        self.outputs.contains(&"downloaded_files")
    }
}

/// A step type, described for people and forms.
#[derive(Clone, Debug, Serialize)]
pub struct StepTypeInfo {
    /// Its name in job definitions.
    pub step_type: &'static str,
    /// The protocol that its connection must have; none for any.
    pub protocol: Option<&'static str>,
    /// Its settings.
    pub settings: &'static [Setting],
    /// What it leaves in the context, without the step's number.
    pub outputs: &'static [&'static str],
    /// Those of its settings that also take a reference to a list of files.
    pub lists: &'static [&'static str],
    /// What it does, in a sentence.
    pub help: &'static str,
}

const STEPS: &[StepType] = &[
    upload::step("sftp.upload", Some("sftp")),
    download::step("sftp.download", Some("sftp")),
    upload::step("ftp.upload", Some("ftp")),
    download::step("ftp.download", Some("ftp")),
    upload::step("ftps.upload", Some("ftps")),
    download::step("ftps.download", Some("ftps")),
    upload::step("remote.upload", None),
    download::step("remote.download", None),
    directories::MKDIR,
    directories::RMDIR,
    directories::LIST,
    remote_files::RENAME,
    remote_files::DELETE,
    pull::STEP,
    azure_function::STEP,
    local::COPY,
    local::MOVE,
    local::DELETE,
];

/// The step type of that name.
pub(crate) fn find(name: &str) -> Option<&'static StepType> {
    STEPS.iter().find(|s| s.name == name)
}

/// All of them, described.
pub(crate) fn infos() -> Vec<StepTypeInfo> {
    STEPS
        .iter()
        .map(|s| StepTypeInfo {
            step_type: s.name,
            protocol: s.protocol,
            settings: s.settings,
            outputs: s.outputs,
            lists: s.lists,
            help: s.help,
        })
        .collect()
}
