//! System settings: what somebody has set. Defaults are for those who ask.

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect, sea_query::OnConflict,
};
use serde_json::Value;

use crate::{
    Result, Store,
    audit::NewAudit,
    entities::settings::{Column, Entity, Model},
    ids::now,
    row,
};

/// System settings.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a>(pub(crate) &'a Store);

/// A setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its key, such as `security.fips_mode_enabled`.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// When it was set.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

impl Settings<'_> {
    /// A setting; none where nobody has set it.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn get(&self, key: &str) -> Result<Option<Setting>> {
        Entity::find_by_id(row::clean(key))
            .one(self.0.read())
            .await?
            .map(Setting::try_from)
            .transpose()
    }

    /// Every setting that somebody has set, by key.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn all(&self) -> Result<Vec<Setting>> {
        let rows = Entity::find()
            .order_by_asc(Column::Key)
            .all(self.0.read())
            .await?;
        rows.into_iter().map(Setting::try_from).collect()
    }

    /// Sets a value that is Courier's own. What somebody decides is set by [`Self::change`].
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn set(&self, key: &str, value: Value, by: &str) -> Result<Setting> {
        let row = new_row(key, value, by);
        let replace = OnConflict::column(Column::Key)
            .update_columns([Column::Value, Column::UpdatedAt, Column::UpdatedBy])
            .to_owned();
        Entity::insert(row.clone().into_active_model().reset_all())
            .on_conflict(replace)
            .exec_without_returning(self.0.write())
            .await?;
        row.try_into()
    }

    /// Sets a setting, with the audit record of it: `record` is given what was set until this moment, if anything.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn change(
        &self,
        key: &str,
        value: Value,
        by: &str,
        record: impl FnOnce(Option<&Value>) -> NewAudit,
    ) -> Result<Setting> {
        let row = new_row(key, value, by);
        self.0
            .transact(async |db| {
                // Whoever comes second waits here for the first, also where there was no row to lock.
                let keep = OnConflict::column(Column::Key).do_nothing().to_owned();
                let all = row.clone().into_active_model().reset_all();
                let inserted = Entity::insert(all.clone())
                    .on_conflict(keep)
                    .exec_without_returning(db)
                    .await?;
                let before = match inserted {
                    0 => {
                        let before = Entity::find_by_id(row.key.as_str())
                            .lock_exclusive()
                            .one(db)
                            .await?;
                        Entity::update_many()
                            .set(all)
                            .filter(Column::Key.eq(row.key.as_str()))
                            .exec(db)
                            .await?;
                        before.map(|before| before.value)
                    }
                    _ => None,
                };
                self.0.append_audit(db, vec![record(before.as_ref())]).await?;
                row.try_into()
            })
            .await
    }
}

/// Sets a setting that nobody has set, and answers whether nobody had. Whoever comes second waits for the first.
pub(crate) async fn insert(db: &impl ConnectionTrait, key: &str, value: Value) -> Result<bool> {
    let keep = OnConflict::column(Column::Key).do_nothing().to_owned();
    let inserted = Entity::insert(new_row(key, value, "system").into_active_model().reset_all())
        .on_conflict(keep)
        .exec_without_returning(db)
        .await?;
    Ok(inserted > 0)
}

fn new_row(key: &str, value: Value, by: &str) -> Model {
    Model {
        key: row::clean(key),
        value: row::clean_json(value),
        updated_at: now().as_microsecond(),
        updated_by: by.into(),
    }
}

impl TryFrom<Model> for Setting {
    type Error = crate::Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            key: row.key,
            value: row.value,
            updated_at: row::time(row.updated_at)?,
            updated_by: row.updated_by,
        })
    }
}
