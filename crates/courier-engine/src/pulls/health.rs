//! What the end of a pull says of its mapping: a word for programs, the reason and the fix in words, and when it is tried
//! again.

use std::borrow::Cow;

use courier_storage::ErrorKind as StorageErrorKind;
use courier_store::{
    connections::{AuthMethod, ConnectionStatus, Health},
    folder_mappings::{ConnectionState, FolderMapping, Ill, Verdict},
};
use courier_transfer::ErrorKind;
use jiff::{SignedDuration, Timestamp};

use super::{find::OF_FOLDER, tally::Left, tick::spread};
use crate::{
    Error,
    folder_mappings::{MappingDefinition, Timing, definition},
};

/// The first wait after a failure is twice this, or twice the interval where that is shorter.
const BASE: SignedDuration = SignedDuration::from_mins(5);
/// The longest wait after a failure, unless the interval is longer.
const LONGEST: SignedDuration = SignedDuration::from_mins(30);

/// How a pull has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ended<'a> {
    /// All that can be pulled and was ready is; this is left on the server.
    Well(Option<&'a Left>),
    /// Some files could not be pulled; the others are.
    SomeFailed {
        /// How many.
        failed: u64,
        /// Why the first of them couldn't, with its name.
        first: &'a Error,
    },
    /// Nothing more could be pulled.
    Failed(&'a Error),
}

/// What the end of a pull says; nothing where the mapping can't help it.
pub(crate) fn judge(
    mapping: &FolderMapping,
    connection: &ConnectionState,
    ended: Ended<'_>,
    at: Timestamp,
) -> Option<Verdict> {
    let (cause, reason) = match ended {
        Ended::Well(None) => return Some(Verdict::Well),
        Ended::Well(Some(left)) => {
            return Some(Verdict::WellBut {
                code: left.code,
                detail: left.detail.clone(),
            });
        }
        Ended::SomeFailed { failed, first } => {
            let files = if failed == 1 { "file" } else { "files" };
            let reason =
                format!("{failed} {files} could not be pulled, and all others are; the first: {first}");
            (Cause::of_files(first), reason)
        }
        // It was found out between the tick and the session, and needs no other words than the tick's.
        Ended::Failed(Error::ConnectionNotUsable(_)) => {
            let ill = match (connection.status, connection.health) {
                (ConnectionStatus::Disabled, _) => disabled(connection),
                (_, Health::RequiresAttention) => attention(mapping, connection),
                // Somebody has acted by now.
                _ => return None,
            };
            return Some(Verdict::Ill(ill, None));
        }
        Ended::Failed(error) => (Cause::of(error, connection)?, error.to_string()),
    };
    let since = mapping.failing_since.unwrap_or(at);
    let next = definition(mapping)
        .ok()
        .and_then(|definition| cause.next_try(&definition, mapping, at));
    let health = match cause.then {
        // The server is busy, and not out of order.
        Then::Rests => None,
        Then::Stops => Some(Health::RequiresAttention),
        _ => Some(Health::Failing),
    };
    let ill = Ill {
        health,
        code: cause.code.clone(),
        detail: cause.words(&reason, mapping, since, next),
        waits_for_connection: cause.is_of_connection,
    };
    Some(Verdict::Ill(ill, next))
}

/// A connection that is disabled: nothing is wrong with it, and nothing known of the mapping.
pub(super) fn disabled(connection: &ConnectionState) -> Ill {
    Ill {
        health: Some(Health::Unknown),
        code: DISABLED.into(),
        detail: format!(
            "the connection \"{}\" is disabled, and nothing is pulled; set its status to active, and this is pulled at once",
            connection.name
        ),
        waits_for_connection: true,
    }
}

/// A connection that waits for somebody: nothing is tried until then.
pub(super) fn attention(mapping: &FolderMapping, connection: &ConnectionState) -> Ill {
    let known = mapping
        .health_code
        .as_deref()
        .zip(mapping.health_detail.as_deref());
    let (code, detail): (Cow<'static, str>, String) = match known {
        // It was this mapping's pull that found out why.
        Some((code, detail)) if mapping.health == Health::RequiresAttention => {
            (code.to_owned().into(), detail.to_owned())
        }
        _ => {
            let reason = connection
                .health_detail
                .as_deref()
                .unwrap_or("its health says so");
            let code = match connection.waits_for_host_key {
                true => HOST_KEY_CHANGED,
                false => ATTENTION,
            };
            let detail = format!(
                "the connection \"{}\" requires attention: {reason}. {UNTIL_SOMEBODY_ACTS}",
                connection.name
            );
            (code.into(), detail)
        }
    };
    Ill {
        health: Some(Health::RequiresAttention),
        code,
        detail,
        waits_for_connection: true,
    }
}

const DISABLED: &str = "connection_disabled";
const ATTENTION: &str = "connection_requires_attention";
const HOST_KEY_CHANGED: &str = "host_key_changed";
const UNTIL_SOMEBODY_ACTS: &str = "Nothing is tried until somebody has looked: approve the host key, pin the certificate, or \
     correct the credentials and test the connection. Then this is pulled at once";

/// Why a pull failed.
#[derive(Clone, Debug)]
struct Cause {
    /// For programs.
    code: Cow<'static, str>,
    /// What the next tries do.
    then: Then,
    /// What helps, in words, where the reason doesn't say it itself.
    fix: &'static str,
    /// Is it due at once when its connection is well, or changed?
    is_of_connection: bool,
}

/// What the next tries do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// They come as always.
    GoesOn,
    /// They wait longer from time to time: what is wrong won't pass by itself.
    Slows,
    /// The same; but where the mapping is seldom due, there are more of them: it may pass by itself.
    Tries,
    /// The same, and nothing is out of order.
    Rests,
    /// There are none until somebody acts.
    Stops,
}

