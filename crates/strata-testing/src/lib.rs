//! `strata-testing`.
