//! The thread of a session: makes the connection, carries out commands, takes it down.

use std::{sync::Arc, time::Instant};

use bytes::{Bytes, BytesMut};
use courier_transfer::{Error, ErrorKind, Result};
use parking_lot::Mutex;
use russh::{ChannelId, ChannelMsg, Disconnect, client::Handle};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    Command, Link, Session, State, WINDOW,
    core::{Core, Outlet},
    exec::Shell,
    handler::{Handed, SshHandler},
    lost,
    reply::Hello,
    wire::Ids,
};
use crate::{
    auth,
    codec::{Request, VERSION, extension_name},
    connect::Dial,
};

/// Commands that are carried out between two looks at the queue.
const COMMANDS: usize = 256;
/// How long the goodbye may take.
const GOODBYE: std::time::Duration = std::time::Duration::from_secs(1);

/// Connects and authenticates, on a new thread that then carries the session.
pub(crate) async fn open(dial: Dial) -> Result<Session> {
    let (report, opened) = oneshot::channel();
    let failed =
        |e: std::io::Error| Error::local(e, "start a thread for", std::path::Path::new("the session"));
    std::thread::Builder::new()
        .name("sftp session".into())
        .spawn(move || {
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime.block_on(serve(dial, report)),
                // Nobody waits where the caller has gone.
                Err(e) => drop(report.send(Err(failed(e)))),
            }
        })
        .map_err(failed)?;
    opened
        .await
        .unwrap_or_else(|_| Err(lost("the thread of the session died")))
}

async fn serve(dial: Dial, mut report: oneshot::Sender<Result<Session>>) {
    let established = tokio::select! {
        established = Box::pin(dial.in_time(establish(&dial))) => established,
        // The caller has gone: dropping the connection closes it.
        () = report.closed() => return,
    };
    match established {
        Ok((session, connection)) => {
            drop(dial);
            if report.send(Ok(session)).is_ok() {
                connection.run().await;
            }
        }
        // Nobody waits where the caller has gone.
        Err(e) => drop(report.send(Err(dial.named(e)))),
    }
}

/// The thread's side of a session.
struct Connection {
    ssh: Arc<Handle<SshHandler>>,
    channel: ChannelId,
    core: Arc<Mutex<Core>>,
    handed: Handed,
    state: Arc<State>,
    queue: mpsc::UnboundedReceiver<Command>,
    stop: watch::Receiver<bool>,
    gone: oneshot::Receiver<()>,
    _finished: watch::Sender<()>,
}

async fn establish(dial: &Dial) -> Result<(Session, Connection)> {
    let state = Arc::new(State::default());
    let (queue, commands) = mpsc::unbounded_channel();
    let link = Link {
        queue,
        ids: Ids::default(),
        state: Arc::clone(&state),
    };
    let (hello, greeted) = oneshot::channel();
    let core = Arc::new(Mutex::new(Core::new(
        link.ids.clone(),
        link.queue.downgrade(),
        hello,
    )));
    let (quickest, limits, places) = {
        let core = core.lock();
        (core.quickest(), core.told(), core.places())
    };
    let (alive, gone) = oneshot::channel();
    let handed = Handed::default();
    let handler = SshHandler {
        peer: Arc::clone(&dial.peer),
        core: Arc::clone(&core),
        state: Arc::clone(&state),
        handed: handed.clone(),
        channel: None,
        _alive: alive,
    };
    let mut ssh = dial
        .handshake(WINDOW, handler)
        .await
        .map_err(|e| match state.error() {
            full if full.kind() == ErrorKind::Busy => full,
            _ => e,
        })?;

    dial.peer.enter(auth::AUTHENTICATING);
    let method = auth::authenticate(&mut ssh, dial)
        .await
        .map_err(|e| reason(&state, e))?;
    dial.peer.authenticated(method).await?;

    dial.peer.enter(auth::LOGGED_IN);
    let channel = subsystem(&ssh).await.map_err(|e| reason(&state, e))?;
    let ssh = Arc::new(ssh);
    let shell = Shell::new(Arc::clone(&ssh));
    let (stop, stopped) = watch::channel(false);
    let (finishing, finished) = watch::channel(());
    let mut connection = Connection {
        ssh,
        channel,
        core,
        handed,
        state,
        queue: commands,
        stop: stopped,
        gone,
        _finished: finishing,
    };
    connection.greet(dial, greeted).await?;
    Ok((
        Session {
            link,
            limits,
            places,
            quickest,
            shell,
            stop,
            finished,
        },
        connection,
    ))
}

