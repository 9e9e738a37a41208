//! Is the database itself in order?

use jiff::{SignedDuration, Timestamp};
use sea_orm::{ConnectionTrait, Statement};

use crate::{Kind, Result, Store, row};

/// As many problems of one kind as are worth naming.
const SHOWN: usize = 5;

impl Store {
    /// What is wrong with the database's file or its references, in words; nothing where all is well. PostgreSQL looks
    /// after that itself.
    ///
    /// # Errors
    /// [`Error::Database`](crate::Error::Database), [`Error::Unavailable`](crate::Error::Unavailable).
    pub async fn integrity(&self) -> Result<Vec<String>> {
        self.ping().await?;
        if self.kind() == Kind::Postgres {
            return Ok(Vec::new());
        }
        let backend = self.read().get_database_backend();
        let ask = |pragma: &str| Statement::from_string(backend, pragma);
        let mut problems = Vec::new();
        for answer in self.read().query_all_raw(ask("PRAGMA quick_check")).await? {
            let said: String = answer.try_get_by_index(0)?;
            if said != "ok" {
                problems.push(said);
            }
        }
        for answer in self.read().query_all_raw(ask("PRAGMA foreign_key_check")).await? {
            let (table, parent): (String, String) =
                (answer.try_get_by_index(0)?, answer.try_get_by_index(2)?);
            problems.push(format!("a row of {table} refers to one of {parent} that is gone"));
        }
        problems.truncate(SHOWN);
        Ok(problems)
    }

    /// By how much the database server's clock is ahead of this machine's; none where there is no server.
    ///
    /// # Errors
    /// As [`Self::integrity`].
    pub async fn clock_ahead(&self) -> Result<Option<SignedDuration>> {
        if self.kind() == Kind::Sqlite {
            return Ok(None);
        }
        let question = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)";
        let backend = self.read().get_database_backend();
        let answer = self
            .read()
            .query_one_raw(Statement::from_string(backend, question))
            .await?;
        let Some(answer) = answer else { return Ok(None) };
        let theirs = row::time(answer.try_get_by_index(0)?)?;
        Ok(Some(theirs.duration_since(Timestamp::now())))
    }
}