impl Cause {
    fn new(code: &'static str, then: Then, fix: &'static str) -> Self {
        Self {
            code: Cow::Borrowed(code),
            then,
            fix,
            is_of_connection: false,
        }
    }

    fn of_connection(code: &'static str, then: Then, fix: &'static str) -> Self {
        Self {
            is_of_connection: true,
            ..Self::new(code, then, fix)
        }
    }

    /// What the first of the files that failed is to blame for.
    fn of_files(first: &Error) -> Self {
        let fix = match first {
            Error::Storage(error) if error.kind() == StorageErrorKind::Key => {
                "rename it on the server to something shorter and plainer, or add its name to the mapping's ignore"
            }
            Error::Transfer(error) if error.kind() == ErrorKind::Denied => {
                "give the login the right to read it, or add its name to the mapping's ignore"
            }
            _ => {
                "the last execution and the log have more; what never is to be pulled goes into the mapping's ignore"
            }
        };
        Self::new("files_failed", Then::GoesOn, fix)
    }

    fn of(error: &Error, connection: &ConnectionState) -> Option<Self> {
        Some(match error {
            Error::Transfer(error) => Self::of_server(error, connection)?,
            Error::Storage(error) => Self::of_storage(error.kind())?,
            // Nobody's fault but this execution's, which is another's by now.
            Error::Store(_) => return None,
            Error::Vault(_) | Error::KeysMissing(_) => Self::new(
                "secret_unreadable",
                Then::Tries,
                "see that the key of the vault can be had",
            ),
            Error::Internal(_) => Self::new("internal", Then::Tries, "the log has more"),
            _ => Self::new(
                "misconfigured",
                Then::Slows,
                "correct the mapping, its connection or its storage",
            ),
        })
    }

