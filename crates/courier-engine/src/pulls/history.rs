//! The history of pulled files: looking at it, and asking for files to be pulled anew.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    pin::pin,
};

pub use courier_store::pulls::{AfterState, Entry, HistoryFilter};
use courier_store::{
    audit::NewAudit,
    folder_mappings::{FolderMapping, FolderMappingFilter},
    now,
};
use courier_transfer::RemotePath;
use futures::{Stream, TryStreamExt, stream::try_unfold};
use serde_json::json;
use uuid::Uuid;

use super::find::Rules;
use crate::{
    Actor, Engine, Error, Page, PageRequest, Result, audit, executions::Execution,
    folder_mappings::definition, open::check_usable, trust::Purpose,
};

/// Entries of a page that is read to go through all of them.
const PAGE: u64 = 500;
/// So many files are pulled anew for one wish.
pub const MOST_REPLAYED: usize = 100_000;
/// As errors call it.
const NOUN: &str = "entry of this connection's history";

/// Pulled files.
#[derive(Clone, Copy, Debug)]
pub struct Pulls<'a>(pub(crate) &'a Engine);

/// What a wish to pull files anew has led to.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// How many files are asked for that weren't before.
    pub count: u64,
    /// The executions that pull them.
    pub executions: Vec<Execution>,
    /// What nobody can pull: how many files, and why, in words.
    pub refused: Vec<(u64, String)>,
}

impl Pulls<'_> {
    /// The history of a connection, the newest first. It outlives the connection.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a connection that was never there; [`Error::Store`], also for a cursor that no list gave out.
    pub async fn list(
        &self,
        connection: Uuid,
        filter: &HistoryFilter,
        page: &PageRequest,
    ) -> Result<Page<Entry>> {
        let pulls = self.0.0.store.pulls();
        let entries = pulls.list(connection, filter, page).await?;
        if !entries.items.is_empty() {
            return Ok(entries);
        }
        if let Err(courier_store::Error::NotFound { .. }) = self.0.0.store.connections().get(connection).await
        {
            let any = pulls
                .list(connection, &HistoryFilter::default(), &PageRequest::first(1))
                .await?;
            if any.items.is_empty() {
                return Err(Error::not_found("connection", connection));
            }
        }
        Ok(entries)
    }

    /// All of the history of a connection that is wanted, the newest first, some entries at a time.
    pub fn all(
        &self,
        connection: Uuid,
        filter: HistoryFilter,
    ) -> impl Stream<Item = Result<Vec<Entry>>> + use<> {
        let begin = Some(PageRequest::first(PAGE));
        let engine = self.0.clone();
        try_unfold(begin, move |page| {
            let (engine, filter) = (engine.clone(), filter.clone());
            async move {
                let Some(page) = page else { return Ok(None) };
                let entries = engine.pulls().list(connection, &filter, &page).await?;
                let next = entries.next_cursor.map(|cursor| PageRequest {
                    cursor: Some(cursor),
                    ..page
                });
                Ok(Some((entries.items, next)))
            }
        })
    }

    /// One entry of a connection's history.
    ///
    /// # Errors
    /// [`Error::NotFound`], also where it is another connection's.
    pub async fn get(&self, connection: Uuid, id: Uuid) -> Result<Entry> {
        match self.0.0.store.pulls().get(id).await {
            Ok(entry) if entry.connection_id == connection => Ok(entry),
            Ok(_) | Err(courier_store::Error::NotFound { .. }) => Err(Error::not_found(NOUN, id)),
            Err(error) => Err(error.into()),
        }
    }

    /// Pulls a file anew, as it lies on the server by then, to a key of its own; answers the execution that does.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::Conflict`] where no folder mapping can pull it; [`Error::ConnectionNotUsable`].
    pub async fn replay(&self, actor: &Actor, connection: Uuid, id: Uuid) -> Result<Execution> {
        let entry = self.get(connection, id).await?;
        let mut wishes = Wishes::of(self.0, actor, connection).await?;
        wishes.ask(vec![entry]).await?;
        let Replayed {
            mut executions,
            mut refused,
            ..
        } = wishes.run().await?;
        match (executions.pop(), refused.pop()) {
            (Some(execution), _) => Ok(execution),
            (None, Some((_, why))) => Err(Error::Conflict(why)),
            (None, None) => Err(Error::not_found(NOUN, id)),
        }
    }

    /// Pulls all files anew that the filter leaves, each once, whatever number of its versions the history has.
    ///
    /// # Errors
    /// [`Error::NotFound`] for the connection; [`Error::Validation`] for a filter that leaves all, or more than
    /// [`MOST_REPLAYED`] files; [`Error::Conflict`] where no folder mapping can pull any of them.
    pub async fn replay_all(
        &self,
        actor: &Actor,
        connection: Uuid,
        filter: HistoryFilter,
    ) -> Result<Replayed> {
        if filter == HistoryFilter::default() {
            return Err(Error::field(
                "since",
                "say which files: since, until, path, prefix, mapping_id, execution_id or sha256",
            ));
        }
        // What comes in meanwhile wasn't meant.
        let filter = HistoryFilter {
            until: filter.until.or_else(|| Some(now())),
            ..filter
        };
        let mut paths = HashSet::new();
        let mut pages = pin!(self.all(connection, filter.clone()));
        while let Some(entries) = pages.try_next().await? {
            paths.extend(entries.into_iter().map(|entry| entry.path));
            if paths.len() > MOST_REPLAYED {
                return Err(Error::field(
                    "since",
                    format!(
                        "these are more than {MOST_REPLAYED} files; say fewer, by since and until or a path"
                    ),
                ));
            }
        }
        let mut wishes = Wishes::of(self.0, actor, connection).await?;
        let mut pages = pin!(self.all(connection, filter));
        while let Some(mut entries) = pages.try_next().await? {
            // The newest version of a path comes first.
            entries.retain(|entry| paths.remove(&entry.path));
            wishes.ask(entries).await?;
        }
        let replayed = wishes.run().await?;
        match replayed.refused.first() {
            Some((_, why)) if replayed.executions.is_empty() => Err(Error::Conflict(why.clone())),
            _ => Ok(replayed),
        }
    }
}

