//! How the files of a batch stand in the history, also where the listing tells their times roughly.
//!
//! A rough time fits every version of a file within a minute or a day. That a rough match is the very file is believed
//! only where the history's entry was pulled or looked at well after that minute or day was over: what came later would
//! show a later time. Of all others the server is asked for the exact time. What a listing shows may be the clock of
//! another zone than the one that the connection's settings name, so that the difference is learnt first, from one file.

use std::sync::Arc;

use courier_store::{
    Store,
    pulls::{Identity, Known, Modified, Precision, Standing, Wanted},
};
use courier_transfer::{Client, ErrorKind, RemotePath, Result as TransferResult};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{modified, walk::ends_all};
use crate::Result;

/// Files that are asked about at once, at most.
const QUESTIONS: usize = 64;
/// Clocks of zones differ by multiples of this.
const STEP: i64 = 15 * 60;
/// Further apart than this no two zones are.
const FARTHEST: SignedDuration = SignedDuration::from_hours(27);
/// So long after a rough time was over an entry must have been confirmed, where the server's zone is known: more than
/// summer time makes of it, and than clocks are wrong.
const MARGIN: SignedDuration = SignedDuration::from_hours(2);
/// The same where the zone isn't known.
const BLIND_MARGIN: SignedDuration = SignedDuration::from_hours(28);
/// Files from which the zone is tried to be learnt, in one batch.
const PROBES: usize = 3;

/// A file of a batch.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) path: RemotePath,
    pub(super) size: Option<u64>,
    pub(super) modified: Modified,
    /// How it stands; none until that is known.
    pub(super) standing: Option<Standing>,
    /// What the server said when it was asked about this file alone.
    pub(super) asked: Asked,
}

/// What a server said of one file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Asked {
    /// It wasn't asked.
    #[default]
    Nothing,
    /// Its exact time.
    Exactly,
    /// No more than the listing.
    NoMore,
    /// Nothing: it may not be asked about this file.
    Refused,
    /// It is gone, or no file any more.
    Gone,
}

/// What a walk learns of the history's files and the server's clock.
#[derive(Debug)]
pub(super) struct History<'a> {
    pub(super) store: &'a Store,
    pub(super) client: Arc<dyn Client>,
    pub(super) connection: Uuid,
    pub(super) identity: Identity,
    pub(super) clock: ServerClock,
    /// Entries that are certain now, and can be believed longer by what listings tell if that is noted.
    pub(super) seen: Vec<Uuid>,
}

/// What is known of the clock that a server's listings show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerClock {
    /// The true time less the one that is shown.
    ahead: Option<SignedDuration>,
    /// Asking for a single file tells no more than a listing does.
    tells_no_more: bool,
    /// Nor does it tell a size that the listing doesn't.
    tells_no_sizes: bool,
}

impl ServerClock {
    /// Is there no use in asking about a single file?
    pub(super) fn asks_in_vain(self) -> bool {
        self.tells_no_more
    }

    /// Learns from a file of which both the time that a listing shows and the exact one are known.
    pub(super) fn learn(&mut self, shown: Modified, exact: Modified) {
        let (Some(from), Some(at)) = (shown.at, exact.at) else {
            return;
        };
        if shown.precision != Precision::Minute || exact.precision != Precision::Exact {
            return;
        }
        let apart = at.duration_since(from);
        let steps = apart.as_secs().div_euclid(STEP);
        let ahead = SignedDuration::from_secs(steps * STEP);
        // A file that was changed meanwhile tells nothing.
        if apart - ahead < Precision::Minute.span() && apart.abs() <= FARTHEST {
            self.ahead = Some(ahead);
        }
    }

    /// By how much a rough time may have to be shifted to be the true one, the likeliest first: zones have summer time.
    fn shifts(self) -> Vec<SignedDuration> {
        let hour = SignedDuration::from_hours(1);
        let ahead = self.ahead.unwrap_or_default();
        let mut shifts = vec![ahead, ahead + hour, ahead - hour];
        if !shifts.contains(&SignedDuration::ZERO) {
            shifts.push(SignedDuration::ZERO);
        }
        if self.ahead.is_none() {
            shifts.truncate(1);
        }
        shifts
    }

    /// From when on an entry that fits this rough time is the very file.
    fn sure_from(self, shown: Modified) -> Timestamp {
        match self.ahead {
            Some(ahead) => over(shown, ahead.max(SignedDuration::ZERO) + MARGIN),
            None => over(shown, BLIND_MARGIN),
        }
    }

