//! Passwords for `ssh`: this program is what it asks, see [`strata_transport::askpass`].

use std::{env, io};

use strata_transport::Password;

pub use strata_transport::askpass::{SOCKET, answer};

/// A password that this program hands to `ssh`.
///
/// # Errors
///
/// The system does not tell where this program is.
pub(crate) fn password(text: String) -> io::Result<Password> {
    let program = env::current_exe()?;
    Ok(Password { text, program })
}
