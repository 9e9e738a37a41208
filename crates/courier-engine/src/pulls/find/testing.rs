//! What the tests of finding share.

use courier_transfer::RemotePath;
use uuid::Uuid;

use crate::folder_mappings::{AfterPull, MappingDefinition, MappingIdentity, Timing};

/// What a mapping of the folder `in` says where nobody has said more.
pub(crate) fn definition() -> MappingDefinition {
    let ignore = [
        ".*",
        "*.tmp",
        "*.temp",
        "*.part",
        "*.partial",
        "*.filepart",
        "*.crdownload",
        "*.swp",
        "~*",
        "*~",
    ];
    MappingDefinition {
        remote_path: RemotePath::new("in").expect("a path"),
        pattern: "*".into(),
        recursive: false,
        storage_id: Uuid::nil(),
        prefix: String::new(),
        timing: Timing::Interval(300),
        ignore: ignore.map(str::to_owned).into(),
        min_age_sec: 2,
        require_stable: false,
        marker_suffix: None,
        identity: MappingIdentity::PathAndVersion,
        after_pull: AfterPull::Keep,
        move_to: None,
    }
}
