//! From bodies to values, by schema.
