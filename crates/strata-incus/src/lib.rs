//! Incus whole: its objects, its instances as hosts, and the way into them.
//!
//! [`Incus`] is made once from [`Settings`] and gives the three contracts of `strata-core`: a
//! provider ([`provider`]), an inventory source ([`inventory`]) and connections ([`connection`]).
//! They share one [`client`] for each remote, and with it its connections and its event stream.
//! [`twin`] is a daemon in this process that stands in for a real one.
//!
//! This crate must never know the engine, playbooks or other platforms. Start reading at
//! [`client`], then [`provider`].

mod client;
mod connection;
mod instance_state;
mod inventory;
mod listing;
mod platform;
mod provider;
mod remote;
mod remote_file;
pub mod twin;
mod units;
mod wait;

pub use platform::{Incus, Settings, Timeouts};
pub use remote::ONLY_SOCKET;
