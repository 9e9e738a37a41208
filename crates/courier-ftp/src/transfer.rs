//! One transfer: a data connection, the command that uses it, the bytes, and the server's last word, so that the control
//! line is in step afterwards, however it ends.

mod unresumed;

use std::{
    future::pending,
    io,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use courier_transfer::{Error, ErrorKind, RemotePath, Result, Retry};
use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{sleep, timeout},
};

use crate::{
    client::error::refusal,
    codec::{Command, Reply},
    control::Control,
    data::{self, Broken, Bytes, Line, Opener, Opening, Stop},
    session::{Cancelled, Session},
};

/// How long the server may take to say why the data connection broke.
const EXPLANATION: Duration = Duration::from_secs(3);
/// How long it may take, beside two round trips, where it has said once more that it begins.
const AFTERTHOUGHT: Duration = Duration::from_millis(300);
/// How long a server that has confirmed an upload may take to close the data connection.
const CLOSING: Duration = Duration::from_secs(1);
/// How long it may take to be in step again after a transfer that was ended; the session is closed then.
const TO_COME_BACK: Duration = Duration::from_secs(5);
/// How long a server may take to hear ABOR before the data connection goes away under it, beside two round trips.
const HEARING: Duration = Duration::from_millis(25);
/// A round trip where none was measured.
const ROUND_TRIP: Duration = Duration::from_millis(200);
/// Transfers that are done so soon after one another are a run.
const RUN: Duration = Duration::from_secs(5);
/// The most replies that are read to be in step again.
const MAX_STRAY: u32 = 16;

/// One operation's use of the control line for transfers.
pub(crate) struct Transfer<'a> {
    pub(crate) session: &'a Session,
    pub(crate) control: &'a mut Control,
    pub(crate) cancelled: &'a Cancelled,
}

/// What to send before the bytes move.
#[derive(Debug)]
pub(crate) struct Order {
    command: Command,
    /// The same behind PRET.
    announcement: Command,
    /// The argument of REST; 0 for none.
    pub(crate) restart: u64,
    /// Hears that the server has begun.
    pub(crate) begun: Option<oneshot::Sender<()>>,
}

impl Order {
    /// # Errors
    /// [`ErrorKind::Invalid`] where the path can't be sent.
    pub(crate) fn new(verb: &'static str, path: Option<&[u8]>) -> Result<Self> {
        let (mut command, mut announcement) = (Command::new(verb), Command::new("PRET").arg(verb)?);
        if let Some(path) = path {
            command = command.path(path)?;
            announcement = announcement.path(path)?;
        }
        Ok(Self {
            command,
            announcement,
            restart: 0,
            begun: None,
        })
    }
}

/// Why a transfer failed.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The server refused REST: it can't begin anywhere but at the start.
    NoRestart(Reply),
    /// The server refused the command. Nothing moved.
    Refused(Reply),
    /// The server ended what had begun.
    Ended(Reply),
    /// Anything else.
    Error(Error),
}

