//! `strata-core`.
