//! How often what is told: of what comes faster only the newest is.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use uuid::Uuid;

use crate::{ExecutionEvent, live::Told};

/// An execution's state.
const STATE: Duration = Duration::from_millis(500);
/// All else.
const OTHER: Duration = Duration::from_secs(1);
/// Files a second that were through before anybody heard of them, and that are told of all the same. There may be thousands.
const SHORT_FILES: u32 = 50;

/// What replaces what came before it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    State(Uuid),
    Summary(Uuid),
    File(Uuid, u32, String),
    Changed(String, Option<Uuid>),
    LookAgain,
}

impl Key {
    fn of(told: &Told) -> Self {
        match told {
            Told::Event(id, ExecutionEvent::State { .. }) => Self::State(*id),
            Told::Event(id, ExecutionEvent::Summary(_)) => Self::Summary(*id),
            Told::Event(id, ExecutionEvent::Progress(file)) => {
                Self::File(*id, file.step, file.current_file.clone())
            }
            Told::Changed { what, id } => Self::Changed(what.clone(), *id),
            Told::LookAgain => Self::LookAgain,
        }
    }

    fn execution(&self) -> Option<Uuid> {
        match self {
            Self::State(id) | Self::Summary(id) | Self::File(id, ..) => Some(*id),
            Self::Changed(..) | Self::LookAgain => None,
        }
    }

    fn interval(&self) -> Duration {
        match self {
            Self::State(_) => STATE,
            _ => OTHER,
        }
    }
}

/// One thing that is told of again and again.
#[derive(Debug)]
struct Slot {
    /// Not before this.
    at: Instant,
    waiting: Option<Told>,
}

/// What waits to be told, and what was told just now.
#[derive(Debug)]
pub(super) struct Pace {
    slots: HashMap<Key, Slot>,
    /// Files that were through at once, of the second that began then.
    short: (Instant, u32),
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            slots: HashMap::new(),
            short: (now, 0),
        }
    }

    /// Takes what is to be told, and answers whether [`Self::due`] has something by that.
    pub(super) fn hear(&mut self, told: Told, now: Instant) -> bool {
        let key = Key::of(&told);
        let ends = is_end(&told);
        if ends && !self.slots.contains_key(&key) && !self.has_room(now) {
            return false;
        }
        let slot = self.slots.entry(key).or_insert(Slot {
            at: now,
            waiting: None,
        });
        if ends {
            slot.at = now;
        }
        // Nothing comes after an end but what came late.
        if !slot
            .waiting
            .as_ref()
            .is_some_and(|waiting| is_final(waiting) || is_end(waiting))
        {
            slot.waiting = Some(told);
        }
        slot.at <= now
    }

    /// What is to be told by now: of an execution, its end comes last.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Told> {
        let over: HashSet<Uuid> = self
            .slots
            .iter()
            .filter(|(_, slot)| slot.at <= now && slot.waiting.as_ref().is_some_and(is_final))
            .filter_map(|(key, _)| key.execution())
            .collect();
        let mut due = Vec::new();
        self.slots.retain(|key, slot| {
            if slot.at > now && !key.execution().is_some_and(|id| over.contains(&id)) {
                return true;
            }
            match slot.waiting.take() {
                Some(told) => {
                    due.push(told);
                    slot.at = now + key.interval();
                    true
                }
                None => slot.at > now,
            }
        });
        due.sort_by_key(|told| matches!(told, Told::Event(_, ExecutionEvent::State { .. })));
        due
    }

    /// Is there something that is told later?
    pub(super) fn waits(&self) -> bool {
        self.slots.values().any(|slot| slot.waiting.is_some())
    }

    fn has_room(&mut self, now: Instant) -> bool {
        if now.duration_since(self.short.0) >= OTHER {
            self.short = (now, 0);
        }
        self.short.1 = self.short.1.saturating_add(1);
        self.short.1 <= SHORT_FILES
    }
}

fn is_final(told: &Told) -> bool {
    matches!(told, Told::Event(_, ExecutionEvent::State { state, .. }) if state.is_final())
}

