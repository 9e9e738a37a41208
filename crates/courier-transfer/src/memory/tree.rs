//! Files, directories and links by absolute path.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{Entry, EntryKind, Error, ErrorKind, RemoteName, RemotePath, Result, TimePrecision};

/// Links that are followed before giving up.
const LINKS: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Of a file.
    pub(super) content: Option<Vec<u8>>,
    /// Of a link.
    pub(super) target: Option<RemotePath>,
    pub(super) modified: Timestamp,
    pub(super) permissions: u32,
}

impl Node {
    pub(super) fn file(content: Vec<u8>) -> Self {
        Self {
            content: Some(content),
            target: None,
            modified: now(),
            permissions: 0o644,
        }
    }

    pub(super) fn link(target: RemotePath) -> Self {
        Self {
            content: None,
            target: Some(target),
            modified: now(),
            permissions: 0o777,
        }
    }

    pub(super) fn directory() -> Self {
        Self {
            content: None,
            target: None,
            modified: now(),
            permissions: 0o755,
        }
    }

    pub(super) fn kind(&self) -> EntryKind {
        match (&self.content, &self.target) {
            (Some(_), _) => EntryKind::File,
            (None, Some(_)) => EntryKind::Link,
            (None, None) => EntryKind::Directory,
        }
    }

    pub(super) fn entry(&self, path: RemotePath) -> Entry {
        Entry {
            path,
            kind: self.kind(),
            size: Some(self.content.as_ref().map_or(0, |c| c.len() as u64)),
            modified: Some(self.modified),
            precision: TimePrecision::Exact,
            permissions: Some(self.permissions),
        }
    }
}

/// Now, in whole seconds, as most servers tell times.
pub(super) fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
}

#[derive(Debug)]
pub(super) struct Tree {
    nodes: BTreeMap<RemotePath, Node>,
    home: RemotePath,
}

impl Default for Tree {
    fn default() -> Self {
        let home =
            RemotePath::root().join_below(&RemotePath::new("home").unwrap_or_else(|_| RemotePath::home()));
        let nodes = [RemotePath::root(), home.clone()].map(|path| (path, Node::directory()));
        Self {
            nodes: nodes.into(),
            home,
        }
    }
}

impl Tree {
    pub(super) fn absolute(&self, path: &RemotePath) -> RemotePath {
        if path.is_absolute() {
            path.clone()
        } else {
            self.home.join_below(path)
        }
    }

    pub(super) fn get(&self, path: &RemotePath) -> Option<&Node> {
        self.nodes.get(path)
    }

    pub(super) fn get_mut(&mut self, path: &RemotePath) -> Option<&mut Node> {
        self.nodes.get_mut(path)
    }

    /// Puts a node there, with the folders above it.
    pub(super) fn place(&mut self, path: &RemotePath, node: Node) {
        let mut above = path.parent();
        while let Some(folder) = above {
            above = folder.parent();
            self.nodes.entry(folder).or_insert_with(Node::directory);
        }
        self.nodes.insert(path.clone(), node);
    }

    pub(super) fn paths(&self) -> Vec<String> {
        self.nodes.keys().map(RemotePath::to_text).collect()
    }

    /// Where a path leads: absolute, links above the last segment followed, and that of the last one where
    /// `follow` says so. What is missing or no directory on the way is an error.
    pub(super) fn resolve(&self, path: &RemotePath, follow: bool) -> Result<RemotePath> {
        let mut rest: Vec<RemoteName> = names(&self.absolute(path)).rev().collect();
        let mut at = RemotePath::root();
        let mut links = 0;
        while let Some(name) = rest.pop() {
            match self.nodes.get(&at).map(Node::kind) {
                Some(EntryKind::Directory) => {}
                Some(_) => return Err(wrong_kind(&at, "is not a directory")),
                None => return Err(not_found(path)),
            }
            let next = at.join(&name);
            match self.nodes.get(&next).and_then(|node| node.target.as_ref()) {
                Some(target) if follow || !rest.is_empty() => {
                    links += 1;
                    if links > LINKS {
                        return Err(Error::new(ErrorKind::Failed, "too many links").with("path", path));
                    }
                    if target.is_absolute() {
                        at = RemotePath::root();
                    }
                    rest.extend(names(target).rev());
                }
                _ => at = next,
            }
        }
        Ok(at)
    }

    /// The node that a path leads to.
    pub(super) fn find(&self, path: &RemotePath, follow: bool) -> Result<(RemotePath, &Node)> {
        let at = self.resolve(path, follow)?;
        match self.nodes.get(&at) {
            Some(node) => Ok((at, node)),
            None => Err(not_found(path)),
        }
    }

    /// The children of a directory, with its path as the caller wrote it.
    pub(super) fn children(&self, dir: &RemotePath) -> Result<Vec<Entry>> {
        let (at, node) = self.find(dir, true)?;
        if node.kind() != EntryKind::Directory {
            return Err(wrong_kind(dir, "is not a directory"));
        }
        Ok(self
            .nodes
            .range(&at..)
            .take_while(|(path, _)| path.as_wire().starts_with(at.as_wire()))
            .filter(|(path, _)| path.parent().as_ref() == Some(&at))
            .filter_map(|(path, node)| Some(node.entry(dir.join(&path.name()?))))
            .collect())
    }

    pub(super) fn insert(&mut self, path: &RemotePath, node: Node) {
        self.nodes.insert(path.clone(), node);
    }

    pub(super) fn remove(&mut self, path: &RemotePath, kind: EntryKind) -> Result<()> {
        let (at, node) = self.find(path, false)?;
        match (node.kind(), kind) {
            (EntryKind::Directory, EntryKind::Directory) if !self.children(&at)?.is_empty() => {
                return Err(Error::new(ErrorKind::NotEmpty, "the directory is not empty").with("path", path));
            }
            (EntryKind::Directory, EntryKind::Directory) => {}
            (EntryKind::Directory, _) => return Err(wrong_kind(path, "is a directory")),
            (_, EntryKind::Directory) => return Err(wrong_kind(path, "is not a directory")),
            _ => {}
        }
        self.nodes.remove(&at);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &RemotePath, to: &RemotePath, replace: bool) -> Result<()> {
        let (from, node) = self.find(from, false)?;
        let is_dir = node.kind() == EntryKind::Directory;
        let to = self.resolve(to, false)?;
        if let Some(target) = self.nodes.get(&to) {
            if !replace {
                return Err(Error::new(ErrorKind::AlreadyExists, "the target exists").with("path", &to));
            }
            if target.kind() == EntryKind::Directory || is_dir {
                return Err(wrong_kind(&to, "is a directory, or would replace a file by one"));
            }
        }
        let moved: Vec<RemotePath> = self
            .nodes
            .keys()
            .filter(|path| path.strip_base(&from).is_some())
            .cloned()
            .collect();
        for path in moved {
            if let (Some(node), Some(below)) = (self.nodes.remove(&path), path.strip_base(&from)) {
                self.nodes.insert(to.join_below(&below), node);
            }
        }
        Ok(())
    }
}

fn names(path: &RemotePath) -> impl DoubleEndedIterator<Item = RemoteName> {
    path.segments().filter_map(|s| RemoteName::new(s).ok())
}

pub(super) fn not_found(path: &RemotePath) -> Error {
    Error::new(ErrorKind::NotFound, "no such file or directory").with("path", path)
}

pub(super) fn wrong_kind(path: &RemotePath, what: &str) -> Error {
    Error::new(ErrorKind::WrongKind, format!("{path} {what}"))
}
