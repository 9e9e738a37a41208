//! Pages of lists.

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::{Error, Result};

/// Which part of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most; 0 counts as 1.
    pub limit: u64,
    /// [`Page::next_cursor`] of the page before; none for the first page.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// The first page, of this many items at most.
    pub fn first(limit: u64) -> Self {
        Self { limit, cursor: None }
    }
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What asks for the page after this one; none on the last.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next_cursor: self.next_cursor,
        }
    }

    /// The same page of something else, where turning an item into it can fail.
    ///
    /// # Errors
    /// The first failure.
    pub fn try_map<U, E>(self, f: impl FnMut(T) -> Result<U, E>) -> Result<Page<U>, E> {
        Ok(Page {
            items: self.items.into_iter().map(f).collect::<Result<_, E>>()?,
            next_cursor: self.next_cursor,
        })
    }
}

/// Which end of a list comes first. Ids sort by creation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

impl PageRequest {
    /// Narrows a query to this page, and one row more, which tells whether another page follows.
    pub(crate) fn apply<Q, C>(&self, query: Q, id: C, order: Order) -> Result<Q>
    where
        Q: QueryFilter + QueryOrder + QuerySelect,
        C: ColumnTrait,
    {
        let after = match &self.cursor {
            Some(cursor) => Some(cursor.parse::<Uuid>().map_err(|_| Error::BadCursor)?),
            None => None,
        };
        let query = match (order, after) {
            (Order::OldestFirst, Some(after)) => query.filter(id.gt(after)),
            (Order::NewestFirst, Some(after)) => query.filter(id.lt(after)),
            (_, None) => query,
        };
        let query = match order {
            Order::OldestFirst => query.order_by_asc(id),
            Order::NewestFirst => query.order_by_desc(id),
        };
        Ok(query.limit(self.rows() + 1))
    }

    /// The page out of the rows that [`Self::apply`] asked for.
    pub(crate) fn page<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> Uuid) -> Page<T> {
        let limit = usize::try_from(self.rows()).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows
            .last()
            .filter(|_| more)
            .map(|row| id(row).simple().to_string());
        Page {
            items: rows,
            next_cursor,
        }
    }

    fn rows(&self) -> u64 {
        self.limit.clamp(1, 10_000)
    }
}
