//! System settings: one table, typed.

use courier_store::sealed;
use courier_transfer::settings::{Default as Standard, Kind, Setting};
use serde_json::{Value, json};

use crate::{
    Actor, Engine, Error, Result,
    alerts::{CLEAR, check_sender},
    audit::Entry,
    secrets,
};

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

pub(crate) const SSH_KEY_MAX_AGE_DAYS: Setting = Setting::optional(
    "security.ssh_key_max_age_days",
    Kind::Integer { min: 0, max: 36_500 },
    "SSH keys in use that are older are shown as due for rotation; they go on working. 0 shows none.",
)
.or(Standard::Integer(365));

pub(crate) const AUDIT_RETENTION_DAYS: Setting = Setting::optional(
    "audit.retention_days",
    Kind::Integer { min: 0, max: 36_500 },
    "Audit records that are older are removed, once an hour; what remains can still be verified. 0 keeps them for ever.",
)
.or(Standard::Integer(0));

pub(crate) const SMTP_HOST: Setting = Setting::optional(
    sealed::SMTP_HOST,
    Kind::Text,
    "The mail server that alerts are sent by. Another one takes the password away, which is for this one alone.",
);

pub(crate) const SMTP_PORT: Setting = Setting::optional(
    "smtp.port",
    Kind::Integer { min: 1, max: 65_535 },
    "Its port. Without one: 587 for starttls, 465 for tls, 25 for none.",
);

pub(crate) const SMTP_SECURITY: Setting = Setting::optional(
    "smtp.security",
    Kind::Choice {
        choices: &["starttls", "tls", CLEAR],
    },
    "How mail is kept from others on the way: starttls and tls encrypt it and check the server's certificate; none sends it in \
     the clear, and no password with it.",
)
.or(Standard::Text("starttls"));

pub(crate) const SMTP_USERNAME: Setting = Setting::optional(
    "smtp.username",
    Kind::Text,
    "The user name for the mail server; without one there is no login.",
);

pub(crate) const SMTP_PASSWORD: Setting = Setting::optional(
    sealed::SMTP_PASSWORD,
    Kind::Text,
    "The password for the mail server. It is never shown: has_value tells whether there is one.",
);

pub(crate) const SMTP_FROM: Setting = Setting::optional(
    "smtp.from",
    Kind::Text,
    "Who sends the mail: an address, with or without a name: Courier <courier@example.com>.",
);

pub(crate) const EXECUTIONS_RETENTION_DAYS: Setting = Setting::optional(
    "executions.retention_days",
    Kind::Integer { min: 0, max: 36_500 },
    "Executions that were over for longer are removed, with their steps and history; the audit log is not touched. 0 keeps them \
     for ever.",
)
.or(Standard::Integer(0));

pub(crate) const IDLE_PULL_RETENTION_MINUTES: Setting = Setting::optional(
    "executions.idle_pull_retention_minutes",
    Kind::Integer { min: 0, max: 525_600 },
    "Scheduled pulls that found nothing and were over for longer are removed, but for the last one of each folder mapping. 0 \
     keeps them as long as other executions.",
)
.or(Standard::Integer(60));

static TABLE: &[Setting] = &[
    INSECURE_TRUST_REQUIRE_ADMIN,
    INSECURE_TRUST_ALLOW_PRODUCTION,
    FIPS_MODE,
    HOST_KEY_APPROVAL_REQUIRE_ADMIN,
    SSH_KEY_MAX_AGE_DAYS,
    AUDIT_RETENTION_DAYS,
    EXECUTIONS_RETENTION_DAYS,
    IDLE_PULL_RETENTION_MINUTES,
    SMTP_HOST,
    SMTP_PORT,
    SMTP_SECURITY,
    SMTP_USERNAME,
    SMTP_PASSWORD,
    SMTP_FROM,
];

/// System settings.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a>(pub(crate) &'a Engine);