    /// Is it of use to note that this entry, which is the very file, was seen now? Once each of both margins is over.
    fn is_to_be_noted(self, known: &Known, shown: Modified, now: Timestamp) -> bool {
        let confirmed = confirmed(known);
        let marks = [self.sure_from(shown), over(shown, BLIND_MARGIN)];
        marks.into_iter().any(|mark| confirmed < mark && mark <= now)
    }
}

/// So long after a rough time was over.
fn over(shown: Modified, margin: SignedDuration) -> Timestamp {
    let Some(from) = shown.at else {
        return Timestamp::MIN;
    };
    from.checked_add(shown.precision.span() + margin)
        .unwrap_or(Timestamp::MAX)
}

/// When it was certain last that the file is this entry's.
fn confirmed(known: &Known) -> Timestamp {
    known
        .seen_at
        .map_or(known.pulled_at, |seen| seen.max(known.pulled_at))
}

fn is_rough(modified: Modified) -> bool {
    modified.at.is_some() && modified.precision != Precision::Exact
}

impl History<'_> {
    /// Finds out how files stand. Sizes and times become those that the server tells exactly, where that was asked for.
    pub(super) async fn settle(&mut self, files: &mut [File]) -> Result<()> {
        self.ask_for_sizes(files).await?;
        self.look_up(files, SignedDuration::ZERO, |file| !is_rough(file.modified))
            .await?;
        if files.iter().all(|file| !is_open(file)) {
            return Ok(());
        }
        if self.clock.ahead.is_none() {
            self.look_up_roughly(files, SignedDuration::ZERO).await?;
        }
        let shown: Vec<Modified> = files.iter().map(|file| file.modified).collect();
        self.learn_clock(files).await?;
        self.look_up(files, SignedDuration::ZERO, |file| !is_rough(file.modified))
            .await?;
        for shift in self.clock.shifts() {
            if files.iter().any(is_open) {
                self.look_up_roughly(files, shift).await?;
            }
        }
        self.ask_for_times(files).await?;
        self.look_up(files, SignedDuration::ZERO, |_| true).await?;
        self.note(files, &shown);
        Ok(())
    }

    /// A file without a size can't be looked up.
    async fn ask_for_sizes(&mut self, files: &mut [File]) -> Result<()> {
        let lacks = |file: &File| file.size.is_none() && file.asked == Asked::Nothing;
        // The first one tells whether there is any use in asking.
        for most in [1, usize::MAX] {
            let lacking: Vec<usize> = places(files, lacks).take(most).collect();
            if lacking.is_empty() || self.clock.tells_no_sizes {
                break;
            }
            self.ask(files, &lacking).await?;
            let first = lacking.first().and_then(|at| files.get(*at));
            self.clock.tells_no_sizes |=
                most == 1 && first.is_some_and(|file| file.size.is_none() && file.asked != Asked::Gone);
        }
        Ok(())
    }

    /// Asks for the exact time of the youngest files until one tells of the server's zone.
    async fn learn_clock(&mut self, files: &mut [File]) -> Result<()> {
        if self.clock.ahead.is_some() || self.clock.tells_no_more {
            return Ok(());
        }
        let told_to_the_minute = |file: &File| is_open(file) && file.modified.precision == Precision::Minute;
        let mut probes: Vec<usize> = places(files, told_to_the_minute).collect();
        probes.sort_by_key(|at| std::cmp::Reverse(files.get(*at).and_then(|file| file.modified.at)));
        for probe in probes.into_iter().take(PROBES) {
            let shown = files.get(probe).map(|file| file.modified);
            self.ask(files, &[probe]).await?;
            let told = files.get(probe).map(|file| file.modified);
            if let (Some(shown), Some(told)) = (shown, told) {
                self.clock.tells_no_more = files.get(probe).is_some_and(|file| file.asked == Asked::NoMore);
                self.clock.learn(shown, told);
            }
            if self.clock.ahead.is_some() || self.clock.tells_no_more {
                break;
            }
        }
        Ok(())
    }

    /// Looks up files with rough times as if the server's clock were so far behind, and takes the answers that are sure.
    async fn look_up_roughly(&self, files: &mut [File], shift: SignedDuration) -> Result<()> {
        let clock = self.clock;
        let by_path = self.identity == Identity::Path;
        let sure = |file: &File, standing: Standing| match standing {
            Standing::Pulled(known) => by_path || is_sure(clock, &known, file.modified),
            Standing::Begun { .. } => true,
            Standing::New { .. } => false,
        };
        let open: Vec<usize> = places(files, |file| is_open(file) && is_rough(file.modified)).collect();
        for (at, standing) in self.ask_store(files, &open, shift).await? {
            if let Some(file) = files.get_mut(at)
                && sure(file, standing)
            {
                file.standing = Some(standing);
            }
        }
        Ok(())
    }

    /// Asks the server for the exact times of what is still open.
    async fn ask_for_times(&self, files: &mut [File]) -> Result<()> {
        let open: Vec<usize> = places(files, |file| is_open(file) && is_rough(file.modified)).collect();
        match self.clock.tells_no_more {
            true => Ok(()),
            false => self.ask(files, &open).await,
        }
    }

    /// Notes which entries are certain now and can be believed longer for it.
    fn note(&mut self, files: &[File], shown: &[Modified]) {
        if self.clock.tells_no_more || self.identity == Identity::Path {
            return;
        }
        let now = Timestamp::now();
        for (file, shown) in files.iter().zip(shown) {
            if let Some(Standing::Pulled(known)) = &file.standing
                && is_rough(*shown)
                && file.asked != Asked::Refused
                && self.clock.is_to_be_noted(known, *shown, now)
            {
                self.seen.push(known.entry);
            }
        }
    }

    /// Has the server tell these files' sizes and times. One that it doesn't tell of stays as it is.
    async fn ask(&self, files: &mut [File], places: &[usize]) -> Result<()> {
        let at_once = self.client.capabilities().concurrency.clamp(1, QUESTIONS);
        let paths: Vec<(usize, RemotePath)> = places
            .iter()
            .filter_map(|at| files.get(*at).map(|file| (*at, file.path.clone())))
            .collect();
        let client = &self.client;
        let answers: Vec<_> = stream::iter(paths)
            .map(|(at, path)| async move {
                match client.stat(&path).await {
                    Err(e) if ends_all(&e) => Err(e),
                    answer => Ok((at, answer)),
                }
            })
            .buffer_unordered(at_once)
            .try_collect::<Vec<_>>()
            .await?;
        for (at, answer) in answers {
            let Some(file) = files.get_mut(at) else { continue };
            take_in(file, answer);
        }
        Ok(())
    }

    /// Looks up what is open, has a size, and is wanted.
    async fn look_up(
        &self,
        files: &mut [File],
        shift: SignedDuration,
        wanted: impl Fn(&File) -> bool,
    ) -> Result<()> {
        let open: Vec<usize> = places(files, |file| is_open(file) && wanted(file)).collect();
        for (at, standing) in self.ask_store(files, &open, shift).await? {
            if let Some(file) = files.get_mut(at) {
                file.standing = Some(standing);
            }
        }
        Ok(())
    }

    async fn ask_store(
        &self,
        files: &[File],
        places: &[usize],
        shift: SignedDuration,
    ) -> Result<Vec<(usize, Standing)>> {
        if places.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: Vec<(usize, Wanted<'_>)> = places
            .iter()
            .filter_map(|at| {
                let file = files.get(*at)?;
                let modified = Modified {
                    at: file.modified.at.map(|at| at.checked_add(shift).unwrap_or(at)),
                    ..file.modified
                };
                let path = file.path.as_wire();
                Some((
                    *at,
                    Wanted {
                        path,
                        size: file.size?,
                        modified,
                    },
                ))
            })
            .collect();
        let (places, wanted): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
        let standings = self
            .store
            .pulls()
            .look_up(self.connection, self.identity, &wanted)
            .await?;
        Ok(places.into_iter().zip(standings).collect())
    }
}

