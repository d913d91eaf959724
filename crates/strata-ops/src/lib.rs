//! Every operation a user can ask for, one function each.
pub mod files;
pub mod project;
pub mod verify;
