//! Whether anybody is still connected to a port, by what the kernel lists.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::arguments::Arguments;
use crate::host::Host;
use crate::module::ModuleError;

/// The states of connections by their numbers in `/proc/net/tcp`.
const STATES: &[(&str, &str)] = &[
    ("ESTABLISHED", "01"),
    ("SYN_SENT", "02"),
    ("SYN_RECV", "03"),
    ("FIN_WAIT1", "04"),
    ("FIN_WAIT2", "05"),
    ("TIME_WAIT", "06"),
];

pub(super) struct Drain {
    states: Vec<&'static str>,
    excluded: Vec<IpAddr>,
}

impl Drain {
    pub(super) fn read(arguments: &Arguments) -> Result<Drain, ModuleError> {
        let names = arguments
            .list("active_connection_states")
            .unwrap_or_default();
        let states = names.iter().map(|name| {
            let known = STATES.iter().find(|(known, _)| known == name);
            known.map(|(_, number)| *number).ok_or_else(|| {
                ModuleError::new(format!("unknown active_connection_state ({name}) defined"))
            })
        });
        let hosts = arguments.list("exclude_hosts").unwrap_or_default();
        let excluded = hosts.iter().map(|host| {
            host.parse()
                .map_err(|_| ModuleError::new(format!("`{host}` in exclude_hosts is no address")))
        });
        Ok(Drain {
            states: states.collect::<Result<_, _>>()?,
            excluded: excluded.collect::<Result<_, _>>()?,
        })
    }

    pub(super) fn is_busy(&self, host: &dyn Host, port: u16) -> bool {
        let files = ["/proc/net/tcp", "/proc/net/tcp6"];
        let lists = files
            .iter()
            .filter_map(|file| host.read_text(file.as_ref()));
        lists.into_iter().any(|list| self.counts(&list, port))
    }

    fn counts(&self, list: &str, port: u16) -> bool {
        list.lines().skip(1).any(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [_, local, remote, state, ..] = fields[..] else {
                return false;
            };
            let at = local
                .rsplit(':')
                .next()
                .and_then(|digits| u16::from_str_radix(digits, 16).ok());
            let from = remote.split(':').next().and_then(address);
            at == Some(port)
                && self.states.contains(&state)
                && !from.is_some_and(|from| self.excluded.contains(&from))
        })
    }
}

/// An address as the kernel writes it: in words of four bytes, the last byte first.
fn address(digits: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(digits.get(at..at + 8)?, 16).ok();
    if digits.len() == 8 {
        return Some(Ipv4Addr::from(word(0)?.to_le_bytes()).into());
    }
    let mut bytes = [0; 16];
    for (at, place) in bytes.chunks_mut(4).enumerate() {
        place.copy_from_slice(&word(at * 8)?.to_le_bytes());
    }
    let address = Ipv6Addr::from(bytes);
    Some(
        address
            .to_ipv4_mapped()
            .map_or(address.into(), IpAddr::from),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str =
        "  sl  local_address rem_address   st\n   0: 0100007F:0050 0200000A:D000 01 0\n";

    #[test]
    fn connections_to_the_port_count_unless_they_are_excluded() {
        let mut drain = Drain {
            states: vec!["01"],
            excluded: Vec::new(),
        };
        assert!(drain.counts(LIST, 80));
        assert!(!drain.counts(LIST, 81));
        drain.excluded.push("10.0.0.2".parse().unwrap());
        assert!(!drain.counts(LIST, 80));
        assert_eq!(
            address("0000000000000000FFFF00000100007F"),
            address("0100007F")
        );
    }
}
