//! Verifying: is every record as it was written, and is none missing?
//!
//! Each chain is read once, from its base to its head, in one snapshot of the database, page by page: a server may go on
//! recording meanwhile.

mod finding;
mod seals;
mod walk;

use std::collections::BTreeMap;

use jiff::Timestamp;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter, QueryOrder,
    QueryResult, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait},
};
use uuid::Uuid;

use super::{
    Audit, KEY, Seal,
    chain::{Authenticator, SEALS, base_is_genuine, head_is_genuine},
};
use crate::{
    Kind, Result, Store,
    entities::{audit, audit_chains, settings},
    row,
    words::words,
};
use walk::{End, Walk};

/// Records that are read at once, and seals, which are longer.
const PAGE: u64 = 1000;
const SEALS_PAGE: u64 = 50;

words! {
    /// What is wrong in a chain.
    What {
        /// A record isn't what was written.
        Changed = "changed",
        /// A record is missing between others.
        Removed = "removed",
        /// A record is there that Courier didn't write.
        Inserted = "inserted",
        /// The newest records are missing.
        CutOff = "cut_off",
        /// The chain's head isn't what was written, or is gone.
        Head = "head",
        /// A seal, or the copy of one outside of the database, names another record.
        Seal = "seal",
        /// The chain's base isn't what was written.
        Base = "base",
    }
}

/// The first thing that is wrong in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The chain; none for a record that is in none.
    pub chain: Option<Uuid>,
    /// The place in it: of the record, or where one is missing.
    pub seq: u64,
    /// The record, where it is there.
    pub record: Option<Uuid>,
    /// The record's time, as it says itself; where it is missing, that of the last good one before it.
    pub performed_at: Option<Timestamp>,
    /// The record's operation, as it says itself.
    pub operation: Option<String>,
    /// What is wrong.
    pub what: What,
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that are as they were written.
    pub records: u64,
    /// Chains that were looked at.
    pub chains: u64,
    /// What is wrong, the earliest first: one for each chain, or none.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Is everything as it was written?
    pub fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

impl Audit<'_> {
    /// Looks at every record, every head, base and seal, and compares the newest seal with a copy of one that was kept
    /// elsewhere. Memory is bounded, whatever the number of records.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable). What is wrong with
    /// records is no error.
    pub async fn verify(&self, key: &dyn Authenticator, kept: Option<&Seal>) -> Result<Report> {
        Verification::new(self.0, key, kept, Depth::Records).run().await
    }

    /// Looks at the ends of the chains only, which is done in an instant: is each head genuine, and its record there and as
    /// it was written?
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub async fn verify_heads(&self, key: &dyn Authenticator, kept: Option<&Seal>) -> Result<Report> {
        Verification::new(self.0, key, kept, Depth::Heads).run().await
    }
}

/// SQLite keeps anything in any column: is this an identifier?
const IS_A_CHAIN: &str = "typeof(chain) = 'blob' AND length(chain) = 16";

/// The same bytes as another type are another value to SQLite, which no filter finds.
const TYPES: &str = "typeof(id) = 'blob' AND typeof(connection_id) IN ('blob', 'null') \
    AND typeof(operation) = 'text' AND typeof(job_execution_id) IN ('blob', 'null') \
    AND typeof(performed_by) = 'text' AND typeof(details) = 'text' AND typeof(mac) = 'blob'";

/// How thoroughly.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Records,
    Heads,
}

struct Verification<'a> {
    store: &'a Store,
    key: &'a dyn Authenticator,
    kept: Option<&'a Seal>,
    depth: Depth,
    records: u64,
    chains: u64,
    findings: BTreeMap<Option<Uuid>, Finding>,
}

impl<'a> Verification<'a> {
    fn new(store: &'a Store, key: &'a dyn Authenticator, kept: Option<&'a Seal>, depth: Depth) -> Self {
        Self {
            store,
            key,
            kept,
            depth,
            records: 0,
            chains: 0,
            findings: BTreeMap::new(),
        }
    }