/// The reason why the session ended says more than the error of a call on it.
fn reason(state: &State, error: Error) -> Error {
    match error.kind() {
        ErrorKind::Lost if state.has_ended() => state.error(),
        ErrorKind::Auth if state.has_ended() => Error::new(
            ErrorKind::Auth,
            format!("{}: {}", error.message(), state.error().message()),
        ),
        _ => error,
    }
}

/// Opens a channel with the SFTP subsystem behind it, and sends INIT along without waiting.
async fn subsystem(ssh: &Handle<SshHandler>) -> Result<ChannelId> {
    let mut channel = ssh
        .channel_open_session()
        .await
        .map_err(crate::connect::ssh_error)?;
    channel
        .request_subsystem(true, "sftp")
        .await
        .map_err(crate::connect::ssh_error)?;
    let mut init = BytesMut::new();
    Request::Init.encode(0, &mut init);
    ssh.data(channel.id(), init.freeze())
        .await
        .map_err(|_| lost("the connection ended"))?;
    loop {
        match channel.wait().await {
            Some(ChannelMsg::Success) => break,
            Some(ChannelMsg::Failure | ChannelMsg::Close) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the server has no SFTP subsystem, or does not let this user use it",
                ));
            }
            Some(_) => {}
            None => return Err(lost("the server closed the connection instead of starting SFTP")),
        }
    }
    let id = channel.id();
    // Nobody reads the channel's own queue: it would fill, and block the session.
    let (reading, _writing) = channel.split();
    drop(reading);
    Ok(id)
}

impl Connection {
    /// Waits for VERSION, and asks for the server's limits along with what its callers want first.
    async fn greet(&mut self, dial: &Dial, greeted: oneshot::Receiver<Hello>) -> Result<()> {
        let hello = greeted.await.map_err(|_| self.state.error())?;
        if hello.version < VERSION {
            return Err(Error::new(
                ErrorKind::Negotiation,
                format!(
                    "the server speaks SFTP version {}, version {VERSION} is needed",
                    hello.version
                ),
            ));
        }
        if hello.extensions.iter().any(|e| e == extension_name::LIMITS) {
            let out = {
                let mut core = self.core.lock();
                core.ask_limits();
                core.take_out()
            };
            send(&self.ssh, self.channel, &self.handed, out).await?;
        }
        dial.peer.extensions(hello.extensions);
        Ok(())
    }

    /// Carries out commands until the session is closed by either side.
    async fn run(mut self) {
        let mut commands = Vec::with_capacity(COMMANDS);
        let alarm = self.core.lock().alarm();
        loop {
            let wake_at = self.core.lock().wake_at();
            let mut out = Collected::default();
            tokio::select! {
                biased;
                _ = self.stop.changed() => break,
                _ = &mut self.gone => break,
                received = self.queue.recv_many(&mut commands, COMMANDS) => if received == 0 { break },
                () = alarm.notified() => continue,
                () = sleep_until(wake_at) => self.core.lock().wake(Instant::now(), &mut out),
            }
            {
                let mut core = self.core.lock();
                commands.drain(..).for_each(|command| core.execute(command));
                out.send(core.take_out());
            }
            for packets in out.0 {
                // A server that takes nothing must not keep a caller from closing the session.
                tokio::select! {
                    biased;
                    _ = self.stop.changed() => return self.end().await,
                    sent = send(&self.ssh, self.channel, &self.handed, packets) => {
                        if sent.is_err() {
                            return self.end().await;
                        }
                    }
                }
            }
        }
        self.end().await;
    }

    async fn end(mut self) {
        // A session that broke has its reason already.
        self.state.end(ErrorKind::Lost, "the session was closed");
        let goodbye = async {
            // Fails only where the connection has gone.
            let _ = self.ssh.disconnect(Disconnect::ByApplication, "", "").await;
            if !self.gone.is_terminated() {
                let _ = (&mut self.gone).await;
            }
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
        // Whoever still waits learns it from the dropped senders.
        self.queue.close();
    }
}

/// What a time that has come gives to send.
#[derive(Default)]
struct Collected(Vec<Bytes>);

impl Outlet for Collected {
    fn send(&mut self, packets: Bytes) {
        self.0.push(packets);
    }

    /// One batch at a time: the answers to it bring the next.
    fn is_full(&self) -> bool {
        !self.0.is_empty()
    }
}

/// Never, where there is no such time.
async fn sleep_until(time: Option<Instant>) {
    match time {
        Some(time) => tokio::time::sleep_until(time.into()).await,
        None => std::future::pending().await,
    }
}

/// Hands packets to the SSH session.
async fn send(ssh: &Handle<SshHandler>, channel: ChannelId, handed: &Handed, out: Bytes) -> Result<()> {
    if out.is_empty() {
        return Ok(());
    }
    ssh.data(channel, handed.track(out))
        .await
        .map_err(|_| lost("the connection to the server ended"))
}
