//! HTTP/1.1 to one server: over its unix socket, over TLS, or plainly to this machine.
//!
//! What the clients of the platforms have in common: a [`Endpoint`] opens byte streams, a [`Pool`]
//! keeps connections and sends [`Call`]s on them, [`tls`] says whom we trust. What an answer means,
//! who we are and what is tried again is each client's own.

mod body;
mod endpoint;
mod error;
mod percent;
mod pool;
pub mod tls;

pub use body::{Body, Part};
pub use endpoint::{Duplex, Endpoint, Stream, url};
pub use error::Error;
pub use percent::{decode, encode};
pub use pool::{CONNECT_LIMIT, Call, Pool, Reply};
