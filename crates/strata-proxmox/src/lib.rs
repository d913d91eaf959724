//! Proxmox VE whole: its objects, its guests as hosts, and a cluster to rehearse on.
//!
//! [`Proxmox`] is made once from [`Settings`] and gives the provider ([`provider`]) and an inventory
//! source ([`inventory`]); guests are reached over ssh. Both rest on [`client`], which speaks the
//! API. [`twin`] is a cluster in this process that stands in for a real one.
//!
//! This crate must never know the engine, playbooks or other platforms. Start reading at
//! [`client`], then [`provider`].

mod client;
mod inventory;
mod listing;
mod platform;
mod provider;
pub mod twin;

pub use listing::{Cluster, Details, Guest, Listing, Node, Secret};
pub use platform::{Askpass, Kept, Models, Proxmox, Settings};