/// Is it a file that is whole?
fn is_end(told: &Told) -> bool {
    matches!(told, Told::Event(_, ExecutionEvent::Progress(file)) if file.total_bytes == Some(file.bytes_transferred))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use courier_store::executions::ExecutionState;

    use super::*;
    use crate::Progress;

    const ID: Uuid = Uuid::from_u128(1);

    fn state(state: ExecutionState) -> Told {
        Told::Event(ID, ExecutionEvent::State { state, step: None })
    }

    fn file(name: &str, bytes: u64) -> Told {
        Told::Event(
            ID,
            ExecutionEvent::Progress(Progress {
                execution: ID,
                step: 1,
                current_file: name.into(),
                bytes_transferred: bytes,
                total_bytes: Some(100),
                transfer_rate_bytes_per_sec: 1.0,
                eta_sec: None,
            }),
        )
    }

    fn changed(what: &str) -> Told {
        Told::Changed {
            what: what.into(),
            id: None,
        }
    }

    fn words(told: &[Told]) -> Vec<String> {
        told.iter()
            .map(|told| match told {
                Told::Event(_, ExecutionEvent::State { state, .. }) => state.to_string(),
                Told::Event(_, ExecutionEvent::Progress(file)) => {
                    format!("{} {}", file.current_file, file.bytes_transferred)
                }
                Told::Event(_, ExecutionEvent::Summary(_)) => "summary".into(),
                Told::Changed { what, .. } => what.clone(),
                Told::LookAgain => "gap".into(),
            })
            .collect()
    }

    #[test]
    fn of_many_states_the_newest_is_told_and_an_end_is_never_lost() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(start);
        assert!(pace.hear(state(ExecutionState::Queued), at(0)));
        assert_eq!(words(&pace.due(at(0))), ["queued"]);
        assert!(!pace.hear(state(ExecutionState::Running), at(10)));
        assert!(!pace.hear(state(ExecutionState::Completed), at(20)));
        // It came late.
        assert!(!pace.hear(state(ExecutionState::Running), at(30)));
        assert!(pace.due(at(499)).is_empty() && pace.waits());
        assert_eq!(words(&pace.due(at(500))), ["completed"]);
        assert!(!pace.waits() && pace.due(at(600)).is_empty());
        // Nothing is kept.
        pace.due(at(1000));
        assert!(pace.slots.is_empty());
    }

    #[test]
    fn files_are_told_of_each_second_and_at_their_end() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut pace = Pace::new(start);
        assert!(pace.hear(file("a", 1), at(0)));
        assert_eq!(words(&pace.due(at(0))), ["a 1"]);
        for bytes in 2..50 {
            assert!(!pace.hear(file("a", bytes), at(bytes * 10)));
        }
        assert_eq!(words(&pace.due(at(1000))), ["a 49"]);
        assert!(pace.hear(file("a", 100), at(1010)));
        assert_eq!(words(&pace.due(at(1010))), ["a 100"]);
    }

    #[test]
    fn of_files_that_are_through_at_once_some_are_told_of() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let told = |pace: &mut Pace, now| {
            let heard = (0..1000).filter(|i| pace.hear(file(&i.to_string(), 100), now));
            assert_eq!(heard.count(), SHORT_FILES as usize);
            assert_eq!(pace.due(now).len(), SHORT_FILES as usize);
        };
        told(&mut pace, start);
        assert!(pace.due(start + OTHER).is_empty() && pace.slots.is_empty());
        told(&mut pace, start + OTHER);
    }

    #[test]
    fn the_end_of_an_execution_comes_after_all_else_of_it() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        pace.hear(file("a", 1), start);
        pace.due(start);
        pace.hear(file("a", 2), start);
        pace.hear(state(ExecutionState::Failed), start);
        assert_eq!(words(&pace.due(start)), ["a 2", "failed"]);
    }

    #[test]
    fn hints_are_told_once_a_second_each() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..3 {
            pace.hear(changed("jobs"), start);
            pace.hear(changed("users"), start);
            pace.hear(Told::LookAgain, start);
        }
        let mut first = words(&pace.due(start));
        first.sort();
        assert_eq!(first, ["gap", "jobs", "users"]);
        pace.hear(changed("jobs"), start);
        assert!(pace.due(start + STATE).is_empty());
        assert_eq!(words(&pace.due(start + OTHER)), ["jobs"]);
    }
}
