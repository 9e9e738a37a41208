//! `null` is not the same as nothing.

use serde::{Deserialize, Deserializer};

/// For `deserialize_with`: tells a `null` (`Some(None)`) from a field that is not there (`None`, by `default`).
pub(crate) fn given<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
