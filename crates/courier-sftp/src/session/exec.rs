//! Commands in the server's shell, each on a channel of its own beside the SFTP session (RFC 4254 section 6.5).

use std::sync::Arc;

use courier_transfer::{Error, ErrorKind, Result};
use russh::{Channel, ChannelMsg, client, client::Handle};
use tokio::sync::oneshot;

use super::{Session, handler::SshHandler, lost};
use crate::connect::ssh_error;

/// The most that a command may print, in bytes.
const MOST_OUTPUT: usize = 64 * 1024;

/// The way to run commands: the connection, and the session's thread.
#[derive(Clone)]
pub(super) struct Shell {
    ssh: Arc<Handle<SshHandler>>,
    thread: tokio::runtime::Handle,
}

impl std::fmt::Debug for Shell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shell")
    }
}

/// What a command came to.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// 0 is success; `None` where the server did not tell, as after a signal.
    pub(crate) status: Option<u32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Shell {
    /// To be called on the session's thread.
    pub(super) fn new(ssh: Arc<Handle<SshHandler>>) -> Self {
        let thread = tokio::runtime::Handle::current();
        Self { ssh, thread }
    }

    async fn channel(&self) -> Result<Channel<client::Msg>> {
        self.ssh.channel_open_session().await.map_err(|e| match e {
            russh::Error::ChannelOpenFailure(_) => Error::new(
                ErrorKind::Unsupported,
                "the server allows no second channel, and so no command beside the SFTP session",
            ),
            other => ssh_error(other),
        })
    }
}

impl Session {
    /// Runs a command in the user's shell on the server, with nothing to read from. A caller that goes away ends it.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where the server runs no commands for this user, [`ErrorKind::Protocol`] where one
    /// prints more than 64 KiB. A command that fails is an [`Output`].
    pub(crate) async fn run(&self, command: Vec<u8>) -> Result<Output> {
        let (mut report, output) = oneshot::channel();
        let shell = self.shell.clone();
        self.shell.thread.spawn(async move {
            let channel = tokio::select! {
                channel = shell.channel() => channel,
                () = report.closed() => return,
            };
            let mut channel = match channel {
                Ok(channel) => channel,
                // Nobody waits where the caller has gone.
                Err(e) => return drop(report.send(Err(e))),
            };
            let ran = tokio::select! {
                ran = run(&mut channel, command) => Some(ran),
                () = report.closed() => None,
            };
            // Fails only where the connection has gone, or the server has closed it, too.
            let _ = channel.close().await;
            if let Some(ran) = ran {
                let _ = report.send(ran);
            }
        });
        output.await.map_err(|_| self.link.state.error())?
    }
}

async fn run(channel: &mut Channel<client::Msg>, command: Vec<u8>) -> Result<Output> {
    channel.exec(true, command).await.map_err(ssh_error)?;
    // What waits for input must not wait for ever.
    channel.eof().await.map_err(ssh_error)?;
    let mut output = Output::default();
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Data { data }) => output.stdout.extend_from_slice(&data),
            Some(ChannelMsg::ExtendedData { data, .. }) => output.stderr.extend_from_slice(&data),
            Some(ChannelMsg::ExitStatus { exit_status }) => output.status = Some(exit_status),
            Some(ChannelMsg::Failure) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the server runs no commands for this user",
                ));
            }
            Some(ChannelMsg::Close) => return Ok(output),
            Some(_) => {}
            None => return Err(lost("the connection ended while a command ran")),
        }
        if output.stdout.len() + output.stderr.len() > MOST_OUTPUT {
            return Err(Error::new(
                ErrorKind::Protocol,
                "a command printed more than 64 KiB, which no checksum is",
            ));
        }
    }
}
