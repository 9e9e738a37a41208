//! The health that a connection is shown with: its own, or that of the folder mappings which pull by themselves, whichever
//! is graver. Whether it may be used depends on its own alone.

use sea_orm::sea_query::{Expr, SimpleExpr};

/// It, as an expression over a row of `connections`.
pub(super) fn health() -> SimpleExpr {
    let graver = |health| {
        format!(
            "WHEN connections.health = '{health}' OR EXISTS (SELECT 1 FROM folder_mappings AS mapping \
             WHERE mapping.connection_id = connections.id AND mapping.enabled AND mapping.health = '{health}') THEN '{health}'"
        )
    };
    let (attention, failing) = (graver("requires_attention"), graver("failing"));
    Expr::cust(format!("CASE {attention} {failing} ELSE connections.health END"))
}
