//! A finding in words.

use std::fmt;

use super::{Finding, What};
use crate::audit::{GENERAL, SEALS};

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.chain {
            None => f.write_str("in no chain: ")?,
            Some(GENERAL) => f.write_str("records of no connection: ")?,
            Some(SEALS) => f.write_str("seals: ")?,
            Some(connection) => write!(f, "connection {connection}: ")?,
        }
        let seq = self.seq;
        match self.what {
            What::Changed => write!(f, "record {seq} was changed")?,
            What::Removed => write!(f, "record {seq} was removed")?,
            What::Inserted if self.chain.is_none() => f.write_str("a record was inserted")?,
            What::Inserted => write!(f, "record {seq} was inserted")?,
            What::CutOff => write!(f, "the records from {seq} on were removed")?,
            What::Head => write!(
                f,
                "the note of where the records end was changed or removed, at record {seq}"
            )?,
            What::Seal => write!(f, "record {seq} is another than the one that was sealed")?,
            What::Base => write!(
                f,
                "the note of where the records begin was changed, at record {seq}"
            )?,
        }
        if let Some(operation) = &self.operation {
            write!(f, " (now {operation})")?;
        }
        match (self.record, self.performed_at) {
            (Some(record), Some(at)) => write!(f, ", id {record}, of {at}"),
            (Some(record), None) => write!(f, ", id {record}"),
            (None, Some(at)) => write!(f, ", after {at}"),
            (None, None) => Ok(()),
        }
    }
}
