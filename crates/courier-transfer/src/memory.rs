//! An in-memory client, for tests of what stands above the trait.