    /// What the other side, or the way to it, is to blame for.
    fn of_server(error: &courier_transfer::Error, connection: &ConnectionState) -> Option<Self> {
        let is_folder = error.operation() == Some(OF_FOLDER);
        let waits = connection.health == Health::RequiresAttention;
        Some(match error.kind() {
            ErrorKind::HostKey => Self::of_connection(
                HOST_KEY_CHANGED,
                Then::Stops,
                "ask the server's owner whether its host key was changed, and approve the new one",
            ),
            ErrorKind::HostKeyNotApproved => Self::of_connection(
                "host_key_not_approved",
                Then::Slows,
                "compare the server's fingerprint with what its owner says, and approve it",
            ),
            ErrorKind::Certificate if waits => Self::of_connection(
                "certificate_changed",
                Then::Stops,
                "ask the server's owner whether its certificate was changed, and pin the new one",
            ),
            ErrorKind::Certificate => Self::of_connection(
                "certificate_rejected",
                Then::Slows,
                "have the server's owner renew it, or pin its thumbprint",
            ),
            ErrorKind::Auth => {
                let (code, fix) = match connection.auth_method {
                    AuthMethod::SshKey => (
                        "key_rejected",
                        "install one of the connection's public keys for this login on the server, then test the connection",
                    ),
                    _ => (
                        "login_rejected",
                        "correct the login's credentials in the connection, then test it",
                    ),
                };
                Self::of_connection(code, Then::Stops, fix)
            }
            ErrorKind::NotFips => Self::of_connection(
                "not_fips",
                Then::Slows,
                "have the server offer what FIPS mode allows, or an admin exempt the connection",
            ),
            ErrorKind::Negotiation => Self::of_connection(
                "negotiation_failed",
                Then::Slows,
                "allow in the connection what the server offers",
            ),
            ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Lost => Self::of_connection(
                "unreachable",
                Then::Tries,
                "see that the server runs and that nothing on the way blocks it",
            ),
            ErrorKind::Busy => Self::of_connection(
                "busy",
                Then::Rests,
                "the server takes no more sessions now; set the connection's max_sessions to fewer where that lasts",
            ),
            ErrorKind::NotFound if is_folder => Self::new("folder_missing", Then::Slows, ""),
            ErrorKind::WrongKind if is_folder => Self::new("folder_missing", Then::Slows, ""),
            ErrorKind::Denied if is_folder => Self::new("folder_denied", Then::Slows, ""),
            ErrorKind::Full => Self::new("disk_full", Then::Tries, "make room on this machine"),
            ErrorKind::Cancelled => return None,
            ErrorKind::Invalid | ErrorKind::Unsupported => Self::new(
                "misconfigured",
                Then::Slows,
                "correct the mapping or its connection",
            ),
            _ => Self::new("server_failed", Then::Tries, "see what the server's log says"),
        })
    }

    /// What the storage is to blame for.
    fn of_storage(kind: StorageErrorKind) -> Option<Self> {
        use StorageErrorKind as Kind;
        Some(match kind {
            Kind::NotFound => Self::new(
                "destination_missing",
                Then::Tries,
                "make it, or correct the storage",
            ),
            Kind::Denied | Kind::Auth | Kind::Invalid => Self::new(
                "destination_refused",
                Then::Tries,
                "correct the storage's credentials or what they may do, then test the storage",
            ),
            Kind::Full => Self::new("destination_full", Then::Tries, "make room there"),
            Kind::Unreachable | Kind::Busy => Self::new(
                "destination_unreachable",
                Then::Tries,
                "see that the store runs and that nothing on the way blocks it",
            ),
            Kind::Stopped => return None,
            Kind::Exists | Kind::Key | Kind::Failed => {
                Self::new("destination_failed", Then::Tries, "test the storage")
            }
        })
    }

    /// When it is tried again; nothing where that is when it is due anyway.
    fn next_try(
        &self,
        definition: &MappingDefinition,
        mapping: &FolderMapping,
        at: Timestamp,
    ) -> Option<Timestamp> {
        let due = mapping.next_run_at?;
        let (base, is_cron) = match definition.timing {
            Timing::Interval(seconds) => {
                let interval = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
                (interval.min(BASE), false)
            }
            Timing::Cron { .. } => (BASE, true),
        };
        let factor = 1i32 << mapping.failures.saturating_add(1).min(16);
        let wait = base.saturating_mul(factor).min(LONGEST.max(base));
        let backed_off = at.checked_add(spread(wait, LONGEST)).ok()?;
        let next = match self.then {
            Then::GoesOn | Then::Stops => return None,
            // Its times are set, and few.
            Then::Slows if is_cron => return None,
            Then::Slows => backed_off.max(due),
            Then::Tries | Then::Rests if is_cron => backed_off.min(due),
            Then::Tries | Then::Rests => backed_off,
        };
        (next != due).then_some(next)
    }

