//! What expressions refer to.
