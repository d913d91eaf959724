//! What only a real Incus daemon can tell: that our calls do what we think they do.
//!
//! Without a daemon these tests print a line and pass; with `STRATA_TEST_INCUS_REQUIRED=1` they
//! fail. Each works in objects whose names begin with `inc-` and an id of its own, and removes them.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on has failed; one that is skipped says so"
)]

mod checks;
mod cluster_groups;
mod conformance;
mod connection;
mod faults;
mod guests;
mod https;
mod images;
mod instance;
mod kinds;
mod made;
mod matrix;
mod networking;
mod objects;
mod plain;
mod raw;
mod rest;
mod restart;
mod testbed;
mod twin;