    /// The reason, since when, what the next try does, and the fix.
    fn words(
        &self,
        reason: &str,
        mapping: &FolderMapping,
        since: Timestamp,
        next: Option<Timestamp>,
    ) -> String {
        let mut words = reason.trim_end_matches('.').to_owned();
        if !self.fix.is_empty() {
            words += &format!(". What to do: {}", self.fix);
        }
        let pulls = mapping.failures.saturating_add(1);
        if self.then != Then::Rests {
            words += &format!(". Failing since {}", moment(since));
            if pulls > 1 {
                words += &format!(", {pulls} pulls in a row");
            }
        }
        match (self.then, next.or(mapping.next_run_at)) {
            (Then::Stops, _) if self.code == HOST_KEY_CHANGED => {
                words += ". Nothing is tried until somebody has approved the host key that is right, be it the one that was \
                          approved before; then this is pulled at once";
            }
            (Then::Stops, _) => {
                words += ". Nothing is tried until somebody has acted and tested the connection; then this is pulled at once";
            }
            (_, Some(next)) => words += &format!(". It is tried again at {}", moment(next)),
            (_, None) => words += ". It is tried again when somebody asks for it",
        }
        words
    }
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use courier_storage::Error as StorageError;
    use courier_transfer::Error as TransferError;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::pulls::find::testing;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn definition(timing: Timing) -> MappingDefinition {
        MappingDefinition {
            timing,
            ..testing::definition()
        }
    }

    /// A mapping that has failed so often, and is due next at `due`.
    fn mapping(timing: Timing, failures: u32, due: i64) -> FolderMapping {
        let definition = definition(timing);
        FolderMapping {
            id: Uuid::nil(),
            connection_id: Uuid::nil(),
            name: "inbox".into(),
            storage_id: definition.storage_id,
            enabled: true,
            definition: json!(definition),
            next_run_at: Some(at(due)),
            last_run_at: None,
            last_execution: None,
            failures,
            health: Health::Healthy,
            health_code: None,
            health_detail: None,
            last_ok_at: None,
            failing_since: (failures > 0).then(|| at(-3600)),
            created_at: at(0),
            updated_at: at(0),
        }
    }

    fn connection(auth_method: AuthMethod, health: Health) -> ConnectionState {
        ConnectionState {
            name: "partner".into(),
            auth_method,
            status: ConnectionStatus::Active,
            health,
            health_detail: None,
            waits_for_host_key: false,
            settings: serde_json::Map::new(),
            pulls: 0,
        }
    }

    fn transfer(kind: ErrorKind) -> Error {
        TransferError::new(kind, "so it is").into()
    }

    fn of_folder(kind: ErrorKind) -> Error {
        TransferError::new(kind, "so it is")
            .in_operation(OF_FOLDER)
            .into()
    }

    fn storage(kind: StorageErrorKind) -> Error {
        StorageError::new(kind, "so it is").into()
    }

    fn judged(mapping: &FolderMapping, error: &Error) -> Option<(Ill, Option<Timestamp>)> {
        let well = connection(AuthMethod::Password, Health::Failing);
        match judge(mapping, &well, Ended::Failed(error), at(0))? {
            Verdict::Ill(ill, next) => Some((ill, next)),
            Verdict::Well | Verdict::WellBut { .. } => None,
        }
    }

