//! `strata-agent`: what runs on a host.
//!
//! A task arrives as a [`protocol::Task`], is read strictly into a module's arguments, and goes
//! through the module's three steps: observe the host, decide the changes as plain data, act.
//! Check mode stops after the second. Everything a module may do to a machine is a method of
//! [`host::Host`], of which there are two: the real machine and a model in memory.
//!
//! It never knows playbooks, templates or connections, and has no async runtime. Start reading in
//! `module.rs`, then any file of `modules/`.

pub mod accounts;
pub mod arguments;
pub mod attributes;
pub mod base64;
pub mod change;
mod contents;
pub mod crc32;
mod diff;
pub mod digest;
pub mod dpkg;
pub mod encoding;
mod facts;
mod flags;
pub mod fragments;
mod glob;
pub mod host;
pub mod mode;
pub mod module;
pub mod modules;
pub mod on_terminal;
pub mod outdated;
mod pattern;
pub mod protocol;
mod replacement;
pub mod request;
pub mod serve;
pub mod system;
mod time;
mod words;
