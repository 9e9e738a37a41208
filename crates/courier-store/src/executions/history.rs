//! The states that an execution went through, each with the time, the node and the reason.

use jiff::Timestamp;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
};
use uuid::Uuid;

use super::ExecutionState;
use crate::{
    Error, Result, Store,
    entities::execution_history::{Column, Entity, Model},
    ids::stamp,
    row,
};

/// A state that an execution came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state.
    pub state: ExecutionState,
    /// When.
    pub at: Timestamp,
    /// The node that had it then.
    pub node: Option<String>,
    /// Why, where the state doesn't say it: "the node n1 died", …
    pub reason: Option<String>,
}

/// Notes a state, in the transaction that brings it.
pub(super) async fn note(
    db: &impl ConnectionTrait,
    execution: Uuid,
    state: ExecutionState,
    node: Option<&str>,
    reason: Option<&str>,
) -> Result<()> {
    let (id, at) = stamp();
    let row = Model {
        id,
        execution_id: execution,
        state: state.as_str().into(),
        node: node.map(row::clean),
        reason: reason.map(row::clean),
        at: at.as_microsecond(),
    };
    Entity::insert(row.into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    Ok(())
}

pub(super) async fn of(store: &Store, execution: Uuid) -> Result<Vec<Transition>> {
    let rows = Entity::find()
        .filter(Column::ExecutionId.eq(execution))
        .order_by_asc(Column::Id)
        .all(store.read())
        .await?;
    rows.into_iter().map(Transition::try_from).collect()
}

impl TryFrom<Model> for Transition {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self> {
        Ok(Self {
            state: row::word("execution_history.state", &row.state)?,
            at: row::time(row.at)?,
            node: row.node,
            reason: row.reason,
        })
    }
}