    #[test]
    fn each_failure_has_its_code() {
        use ErrorKind as Kind;
        use StorageErrorKind as At;
        let failing = Some(Health::Failing);
        let attention = Some(Health::RequiresAttention);
        let every = mapping(Timing::Interval(300), 0, 300);
        for (error, code, health, is_of_connection) in [
            (transfer(Kind::HostKey), "host_key_changed", attention, true),
            (transfer(Kind::Auth), "login_rejected", attention, true),
            (transfer(Kind::Certificate), "certificate_rejected", failing, true),
            (transfer(Kind::Unreachable), "unreachable", failing, true),
            (transfer(Kind::Timeout), "unreachable", failing, true),
            (transfer(Kind::Lost), "unreachable", failing, true),
            (transfer(Kind::Busy), "busy", None, true),
            (of_folder(Kind::NotFound), "folder_missing", failing, false),
            (of_folder(Kind::WrongKind), "folder_missing", failing, false),
            (of_folder(Kind::Denied), "folder_denied", failing, false),
            (transfer(Kind::Failed), "server_failed", failing, false),
            (storage(At::NotFound), "destination_missing", failing, false),
            (storage(At::Denied), "destination_refused", failing, false),
            (storage(At::Auth), "destination_refused", failing, false),
            (storage(At::Full), "destination_full", failing, false),
            (
                storage(At::Unreachable),
                "destination_unreachable",
                failing,
                false,
            ),
        ] {
            let (ill, next) = judged(&every, &error).unwrap();
            assert_eq!(
                (&*ill.code, ill.health, ill.waits_for_connection),
                (code, health, is_of_connection)
            );
            assert_eq!(next.is_none(), health == attention, "{code}");
        }
        for nobodys in [
            transfer(Kind::Cancelled),
            storage(At::Stopped),
            courier_store::Error::Conflict("lost".into()).into(),
        ] {
            assert_eq!(judged(&every, &nobodys), None);
        }

        let with_key = connection(AuthMethod::SshKey, Health::RequiresAttention);
        for (kind, code) in [
            (Kind::Auth, "key_rejected"),
            (Kind::Certificate, "certificate_changed"),
        ] {
            let error = transfer(kind);
            let verdict = judge(&every, &with_key, Ended::Failed(&error), at(0));
            assert!(matches!(verdict, Some(Verdict::Ill(ill, None)) if ill.code == code));
        }
        let first = transfer(Kind::Denied);
        let some = Ended::SomeFailed {
            failed: 2,
            first: &first,
        };
        let Some(Verdict::Ill(ill, None)) = judge(&every, &with_key, some, at(0)) else {
            unreachable!("the next tick comes when it is due")
        };
        assert_eq!((&*ill.code, ill.health), ("files_failed", failing));
        assert!(ill.detail.starts_with(
            "2 files could not be pulled, and all others are; the first: so it is. What to do: give the login"
        ));
    }

    /// The wait after so many failures, in seconds.
    fn wait(timing: Timing, failures: u32, due: i64, error: &Error) -> i64 {
        let mapping = mapping(timing, failures, due);
        let (_, next) = judged(&mapping, error).unwrap();
        next.or(mapping.next_run_at)
            .unwrap()
            .duration_since(at(0))
            .as_secs()
    }

    #[test]
    fn waits_double_up_to_half_an_hour() {
        let (away, gone) = (transfer(ErrorKind::Unreachable), of_folder(ErrorKind::NotFound));
        let cron = || Timing::Cron {
            cron: "0 2 * * *".into(),
            timezone: "UTC".into(),
        };
        for (timing, error, due, expected) in [
            (Timing::Interval(10), &away, 10, [20, 40, 80, 160]),
            (Timing::Interval(300), &away, 300, [600, 1200, 1800, 1800]),
            (Timing::Interval(300), &gone, 300, [600, 1200, 1800, 1800]),
            // A server may be back soon; that somebody makes a folder is looked for when it is due.
            (Timing::Interval(86_400), &away, 86_400, [600, 1200, 1800, 1800]),
            (Timing::Interval(86_400), &gone, 86_400, [86_400; 4]),
            (cron(), &away, 900, [600, 900, 900, 900]),
            (cron(), &gone, 900, [900; 4]),
        ] {
            for (failures, expected) in (0..).zip(expected) {
                let wait = wait(timing.clone(), failures, due, error);
                let is_near = (wait - expected).abs() <= expected / 10 + 1;
                assert!(is_near, "{timing:?} after {failures}: {wait}, not {expected}");
            }
        }
        wait(Timing::Interval(1), u32::MAX, 1, &away);
    }

    #[test]
    fn the_words_say_why_and_since_when_and_what_comes() {
        let mapping = mapping(Timing::Interval(300), 2, 300);
        let (away, _) = judged(&mapping, &transfer(ErrorKind::Unreachable)).unwrap();
        assert!(
            away.detail.starts_with(
                "so it is. What to do: see that the server runs and that nothing on the way blocks it. Failing since \
                 2026-09-21 13:13:20 UTC, 3 pulls in a row. It is tried again at 2026-09-21 14:"
            ),
            "{}",
            away.detail
        );
        let (rejected, _) = judged(&mapping, &transfer(ErrorKind::Auth)).unwrap();
        assert!(
            rejected
                .detail
                .ends_with("Nothing is tried until somebody has acted and tested the connection; then this is pulled at once"),
            "{}",
            rejected.detail
        );
    }
}
