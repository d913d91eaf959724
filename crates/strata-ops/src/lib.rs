//! Every operation a user can ask for, one function each.
//!
//! [`infrastructure`] plans and applies Terraform configuration, [`playbook`] runs playbooks,
//! [`environment`] does both for a whole environment of a [`project`], [`check`](mod@check) looks for what is known to go wrong. Operations take plain options
//! and send events; they never print. [`registry`] is the only module that names every platform.
//! Start reading at [`environment`].

pub mod adhoc;
pub mod adopt;
pub mod askpass;
pub mod check;
pub mod console;
pub mod environment;
pub mod files;
pub mod format;
pub mod functions;
pub mod galaxy;
pub mod graph;
mod http;
pub mod infrastructure;
pub mod initialize;
mod mask;
pub mod modules;
pub mod playbook;
pub mod process;
pub mod project;
pub mod reference;
pub mod registry;
pub mod requirements;
pub mod secrets;
pub mod stop;
mod templates;
pub mod testing;
pub mod twin;
pub mod vault;
pub mod verify;
