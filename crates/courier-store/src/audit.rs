//! Audit records (specification 6.15): appended, chained and read, never changed.

mod adopt;
mod canonical;
mod chain;
mod retention;
mod seal;
mod verify;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, EntityTrait, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Alias, Expr, ExprTrait},
};
use serde_json::Value;
use uuid::Uuid;

use canonical::durable;

use crate::{
    Page, PageRequest, Result, Store,
    entities::audit::{Column, Entity, Model},
    ids::{first_id_at, stamp},
    page::Order,
    row,
};

pub use adopt::KEY;
pub use chain::{Authenticator, GENERAL, SEALS};
pub use seal::{SEALED, Seal};
pub use verify::{Finding, Report, What};

/// Audit records.
#[derive(Clone, Copy, Debug)]
pub struct Audit<'a>(pub(crate) &'a Store);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// Its id.
    pub id: Uuid,
    /// The connection it happened on, which may be gone since.
    pub connection_id: Option<Uuid>,
    /// What happened, in snake_case: `upload`, `host_key_approved`, …
    pub operation: String,
    /// The execution it happened in.
    pub job_execution_id: Option<Uuid>,
    /// The user's name, or `system`.
    pub performed_by: String,
    /// When.
    pub performed_at: Timestamp,
    /// Bytes that moved, for uploads and downloads.
    pub bytes_transferred: Option<u64>,
    /// How long it took, milliseconds.
    pub duration_ms: Option<u64>,
    /// An object with what else is known: path, error, fingerprints, …
    pub details: Value,
    /// Its place among the others; none where it is not from Courier.
    pub link: Option<Link>,
}

/// Where a record is in its chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The chain: the connection's id, [`GENERAL`] or [`SEALS`].
    pub chain: Uuid,
    /// The place, from 1 without gaps.
    pub seq: u64,
    /// The authentication code over this record and the one before it, as hexadecimal digits.
    pub mac: String,
}

/// One thing to be recorded. Its time is the moment of writing.
#[derive(Clone, Debug, PartialEq)]
pub struct NewAudit {
    /// The connection it happens on.
    pub connection_id: Option<Uuid>,
    /// What happens, in snake_case.
    pub operation: String,
    /// The execution it happens in.
    pub job_execution_id: Option<Uuid>,
    /// The user's name, or `system`.
    pub performed_by: String,
    /// Bytes that moved.
    pub bytes_transferred: Option<u64>,
    /// How long it took, milliseconds.
    pub duration_ms: Option<u64>,
    /// What else is known; an object. No secrets.
    pub details: Value,
}

impl NewAudit {
    /// A record of this operation by this user, with nothing else in it yet.
    pub fn new(operation: impl Into<String>, performed_by: impl Into<String>) -> Self {
        Self {
            connection_id: None,
            operation: operation.into(),
            job_execution_id: None,
            performed_by: performed_by.into(),
            bytes_transferred: None,
            duration_ms: None,
            details: Value::Object(Default::default()),
        }
    }
}

/// Which records are wanted; what is `None` excludes nothing, but seals come only where their operation is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Of this operation.
    pub operation: Option<String>,
    /// On this connection.
    pub connection_id: Option<Uuid>,
    /// In this execution.
    pub job_execution_id: Option<Uuid>,
    /// By this user.
    pub performed_by: Option<String>,
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

/// How much moved one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

/// How much moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// To partners.
    pub uploads: Volume,
    /// From partners.
    pub downloads: Volume,
}

