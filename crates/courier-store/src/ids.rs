//! Ids and times that agree: an id's place in the order is its record's time.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use uuid::{Builder, Uuid};

/// A new id, version 7: ids of one process sort by creation.
pub fn new_id() -> Uuid {
    stamp().0
}

/// The time now, to the microsecond, which is what the store keeps; each call of a process gives a later one.
pub fn now() -> Timestamp {
    time(tick())
}

/// An id and the time in it. Sorting by the id is sorting by the time.
pub(crate) fn stamp() -> (Uuid, Timestamp) {
    let micros = tick();
    (id(micros, *Uuid::new_v4().as_bytes()), time(micros))
}

/// The smallest id that a record of this time can have: turns a time range into a range of the primary key.
pub(crate) fn first_id_at(at: Timestamp) -> Uuid {
    id(at.as_microsecond(), [0; 16])
}

/// The next microsecond that nobody in this process has had. A clock set back by more than a second is believed.
fn tick() -> i64 {
    static LAST: AtomicI64 = AtomicI64::new(0);
    const BACKWARDS: i64 = 1_000_000;
    let now = Timestamp::now().as_microsecond();
    let next = |last: i64| {
        if last < now || last - now > BACKWARDS {
            now
        } else {
            last + 1
        }
    };
    match LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last))) {
        Ok(last) | Err(last) => next(last),
    }
}

/// Version 7 with the microseconds of the millisecond in the 12 bits after it (RFC 9562, section 6.2, method 3).
fn id(micros: i64, random: [u8; 16]) -> Uuid {
    let micros = u64::try_from(micros).unwrap_or(0);
    let fraction = (micros % 1000) * 4096 / 1000;
    let [high, low] = u16::try_from(fraction).unwrap_or(0).to_be_bytes();
    let [_, _, _, _, _, _, _, _, a, b, c, d, e, f, g, h] = random;
    Builder::from_unix_timestamp_millis(micros / 1000, &[high, low, a, b, c, d, e, f, g, h]).into_uuid()
}

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_bound_it() {
        let stamps: Vec<_> = (0..5000).map(|_| stamp()).collect();
        assert!(stamps.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
        for (id, at) in stamps {
            assert_eq!(id.get_version_num(), 7);
            assert!(first_id_at(at) <= id);
            assert!(first_id_at(at + jiff::SignedDuration::from_micros(1)) > id);
        }
    }
}
