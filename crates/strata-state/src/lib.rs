//! `strata-state`.
