//! Pulls: the files of a mapped folder come into storage, each once.
//!
//! `find` tells what a pull would take, `run` takes it. What was begun is noted before its object can exist, and what is
//! whole is recorded after it, so that a crash at any moment leaves something to settle, and nothing to guess.

pub(crate) mod stages;
