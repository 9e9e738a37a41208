//! Envelope encryption of credentials, and the providers of its key (specification 6.9, 7.3.6).
//!
//! [`Vault::seal`] encrypts a value with a fresh data key (AES-256-GCM) and has the [`KeyProvider`] wrap that key
//! under the key-encryption key; what it returns is one opaque [`blob`] for the store. [`Vault::open`] reverses it.
//! Each blob is bound to the row and field it was sealed for ([`Binding`]): moved elsewhere, it doesn't open.
//!
//! ```
//! # use std::sync::Arc;
//! # use courier_vault::{Binding, LocalKey, Vault};
//! # use secrecy::SecretString;
//! # async fn example() -> courier_vault::Result<()> {
//! let vault = Vault::new(Arc::new(LocalKey::load_or_create("data/kek".as_ref())?));
//! let binding = Binding::new("connection", "0192f0c4-…", "password");
//! let blob = vault.seal_str(&binding, &SecretString::from("hunter2")).await?;
//! let password = vault.open_str(&binding, &blob).await?;
//! # Ok(())
//! # }
//! ```

pub mod blob;
mod error;
mod mac;
mod provider;
mod stream;
#[cfg(feature = "testkit")]
pub mod testkit;
mod vault;

pub use courier_azure::{Application, Identity, ManagedEndpoint};
pub use error::{Error, Result};
pub use mac::{MAC_LEN, MacKey};
pub use provider::azure::{Algorithm, AzureKeyVault, AzureSettings};
pub use provider::local::LocalKey;
pub use provider::{DataKey, KeyProvider, KeyVersion, Wrapped};
pub use stream::{OpenReader, SealWriter};
pub use vault::{Binding, Vault};
