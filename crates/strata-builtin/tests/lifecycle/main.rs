//! Every type through the engine: made, planned again without changes, changed, imported, refused.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod archive;
mod cloudinit;
mod dns;
mod external;
mod http;
mod local;
mod null;
mod others;
mod random;
mod template;
mod time;
mod tls;
mod world;
