//! `strata-incus`.
