//! Is a file ready? Decided by its age on the server's clock, or by how long we have seen it as it is.

use courier_store::pulls::Modified;
use jiff::{SignedDuration, Timestamp};

use super::NotYet;

/// A stable file must be seen twice, at least so far apart.
const TWICE: SignedDuration = SignedDuration::from_secs(1);

/// How a file has to have come to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rest {
    /// It hasn't been changed for so long.
    pub(super) min_age: SignedDuration,
    /// It was seen in an earlier run, and is as it was then.
    pub(super) twice: bool,
}

/// When a file was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    /// Before this look was begun, by our clock. What was seen, was so at this moment or later.
    pub(super) at: Timestamp,
    /// When the run began that looks.
    pub(super) run: Timestamp,
}

impl Rest {
    /// A mapping's wish, seconds.
    pub(super) fn new(min_age_sec: u64, require_stable: bool) -> Self {
        Self {
            min_age: SignedDuration::from_secs(i64::try_from(min_age_sec).unwrap_or(i64::MAX)),
            twice: require_stable,
        }
    }

    /// Can only what was seen before tell whether this file is ready, or when?
    pub(super) fn needs_sightings(&self, modified: Modified, look: Look) -> bool {
        self.twice || modified.at.is_none_or(|told| told > look.at) && self.min_age > SignedDuration::ZERO
    }

    /// Is it ready? `since` is when it was first seen with its present size and time, by our clock; none where this is the
    /// first time.
    ///
    /// Its age counts by the server's clock. Where that can't be, because the server tells no time or one that is still to
    /// come, it is how long we have seen it so. A time that is told roughly counts from its end.
    pub(super) fn judge(
        &self,
        modified: Modified,
        since: Option<Timestamp>,
        look: Look,
    ) -> Result<(), NotYet> {
        let seen_since = since.filter(|since| *since <= look.at).unwrap_or(look.at);
        let by_us = later(seen_since, self.min_age);
        let by_server = latest(modified).map(|latest| later(latest, self.min_age));
        let until = by_server.map_or(by_us, |by_server| by_server.min(by_us));
        if until > look.at {
            return Err(NotYet::TooYoung { until });
        }
        if self.twice {
            let until = later(seen_since, self.min_age.max(TWICE));
            let was_seen_before = since.is_some_and(|since| since < look.run);
            if !was_seen_before || until > look.at {
                return Err(NotYet::Unstable { until });
            }
        }
        Ok(())
    }
}