impl Audit<'_> {
    /// Appends records, all of them or none.
    ///
    /// # Errors
    /// [`Error::AuditChain`](crate::Error::AuditChain) where a chain isn't as Courier left it or the key was not given,
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn append(&self, records: Vec<NewAudit>) -> Result<()> {
        self.0
            .transact(async |db| self.0.append_audit(db, records).await)
            .await
    }

    /// Records, newest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`](crate::Error::BadCursor), [`Error::Database`](crate::Error::Database),
    /// [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn list(&self, filter: &AuditFilter, page: &PageRequest) -> Result<Page<AuditRecord>> {
        let rows = page
            .apply(filter.select(), Column::Id, Order::NewestFirst)?
            .all(self.0.read())
            .await?;
        page.page(rows, |row| row.id).try_map(AuditRecord::try_from)
    }

    /// Up to so many records, oldest first, from the one after this on: for reading all of them, page by page.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn oldest(
        &self,
        filter: &AuditFilter,
        after: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<AuditRecord>> {
        let mut query = filter.select();
        if let Some(after) = after {
            query = query.filter(Column::Id.gt(after));
        }
        let rows = query
            .order_by_asc(Column::Id)
            .limit(limit)
            .all(self.0.read())
            .await?;
        rows.into_iter().map(AuditRecord::try_from).collect()
    }

    /// How much moved since then: the operations `upload` and `download`. Of one that failed the bytes count that moved
    /// until then; a file it is not.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub async fn totals(&self, since: Timestamp) -> Result<Totals> {
        Ok(Totals {
            uploads: self.volume("upload", since).await?,
            downloads: self.volume("download", since).await?,
        })
    }

    async fn volume(&self, operation: &str, since: Timestamp) -> Result<Volume> {
        #[derive(FromQueryResult)]
        struct Sum {
            files: i64,
            bytes: Option<i64>,
        }
        let sum = Entity::find()
            .select_only()
            // Both databases write it so.
            .column_as(
                Expr::cust("COUNT(CASE WHEN (details -> 'error') IS NULL THEN 1 END)"),
                "files",
            )
            // PostgreSQL sums BIGINT as NUMERIC.
            .column_as(
                Expr::expr(Column::BytesTransferred.sum()).cast_as(Alias::new("BIGINT")),
                "bytes",
            )
            .filter(Column::Operation.eq(operation))
            .filter(Column::BytesTransferred.is_not_null())
            .filter(Column::Id.gte(first_id_at(since)))
            .into_model::<Sum>()
            .one(self.0.read())
            .await?;
        Ok(sum.map_or_else(Volume::default, |sum| Volume {
            files: row::amount(sum.files),
            bytes: row::amount(sum.bytes.unwrap_or(0)),
        }))
    }
}

impl AuditFilter {
    fn select(&self) -> Select<Entity> {
        let mut query = Entity::find();
        query = match &self.operation {
            Some(operation) => query.filter(Column::Operation.eq(row::clean(operation))),
            None => query.filter(Column::Operation.ne(SEALED)),
        };
        if let Some(id) = self.connection_id {
            query = query.filter(Column::ConnectionId.eq(id));
        }
        if let Some(id) = self.job_execution_id {
            query = query.filter(Column::JobExecutionId.eq(id));
        }
        if let Some(user) = &self.performed_by {
            query = query.filter(Column::PerformedBy.eq(row::clean(user)));
        }
        if let Some(since) = self.since {
            query = query.filter(Column::Id.gte(first_id_at(since)));
        }
        if let Some(until) = self.until {
            query = query.filter(Column::Id.lt(first_id_at(until)));
        }
        query
    }
}

/// The row of a record, without its place in a chain.
fn row_of(record: NewAudit) -> Model {
    let (id, performed_at) = stamp();
    Model {
        id,
        connection_id: record.connection_id,
        operation: row::clean(&record.operation),
        job_execution_id: record.job_execution_id,
        performed_by: row::clean(&record.performed_by),
        performed_at: performed_at.as_microsecond(),
        bytes_transferred: record.bytes_transferred.map(row::stored),
        duration_ms: record.duration_ms.map(row::stored),
        details: durable(row::clean_json(record.details)),
        chain: None,
        seq: None,
        mac: None,
    }
}

impl TryFrom<Model> for AuditRecord {
    type Error = crate::Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            id: row.id,
            connection_id: row.connection_id,
            operation: row.operation,
            job_execution_id: row.job_execution_id,
            performed_by: row.performed_by,
            performed_at: row::time(row.performed_at)?,
            bytes_transferred: row.bytes_transferred.map(row::amount),
            duration_ms: row.duration_ms.map(row::amount),
            details: row.details,
            link: link(row.chain, row.seq, row.mac),
        })
    }
}

fn link(chain: Option<Uuid>, seq: Option<i64>, mac: Option<Vec<u8>>) -> Option<Link> {
    Some(Link {
        chain: chain?,
        seq: row::amount(seq?),
        mac: hex(&mac?),
    })
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a text can't fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// What [`hex`] wrote.
fn unhex(digits: &str) -> Option<Vec<u8>> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).ok()?, 16).ok())
        .collect()
}
