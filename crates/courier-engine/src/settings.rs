//! System settings: one table, typed.

use courier_transfer::settings::{Default as Standard, Kind, Setting};
use serde_json::{Value, json};

use crate::{Actor, Engine, Error, Result, audit::Entry};

pub(crate) const INSECURE_TRUST_REQUIRE_ADMIN: Setting = Setting::optional(
    "security.insecure_trust_require_admin",
    Kind::Bool,
    "Only an admin may give a connection the host key policy always_trust or the certificate policy insecure.",
)
.or(Standard::Bool(true));

pub(crate) const INSECURE_TRUST_ALLOW_PRODUCTION: Setting = Setting::optional(
    "security.insecure_trust_allow_production",
    Kind::Bool,
    "Connections may use the host key policy always_trust and the certificate policy insecure in production, too.",
)
.or(Standard::Bool(false));

pub(crate) const FIPS_MODE: Setting = Setting::optional(
    "security.fips_mode_enabled",
    Kind::Bool,
    "Approved algorithms only: AES in GCM and CTR mode, SHA-2, HMAC with it, key agreement and signatures over P-256, P-384 and \
     P-521, RSA from 2048 bits, Diffie-Hellman groups 14 to 18 with SHA-2. Connections offer and accept nothing else, and those \
     that accept any host key or certificate are refused. A connection's fips_override exempts it from the algorithms.",
)
.or(Standard::Bool(false));

pub(crate) const HOST_KEY_APPROVAL_REQUIRE_ADMIN: Setting = Setting::optional(
    "security.host_key_approval_require_admin",
    Kind::Bool,
    "Only an admin may decide which host key a connection trusts.",
)
.or(Standard::Bool(true));

pub(crate) const AUDIT_RETENTION_DAYS: Setting = Setting::optional(
    "audit.retention_days",
    Kind::Integer { min: 0, max: 36_500 },
    "Audit records that are older are removed, once an hour; what remains can still be verified. 0 keeps them for ever.",
)
.or(Standard::Integer(0));

static TABLE: &[Setting] = &[
    INSECURE_TRUST_REQUIRE_ADMIN,
    INSECURE_TRUST_ALLOW_PRODUCTION,
    FIPS_MODE,
    HOST_KEY_APPROVAL_REQUIRE_ADMIN,
    AUDIT_RETENTION_DAYS,
];

/// System settings.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a>(pub(crate) &'a Engine);

/// A system setting with its value.
#[derive(Clone, Debug)]
pub struct SystemSetting {
    /// What it is: its key (`name`), type, default and help.
    pub setting: &'static Setting,
    /// Its value; the default where nobody set it.
    pub value: Value,
}

impl Settings<'_> {
    /// All of them.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list(&self) -> Result<Vec<SystemSetting>> {
        let mut all = Vec::with_capacity(TABLE.len());
        for setting in TABLE {
            all.push(SystemSetting {
                setting,
                value: self.value(setting).await?,
            });
        }
        Ok(all)
    }

    /// One.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn get(&self, key: &str) -> Result<SystemSetting> {
        let setting = find(key)?;
        Ok(SystemSetting {
            setting,
            value: self.value(setting).await?,
        })
    }

    /// Sets one; `null` goes back to the default.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`] for another type, [`Error::Store`].
    pub async fn set(&self, actor: &Actor, key: &str, value: Value) -> Result<SystemSetting> {
        let setting = find(key)?;
        let value = if value.is_null() { default(setting) } else { value };
        if let Some(message) = setting.check(&value) {
            return Err(Error::field("value", message));
        }
        let record = |before: Option<&Value>| {
            let before = before.cloned().unwrap_or_else(|| default(setting));
            let details = json!({"key": key, "before": before, "after": value});
            Entry::new("setting_changed", &actor.name, details).into()
        };
        let settings = self.0.0.store.settings();
        settings.change(key, value.clone(), &actor.name, record).await?;
        Ok(SystemSetting { setting, value })
    }

    /// Is a switch on?
    pub(crate) async fn flag(&self, setting: &Setting) -> Result<bool> {
        Ok(self.value(setting).await? == Value::Bool(true))
    }

    /// A number; 0 where what is stored is none.
    pub(crate) async fn number(&self, setting: &Setting) -> Result<i64> {
        Ok(self.value(setting).await?.as_i64().unwrap_or_default())
    }

    async fn value(&self, setting: &Setting) -> Result<Value> {
        let stored = self.0.0.store.settings().get(setting.name).await?;
        Ok(stored.map_or_else(|| default(setting), |s| s.value))
    }
}

fn find(key: &str) -> Result<&'static Setting> {
    TABLE
        .iter()
        .find(|s| s.name == key)
        .ok_or_else(|| Error::not_found("setting", key))
}

fn default(setting: &Setting) -> Value {
    setting.default.value().unwrap_or_default()
}
