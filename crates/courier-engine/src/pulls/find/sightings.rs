//! How files looked that weren't ready: since when each is as it is now.

use courier_store::{Store, pulls::Wanted};
use jiff::Timestamp;
use uuid::Uuid;

use crate::Result;

/// Since when each of these files is seen with its present size and time; none for those that are seen so for the first
/// time, or weren't noted.
pub(super) async fn since(
    store: &Store,
    mapping: Uuid,
    files: &[Wanted<'_>],
) -> Result<Vec<Option<Timestamp>>> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let paths: Vec<&[u8]> = files.iter().map(|file| file.path).collect();
    let sightings = store.pulls().sightings(mapping, &paths).await?;
    let since = sightings.into_iter().zip(files).map(|(sighting, file)| {
        sighting
            .filter(|sighting| sighting.size == file.size && sighting.modified == file.modified.at)
            .map(|sighting| sighting.first_seen_at)
    });
    Ok(since.collect())
}