    async fn run(mut self) -> Result<Report> {
        let mut after = None;
        while let Some(chain) = self.next_chain(after).await? {
            // What a seal names was there before it, and is looked for in the same snapshot as the seal.
            let db = self.store.snapshot().await?;
            self.chain(&db, chain).await?;
            db.commit().await?;
            self.chains += 1;
            after = Some(chain);
        }
        if let Some(kept) = self.kept {
            let db = self.store.snapshot().await?;
            self.kept_seal(&db, kept).await?;
            db.commit().await?;
        }
        self.unchained().await?;
        let mut findings: Vec<Finding> = self.findings.into_values().collect();
        findings.sort_by_key(|finding| (finding.performed_at.is_none(), finding.performed_at));
        Ok(Report {
            records: self.records,
            chains: self.chains,
            findings,
        })
    }

    /// The next chain that has a head or a record.
    async fn next_chain(&self, after: Option<Uuid>) -> Result<Option<Uuid>> {
        let db = self.store.read();
        let mut heads = audit_chains::Entity::find()
            .select_only()
            .column(audit_chains::Column::Chain)
            .order_by_asc(audit_chains::Column::Chain);
        let mut records = audit::Entity::find()
            .select_only()
            .column(audit::Column::Chain)
            .filter(audit::Column::Chain.is_not_null())
            .order_by_asc(audit::Column::Chain);
        if self.store.kind() == Kind::Sqlite {
            heads = heads.filter(Expr::cust(IS_A_CHAIN));
            records = records.filter(Expr::cust(IS_A_CHAIN));
        }
        if let Some(after) = after {
            heads = heads.filter(audit_chains::Column::Chain.gt(after));
            records = records.filter(audit::Column::Chain.gt(after));
        }
        let head: Option<Uuid> = heads.into_tuple().one(db).await?;
        let record: Option<Uuid> = records.into_tuple().one(db).await?;
        let next = head.into_iter().chain(record).min();
        if next.is_some() || after == Some(SEALS) {
            return Ok(next);
        }
        // The head of the seals is made with the key, and is there for ever. Where it isn't, that must be seen.
        let key = settings::Entity::find_by_id(KEY).one(db).await?;
        Ok(key.map(|_| SEALS))
    }

    async fn chain(&mut self, db: &impl ConnectionTrait, chain: Uuid) -> Result<()> {
        let head = head_of(db, chain).await?;
        if let Some(head) = head.as_ref().filter(|head| !base_is_genuine(self.key, head)) {
            self.found(Finding {
                seq: row::amount(head.base_seq),
                ..self.nothing(chain, What::Base)
            });
            return Ok(());
        }
        let mut walk = Walk::new(self.key, chain, head.as_ref());
        match self.depth {
            Depth::Records => {
                if !self.records_of(db, &mut walk).await? {
                    return Ok(());
                }
            }
            Depth::Heads => {
                if !self.newest_of(db, &mut walk).await? {
                    return Ok(());
                }
            }
        }
        let genuine = head.as_ref().filter(|head| head_is_genuine(self.key, head));
        if let Some((what, seq)) = walk.compare(genuine) {
            self.found(Finding {
                seq: row::amount(seq),
                performed_at: walk.last_time(),
                ..self.nothing(chain, what)
            });
        }
        Ok(())
    }

    /// Walks over all records of a chain; answers whether they are as they were written.
    async fn records_of(&mut self, db: &impl ConnectionTrait, walk: &mut Walk<'_>) -> Result<bool> {
        let size = if walk.chain == SEALS { SEALS_PAGE } else { PAGE };
        let mut after = None;
        loop {
            let mut page = of_chain(walk.chain)
                .order_by_asc(audit::Column::Seq)
                .order_by_asc(audit::Column::Id)
                .limit(size);
            // Whoever drops the index that forbids it puts two records in one place.
            if let Some((seq, id)) = after {
                let further = audit::Column::Seq.gt(seq).or(audit::Column::Id.gt(id));
                page = page.filter(audit::Column::Seq.gte(seq)).filter(further);
            }
            let page = rows(db, &page).await?;
            if page.is_empty() {
                return Ok(true);
            }
            let mut seals = Vec::new();
            for row in page {
                let record = Record::read(&row);
                if let End::Here(mut what) = walk.step(&record) {
                    if what == What::Changed && self.next_fits_here(db, walk).await? {
                        what = What::Inserted;
                    }
                    self.found(walk.finding(what, record));
                    return Ok(false);
                }
                self.records += 1;
                after = record.seq.zip(record.id);
                if walk.chain == SEALS
                    && let Some(model) = record.model
                {
                    seals.push(model);
                }
            }
            self.seals(db, seals).await?;
        }
    }

