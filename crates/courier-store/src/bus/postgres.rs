//! `LISTEN` and `NOTIFY`.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm::sqlx::{self, PgPool, postgres::PgConnectOptions};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::{
    sync::{Notify, broadcast, mpsc, oneshot},
    task::AbortHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use super::{Heard, Notice, ear::Ear};
use crate::ids::new_id;

const CHANNEL: &str = "courier";
/// Notices that may wait to be sent; more than that, while the database is away, are dropped.
const WAITING: usize = 4096;
/// How often progress is sent.
const PROGRESS: Duration = Duration::from_millis(500);
/// PostgreSQL takes payloads of less than 8,000 bytes.
const PAYLOAD: usize = 7900;
/// Before a line that broke is opened again.
const PAUSE: Duration = Duration::from_millis(500);
/// The connections of this process to the others: one to hear, and any of the pool's to speak.
#[derive(Debug)]
pub(super) struct Line {
    out: mpsc::Sender<Saying>,
    wanted: Arc<Notify>,
    tasks: [AbortHandle; 2],
}

#[derive(Debug)]
enum Saying {
    Notice(Notice),
    /// Answer when all before this has been sent.
    Flush(oneshot::Sender<()>),
}

/// What goes over the line.
#[derive(Serialize, Deserialize)]
struct Message {
    /// The process that says it.
    from: Uuid,
    /// Read one by one, since another version of Courier may say what this one doesn't know.
    notices: Vec<Value>,
}

impl Line {
    pub(super) fn new(pool: PgPool, ears: broadcast::Sender<Heard>) -> Self {
        let me = new_id();
        let wanted = Arc::new(Notify::new());
        let (out, waiting) = mpsc::channel(WAITING);
        let options = PgConnectOptions::clone(&pool.connect_options());
        let listen = tokio::spawn(listen(options, me, wanted.clone(), ears));
        let speak = tokio::spawn(speak(pool, me, waiting));
        Self {
            out,
            wanted,
            tasks: [listen.abort_handle(), speak.abort_handle()],
        }
    }

    pub(super) fn send(&self, notice: Notice) {
        if self.out.try_send(Saying::Notice(notice)).is_err() {
            tracing::debug!("a notice to the other nodes is dropped: too many wait, or the store is closed");
        }
    }

    pub(super) fn listen(&self) {
        self.wanted.notify_one();
    }

    pub(super) async fn close(&self) {
        let (done, flushed) = oneshot::channel();
        if self.out.try_send(Saying::Flush(done)).is_ok() {
            let _ = timeout(Duration::from_secs(1), flushed).await;
        }
        self.hang_up();
    }

    fn hang_up(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.hang_up();
    }
}

/// What of several notices is one and the same thing, of which the others need the newest only.
#[derive(PartialEq, Eq, Hash)]
enum Newest {
    File(Uuid, u32, String),
    Step(Uuid, u32),
    Changed(String, Option<Uuid>),
}

impl Newest {
    /// None for what is told each time.
    fn of(notice: &Notice) -> Option<Self> {
        match notice {
            Notice::Progress(file) => Some(Self::File(file.execution, file.step, file.current_file.clone())),
            Notice::Summary(step) => Some(Self::Step(step.execution, step.step)),
            Notice::Changed { what, id } => Some(Self::Changed(what.clone(), *id)),
            _ => None,
        }
    }
}

/// Sends what waits, in as few statements as its hurry allows: while one is under way, the next collects.
async fn speak(pool: PgPool, me: Uuid, mut waiting: mpsc::Receiver<Saying>) {
    let mut progress: HashMap<Newest, Notice> = HashMap::new();
    let mut progress_at = Instant::now();
    loop {
        let mut sayings = Vec::new();
        tokio::select! {
            received = waiting.recv_many(&mut sayings, WAITING) => if received == 0 { return },
            () = tokio::time::sleep_until(progress_at.into()), if !progress.is_empty() => {}
        }
        let (mut notices, mut flushed) = (Vec::new(), Vec::new());
        for saying in sayings {
            match saying {
                Saying::Notice(notice) => match Newest::of(&notice) {
                    Some(key) => _ = progress.insert(key, notice),
                    None => notices.push(notice),
                },
                Saying::Flush(done) => flushed.push(done),
            }
        }
        if progress_at <= Instant::now() && !progress.is_empty() {
            // Before the states, so that none comes after its execution's end.
            notices.splice(0..0, progress.drain().map(|(_, notice)| notice));
            progress_at = Instant::now() + PROGRESS;
        }
        let payloads = pack(me, &notices);
        if !payloads.is_empty() {
            send(&pool, &payloads).await;
        }
        for done in flushed {
            let _ = done.send(());
        }
    }
}