/// A system setting with its value.
#[derive(Clone, Debug)]
pub struct SystemSetting {
    /// What it is: its key (`name`), type, default and help.
    pub setting: &'static Setting,
    /// Its value; the default where nobody set it, and `null` of a secret.
    pub value: Value,
    /// Is there a value?
    pub has_value: bool,
    /// Is it never shown?
    pub secret: bool,
}

impl SystemSetting {
    fn new(setting: &'static Setting, value: Value) -> Self {
        Self {
            setting,
            has_value: !value.is_null(),
            value: if is_secret(setting) { Value::Null } else { value },
            secret: is_secret(setting),
        }
    }
}

impl Settings<'_> {
    /// All of them.
    ///
    /// # Errors
    /// [`Error::Store`].
    pub async fn list(&self) -> Result<Vec<SystemSetting>> {
        let mut all = Vec::with_capacity(TABLE.len());
        for setting in TABLE {
            all.push(SystemSetting::new(setting, self.value(setting).await?));
        }
        Ok(all)
    }

    /// One.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Store`].
    pub async fn get(&self, key: &str) -> Result<SystemSetting> {
        let setting = find(key)?;
        Ok(SystemSetting::new(setting, self.value(setting).await?))
    }

    /// Sets one; `null` goes back to the default.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Validation`] for another type, [`Error::Store`].
    pub async fn set(&self, actor: &Actor, key: &str, value: Value) -> Result<SystemSetting> {
        let setting = find(key)?;
        let value = if value.is_null() { default(setting) } else { value };
        // Without a default there may be none.
        if !value.is_null()
            && let Some(message) = setting.check(&value)
        {
            return Err(Error::field("value", message));
        }
        if setting.name == SMTP_FROM.name
            && let Some(sender) = value.as_str()
        {
            check_sender(sender)?;
        }
        let value = match (is_secret(setting), value.as_str()) {
            (true, Some(secret)) => self.sealed(secret).await?,
            _ => value,
        };
        let shown = |value: Value| match is_secret(setting) {
            true => json!({"has_value": !value.is_null()}),
            false => value,
        };
        let mut is_other = false;
        let record = |before: Option<&Value>| {
            let before = before.cloned().unwrap_or_else(|| default(setting));
            is_other = before != value;
            let details = json!({"key": key, "before": shown(before), "after": shown(value.clone())});
            Entry::new("setting_changed", &actor.name, details).into()
        };
        let settings = self.0.0.store.settings();
        settings.change(key, value.clone(), &actor.name, record).await?;
        if setting.name == SMTP_HOST.name && is_other && !self.value(&SMTP_PASSWORD).await?.is_null() {
            // It was for the other server.
            Box::pin(self.set(actor, SMTP_PASSWORD.name, Value::Null)).await?;
        }
        Ok(SystemSetting::new(setting, value))
    }

    /// The password for the mail server there is now.
    async fn sealed(&self, secret: &str) -> Result<Value> {
        let host = self.value(&SMTP_HOST).await?;
        let host = host.as_str().filter(|host| !host.is_empty());
        let host =
            host.ok_or_else(|| Error::field("value", "is for one mail server: set smtp.host first"))?;
        Ok(secrets::seal_smtp_password(self.0, host, &secret.into())
            .await?
            .into())
    }

    /// Is a switch on?
    pub(crate) async fn flag(&self, setting: &Setting) -> Result<bool> {
        Ok(self.value(setting).await? == Value::Bool(true))
    }

    /// A number; 0 where what is stored is none.
    pub(crate) async fn number(&self, setting: &Setting) -> Result<i64> {
        Ok(self.value(setting).await?.as_i64().unwrap_or_default())
    }

    /// The value; the default where nobody set it. A secret's is sealed.
    pub(crate) async fn value(&self, setting: &Setting) -> Result<Value> {
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

fn is_secret(setting: &Setting) -> bool {
    sealed::SEALED_SETTINGS.contains(&setting.name)
}
