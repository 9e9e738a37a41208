//! Is everything in order? Looks, and changes nothing.

use std::path::Path;

use courier_storage::StorageUrl;
use courier_store::{Kind, PageRequest, connections::Health, users::Role};
use futures::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Admin;
use crate::{Environment, Result, audit, secrets, settings, storages::warnings_of, trust::Insecure};

/// Values that are opened at once.
const AT_ONCE: usize = 8;

/// How far two clocks may be apart.
const CLOCKS: SignedDuration = SignedDuration::from_secs(5);

/// As many of a kind as are worth naming.
const SHOWN: usize = 5;

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Somebody should look at it.
    Warn,
    /// It does not work, or isn't safe.
    Fail,
}

/// What was looked at, and how it stands.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What: `database`, `sealed values`, …
    pub check: &'static str,
    /// How it stands.
    pub status: Status,
    /// In words: what is, and what to do about it.
    pub message: String,
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            status: Status::Ok,
            message: message.into(),
        }
    }

    /// Somebody should look at it.
    pub fn warn(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            status: Status::Warn,
            message: message.into(),
        }
    }

    /// It does not work, or isn't safe.
    pub fn fail(check: &'static str, message: impl Into<String>) -> Self {
        Self {
            check,
            status: Status::Fail,
            message: message.into(),
        }
    }
}

impl Admin {
    /// Looks at the database and at what is in it. `anchor` is where a server keeps the newest seal of the audit log; `full`
    /// looks at every audit record.
    ///
    /// # Errors
    /// [`Error::Store`](crate::Error::Store) where the database can't be asked at all.
    pub async fn doctor(&self, environment: Environment, anchor: &Path, full: bool) -> Result<Vec<Finding>> {
        let mut found = vec![self.database().await?];
        found.push(self.key_provider().await);
        found.push(self.sealed_values().await?);
        found.push(self.clocks().await?);
        found.push(self.users().await?);
        found.extend(self.settings(environment).await?);
        found.push(self.connections().await?);
        found.push(self.storages().await?);
        found.push(self.audit_log(anchor, full).await);
        Ok(found)
    }

    async fn audit_log(&self, anchor: &Path, full: bool) -> Finding {
        const CHECK: &str = "audit log";
        let looked_at = match full {
            true => audit::verify(&self.store, &self.vault, Some(anchor)).await,
            false => audit::verify_heads(&self.store, &self.vault, Some(anchor)).await,
        };
        match looked_at {
            Ok(report) => match (report.findings.first(), full) {
                (Some(first), _) => {
                    Finding::fail(CHECK, format!("{first}; courier admin verify-audit tells more"))
                }
                (None, true) => Finding::ok(
                    CHECK,
                    format!(
                        "all {} records of {} chains are as they were written",
                        report.records, report.chains
                    ),
                ),
                (None, false) => Finding::ok(
                    CHECK,
                    format!(
                        "the ends of all {} chains are as they were written; --full looks at every record",
                        report.chains
                    ),
                ),
            },
            Err(error) => Finding::fail(CHECK, error.to_string()),
        }
    }

    async fn database(&self) -> Result<Finding> {
        const CHECK: &str = "database";
        let problems = self.store.integrity().await?;
        Ok(match problems.is_empty() {
            // PostgreSQL looks after its files itself.
            true => match self.store.kind() {
                Kind::Postgres => Finding::ok(CHECK, "it answers, and its tables are those of this version"),
                Kind::Sqlite => Finding::ok(
                    CHECK,
                    "it answers, its tables are those of this version, and it is whole",
                ),
            },
            false => Finding::fail(
                CHECK,
                format!("it is damaged: {}; restore a backup", problems.join("; ")),
            ),
        })
    }

    async fn key_provider(&self) -> Finding {
        const CHECK: &str = "key provider";
        match self.vault.newest().await {
            Ok(newest) => Finding::ok(
                CHECK,
                format!(
                    "{}: key {} version {} wraps",
                    self.vault.describe(),
                    newest.key_id,
                    newest.key_version
                ),
            ),
            Err(error) => Finding::fail(CHECK, error.to_string()),
        }
    }

    /// Opens each of them.
    async fn sealed_values(&self) -> Result<Finding> {
        const CHECK: &str = "stored secrets";
        let newest = self.vault.newest().await.ok();
        let (mut all, mut behind, mut closed, mut last) = (0_u64, 0_u64, Vec::new(), None);
        loop {
            let page = self.store.sealed().page(last.as_ref()).await?;
            let Some(value) = page.last() else { break };
            last = Some(value.place.clone());
            let mut opened = stream::iter(page)
                .map(async |value| {
                    let under = courier_vault::Vault::sealed_under(&value.blob).ok();
                    (
                        under,
                        secrets::opens(&self.vault, &value)
                            .await
                            .map_err(|e| format!("{}: {e}", value.place)),
                    )
                })
                .buffer_unordered(AT_ONCE);
            while let Some((under, opened)) = opened.next().await {
                all += 1;
                behind += u64::from(under != newest);
                closed.extend(opened.err());
            }
        }
        let count = closed.len();
        closed.truncate(SHOWN);
        Ok(match (count, behind) {
            (0, 0) => Finding::ok(CHECK, format!("all {all} open")),
            (0, behind) => Finding::warn(
                CHECK,
                format!(
                    "all {all} open, {behind} of them under another key than the newest; courier admin rewrap moves them"
                ),
            ),
            (count, _) => Finding::fail(
                CHECK,
                format!("{count} of {all} don't open: {}", closed.join("; ")),
            ),
        })
    }

