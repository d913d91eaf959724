//! `strata-jinja`.
