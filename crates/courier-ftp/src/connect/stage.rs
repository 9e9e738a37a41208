//! What a connection that is being made waits for, for the text of a timeout.

use std::sync::Arc;

use parking_lot::Mutex;

#[derive(Clone, Debug)]
pub(super) struct Stage(Arc<Mutex<&'static str>>);

impl Default for Stage {
    fn default() -> Self {
        Self(Arc::new(Mutex::new("connecting")))
    }
}

impl Stage {
    pub(super) fn enter(&self, stage: &'static str) {
        *self.0.lock() = stage;
    }

    pub(super) fn text(&self) -> &'static str {
        *self.0.lock()
    }
}
