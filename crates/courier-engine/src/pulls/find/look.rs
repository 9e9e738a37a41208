//! A look through a mapped folder, batch by batch.

use std::{pin::Pin, time::Duration};

use courier_store::pulls::{Identity, Modified, Standing, Wanted};
use courier_transfer::{Entry, RemotePath};
use futures::{Stream, StreamExt, TryStreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use tokio::time::timeout_at;

use super::{
    Batch, Find, Looked, NotYet, Purpose, Verdict,
    folder::{check, named},
    history::{Asked, File, History, ServerClock},
    modified,
    ready::{Look, Rest},
    rules::Rules,
    sightings::since,
    walk::{Met, Object, ends_all, walk},
};
use crate::{Result, folder_mappings::MappingIdentity};

/// A batch that isn't full waits so long for more, so that pulling begins while a slow listing goes on.
const PATIENCE: Duration = Duration::from_millis(200);
/// Files that will be ready within this time are waited for.
const SOON: SignedDuration = SignedDuration::from_secs(10);
/// So many of them are kept; the others come with the next run.
const KEPT: usize = 10_000;
/// The same where the server tells nothing of a single file, so that each is looked up in a listing.
const KEPT_BLIND: usize = 16;
/// Files that are looked at again at once.
const AGAIN: usize = 64;

/// A look that has begun.
pub(super) struct Looking<'a> {
    find: Find<'a>,
    history: History<'a>,
    rest: Rest,
    /// When it began.
    run: Timestamp,
    /// None once the walk is over.
    walk: Option<Pin<Box<dyn Stream<Item = courier_transfer::Result<Met>> + Send>>>,
    /// Was every folder listed?
    whole: bool,
    /// Files that will be ready soon, and when.
    soon: Vec<(Object, Timestamp)>,
}

impl<'a> Looking<'a> {
    /// Reads the mapping's rules, and begins to list its folder.
    pub(super) async fn begin(find: Find<'a>) -> Result<Self> {
        let definition = find.definition;
        let run = Timestamp::now();
        let rules = Rules::new(definition)?;
        let root = &definition.remote_path;
        let left_out = check(&*find.client, definition).await?;
        let walk = walk(find.client.clone(), root, left_out, rules)
            .await
            .map_err(|e| named(root, &e))?;
        let history = History {
            store: find.store,
            client: find.client.clone(),
            connection: find.connection,
            identity: match definition.identity {
                MappingIdentity::PathAndVersion => Identity::PathAndVersion,
                MappingIdentity::Path => Identity::Path,
            },
            clock: ServerClock::default(),
            seen: Vec::new(),
        };
        Ok(Self {
            rest: Rest::new(definition.min_age_sec, definition.require_stable),
            find,
            history,
            run,
            walk: Some(Box::pin(walk)),
            whole: true,
            soon: Vec::new(),
        })
    }

    /// The next batch, and the look that goes on; none at the end.
    pub(super) async fn next(mut self) -> Result<Option<(Batch, Self)>> {
        let mut batch = Batch::default();
        let objects = match self.walk.take() {
            Some(mut walk) => {
                let met = more(&mut walk).await;
                if met.is_empty() {
                    self.end_of_walk().await?;
                } else {
                    self.walk = Some(walk);
                }
                self.objects(met, &mut batch)?
            }
            None => Vec::new(),
        };
        let (objects, may_wait) = match self.walk {
            Some(_) => (objects, self.find.purpose == Purpose::Pull),
            None if self.soon.is_empty() => return Ok(None),
            None => (self.again().await?, false),
        };
        self.judge(objects, may_wait, &mut batch).await?;
        batch.seen = std::mem::take(&mut self.history.seen);
        Ok(Some((batch, self)))
    }

    /// Sorts what was met.
    fn objects(&mut self, met: Vec<courier_transfer::Result<Met>>, batch: &mut Batch) -> Result<Vec<Object>> {
        let mut objects = Vec::with_capacity(met.len());
        for met in met {
            match met {
                Ok(Met::Object(object)) => objects.push(object),
                Ok(Met::Unreadable(unreadable)) => batch.unreadable.push(unreadable),
                Ok(Met::Refused(folder, error)) => {
                    self.whole = false;
                    batch.refused.push((folder, error));
                }
                Err(e) => return Err(named(&self.find.definition.remote_path, &e).into()),
            }
        }
        Ok(objects)
    }

    /// What was noted before this run and not in it is gone, pulled or changed.
    async fn end_of_walk(&mut self) -> Result<()> {
        if self.whole && self.find.purpose == Purpose::Pull {
            let pulls = self.find.store.pulls();
            pulls.forget_sightings(self.find.mapping, self.run).await?;
        }
        Ok(())
    }

    /// Waits until what will be ready soon is, and looks at it again.
    async fn again(&mut self) -> Result<Vec<Object>> {
        let rest = self.soon.len().saturating_sub(Batch::MOST);
        self.soon.sort_by_key(|(_, until)| std::cmp::Reverse(*until));
        let soon = self.soon.split_off(rest);
        let last = soon.iter().map(|(_, until)| *until).max().unwrap_or(self.run);
        let wait = last.duration_since(Timestamp::now());
        // A moment more, so that the clock that is read next is past it.
        let wait = Duration::try_from(wait).unwrap_or_default() + Duration::from_millis(1);
        tokio::time::sleep(wait).await;
        let client = &self.find.client;
        let at_once = client.capabilities().concurrency.clamp(1, AGAIN);
        let looked: Vec<Option<Object>> = stream::iter(soon)
            .map(|(object, _)| async move {
                let asked = Timestamp::now();
                match client.stat(&object.entry.path).await {
                    Ok(entry) if entry.is_file() => Ok(Some(Object {
                        entry,
                        asked,
                        ..object
                    })),
                    // Where the listing alone can tell, it has told.
                    Err(e) if ends_all(&e) => Err(e),
                    _ => Ok(None),
                }
            })
            .buffered(at_once)
            .try_collect()
            .await?;
        Ok(looked.into_iter().flatten().collect())
    }

