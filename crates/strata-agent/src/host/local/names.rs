//! Names to addresses.
//!
//! A static program cannot load the name service modules that a host may be configured with
//! (`resolve`, `mymachines`, `mdns4`), and trying may crash it. The host's own `getent` can.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::process::{Command, Stdio};

/// The addresses of a host, in the order in which they are to be tried; never empty.
pub(super) fn addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let found = if let Ok(address) = host.parse::<IpAddr>() {
        vec![SocketAddr::new(address, port)]
    } else if host.eq_ignore_ascii_case("localhost") {
        [
            IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::LOCALHOST),
        ]
        .map(|address| SocketAddr::new(address, port))
        .to_vec()
    } else {
        look_up(host, port)?
    };
    if found.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("the name `{host}` is not known"),
        ));
    }
    Ok(found)
}

fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let asked = Command::new("getent")
        .args(["ahosts", "--", host])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    match asked {
        Ok(output) => Ok(read(&String::from_utf8_lossy(&output.stdout), port)),
        // Without glibc's tools it is not glibc's modules either.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok((host, port).to_socket_addrs()?.collect())
        }
        Err(error) => Err(error),
    }
}

/// Reads what `getent ahosts` prints: an address a line, each once for every kind of socket.
fn read(text: &str, port: u16) -> Vec<SocketAddr> {
    let mut addresses = Vec::new();
    for line in text.lines() {
        let address = line
            .split_whitespace()
            .next()
            .and_then(|word| word.parse::<IpAddr>().ok());
        if let Some(address) = address.map(|address| SocketAddr::new(address, port))
            && !addresses.contains(&address)
        {
            addresses.push(address);
        }
    }
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_is_taken_once() {
        let said =
            "10.0.0.5     STREAM web\n10.0.0.5     DGRAM\n10.0.0.5     RAW\nfd00::5 STREAM\n";
        let shown: Vec<String> = read(said, 80).iter().map(SocketAddr::to_string).collect();
        assert_eq!(shown, ["10.0.0.5:80", "[fd00::5]:80"]);
    }

    #[test]
    fn addresses_need_no_look_up() {
        assert_eq!(addresses("[::1]", 1).unwrap()[0].to_string(), "[::1]:1");
        assert_eq!(addresses("localhost", 1).unwrap().len(), 2);
    }
}
