//! System settings: what somebody has set. Defaults are for those who ask.

use jiff::Timestamp;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel, QueryOrder, sea_query::OnConflict};
use serde_json::Value;

use crate::{
    Result, Store,
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

    /// Sets a setting.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn set(&self, key: &str, value: Value, by: &str) -> Result<Setting> {
        let row = Model {
            key: row::clean(key),
            value: row::clean_json(value),
            updated_at: now().as_microsecond(),
            updated_by: by.into(),
        };
        let replace = OnConflict::column(Column::Key)
            .update_columns([Column::Value, Column::UpdatedAt, Column::UpdatedBy])
            .to_owned();
        Entity::insert(row.clone().into_active_model().reset_all())
            .on_conflict(replace)
            .exec_without_returning(self.0.write())
            .await?;
        row.try_into()
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
