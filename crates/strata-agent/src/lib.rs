//! `strata-agent`.
