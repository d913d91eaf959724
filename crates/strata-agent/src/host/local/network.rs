//! Connections from the real machine.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use crate::host::{HostError, Stream};

use super::names;

impl Stream for TcpStream {
    fn set_read_timeout(&self, timeout: Duration) -> io::Result<()> {
        TcpStream::set_read_timeout(self, Some(timeout))
    }
}

pub(super) fn connect(
    host: &str,
    port: u16,
    timeout: Duration,
) -> Result<Box<dyn Stream>, HostError> {
    let failed = |error: io::Error| HostError::Other(format!("{host}:{port}: {error}"));
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in names::addresses(host, port).map_err(failed)? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => return Ok(Box::new(stream)),
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}