    async fn judge(&mut self, objects: Vec<Object>, may_wait: bool, batch: &mut Batch) -> Result<()> {
        let (told, wanted): (Vec<Object>, Vec<Object>) =
            objects.into_iter().partition(|object| object.verdict.is_some());
        for object in told {
            let verdict = object.verdict.clone().unwrap_or(Verdict::Other);
            let size = object.entry.size.unwrap_or_default();
            let modified = modified(&object.entry);
            batch.looked.push(looked(object, size, modified, verdict));
        }
        let mut files: Vec<File> = wanted.iter().map(|object| file(&object.entry)).collect();
        self.history.settle(&mut files).await?;
        let since = self.since(&files, &wanted).await?;
        let mut noted = Vec::new();
        // What is noted was so at this moment at the latest.
        let noted_at = Timestamp::now();
        for ((object, file), since) in wanted.into_iter().zip(&files).zip(since) {
            if file.asked == Asked::Gone {
                continue;
            }
            let Some(size) = file.size else {
                batch
                    .looked
                    .push(looked(object, 0, file.modified, Verdict::NotTold));
                continue;
            };
            let verdict = match file.standing {
                Some(Standing::Pulled(known)) => Verdict::Known {
                    entry: known.entry,
                    after: known.after,
                },
                Some(Standing::Begun { entry, .. }) => Verdict::Begun { entry },
                _ if object.unmarked => Verdict::NotYet(NotYet::NoMarker),
                standing => {
                    let look = self.look(&object);
                    let is_noted = self.rest.needs_sightings(file.modified, look);
                    if is_noted {
                        noted.push(wanted_of(file, size));
                    }
                    match self.rest.judge(file.modified, since, look) {
                        Ok(()) => Verdict::Pull {
                            versions: match standing {
                                Some(Standing::New { versions }) => versions,
                                _ => 0,
                            },
                        },
                        Err(NotYet::TooYoung { until }) if may_wait && self.waits(until) => {
                            // What is noted counts from then.
                            let late = match is_noted {
                                true => noted_at.duration_since(look.at),
                                false => SignedDuration::ZERO,
                            };
                            self.soon.push((object, until.checked_add(late).unwrap_or(until)));
                            continue;
                        }
                        Err(why) => Verdict::NotYet(why),
                    }
                }
            };
            batch.looked.push(looked(object, size, file.modified, verdict));
        }
        if self.find.purpose == Purpose::Pull && !noted.is_empty() {
            let pulls = self.find.store.pulls();
            pulls.note_sightings(self.find.mapping, &noted, noted_at).await?;
        }
        Ok(())
    }

    fn look(&self, object: &Object) -> Look {
        Look {
            at: object.asked,
            run: self.run,
        }
    }

    fn waits(&self, until: Timestamp) -> bool {
        let kept = match self.history.clock.asks_in_vain() {
            // Where only the listing of its folder tells of a file.
            true => KEPT_BLIND,
            false => KEPT,
        };
        self.soon.len() < kept && until.duration_since(Timestamp::now()) <= SOON
    }

    /// Since when each file is as it is, for those whose verdict hangs on it.
    async fn since(&mut self, files: &[File], objects: &[Object]) -> Result<Vec<Option<Timestamp>>> {
        let hangs = files
            .iter()
            .zip(objects)
            .enumerate()
            .filter(|(_, (file, object))| {
                matches!(file.standing, Some(Standing::New { .. }))
                    && !object.unmarked
                    && self.rest.needs_sightings(file.modified, self.look(object))
            });
        let (places, wanted): (Vec<usize>, Vec<Wanted<'_>>) = hangs
            .filter_map(|(at, (file, _))| Some((at, wanted_of(file, file.size?))))
            .unzip();
        let mut all = vec![None; files.len()];
        let told = since(self.find.store, self.find.mapping, &wanted).await?;
        for (at, told) in places.into_iter().zip(told) {
            if let Some(place) = all.get_mut(at) {
                *place = told;
            }
        }
        Ok(all)
    }
}

/// What the walk meets next: a batch full, or what comes in a moment. Nothing at the end.
async fn more(
    walk: &mut Pin<Box<dyn Stream<Item = courier_transfer::Result<Met>> + Send>>,
) -> Vec<courier_transfer::Result<Met>> {
    let mut met: Vec<_> = walk.next().await.into_iter().collect();
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while !met.is_empty() && met.len() < Batch::MOST {
        match timeout_at(deadline, walk.next()).await {
            Ok(Some(next)) => met.push(next),
            Ok(None) | Err(_) => break,
        }
    }
    met
}

fn file(entry: &Entry) -> File {
    File {
        path: entry.path.clone(),
        size: entry.size,
        modified: modified(entry),
        standing: None,
        asked: Asked::Nothing,
    }
}

fn wanted_of(file: &File, size: u64) -> Wanted<'_> {
    Wanted {
        path: file.path.as_wire(),
        size,
        modified: file.modified,
    }
}

fn looked(object: Object, size: u64, modified: Modified, verdict: Verdict) -> Looked {
    let path: RemotePath = object.entry.path;
    Looked {
        relative: object.relative,
        path,
        size,
        modified,
        marker: object.marker,
        verdict,
    }
}