/// Files that somebody wants to be pulled anew, and who can do that.
struct Wishes<'a> {
    engine: &'a Engine,
    actor: &'a Actor,
    /// All of the connection, with their folders and which files of them they take.
    mappings: Vec<(FolderMapping, RemotePath, Rules)>,
    count: u64,
    pullers: BTreeSet<Uuid>,
    refused: BTreeMap<String, u64>,
}

impl<'a> Wishes<'a> {
    async fn of(engine: &'a Engine, actor: &'a Actor, connection: Uuid) -> Result<Self> {
        match engine.0.store.connections().get(connection).await {
            Ok(connection) => check_usable(&connection, Purpose::Browse)?,
            // Nor has it mappings.
            Err(courier_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let filter = FolderMappingFilter {
            connection_id: Some(connection),
            ..Default::default()
        };
        let (mut mappings, mut page) = (Vec::new(), PageRequest::first(PAGE));
        loop {
            let some = engine.0.store.folder_mappings().list(&filter, &page).await?;
            for mapping in some.items {
                let definition = definition(&mapping)?;
                let rules = Rules::new(&definition)?;
                mappings.push((mapping, definition.remote_path, rules));
            }
            match some.next_cursor {
                Some(next) => page.cursor = Some(next),
                None => break,
            }
        }
        Ok(Self {
            engine,
            actor,
            mappings,
            count: 0,
            pullers: BTreeSet::new(),
            refused: BTreeMap::new(),
        })
    }

    async fn ask(&mut self, entries: Vec<Entry>) -> Result<()> {
        let mut asked = Vec::with_capacity(entries.len());
        for entry in entries {
            match self.puller(&entry) {
                Ok(mapping_id) => asked.push(Entry { mapping_id, ..entry }),
                Err(why) => *self.refused.entry(why).or_default() += 1,
            }
        }
        let record = |entry: &Entry| record(self.actor, entry);
        let pulls = self.engine.0.store.pulls();
        let new = pulls.ask_replays(&asked, &self.actor.name, record).await?;
        self.count += new.len() as u64;
        self.pullers.extend(asked.iter().map(|entry| entry.mapping_id));
        Ok(())
    }

    /// The mapping that pulls it anew: the one that has pulled it, or where that is gone, of those that take such files the one
    /// whose folder is the nearest above it. Otherwise why there is none.
    fn puller(&self, entry: &Entry) -> Result<Uuid, String> {
        let own = self
            .mappings
            .iter()
            .find(|(mapping, ..)| mapping.id == entry.mapping_id);
        if let Some((mapping, ..)) = own {
            return match mapping.enabled {
                true => Ok(mapping.id),
                false => Err(format!(
                    "the folder mapping \"{}\" is disabled; enable it first",
                    mapping.name
                )),
            };
        }
        let path = RemotePath::new(&entry.path).ok();
        let takes_it = |folder: &RemotePath, rules: &Rules| {
            let relative = path.as_ref().and_then(|path| path.strip_base(folder));
            relative.is_some_and(|relative| rules.reaches(&relative))
        };
        let heirs = self
            .mappings
            .iter()
            .filter(|(mapping, folder, rules)| mapping.enabled && takes_it(folder, rules));
        let heir = heirs.max_by_key(|(_, folder, _)| folder.segments().count());
        heir.map(|(mapping, ..)| mapping.id).ok_or_else(|| {
            "the folder mapping that pulled it is gone, and no enabled one of this connection takes it; make one first"
                .to_owned()
        })
    }

    async fn run(self) -> Result<Replayed> {
        let mut executions = Vec::with_capacity(self.pullers.len());
        for mapping in self.pullers {
            executions.push(self.engine.folder_mappings().run(self.actor, mapping).await?);
        }
        Ok(Replayed {
            count: self.count,
            executions,
            refused: self
                .refused
                .into_iter()
                .map(|(why, files)| (files, why))
                .collect(),
        })
    }
}

fn record(actor: &Actor, entry: &Entry) -> NewAudit {
    let details = json!({
        "entry_id": entry.id,
        "mapping_id": entry.mapping_id,
        "path": String::from_utf8_lossy(&entry.path),
        "destination": entry.destination,
        "pulled_at": entry.pulled_at,
    });
    audit::Entry::new("file_replayed", &actor.name, details)
        .on(entry.connection_id)
        .into()
}