/// The latest time that is meant.
fn latest(modified: Modified) -> Option<Timestamp> {
    use courier_store::pulls::Precision;
    let told = modified.at?;
    Some(match modified.precision {
        Precision::Exact => told,
        rough => later(told, rough.span()),
    })
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use courier_store::pulls::Precision;
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn exact(second: i64) -> Modified {
        Modified::exact(at(second))
    }

    fn look(second: i64) -> Look {
        Look {
            at: at(second),
            run: at(second),
        }
    }

    fn young(until: i64) -> Result<(), NotYet> {
        Err(NotYet::TooYoung { until: at(until) })
    }

    fn unstable(until: i64) -> Result<(), NotYet> {
        Err(NotYet::Unstable { until: at(until) })
    }

    #[test]
    fn a_file_ages_by_the_servers_clock() {
        let rest = Rest::new(10, false);
        assert_eq!(rest.judge(exact(0), None, look(9)), young(10));
        assert_eq!(rest.judge(exact(0), None, look(10)), Ok(()));
        assert!(!rest.needs_sightings(exact(0), look(1)));
    }

    #[test]
    fn a_file_of_the_future_ages_by_ours() {
        let rest = Rest::new(10, false);
        assert!(rest.needs_sightings(exact(3600), look(0)));
        assert_eq!(rest.judge(exact(3600), None, look(0)), young(10));
        assert_eq!(rest.judge(exact(3600), Some(at(0)), look(9)), young(10));
        assert_eq!(rest.judge(exact(3600), Some(at(0)), look(10)), Ok(()));
        // A second ahead is no reason to wait longer than for a clock that is right.
        assert_eq!(rest.judge(exact(1), None, look(0)), young(10));
    }

    #[test]
    fn a_file_without_a_time_ages_by_ours() {
        let rest = Rest::new(10, false);
        assert!(rest.needs_sightings(Modified::UNKNOWN, look(0)));
        assert_eq!(rest.judge(Modified::UNKNOWN, None, look(0)), young(10));
        assert_eq!(rest.judge(Modified::UNKNOWN, Some(at(0)), look(10)), Ok(()));
        assert_eq!(
            Rest::new(0, false).judge(Modified::UNKNOWN, None, look(0)),
            Ok(())
        );
    }

    #[test]
    fn a_rough_time_counts_from_its_end() {
        let told = Modified {
            at: Some(at(0)),
            precision: Precision::Minute,
        };
        let rest = Rest::new(2, false);
        assert_eq!(rest.judge(told, None, look(61)), young(62));
        assert_eq!(rest.judge(told, None, look(62)), Ok(()));
    }

    #[test]
    fn a_stable_file_was_seen_in_an_earlier_run() {
        let rest = Rest::new(5, true);
        assert!(rest.needs_sightings(exact(-100), look(0)));
        assert_eq!(rest.judge(exact(-100), None, look(0)), unstable(5));
        assert_eq!(rest.judge(exact(-100), Some(at(0)), look(4)), unstable(5));
        assert_eq!(rest.judge(exact(-100), Some(at(0)), look(5)), Ok(()));
        let same_run = Look {
            at: at(60),
            run: at(0),
        };
        assert_eq!(rest.judge(exact(-100), Some(at(0)), same_run), unstable(5));
        let hasty = Rest::new(0, true);
        assert_eq!(hasty.judge(exact(-100), Some(at(0)), look(0)), unstable(1));
        assert_eq!(hasty.judge(exact(-100), Some(at(0)), look(1)), Ok(()));
    }

    fn modified() -> impl Strategy<Value = Modified> {
        let precision = prop_oneof![
            Just(Precision::Exact),
            Just(Precision::Minute),
            Just(Precision::Day)
        ];
        (proptest::option::of(-200_000_i64..200_000), precision).prop_map(|(told, precision)| Modified {
            at: told.map(at),
            precision,
        })
    }

    proptest! {
        /// Whoever looks at the moment that is told finds the file ready, if it has stayed as it is and, where it must be
        /// seen twice, this is another run.
        #[test]
        fn until_is_kept(
            modified in modified(),
            since in proptest::option::of(-1000_i64..1),
            min_age in 0_u64..100_000,
            stable: bool,
        ) {
            let rest = Rest::new(min_age, stable);
            let first = rest.judge(modified, since.map(at), look(0));
            if let Err(NotYet::TooYoung { until } | NotYet::Unstable { until }) = first {
                let since = since.map_or(at(0), at);
                let mut now = Look { at: until.max(at(1)), run: until.max(at(1)) };
                let mut judged = rest.judge(modified, Some(since), now);
                // One of both reasons may follow the other.
                if let Err(NotYet::TooYoung { until } | NotYet::Unstable { until }) = judged {
                    prop_assert!(until > now.at);
                    now = Look { at: until, run: until };
                    judged = rest.judge(modified, Some(since), now);
                }
                prop_assert_eq!(judged, Ok(()));
            }
        }

        /// What is ready stays so.
        #[test]
        fn ready_files_stay_ready(
            modified in modified(),
            since in proptest::option::of(-1000_i64..1),
            min_age in 0_u64..100_000,
            stable: bool,
            waited in 0_i64..100_000,
        ) {
            let rest = Rest::new(min_age, stable);
            if rest.judge(modified, since.map(at), look(0)).is_ok() {
                let since = Some(since.map_or(at(0), at));
                prop_assert_eq!(rest.judge(modified, since, look(waited)), Ok(()));
            }
        }

        /// No file is ready before it is as old as wanted by one of the clocks.
        #[test]
        fn nothing_is_taken_early(
            modified in modified(),
            since in proptest::option::of(-1000_i64..1),
            min_age in 1_u64..100_000,
            stable: bool,
        ) {
            let rest = Rest::new(min_age, stable);
            if rest.judge(modified, since.map(at), look(0)).is_ok() {
                let min_age = rest.min_age;
                let by_server = latest(modified).is_some_and(|latest| at(0).duration_since(latest) >= min_age);
                let by_us = since.is_some_and(|since| at(0).duration_since(at(since)) >= min_age);
                prop_assert!(by_server || by_us);
                prop_assert!(!stable || since.is_some_and(|since| since < 0));
            }
        }
    }
}