/// Tries twice: a connection of the pool may have broken since it was used last.
async fn send(pool: &PgPool, payloads: &[String]) {
    for _ in 0..2 {
        let sent = sqlx::query("SELECT pg_notify($1, payload) FROM unnest($2::text[]) AS payload")
            .bind(CHANNEL)
            .bind(payloads)
            .execute(pool)
            .await;
        match sent {
            Ok(_) => return,
            Err(error) => tracing::debug!(%error, "the other nodes could not be told something"),
        }
    }
}

/// Messages that PostgreSQL takes. What alone would be too long, a file with an enormous name, is left out.
fn pack(me: Uuid, notices: &[Notice]) -> Vec<String> {
    let (begin, end) = (format!("{{\"from\":\"{me}\",\"notices\":["), "]}");
    let mut payloads: Vec<String> = Vec::new();
    for notice in notices {
        let text = serde_json::to_string(notice).unwrap_or_default();
        if text.is_empty() || begin.len() + text.len() + end.len() > PAYLOAD {
            continue;
        }
        match payloads.last_mut() {
            Some(last) if last.len() + 1 + text.len() + end.len() <= PAYLOAD => {
                last.push(',');
                last.push_str(&text);
            }
            _ => payloads.push(format!("{begin}{text}")),
        }
    }
    for payload in &mut payloads {
        payload.push_str(end);
    }
    payloads
}

/// Waits for the first subscriber, then listens for ever, on a new connection whenever one breaks.
async fn listen(options: PgConnectOptions, me: Uuid, wanted: Arc<Notify>, ears: broadcast::Sender<Heard>) {
    wanted.notified().await;
    loop {
        if let Err(error) = listen_once(&options, me, &ears).await {
            tracing::debug!(%error, "the other nodes can't be heard");
        }
        sleep(PAUSE).await;
    }
}

/// Listens until the connection breaks.
async fn listen_once(
    options: &PgConnectOptions,
    me: Uuid,
    ears: &broadcast::Sender<Heard>,
) -> Result<(), sqlx::Error> {
    let mut ear = Ear::open(options, CHANNEL).await?;
    let _ = ears.send(Heard::Gap);
    loop {
        hear(ear.next().await?.payload(), me, ears);
    }
}

fn hear(payload: &str, me: Uuid, ears: &broadcast::Sender<Heard>) {
    let Ok(message) = serde_json::from_str::<Message>(payload) else {
        tracing::debug!("the other nodes said what this version doesn't understand");
        return;
    };
    if message.from == me {
        return;
    }
    for notice in message.notices {
        if let Ok(notice) = serde_json::from_value(notice) {
            let _ = ears.send(Heard::Elsewhere(notice));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::bus::Progress;

    #[test]
    fn messages_fit_and_hold_everything_in_order() {
        let me = new_id();
        let notices: Vec<_> = (0..500).map(|_| Notice::Slots { connection: new_id() }).collect();
        let payloads = pack(me, &notices);
        assert!(payloads.len() < 10 && payloads.iter().all(|payload| payload.len() <= PAYLOAD));
        let read: Vec<Notice> = payloads
            .iter()
            .flat_map(|payload| serde_json::from_str::<Message>(payload).unwrap().notices)
            .map(|notice| serde_json::from_value(notice).unwrap())
            .collect();
        assert_eq!(read, notices);
    }

    #[test]
    fn a_file_with_an_enormous_name_is_left_out() {
        let file = |current_file: String| {
            Notice::Progress(Progress {
                execution: new_id(),
                step: 1,
                current_file,
                bytes_transferred: 1,
                total_bytes: None,
                transfer_rate_bytes_per_sec: 0.5,
                eta_sec: None,
            })
        };
        let payloads = pack(new_id(), &[file("\u{1}".repeat(4096)), file("a".into())]);
        assert_eq!(payloads.len(), 1);
        assert!(payloads.iter().all(|payload| payload.contains("\"a\"")));
    }

    #[test]
    fn what_another_version_says_is_passed_over() {
        let ears = broadcast::Sender::new(8);
        let mut ear = ears.subscribe();
        let (me, other) = (new_id(), new_id());
        let slots = Notice::Slots { connection: other };
        let text = serde_json::to_string(&slots).unwrap();
        for payload in [
            "no message".to_owned(),
            format!("{{\"from\":\"{me}\",\"notices\":[{text}]}}"),
            format!("{{\"from\":\"{other}\",\"notices\":[{{\"notice\":\"news\"}},{text}]}}"),
        ] {
            hear(&payload, me, &ears);
        }
        assert_eq!(ear.try_recv().unwrap(), Heard::Elsewhere(slots));
        assert!(ear.try_recv().is_err());
    }
}