/// Was the entry confirmed when the file that is shown could no longer come to be?
fn is_sure(clock: ServerClock, known: &Known, shown: Modified) -> bool {
    clock.tells_no_more || confirmed(known) >= clock.sure_from(shown)
}

fn is_open(file: &File) -> bool {
    file.standing.is_none() && file.asked != Asked::Gone && file.size.is_some()
}

fn places<'f>(files: &'f [File], wanted: impl Fn(&File) -> bool + 'f) -> impl Iterator<Item = usize> + 'f {
    let places = files.iter().enumerate();
    places
        .filter(move |(_, file)| file.asked != Asked::Gone && wanted(file))
        .map(|(at, _)| at)
}

fn take_in(file: &mut File, answer: TransferResult<courier_transfer::Entry>) {
    file.asked = match answer {
        Ok(entry) if !entry.is_file() => Asked::Gone,
        Ok(entry) => {
            let told = modified(&entry);
            file.size = entry.size.or(file.size);
            if told.at.is_some() && (!is_rough(told) || file.modified.at.is_none()) {
                file.modified = told;
            }
            match told.at.is_some() && !is_rough(told) {
                true => Asked::Exactly,
                false => Asked::NoMore,
            }
        }
        Err(e) => match e.kind() {
            ErrorKind::NotFound => Asked::Gone,
            ErrorKind::Unsupported => Asked::NoMore,
            // What may not be asked about is taken as the listing told it.
            _ => Asked::Refused,
        },
    };
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn seconds(seconds: i64) -> SignedDuration {
        SignedDuration::from_secs(seconds)
    }

    fn shown(second: i64, precision: Precision) -> Modified {
        Modified {
            at: Some(at(second)),
            precision,
        }
    }

    #[test]
    fn a_zone_is_learnt_from_one_file() {
        for (apart, ahead) in [
            (17, Some(0)),
            (7200 + 59, Some(7200)),
            (-19_800, Some(-19_800)),
            (100, None),
            (-1, None),
        ] {
            let mut clock = ServerClock::default();
            clock.learn(shown(0, Precision::Minute), Modified::exact(at(apart)));
            assert_eq!(clock.ahead, ahead.map(seconds), "{apart}");
        }
        let mut clock = ServerClock::default();
        clock.learn(shown(0, Precision::Day), Modified::exact(at(10)));
        clock.learn(shown(0, Precision::Minute), Modified::exact(at(40 * 3600)));
        assert_eq!(clock.ahead, None);
    }

    #[test]
    fn what_is_certain_is_noted_once_it_is_of_use() {
        let clock = ServerClock {
            ahead: Some(SignedDuration::ZERO),
            ..ServerClock::default()
        };
        let hours = |hours: i64| at(hours * 3600);
        let known = |seen: Option<i64>| Known {
            entry: Uuid::nil(),
            after: courier_store::pulls::AfterState::None,
            size: 1,
            modified: Modified::exact(at(5)),
            pulled_at: hours(1),
            seen_at: seen.map(hours),
        };
        let shown = shown(0, Precision::Minute);
        for (seen, now, is_noted) in [
            (None, 2, false),
            (None, 3, true),
            (Some(3), 4, false),
            (Some(3), 28, false),
            (Some(3), 29, true),
            (Some(29), 99, false),
        ] {
            assert_eq!(
                clock.is_to_be_noted(&known(seen), shown, hours(now)),
                is_noted,
                "{seen:?} {now}"
            );
        }
    }

    proptest! {
        /// A version that was made after the one in the history was confirmed is never taken for it, whatever zone the
        /// listing's clock shows, and also where that changed by an hour since it was learnt.
        #[test]
        fn a_new_version_is_never_believed_to_be_the_old_one(
            zone in -56_i64..57,
            known in any::<bool>(),
            summer in -1_i64..2,
            old in -400_000_i64..0,
            confirmed_after in 0_i64..400_000,
            made_after in 1_i64..400_000,
            day in any::<bool>(),
        ) {
            let ahead = seconds(zone * STEP);
            let confirmed = old + confirmed_after;
            let made = confirmed + made_after;
            let (precision, unit) = match day {
                true => (Precision::Day, 86_400),
                false => (Precision::Minute, 60),
            };
            let clock = ServerClock {
                ahead: known.then(|| ahead + seconds(summer * 3600)),
                ..ServerClock::default()
            };
            let local = at(made) - ahead;
            let listed = Modified {
                at: Some(local - seconds(local.as_second().rem_euclid(unit))),
                precision,
            };
            let fits = clock.shifts().into_iter().any(|shift| {
                let from = listed.at.unwrap() + shift;
                from <= at(old) && at(old) < from + precision.span()
            });
            prop_assert!(!(fits && at(confirmed) >= clock.sure_from(listed)));
        }

        /// What has not changed is believed at last.
        #[test]
        fn what_stays_is_believed_in_the_end(
            zone in -56_i64..57,
            known in any::<bool>(),
            old in -400_000_i64..0,
        ) {
            let ahead = seconds(zone * STEP);
            let clock = ServerClock { ahead: known.then_some(ahead), ..ServerClock::default() };
            let local = at(old) - ahead;
            let listed = Modified {
                at: Some(local - seconds(local.as_second().rem_euclid(60))),
                precision: Precision::Minute,
            };
            let fits = clock.shifts().into_iter().any(|shift| {
                let from = listed.at.unwrap() + shift;
                from <= at(old) && at(old) < from + Precision::Minute.span()
            });
            prop_assert_eq!(fits, known || zone == 0);
            prop_assert!(clock.sure_from(listed) <= at(old) + seconds(60) + BLIND_MARGIN + ahead.abs());
        }
    }
}
