//! `strata-engine`.
