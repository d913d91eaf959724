//! `strata-hcl`.
