//! Seals against chains: is what they name still there?

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect, QueryTrait,
};
use uuid::Uuid;

use super::{Finding, Seal, Verification, What, head_of};
use crate::{
    Result,
    audit::{
        SEALS, hex,
        seal::{Named, named},
    },
    entities::audit,
    row,
};

/// Places that are looked up at once.
const AT_ONCE: usize = 300;

impl Verification<'_> {
    /// Looks up what these seals name, which are genuine.
    pub(super) async fn seals(&mut self, db: &impl ConnectionTrait, seals: Vec<audit::Model>) -> Result<()> {
        let mut all = Vec::new();
        for seal in seals {
            all.extend(named(&seal.details).map(|named| (named, seal.performed_at)));
            while all.len() >= AT_ONCE {
                let rest = all.split_off(AT_ONCE);
                self.look_up(db, std::mem::replace(&mut all, rest)).await?;
            }
        }
        self.look_up(db, all).await
    }

    /// Looks up the seal that was kept outside of the database.
    pub(super) async fn kept_seal(&mut self, db: &impl ConnectionTrait, kept: &Seal) -> Result<()> {
        let kept_as = Named {
            chain: SEALS,
            seq: row::stored(kept.seq),
            mac: kept.mac.clone(),
        };
        self.look_up(db, vec![(kept_as, kept.at.as_microsecond())]).await
    }

    /// Looks up places, each named at that time.
    async fn look_up(&mut self, db: &impl ConnectionTrait, places: Vec<(Named, i64)>) -> Result<()> {
        let mut by_chain: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
        for (named, _) in &places {
            by_chain.entry(named.chain).or_default().push(named.seq);
        }
        if by_chain.is_empty() {
            return Ok(());
        }
        let wanted = by_chain
            .into_iter()
            .fold(Condition::any(), |any, (chain, places)| {
                any.add(
                    audit::Column::Chain
                        .eq(chain)
                        .and(audit::Column::Seq.is_in(places)),
                )
            });
        let query = audit::Entity::find().filter(wanted).select_only().columns([
            audit::Column::Chain,
            audit::Column::Seq,
            audit::Column::Mac,
        ]);
        let mut there: BTreeMap<(Uuid, i64), Option<Vec<u8>>> = BTreeMap::new();
        for row in db.query_all(query.as_query()).await? {
            let place = (row.try_get("", "chain")?, row.try_get("", "seq")?);
            there.insert(place, row.try_get("", "mac").ok());
        }
        for (named, at) in places {
            let what = match there.get(&(named.chain, named.seq)) {
                Some(mac) if mac.as_deref().map(hex).as_ref() == Some(&named.mac) => continue,
                Some(_) => (What::Seal, named.seq),
                None => match missing(db, &named).await? {
                    Some(missing) => missing,
                    None => continue,
                },
            };
            self.found(Finding {
                seq: row::amount(what.1),
                performed_at: row::time(at).ok(),
                ..self.nothing(named.chain, what.0)
            });
        }
        Ok(())
    }
}

/// Why a record that was sealed isn't there, and from where on; none where it was trimmed.
async fn missing(db: &impl ConnectionTrait, named: &Named) -> Result<Option<(What, i64)>> {
    let head = head_of(db, named.chain).await?;
    let trimmed = head.map_or(0, |head| head.base_seq);
    if trimmed >= named.seq {
        return Ok(None);
    }
    let newest = audit::Entity::find()
        .select_only()
        .column_as(audit::Column::Seq.max(), "newest")
        .filter(audit::Column::Chain.eq(named.chain));
    let newest = db.query_one(newest.as_query()).await?;
    // What is no number, as SQLite lets it be, is behind all numbers.
    let newest = newest.and_then(|row| row.try_get("", "newest").ok());
    let newest = Ord::max(newest.unwrap_or(trimmed), trimmed);
    Ok(Some(match newest < named.seq {
        true => (What::CutOff, newest + 1),
        false => (What::Removed, named.seq),
    }))
}
