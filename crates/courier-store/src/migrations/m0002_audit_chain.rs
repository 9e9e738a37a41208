//! Audit records become chains: each has its place and an authentication code over itself and the one before it.
//!
//! Records that are there already get theirs when the key is made, which the database doesn't know. The triggers stop
//! accidents and whoever may only run SQL; who may drop them is found out by the codes.

use sea_orm_migration::{
    DbErr, MigrationName, MigrationTrait, SchemaManager,
    sea_orm::{ConnectionTrait, DbBackend},
};

use super::statements;

#[derive(Debug)]
pub(crate) struct Migration;

impl MigrationName for Migration {
    fn name(&self) -> &str {
        "m0002_audit_chain"
    }
}

// The trait is declared with this lifetime elided, and async-trait wants the same.
#[allow(elided_lifetimes_in_paths)]
#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let triggers = match db.get_database_backend() {
            DbBackend::Sqlite => SQLITE_TRIGGERS,
            _ => POSTGRES_TRIGGERS,
        };
        statements::run(db, TABLES).await?;
        statements::run(db, triggers).await
    }
}

const TABLES: &[&str] = &[
    "ALTER TABLE audit ADD COLUMN chain {id}",
    "ALTER TABLE audit ADD COLUMN seq BIGINT",
    "ALTER TABLE audit ADD COLUMN mac {bytes}",
    "CREATE UNIQUE INDEX audit_seq_key ON audit (chain, seq)",
    "CREATE TABLE audit_chains (
        chain {id} PRIMARY KEY NOT NULL,
        seq BIGINT NOT NULL,
        mac {bytes} NOT NULL,
        head_mac {bytes} NOT NULL,
        base_seq BIGINT NOT NULL,
        base_mac {bytes} NOT NULL,
        base_auth {bytes} NOT NULL,
        sealed_seq BIGINT NOT NULL
    )",
];

/// `INSERT OR REPLACE` deletes without calling a trigger of deletions, so insertions have one.
const SQLITE_TRIGGERS: &[&str] = &[
    "CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit WHEN OLD.mac IS NOT NULL
    BEGIN SELECT RAISE(ABORT, 'audit records are never changed'); END",
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit
    WHEN NOT EXISTS (SELECT 1 FROM audit_chains c WHERE c.chain = OLD.chain AND c.base_seq >= OLD.seq)
    BEGIN SELECT RAISE(ABORT, 'audit records are never deleted, but by their retention'); END",
    "CREATE TRIGGER audit_not_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
        OR EXISTS (SELECT 1 FROM audit WHERE chain = NEW.chain AND seq = NEW.seq)
    BEGIN SELECT RAISE(ABORT, 'audit records are never replaced'); END",
    "CREATE TRIGGER audit_chains_grow BEFORE UPDATE ON audit_chains
    WHEN NEW.chain IS NOT OLD.chain OR NEW.seq < OLD.seq OR NEW.base_seq < OLD.base_seq OR NEW.base_seq > NEW.seq
    BEGIN SELECT RAISE(ABORT, 'a chain of audit records only grows'); END",
    "CREATE TRIGGER audit_chains_kept BEFORE DELETE ON audit_chains
    BEGIN SELECT RAISE(ABORT, 'a chain of audit records is never deleted'); END",
];

const POSTGRES_TRIGGERS: &[&str] = &[
    "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION 'audit records are never changed, and deleted only by their retention';
    END $$",
    "CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NOT EXISTS (SELECT 1 FROM audit_chains c WHERE c.chain = OLD.chain AND c.base_seq >= OLD.seq) THEN
            RAISE EXCEPTION 'audit records are never deleted, but by their retention';
        END IF;
        RETURN OLD;
    END $$",
    "CREATE TRIGGER audit_unchanged BEFORE UPDATE ON audit FOR EACH ROW
    WHEN (OLD.mac IS NOT NULL) EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_kept BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keep()",
    "CREATE TRIGGER audit_not_emptied BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_chains_grow BEFORE UPDATE ON audit_chains FOR EACH ROW
    WHEN (NEW.chain <> OLD.chain OR NEW.seq < OLD.seq OR NEW.base_seq < OLD.base_seq OR NEW.base_seq > NEW.seq)
    EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_chains_kept BEFORE DELETE ON audit_chains FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_chains_not_emptied BEFORE TRUNCATE ON audit_chains FOR EACH STATEMENT
    EXECUTE FUNCTION audit_refuse()",
];
