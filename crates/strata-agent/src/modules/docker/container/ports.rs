//! Published ports: `8080:80`, `127.0.0.1:53:53/udp`, `7000-7002:7000-7002`, `80`.

use serde_json::{Map, Value, json};

use crate::module::ModuleError;

/// The engine's map of a container's ports to those of the host.
pub(super) fn bindings(
    given: &[String],
    default_address: &str,
) -> Result<Map<String, Value>, ModuleError> {
    let mut bindings: Map<String, Value> = Map::new();
    for port in given {
        for (inner, address, outer) in one(port, default_address)? {
            let binding = json!({"HostIp": address, "HostPort": outer});
            let list = bindings.entry(inner).or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.push(binding);
            }
        }
    }
    Ok(bindings)
}

/// The exposed ports, with their protocols.
pub(super) fn exposed(given: &[String]) -> Result<Vec<String>, ModuleError> {
    let mut ports = Vec::new();
    for port in given {
        let (numbers, protocol) = protocol(port);
        for number in range(numbers, port)? {
            ports.push(format!("{number}/{protocol}"));
        }
    }
    Ok(ports)
}

fn protocol(port: &str) -> (&str, String) {
    match port.split_once('/') {
        Some((numbers, protocol)) => (numbers, protocol.to_lowercase()),
        None => (port, "tcp".to_owned()),
    }
}

/// The container's port, the host's address and the host's port of each.
fn one(port: &str, default: &str) -> Result<Vec<(String, String, String)>, ModuleError> {
    let (numbers, protocol) = protocol(port);
    let (front, inner) = match numbers.rsplit_once(':') {
        Some((front, inner)) => (Some(front), inner),
        None => (None, numbers),
    };
    let (address, outer) = match front {
        None => (None, None),
        Some(front) => match front.rsplit_once(':') {
            Some((address, outer)) => (Some(address), Some(outer)),
            None => (None, Some(front)),
        },
    };
    let address = address.unwrap_or(default).trim_matches(['[', ']']);
    let inner = range(inner, port)?;
    let outer = match outer.filter(|outer| !outer.is_empty()) {
        None => vec![String::new(); inner.len()],
        // Any one of them serves.
        Some(outer) if inner.len() == 1 && outer.contains('-') => vec![outer.to_owned()],
        Some(outer) => {
            let outer = range(outer, port)?;
            outer.iter().map(u16::to_string).collect()
        }
    };
    if outer.len() != inner.len() {
        return Err(ModuleError::new(format!(
            "Port ranges don't match in length for published port {port}"
        )));
    }
    let pairs = inner.iter().zip(outer);
    let all =
        pairs.map(|(inner, outer)| (format!("{inner}/{protocol}"), address.to_owned(), outer));
    Ok(all.collect())
}

fn range(text: &str, whole: &str) -> Result<Vec<u16>, ModuleError> {
    let wrong = || ModuleError::new(format!("Invalid port: \"{whole}\""));
    let number = |text: &str| text.trim().parse::<u16>().map_err(|_| wrong());
    match text.split_once('-') {
        None => Ok(vec![number(text)?]),
        Some((from, to)) => {
            let (from, to) = (number(from)?, number(to)?);
            match from <= to {
                true => Ok((from..=to).collect()),
                false => Err(wrong()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(given: &str, expected: Value) {
        let found = bindings(&[given.to_owned()], "0.0.0.0").unwrap();
        assert_eq!(Value::Object(found), expected);
    }

    #[test]
    fn a_port_has_an_address_a_number_and_a_protocol() {
        check(
            "8080:80",
            json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}),
        );
        check(
            "127.0.0.1:53:53/UDP",
            json!({"53/udp": [{"HostIp": "127.0.0.1", "HostPort": "53"}]}),
        );
        check(
            "[::1]:1:2",
            json!({"2/tcp": [{"HostIp": "::1", "HostPort": "1"}]}),
        );
        check(
            "80",
            json!({"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": ""}]}),
        );
        check(
            "10-11:20-21",
            json!({
                "20/tcp": [{"HostIp": "0.0.0.0", "HostPort": "10"}],
                "21/tcp": [{"HostIp": "0.0.0.0", "HostPort": "11"}],
            }),
        );
        assert!(bindings(&["1-3:1-2".to_owned()], "").is_err());
        assert!(bindings(&["x".to_owned()], "").is_err());
    }
}
