//! `strata-ops`.
