//! The engine of the infrastructure layer: what has to be done, and doing it.
//!
//! [`plan()`] reads what is there, evaluates configuration in the order of its dependencies, asks providers what
//! would become of each instance, and works out a graph of actions once; [`apply()`] obeys that graph. Both run one
//! loop on one task; only calls to providers run at the same time. [`settle()`] comes before both, where a run was
//! killed: it looks for what the calls without an answer left behind.
//!
//! This crate must never know a single platform (`terraform_data` excepted, which has none), nor the terminal.
//! Start reading at [`Plan`], then [`plan()`], then [`apply()`].

mod apply;
mod builtin;
mod chance;
mod checks;
mod conform;
mod environment;
mod ephemeral;
mod generate;
mod import;
pub mod json;

mod objects;
mod plan;
mod propose;
mod providers;
pub mod saved;
mod session;
mod settle;

pub use apply::{Applied, ApplyOptions, NoProvisioners, Provision, Provisioners, Stop, apply};
pub use chance::SystemChance;
pub use checks::{CheckObject, CheckResult, CheckSubject, Status};
pub use environment::Environment;
pub use generate::generate;
pub use import::import;
pub use plan::{
    Change, Graph, Node, OutputChange, Plan, PlanMode, PlanOptions, Reason, Work, announce_saved,
    plan, plan_with_errors,
};
pub use providers::Providers;
pub use settle::settle;
