//! Proxmox VE whole: its objects, its guests as hosts, and a cluster to rehearse on.
//!
//! [`twin`] is a cluster in this process that stands in for a real one. Both it and the provider
//! rest on [`client`], which speaks the API.
//!
//! This crate must never know the engine, playbooks or other platforms. Start reading at
//! [`client`], then [`twin`].

mod client;
pub mod twin;
