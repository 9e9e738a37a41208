//! How much a server takes and gives at once.

use std::sync::{Arc, OnceLock};

use super::WINDOW;
use crate::codec::Limits;

/// Handles that are open at once. OpenSSH fails at about 128.
pub(super) const MOST_HANDLES: usize = 96;
/// Reads and writes of this many bytes work everywhere (section 3 of the draft).
const SAFE_SIZE: u32 = 32 * 1024;
/// The smallest that are used, whatever a server says: more requests for the same bytes would only fill the memory.
const SMALLEST: u32 = 1024;
/// The largest that are used: OpenSSH's own limit.
const LARGEST: u32 = 255 * 1024;

/// What the server has told, once it has. It is not waited for: until then, what every server can do is asked of it.
pub(super) type Told = Arc<OnceLock<SizeLimits>>;

/// How much is read and written at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeLimits {
    /// Bytes of a READ.
    pub(crate) read: u32,
    /// Bytes of a WRITE.
    pub(crate) write: u32,
    /// READs of one file that are under way, at most: so many fill the window.
    pub(super) reads: u32,
}

impl Default for SizeLimits {
    fn default() -> Self {
        Self::new(SAFE_SIZE, SAFE_SIZE)
    }
}

impl SizeLimits {
    fn new(read: u32, write: u32) -> Self {
        Self {
            read,
            write,
            reads: (WINDOW / read).clamp(2, 256),
        }
    }

    /// What a server's own limits allow. 0 tells nothing.
    pub(super) fn of(limits: Limits) -> Self {
        // Room for the header of a packet.
        let packet = limits.packet.saturating_sub(1024);
        let within = |limit: u64| {
            let limit = if packet == 0 { limit } else { limit.min(packet) };
            u32::try_from(limit).unwrap_or(u32::MAX)
        };
        let size = |limit| match within(limit) {
            0 => SAFE_SIZE,
            limit => limit.clamp(SMALLEST, LARGEST),
        };
        Self::new(size(limits.read), size(limits.write))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_does_not_make_packets_of_a_byte() {
        let limits = SizeLimits::of(Limits {
            packet: 1025,
            read: u64::MAX,
            write: 1,
            handles: 0,
        });
        assert_eq!((limits.read, limits.write), (SMALLEST, SMALLEST));
    }
}
