//! `strata-transport`: ways to a host, and speaking to the agent there.
//!
//! A `Connection` (core's contract; ssh and this machine are here, Incus is a leaf of its own)
//! starts processes on a host. [`AgentSession`] pushes the agent through it once, starts one agent
//! process a user, and gives each its tasks. It never knows what a module does. Start reading in
//! `session.rs`.

pub use askpass::Password;
pub use content::Content;
pub use error::TransportError;
pub use local::local;
pub use push::{agent, agent_for, agent_size};
pub use session::{AgentSession, Become, BecomeMethod};
pub use ssh::{SshOptions, ssh};

pub mod askpass;
mod become_user;
mod content;
mod conversation;
mod error;
mod incoming;
mod local;
mod process;
mod push;
mod rehearsal;
mod session;
mod ssh;
