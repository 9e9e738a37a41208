//! Seals against chains: is what they name still there?

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{Finding, Seal, Verification, What};
use crate::{
    Result,
    audit::{
        SEALS, hex,
        seal::{Named, named},
    },
    entities::{audit, audit_chains},
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
        let there: Vec<(Uuid, i64, Option<Vec<u8>>)> = audit::Entity::find()
            .select_only()
            .columns([audit::Column::Chain, audit::Column::Seq, audit::Column::Mac])
            .filter(wanted)
            .into_tuple()
            .all(db)
            .await?;
        let there: BTreeMap<(Uuid, i64), Option<Vec<u8>>> = there
            .into_iter()
            .map(|(chain, seq, mac)| ((chain, seq), mac))
            .collect();
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
    let head = audit_chains::Entity::find_by_id(named.chain).one(db).await?;
    let trimmed = head.map_or(0, |head| head.base_seq);
    if trimmed >= named.seq {
        return Ok(None);
    }
    let newest: Option<Option<i64>> = audit::Entity::find()
        .select_only()
        .column_as(audit::Column::Seq.max(), "newest")
        .filter(audit::Column::Chain.eq(named.chain))
        .into_tuple()
        .one(db)
        .await?;
    let newest = Ord::max(newest.flatten().unwrap_or(trimmed), trimmed);
    Ok(Some(match newest < named.seq {
        true => (What::CutOff, newest + 1),
        false => (What::Removed, named.seq),
    }))
}
