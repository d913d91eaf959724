//! `strata-config`.
