//! What moved and what ended, hour by hour.

use std::collections::BTreeMap;

pub use courier_store::activity::Hour;
use courier_store::now;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use crate::{Engine, Result};

/// As many hours as can be asked for: 31 days.
pub const MAX_HOURS: u32 = 744;

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What was asked before: hours that are over don't change, and asking for a week of them means reading all its records.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Known>);

/// The hours from `from` until before `until`; those that are missing had nothing.
#[derive(Debug, Default)]
struct Known {
    from: Timestamp,
    until: Timestamp,
    hours: BTreeMap<Timestamp, Hour>,
}

impl Engine {
    /// The last hours, oldest first, each with its beginning, a whole hour in UTC; the one that runs is the last. So many, 1
    /// at least and [`MAX_HOURS`] at most.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store).
    pub async fn activity(&self, hours: u32) -> Result<Vec<(Timestamp, Hour)>> {
        // Held while the database is asked, so that of many who ask at once one does.
        let mut known = self.0.activity.0.lock().await;
        let running = begin(now());
        let from = running - HOUR * i32::try_from(hours.clamp(1, MAX_HOURS) - 1).unwrap_or(0);
        let latest = known.learn(self, from, running).await?;
        let mut at = from;
        let mut answer = Vec::new();
        while at <= running {
            let hour = known.hours.get(&at).or_else(|| latest.get(&at));
            answer.push((at, hour.copied().unwrap_or_default()));
            at += HOUR;
        }
        Ok(answer)
    }
}

impl Known {
    /// Asks for what isn't known from `from` on, and answers the last two hours, which may still change: what ended just before
    /// an hour did may be written just after.
    async fn learn(
        &mut self,
        engine: &Engine,
        from: Timestamp,
        running: Timestamp,
    ) -> Result<BTreeMap<Timestamp, Hour>> {
        let activity = engine.0.store.activity();
        let settled = running - HOUR;
        // Nobody asked for long, or the clock was set back.
        if self.until < from || self.until > settled {
            *self = Self {
                from: from.min(settled),
                until: from.min(settled),
                hours: BTreeMap::new(),
            };
        }
        if from < self.from {
            self.hours.extend(activity.hours(from, self.from).await?);
            self.from = from;
        }
        let mut hours = activity.hours(self.until, running + HOUR).await?;
        let latest = hours.split_off(&settled);
        self.hours.extend(hours);
        self.until = settled;
        self.forget(running - HOUR * i32::try_from(MAX_HOURS).unwrap_or(0));
        Ok(latest)
    }

    /// Nobody can ask for what was before this.
    fn forget(&mut self, before: Timestamp) {
        self.hours = self.hours.split_off(&before);
        self.from = self.from.max(before);
    }
}

/// The beginning of its hour.
fn begin(at: Timestamp) -> Timestamp {
    let second = at.as_second();
    Timestamp::from_second(second - second.rem_euclid(3600)).unwrap_or(at)
}
