//! Errors of single files of a step that goes on with the others.

use courier_transfer::{Error as TransferError, ErrorKind, Retry};

use crate::Result;

/// Errors of single files, until the step is through.
#[derive(Default)]
pub(super) struct Failures {
    files: usize,
    failed: usize,
    first: Option<TransferError>,
    lost: Option<TransferError>,
    /// Is it of use to try one of them again?
    may_pass: bool,
}

impl Failures {
    /// Counts a file, and its error where it has one.
    pub(super) fn count(&mut self, result: courier_transfer::Result<()>) {
        self.files += 1;
        let Err(error) = result else { return };
        self.failed += 1;
        self.may_pass |= error.retry() == Retry::Later;
        let slot = match error.kind() {
            ErrorKind::Lost | ErrorKind::Timeout => &mut self.lost,
            _ => &mut self.first,
        };
        slot.get_or_insert(error);
    }

    /// What the step comes to.
    pub(super) fn into_result(self) -> Result<()> {
        // A broken session counts first: it is why the other files did not even begin.
        match (self.lost, self.first) {
            (Some(lost), _) => Err(lost.into()),
            (None, Some(first)) if self.files == 1 => Err(first.into()),
            (None, Some(first)) => Err(TransferError::new(
                first.kind(),
                format!(
                    "{} of {} files failed; the first: {first}",
                    self.failed, self.files
                ),
            )
            // Only what failed is tried again, so one that may pass is worth it.
            .with_retry(if self.may_pass { Retry::Later } else { Retry::Never })
            .into()),
            (None, None) => Ok(()),
        }
    }
}
