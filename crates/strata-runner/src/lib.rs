//! `strata-runner`.
