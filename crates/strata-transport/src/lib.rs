//! `strata-transport`.