impl Failed {
    /// The error, as far as the server's words tell it.
    pub(crate) fn into_error(self, path: &RemotePath) -> Error {
        match self {
            Self::NoRestart(reply) => Error::new(
                ErrorKind::Unsupported,
                format!("the server begins transfers only at the start: {reply}"),
            ),
            // The data connection broke, and only that: the bytes may go on where they stopped.
            Self::Ended(reply) if broke_off(&reply) => {
                Error::new(ErrorKind::Lost, format!("the transfer broke off: {reply}"))
            }
            Self::Refused(reply) | Self::Ended(reply) => refusal(&reply, path),
            Self::Error(error) => error,
        }
        .with("path", path)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Transfer<'_> {
    /// Moves the bytes, and gives the offset reached once the server has confirmed the end.
    ///
    /// After any error but a loss the control line is in step: each command has had its last reply.
    pub(crate) async fn run(&mut self, order: &mut Order, bytes: Bytes) -> Result<u64, Failed> {
        let result = self.attempt(order, bytes).await;
        // A server that looks at the right to do it first keeps the offset, for whatever file comes next.
        if order.restart > 0 && matches!(result, Err(Failed::Refused(_))) {
            self.control.command(&Command::new("REST").arg("0")?).await?;
        }
        let session = self.session;
        match result {
            Ok(reached) => {
                let learnt = &session.learnt.has_resumed;
                learnt.store(session.data_tls.is_some(), Ordering::Relaxed);
                Ok(reached)
            }
            Err(failed) => Err(match unresumed::judge(session, failed) {
                Failed::Refused(reply) | Failed::Ended(reply) if reply.code == 425 => {
                    data::not_made(&reply, session.options.passive).into()
                }
                failed => failed,
            }),
        }
    }

    async fn attempt(&mut self, order: &mut Order, bytes: Bytes) -> Result<u64, Failed> {
        let session = self.session;
        if session.options.quirks.pret {
            let reply = self.control.command(&order.announcement).await?;
            if !reply.is_done() {
                return Err(Failed::Refused(reply));
            }
        }
        let opener = Opener {
            control: self.control,
            options: &session.options,
            learnt: &session.learnt,
            within: session.connect_timeout,
            cancelled: self.cancelled,
        };
        let opening = opener.open().await?;
        if order.restart > 0 {
            let rest = Command::new("REST").arg(&order.restart.to_string())?;
            let reply = self.control.command(&rest).await?;
            if !reply.is_intermediate() && !reply.is_done() {
                return Err(Failed::NoRestart(reply));
            }
        }
        let start = |tcp| {
            let line = Line::new(tcp, session.data_tls.clone(), session.connect_timeout);
            Moving::start(line, bytes)
        };
        // Nothing may come between REST and the command: the offset would be that of another file.
        let (mut moving, last) = match opening {
            // TLS needs no word of the server: it finds the hello there when it begins, which saves a round trip.
            Opening::Passive(_) if session.data_tls.is_some() => {
                let moving = start(opening.ready().await?);
                self.control.send(&order.command).await?;
                (moving, self.first_reply().await?)
            }
            opening => {
                self.control.send(&order.command).await?;
                let last = self.first_reply().await?;
                let (tcp, last) = self.ready(opening, last).await?;
                (start(tcp), last)
            }
        };
        moving.stop.begin();
        if let Some(begun) = order.begun.take() {
            // Fails where nobody waits for it any more.
            let _ = begun.send(());
        }
        let last = self.watch(&mut moving, last).await?;
        self.conclude(moving, last).await
    }

    /// Waits until the server says that it begins; one that has nothing to send may say at once that all is done.
    ///
    /// Also where nobody waits for it any more: some servers end the whole session where a data connection goes away before
    /// it was used.
    async fn first_reply(&mut self) -> Result<Option<Reply>, Failed> {
        let reply = self.control.reply().await?;
        match reply.code {
            100..200 => Ok(None),
            200..300 => Ok(Some(reply)),
            _ => Err(Failed::Refused(reply)),
        }
    }

    /// Waits until the data connection stands.
    async fn ready(
        &mut self,
        opening: Opening,
        mut last: Option<Reply>,
    ) -> Result<(std::net::TcpStream, Option<Reply>), Failed> {
        let mut ready = std::pin::pin!(opening.ready());
        loop {
            tokio::select! {
                biased;
                tcp = &mut ready => return match tcp {
                    Ok(tcp) => Ok((tcp, last)),
                    Err(e) => {
                        if last.is_none() {
                            self.come_back(None).await;
                        }
                        Err(e.into())
                    }
                },
                reply = self.control.reply(), if last.is_none() => {
                    let reply = reply?;
                    match reply.code {
                        100..200 => {}
                        200..300 => last = Some(reply),
                        _ => return Err(Failed::Refused(reply)),
                    }
                }
                () = self.cancelled.wait() => {
                    if last.is_none() {
                        self.come_back(None).await;
                    }
                    return Err(cancelled().into());
                }
            }
        }
    }

    /// Looks after the control line while bytes move, until they don't any more: the server's last word, where it came
    /// meanwhile.
    ///
    /// A control line that is lost lets the bytes go on: they may all arrive.
    async fn watch(&mut self, moving: &mut Moving, mut last: Option<Reply>) -> Result<Option<Last>, Failed> {
        let health = Arc::clone(self.control.health());
        let mut last = last.take().map(Last::Reply);
        loop {
            // An upload that the server has confirmed needs no end of the data connection.
            let is_confirmed = matches!(&last, Some(Last::Reply(reply)) if reply.is_done());
            let late = async {
                match is_confirmed {
                    true => sleep(CLOSING).await,
                    false => pending().await,
                }
            };
            tokio::select! {
                () = moving.is_done() => return Ok(last),
                reply = self.control.reply(), if last.is_none() => match reply {
                    Ok(reply) if reply.is_preliminary() => moving.begins_again = true,
                    Ok(reply) => {
                        if !reply.is_done() {
                            moving.stop.cut();
                        }
                        last = Some(Last::Reply(reply));
                    }
                    Err(e) => {
                        tracing::debug!(error = %e, "the control connection is lost in the middle of a transfer");
                        if e.kind() != ErrorKind::Lost {
                            moving.stop.cut();
                        }
                        last = Some(Last::Lost(e));
                    }
                },
                () = late => if moving.stop.is_sent() {
                    moving.stop.wake();
                },
                () = self.cancelled.wait() => {
                    if last.is_none() {
                        self.come_back(Some(moving)).await;
                    }
                    return Err(cancelled().into());
                }
                () = health.ended() => {
                    moving.stop.cut();
                    return Err(health.error().into());
                }
            }
        }
    }

    /// The end of it: what the bytes came to, and what the server says of them.
    async fn conclude(&mut self, mut moving: Moving, last: Option<Last>) -> Result<u64, Failed> {
        let broken = match (moving.result().await, last) {
            // Our own end failed: that is the error, whatever the server makes of it.
            (Err(Broken::End(error)), last) => {
                if last.is_none() {
                    self.come_back(Some(&mut moving)).await;
                }
                return Err(error.into());
            }
            (_, Some(Last::Lost(error))) => return Err(error.into()),
            (Ok(reached), Some(Last::Reply(reply))) => {
                // All is said and done: where the line breaks now, the next operation hears it.
                let _ = self.ask_ahead(0).await;
                return confirmed(reply, reached);
            }
            // All has moved: the reply comes soon, also where nobody waits for it any more.
            (Ok(reached), None) => {
                self.ask_ahead(1).await?;
                let reply = match moving.is_upload {
                    true => Some(self.last_reply().await?),
                    false => self.last_word(moving.begins_again).await?,
                };
                match reply {
                    Some(reply) => return confirmed(reply, reached),
                    None => Broken::Line(io::ErrorKind::UnexpectedEof.into(), reached),
                }
            }
            (Err(broken), Some(Last::Reply(reply))) => return Err(explained(broken, Some(reply))),
            (Err(broken), None) => broken,
        };
        // Mostly the server knows more of why.
        let explanation = match timeout(EXPLANATION, self.last_word(moving.begins_again)).await {
            Ok(word) => word?,
            Err(_) => None,
        };
        if explanation.is_none() {
            self.come_back(Some(&mut moving)).await;
        }
        Err(explained(broken, explanation))
    }

    /// In a run of transfers, asks for the port of the next one already. A single one leaves none open at the server.
    async fn ask_ahead(&mut self, behind: u32) -> Result<()> {
        let session = self.session;
        let before = session.learnt.done.lock().replace(Instant::now());
        let in_a_run = before.is_some_and(|before| before.elapsed() < RUN);
        if in_a_run && session.asks_ahead() {
            self.control.ask_ahead(behind).await?;
        }
        Ok(())
    }

    /// The reply that ends the transfer. `None` where the server says once more that it begins and then nothing: Pure-FTPd
    /// has no other word for a download that broke off.
    async fn last_word(&mut self, mut begins_again: bool) -> Result<Option<Reply>> {
        let round_trip = self.control.health().round_trip().unwrap_or(ROUND_TRIP);
        loop {
            let reply = match begins_again {
                false => self.control.reply().await?,
                true => match timeout(AFTERTHOUGHT + 2 * round_trip, self.control.reply()).await {
                    Ok(reply) => reply?,
                    Err(_) => return Ok(None),
                },
            };
            if !reply.is_preliminary() {
                return Ok(Some(reply));
            }
            begins_again = true;
        }
    }

    /// The reply that ends the transfer.
    async fn last_reply(&mut self) -> Result<Reply> {
        loop {
            let reply = self.control.reply().await?;
            if !reply.is_preliminary() {
                return Ok(reply);
            }
        }
    }

    /// Ends a transfer whose last reply hasn't come, and brings the control line back in step; else it is closed, which
    /// the next operation hears.
    async fn come_back(&mut self, moving: Option<&mut Moving>) {
        let health = Arc::clone(self.control.health());
        if self.session.options.quirks.no_abort {
            health.lose(
                "a transfer was ended, which this server only lets happen with the session (quirk no_abort)",
            );
            return;
        }
        match timeout(TO_COME_BACK, self.abort(moving)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => health.lose(format!("a transfer was ended, and the session with it: {error}")),
            Err(_) => health.lose("a transfer was ended, and the server did not answer ABOR in time"),
        }
    }

    /// Sends ABOR, and reads all that belongs to it and to the transfer.
    ///
    /// Servers differ: a reply to each, one to both, or none that knows ABOR. So a question follows whose reply can be told
    /// from all these: PWD. It is asked once something was answered, since a server in the middle of a transfer may throw
    /// away what comes behind ABOR.
    async fn abort(&mut self, moving: Option<&mut Moving>) -> Result<()> {
        let abort = Command::new("ABOR");
        match moving {
            // ProFTPD ends the session where TLS breaks off, but ends the transfer where it hears ABOR before that.
            Some(moving) if moving.has_tls => {
                moving.stop.stop();
                moving.is_done().await;
                let round_trip = self.control.health().round_trip().unwrap_or(ROUND_TRIP);
                self.control.send(&abort).await?;
                let answered = tokio::select! {
                    reply = self.last_reply() => Some(reply?),
                    () = moving.is_closed() => None,
                    () = sleep(HEARING + 2 * round_trip) => None,
                };
                moving.cut().await;
                if answered.is_none() {
                    self.last_reply().await?;
                }
            }
            moving => {
                if let Some(moving) = moving {
                    moving.cut().await;
                }
                self.control.send(&abort).await?;
                self.last_reply().await?;
            }
        }
        self.control.send(&Command::new("PWD")).await?;
        for stray in 0..MAX_STRAY {
            let reply = self.last_reply().await?;
            // Transfer, ABOR, PWD: the third that is a refusal is that to PWD.
            if reply.code == 257 || (stray > 0 && reply.code >= 500) {
                return Ok(());
            }
        }
        Err(Error::new(
            ErrorKind::Protocol,
            "the server answers ABOR without an end",
        ))
    }
}

/// The server's last word, or that there won't be one.
#[derive(Debug)]
enum Last {
    Reply(Reply),
    Lost(Error),
}

/// Bytes that move on a blocking thread. Dropped, they don't any more.
struct Moving {
    stop: Arc<Stop>,
    has_tls: bool,
    is_upload: bool,
    /// The server said more than once that it begins.
    begins_again: bool,
    /// `None` once it has come.
    report: Option<oneshot::Receiver<Result<u64, Broken>>>,
    result: Option<Result<u64, Broken>>,
    /// Ends with the data connection.
    thread: JoinHandle<()>,
}

impl Moving {
    fn start(line: Line, bytes: Bytes) -> Self {
        let (reporter, report) = oneshot::channel();
        Self {
            stop: Arc::clone(line.stop()),
            has_tls: line.has_tls(),
            is_upload: matches!(bytes, Bytes::Out(_)),
            begins_again: false,
            report: Some(report),
            result: None,
            thread: tokio::task::spawn_blocking(move || line.run(bytes, reporter)),
        }
    }

