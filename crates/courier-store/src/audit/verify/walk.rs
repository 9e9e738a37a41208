//! A walk along one chain, record by record.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Finding, Record, What};
use crate::{
    audit::chain::{Authenticator, NONE_BEFORE, head_is_genuine, record_code},
    entities::audit_chains,
    row,
};

/// Does the walk go on?
pub(super) enum End {
    No,
    /// This is wrong here.
    Here(What),
}

pub(super) struct Walk<'a> {
    key: &'a dyn Authenticator,
    pub(super) chain: Uuid,
    /// Where the chain begins: records up to here were trimmed.
    base: i64,
    /// The last place of the chain, as far as its head can be believed.
    newest: Option<i64>,
    /// The last good record: its place, its code, its time.
    seq: i64,
    mac: Vec<u8>,
    at: Option<i64>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(key: &'a dyn Authenticator, chain: Uuid, head: Option<&audit_chains::Model>) -> Self {
        let base = head.map_or(0, |head| head.base_seq);
        let newest = match head {
            Some(head) => Some(head.seq).filter(|_| head_is_genuine(key, head)),
            // A chain that has no head never had a record.
            None => Some(0),
        };
        Self {
            key,
            chain,
            base,
            newest,
            seq: base,
            mac: head.map_or_else(|| NONE_BEFORE.to_vec(), |head| head.base_mac.clone()),
            at: None,
        }
    }

    /// The place after the last good record.
    pub(super) fn expected(&self) -> i64 {
        self.seq.saturating_add(1)
    }

    /// Goes on to the next record, if it is the right one.
    pub(super) fn step(&mut self, record: &Record) -> End {
        let at = record.seq.unwrap_or(i64::MAX);
        let right = at == self.expected() && self.fits(record);
        if let (true, Some(model)) = (right, &record.model) {
            self.seq = at;
            self.mac = model.mac.clone().unwrap_or_default();
            self.at = Some(model.performed_at);
            return End::No;
        }
        let beyond = self.newest.is_some_and(|newest| self.seq >= newest);
        End::Here(match at {
            _ if beyond || at <= self.base => What::Inserted,
            at if at == self.expected() => What::Changed,
            _ => What::Removed,
        })
    }

    /// Is this, whatever place it says, the record that belongs after the last good one?
    pub(super) fn fits(&self, record: &Record) -> bool {
        record.model.as_ref().is_some_and(|model| {
            let code = record_code(self.key, self.chain, self.expected(), &self.mac, model);
            model.mac.as_deref() == Some(&code)
        })
    }

    /// Believes that a record is right, and goes on from it.
    pub(super) fn jump_to(&mut self, record: Record) {
        self.seq = record.seq.unwrap_or(i64::MAX);
        let model = record.model;
        self.at = model.as_ref().map(|model| model.performed_at);
        self.mac = model.and_then(|model| model.mac).unwrap_or_default();
    }

    /// At the end of the records: what is wrong with the chain's head, where it is genuine itself, and where.
    pub(super) fn compare(&self, head: Option<&audit_chains::Model>) -> Option<(What, i64)> {
        match head {
            None => Some((What::Head, self.seq)),
            Some(head) if head.seq > self.seq => Some((What::CutOff, self.expected())),
            // Records that are right, and a head that doesn't know them: it is an old one.
            Some(head) if head.seq < self.seq || head.mac != self.mac => Some((What::Head, head.seq)),
            Some(_) => None,
        }
    }

    /// This is wrong with the record after the last good one.
    pub(super) fn finding(&self, what: What, record: Record) -> Finding {
        let (there, seq) = match what {
            What::Removed => (None, self.expected()),
            _ => (record.model, record.seq.unwrap_or_else(|| self.expected())),
        };
        Finding {
            chain: Some(self.chain),
            seq: row::amount(seq),
            record: record.id.filter(|_| what != What::Removed),
            performed_at: match &there {
                Some(model) => time(model.performed_at),
                None => self.last_time(),
            },
            operation: there.map(|model| model.operation),
            what,
        }
    }

    /// The time of the last good record.
    pub(super) fn last_time(&self) -> Option<Timestamp> {
        time(self.at?)
    }
}

fn time(micros: i64) -> Option<Timestamp> {
    Timestamp::from_microsecond(micros).ok()
}
