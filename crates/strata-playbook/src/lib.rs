//! Plays, roles, tasks, inventory and the precedence of variables.
//!
//! Data takes this path: [`yaml`] reads a file into a tree in which every node knows its place; [`load()`] turns
//! such trees into a [`Playbook`], expanding what is static (imports, roles) and handing down
//! what blocks and plays say to their tasks; [`inventory`] does the same for hosts and groups. A
//! [`HostVariables`](variables::HostVariables) orders everything that a host's templates may see. A
//! [`Walk`](walk::Walk) is one host's way through a play, a pure iterator that the runner feeds with outcomes.
//!
//! This crate must never know connections, modules or running, nor read files except through
//! [`Files`](strata_core::files::Files). Start reading at [`play`].

pub mod inventory;
pub mod load;
pub mod play;
pub mod variables;
pub mod vault;
pub mod walk;
pub use strata_jinja::yaml;

pub use inventory::{Inventory, InventoryInput};
pub use load::load;
pub use play::{Playbook, Spanned};