    /// Looks at the newest record of a chain alone, and believes the one before it; answers whether it is as it was written.
    async fn newest_of(&mut self, db: &impl ConnectionTrait, walk: &mut Walk<'_>) -> Result<bool> {
        let newest = of_chain(walk.chain).order_by_desc(audit::Column::Seq).limit(2);
        let newest = rows(db, &newest).await?;
        let mut newest = newest.iter().map(Record::read);
        let Some(record) = newest.next() else {
            return Ok(true);
        };
        if let Some(before) = newest.next() {
            walk.jump_to(before);
        }
        if let End::Here(what) = walk.step(&record) {
            self.found(walk.finding(what, record));
            return Ok(false);
        }
        Ok(true)
    }

    /// Is the record after a bad one what was once in the bad one's place? Then that one was pushed in.
    async fn next_fits_here(&self, db: &impl ConnectionTrait, walk: &Walk<'_>) -> Result<bool> {
        let next = of_chain(walk.chain).filter(audit::Column::Seq.eq(walk.expected() + 1));
        let next = rows(db, &next).await?;
        Ok(next.first().is_some_and(|row| walk.fits(&Record::read(row))))
    }

    /// Records in no chain.
    async fn unchained(&mut self) -> Result<()> {
        let mut outside = audit::Column::Chain
            .is_null()
            .or(audit::Column::Seq.is_null())
            .or(audit::Column::Mac.is_null());
        // SQLite keeps anything in any column; what isn't of the column's type is in no place of any chain.
        if self.store.kind() == Kind::Sqlite {
            outside = outside.or(Expr::cust(format!(
                "NOT ({IS_A_CHAIN}) OR typeof(seq) <> 'integer'"
            )));
        }
        let outside = audit::Entity::find().filter(outside);
        let first = outside.order_by_asc(audit::Column::Id).limit(1);
        for row in rows(self.store.read(), &first).await? {
            let record = Record::read(&row);
            let finding = Finding {
                chain: None,
                seq: 0,
                ..Walk::new(self.key, Uuid::nil(), None).finding(What::Inserted, record)
            };
            self.found(finding);
        }
        Ok(())
    }

    /// Of a chain the first finding counts.
    fn found(&mut self, finding: Finding) {
        let first = self
            .findings
            .entry(finding.chain)
            .or_insert_with(|| finding.clone());
        if finding.seq < first.seq {
            *first = finding;
        }
    }

    /// A finding in a chain, without a record.
    fn nothing(&self, chain: Uuid, what: What) -> Finding {
        Finding {
            chain: Some(chain),
            seq: 0,
            record: None,
            performed_at: None,
            operation: None,
            what,
        }
    }
}

/// A row as it may have become: what can't be read is none.
struct Record {
    id: Option<Uuid>,
    seq: Option<i64>,
    model: Option<audit::Model>,
}

impl Record {
    fn read(row: &QueryResult) -> Self {
        let of_its_types = row.try_get("", "of_its_types").unwrap_or(true);
        Self {
            id: row.try_get("", "id").ok(),
            seq: row.try_get("", "seq").ok(),
            model: audit::Model::from_query_result(row, "")
                .ok()
                .filter(|_| of_its_types),
        }
    }
}

fn of_chain(chain: Uuid) -> Select<audit::Entity> {
    audit::Entity::find().filter(audit::Column::Chain.eq(chain))
}

/// Rows that are read one by one, so that one that can't be is no failure of all.
async fn rows(db: &impl ConnectionTrait, query: &Select<audit::Entity>) -> Result<Vec<QueryResult>> {
    let mut query = query.clone();
    if db.get_database_backend() == DbBackend::Sqlite {
        query = query.expr_as(Expr::cust(TYPES), "of_its_types");
    }
    Ok(db.query_all(query.as_query()).await?)
}

/// The head of a chain; none where it isn't there or can't be read.
async fn head_of(db: &impl ConnectionTrait, chain: Uuid) -> Result<Option<audit_chains::Model>> {
    let row = db
        .query_one(audit_chains::Entity::find_by_id(chain).as_query())
        .await?;
    Ok(row.and_then(|row| audit_chains::Model::from_query_result(&row, "").ok()))
}