    /// Waits until nothing moves any more. May be dropped at any time.
    async fn is_done(&mut self) {
        if let Some(report) = &mut self.report {
            let result = report.await;
            self.report = None;
            self.result = Some(result.unwrap_or_else(|e| Err(Broken::Line(io::Error::other(e), 0))));
        }
    }

    /// What it came to.
    async fn result(&mut self) -> Result<u64, Broken> {
        self.is_done().await;
        self.result.take().unwrap_or(Err(Broken::Stopped))
    }

    /// Waits until the data connection is closed. May be dropped at any time.
    async fn is_closed(&mut self) {
        if !self.thread.is_finished() {
            // A thread that fell over has closed it, too.
            let _ = (&mut self.thread).await;
        }
    }

    /// Closes the data connection.
    async fn cut(&mut self) {
        self.stop.cut();
        self.is_closed().await;
    }
}

impl Drop for Moving {
    fn drop(&mut self) {
        if !self.thread.is_finished() {
            self.stop.cut();
        }
    }
}

/// Did the server only lose the data connection? Pure-FTPd says 451, as others do where their disk fails.
fn broke_off(reply: &Reply) -> bool {
    reply.code == 426 || (reply.code == 451 && reply.text().to_lowercase().contains("transfer aborted"))
}

fn confirmed(reply: Reply, reached: u64) -> Result<u64, Failed> {
    match reply.is_done() {
        true => Ok(reached),
        false => Err(Failed::Ended(reply)),
    }
}

/// Why it broke, as far as both ends know.
fn explained(broken: Broken, reply: Option<Reply>) -> Failed {
    let said = reply.as_ref().map(ToString::to_string);
    let error = match broken {
        Broken::End(error) => return Failed::Error(error),
        Broken::Stopped => match reply {
            Some(reply) if !reply.is_done() => return Failed::Ended(reply),
            _ => cancelled(),
        },
        Broken::Line(..) if reply.as_ref().is_some_and(|reply| !reply.is_done()) => {
            return reply.map_or_else(|| cancelled().into(), Failed::Ended);
        }
        Broken::Handshake(error) => match reply {
            Some(reply) if unresumed::misses_session(&reply) => return Failed::Ended(reply),
            _ => error,
        },
        Broken::Line(error, moved) => Error::new(
            ErrorKind::Lost,
            format!("the data connection broke after {moved} bytes: {error}"),
        )
        .with_source(error),
    };
    Failed::Error(match said {
        Some(said) => error.with("server", said),
        None => error,
    })
}

/// Nobody waits for it.
pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "the operation was cancelled").with_retry(Retry::Never)
}
