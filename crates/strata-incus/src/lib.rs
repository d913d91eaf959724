//! The Incus platform whole: client, provider, connection, inventory, and a twin of the daemon.
//! Start reading at [`twin`].
pub mod twin;