    async fn clocks(&self) -> Result<Finding> {
        const CHECK: &str = "clock";
        if let Some(ahead) = self.store.clock_ahead().await?
            && ahead.abs() > CLOCKS
        {
            let message = format!(
                "the database server's clock differs by {} seconds; set both by the network",
                ahead.as_secs()
            );
            return Ok(Finding::warn(CHECK, message));
        }
        let newest = self
            .store
            .audit()
            .list(&Default::default(), &PageRequest::first(1))
            .await?;
        let newest = newest.items.first().map(|record| record.performed_at);
        Ok(match newest {
            Some(at) if at > Timestamp::now() + CLOCKS => Finding::warn(
                CHECK,
                format!("the newest audit record is of {at}, which is yet to come: the clock was set back"),
            ),
            _ => Finding::ok(CHECK, "it agrees with what was recorded last"),
        })
    }

    async fn users(&self) -> Result<Finding> {
        const CHECK: &str = "users";
        let (mut admins, mut all, mut cursor) = (0, 0, None);
        loop {
            let page = self
                .store
                .users()
                .list(&PageRequest { limit: 1000, cursor })
                .await?;
            all += page.items.len();
            admins += page
                .items
                .iter()
                .filter(|user| user.role == Role::Admin && !user.disabled)
                .count();
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(match (all, admins) {
            (0, _) => Finding::warn(
                CHECK,
                "there is none yet; the next start of the server makes admin",
            ),
            (_, 0) => Finding::fail(CHECK, "no admin can log in: all are disabled"),
            (all, admins) => Finding::ok(CHECK, format!("{all}, {admins} of them admins who may log in")),
        })
    }

    async fn settings(&self, environment: Environment) -> Result<Vec<Finding>> {
        const CHECK: &str = "settings";
        let mut found = Vec::new();
        let production = environment == Environment::Production;
        for setting in [
            settings::INSECURE_TRUST_REQUIRE_ADMIN,
            settings::INSECURE_TRUST_ALLOW_PRODUCTION,
            settings::HOST_KEY_APPROVAL_REQUIRE_ADMIN,
        ] {
            let kept = self.store.settings().get(setting.name).await?;
            let usual = setting.default.value();
            if let Some(kept) = kept
                && Some(&kept.value) != usual.as_ref()
            {
                let message = format!(
                    "{} is {}, which is less safe than the default",
                    setting.name, kept.value
                );
                found.push(match production {
                    true => Finding::warn(CHECK, message),
                    false => Finding::ok(CHECK, message),
                });
            }
        }
        let fips = self.store.settings().get(settings::FIPS_MODE.name).await?;
        let fips = fips.is_some_and(|kept| kept.value == serde_json::Value::Bool(true));
        found.push(Finding::ok("fips mode", if fips { "on" } else { "off" }));
        if found.len() == 1 {
            found.push(Finding::ok(CHECK, "none is less safe than its default"));
        }
        Ok(found)
    }

    async fn connections(&self) -> Result<Finding> {
        const CHECK: &str = "connections";
        let (mut all, mut insecure, mut waiting, mut cursor) = (0, Vec::new(), Vec::new(), None);
        loop {
            let page = PageRequest { limit: 1000, cursor };
            let page = self.store.connections().list(&Default::default(), &page).await?;
            all += page.items.len();
            for connection in page.items {
                if connection.health == Health::RequiresAttention {
                    waiting.push(connection.name.clone());
                }
                let exempt = connection
                    .settings
                    .get("fips_override")
                    .is_some_and(|value| value == true);
                match Insecure::of(&connection) {
                    Some(insecure_choice) => {
                        insecure.push(format!("{}: {}", connection.name, insecure_choice.warning()))
                    }
                    None if exempt => insecure.push(format!("{}: exempt from FIPS mode", connection.name)),
                    None => {}
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let mut problems = Vec::new();
        for (names, what) in [
            (&mut insecure, "insecure"),
            (&mut waiting, "waiting for somebody's decision"),
        ] {
            let count = names.len();
            names.truncate(SHOWN);
            if count > 0 {
                problems.push(format!("{count} of {all} {what} ({})", names.join("; ")));
            }
        }
        Ok(match problems.is_empty() {
            true => Finding::ok(
                CHECK,
                format!(
                    "{all}, none accepts any server or is exempt from FIPS mode; weaker choices are in the warnings of \
                     courier connection list"
                ),
            ),
            false => Finding::warn(CHECK, problems.join("; ")),
        })
    }

    async fn storages(&self) -> Result<Finding> {
        const CHECK: &str = "storages";
        let (mut all, mut problems, mut cursor) = (0, Vec::new(), None);
        loop {
            let page = self
                .store
                .storages()
                .list(&PageRequest { limit: 1000, cursor })
                .await?;
            all += page.items.len();
            for storage in page.items {
                let name = &storage.name;
                let warnings = warnings_of(self.store.kind(), &storage);
                problems.extend(warnings.iter().map(|warning| format!("{name}: {warning}")));
                let url = storage.url.parse::<StorageUrl>().ok();
                if let Some(folder) = url.as_ref().and_then(StorageUrl::folder)
                    && !folder.is_dir()
                {
                    problems.push(format!("{name}: the folder {} isn't there", folder.display()));
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        problems.truncate(SHOWN);
        Ok(match problems.is_empty() {
            true => Finding::ok(
                CHECK,
                format!("{all}, none sends files in the clear; courier storage test tries them out"),
            ),
            false => Finding::warn(CHECK, problems.join("; ")),
        })
    }
}
