//! What a container shall be, setting by setting, as the engine names it.

use serde_json::{Map, Value, json};

use super::super::{bytes, texts};
use super::fields::{Area, Form, Kind, PLAIN};
use super::{mounts, ports};
use crate::arguments::{Arguments, text};
use crate::host::Host;
use crate::module::ModuleError;

/// One setting that a task asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) area: Area,
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    pub(super) value: Value,
    /// Whether it can change while the container runs.
    pub(super) updates: bool,
}

/// All settings of a task.
pub(super) fn read(arguments: &Arguments, host: &dyn Host) -> Result<Vec<Setting>, ModuleError> {
    let mut settings = Vec::new();
    for (name, area, key, form, kind, updates) in PLAIN {
        let Some(value) = plain(arguments, name, *form)? else {
            continue;
        };
        settings.push(Setting {
            name,
            area: *area,
            key,
            kind: *kind,
            value,
            updates: *updates,
        });
    }
    let special = special(arguments, host)?;
    settings.extend(special.into_iter().flatten());
    Ok(settings)
}

fn plain(arguments: &Arguments, name: &str, form: Form) -> Result<Option<Value>, ModuleError> {
    // What was the default in the module's early days.
    let old = arguments.text("container_default_behavior") == "compatibility";
    let of_old = match name {
        "auto_remove" | "init" | "interactive" | "privileged" | "read_only" | "tty" if old => {
            Some(json!(false))
        }
        "memory" if old => Some(json!(0)),
        _ => None,
    };
    let value = match form {
        Form::Text => arguments.string(name).map(Value::from),
        Form::Bool => arguments.maybe(name).map(Value::from),
        Form::Int => arguments.int(name).map(Value::from),
        Form::Bytes => match arguments.string(name) {
            Some(size) => Some(json!(bytes(&size)?)),
            None => None,
        },
        Form::List => arguments.list(name).map(|list| json!(list)),
        Form::Map => texts(arguments.raw(name)).map(Value::Object),
    };
    Ok(value.or(of_old))
}

fn setting(
    name: &'static str,
    area: Area,
    key: &'static str,
    kind: Kind,
    value: Option<Value>,
) -> Option<Setting> {
    value.map(|value| Setting {
        name,
        area,
        key,
        kind,
        value,
        updates: false,
    })
}

fn special(arguments: &Arguments, host: &dyn Host) -> Result<Vec<Option<Setting>>, ModuleError> {
    let mut all = of_process(arguments, host)?;
    all.extend(of_network(arguments)?);
    all.extend(of_files(arguments, host)?);
    all.extend(of_machine(arguments)?);
    all.push(setting(
        "log_driver",
        Area::Host,
        "LogConfig",
        Kind::Map,
        log(arguments),
    ));
    all.push(restart(arguments));
    Ok(all)
}

/// What runs, in which environment, and how it is known to be well.
fn of_process(arguments: &Arguments, host: &dyn Host) -> Result<Vec<Option<Setting>>, ModuleError> {
    use Area::Config;
    let entrypoint = arguments.list("entrypoint").map(Value::from);
    let labels = super::super::labels(arguments, "labels")?.map(Value::Object);
    let environment = environment(arguments, host)?;
    let health = healthcheck(arguments)?;
    Ok(vec![
        setting("command", Config, "Cmd", Kind::List, command(arguments)?),
        setting("entrypoint", Config, "Entrypoint", Kind::List, entrypoint),
        setting("env", Config, "Env", Kind::Set, environment),
        setting("labels", Config, "Labels", Kind::Map, labels),
        setting("healthcheck", Config, "Healthcheck", Kind::Map, health),
    ])
}

/// Ports, and whom it reaches under which name.
fn of_network(arguments: &Arguments) -> Result<Vec<Option<Setting>>, ModuleError> {
    use Area::{Config, Host as InHost};
    let address = arguments.string("default_host_ip");
    let address = address.unwrap_or_else(|| "0.0.0.0".to_owned());
    let published = arguments
        .list("published_ports")
        .map(|given| ports::bindings(&given, &address))
        .transpose()?;
    let mut exposed = arguments
        .list("exposed_ports")
        .map(|given| ports::exposed(&given))
        .transpose()?;
    if let Some(published) = &published {
        let ports = exposed.get_or_insert_default();
        ports.extend(published.keys().cloned());
    }
    let exposed = exposed.map(|ports| {
        let pairs = ports.into_iter().map(|port| (port, json!({})));
        Value::Object(pairs.collect())
    });
    let published = published.map(Value::Object);
    let mode = network_mode(arguments).map(Value::from);
    let hosts = hosts(arguments);
    Ok(vec![
        setting("exposed_ports", Config, "ExposedPorts", Kind::Map, exposed),
        setting(
            "published_ports",
            InHost,
            "PortBindings",
            Kind::Map,
            published,
        ),
        setting("etc_hosts", InHost, "ExtraHosts", Kind::Set, hosts),
        setting("links", InHost, "Links", Kind::Set, links(arguments)),
        setting("network_mode", InHost, "NetworkMode", Kind::Value, mode),
    ])
}

/// What it finds among its files.
fn of_files(arguments: &Arguments, host: &dyn Host) -> Result<Vec<Option<Setting>>, ModuleError> {
    use Area::{Config, Host as InHost};
    let volumes = arguments.list("volumes");
    let volumes = volumes.map(|given| mounts::volumes(&given, host));
    let (binds, anonymous) = volumes.transpose()?.unzip();
    let anonymous = anonymous.filter(|map: &Value| *map != json!({}));
    let mounts = mounts::mounts(arguments.raw("mounts"))?;
    let tmpfs = arguments.list("tmpfs").map(|given| mounts::tmpfs(&given));
    Ok(vec![
        setting("volumes", InHost, "Binds", Kind::Set, binds),
        setting("volumes", Config, "Volumes", Kind::Map, anonymous),
        setting("mounts", InHost, "Mounts", Kind::Set, mounts),
        setting("tmpfs", InHost, "Tmpfs", Kind::Map, tmpfs),
    ])
}

/// Devices and what it may use of the machine.
fn of_machine(arguments: &Arguments) -> Result<Vec<Option<Setting>>, ModuleError> {
    use Area::Host as InHost;
    let devices = arguments.list("devices").map(|given| devices(&given));
    let requests = requests(arguments.raw("device_requests"));
    let limits = arguments.list("ulimits");
    let limits = limits.map(|given| ulimits(&given)).transpose()?;
    let cpus = arguments.raw("cpus").and_then(Value::as_f64);
    let cpus = cpus.map(|cpus| json!((cpus * 1e9).round() as i64));
    let mut all = vec![
        setting("devices", InHost, "Devices", Kind::Set, devices),
        setting(
            "device_requests",
            InHost,
            "DeviceRequests",
            Kind::Set,
            requests,
        ),
        setting("ulimits", InHost, "Ulimits", Kind::Set, limits),
        setting("cpus", InHost, "NanoCpus", Kind::Value, cpus),
    ];
    for (name, key, counts) in [
        ("device_read_bps", "BlkioDeviceReadBps", false),
        ("device_write_bps", "BlkioDeviceWriteBps", false),
        ("device_read_iops", "BlkioDeviceReadIOps", true),
        ("device_write_iops", "BlkioDeviceWriteIOps", true),
    ] {
        let value = arguments.raw(name).map(|given| rates(given, counts));
        all.push(setting(name, InHost, key, Kind::Set, value.transpose()?));
    }
    Ok(all)
}

fn command(arguments: &Arguments) -> Result<Option<Value>, ModuleError> {
    Ok(match arguments.raw("command") {
        None => None,
        Some(Value::Array(words)) => Some(words.iter().filter_map(text).collect()),
        Some(line) => {
            let line = text(line).unwrap_or_default();
            Some(json!(crate::words::split(&line).map_err(ModuleError::new)?))
        }
    })
}

/// The file's variables, and those of the task over them.
fn environment(arguments: &Arguments, host: &dyn Host) -> Result<Option<Value>, ModuleError> {
    let mut all: Map<String, Value> = Map::new();
    let file = arguments.path("env_file");
    if let Some(path) = &file {
        let bytes = host.read(path)?;
        let file = String::from_utf8_lossy(&bytes).into_owned();
        let lines = file.lines().map(str::trim);
        for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (name, value) = line.split_once('=').unwrap_or((line, ""));
            all.insert(name.to_owned(), value.into());
        }
    }
    let given = arguments.raw("env").and_then(Value::as_object);
    for (name, value) in given.into_iter().flatten() {
        // As with labels: what YAML made of the value is not what was written.
        let Some(value) = value.as_str() else {
            return Err(ModuleError::new(format!(
                "Non-string value found for env option. Ambiguous env options must be wrapped in \
                 quotes to avoid them being interpreted when directly specified, or explicitly \
                 converted to strings when the option is templated. Key: {name}"
            )));
        };
        all.insert(name.clone(), value.into());
    }
    if file.is_none() && given.is_none() {
        return Ok(None);
    }
    let pairs = all.iter().map(|(name, value)| {
        let value = value.as_str().unwrap_or_default();
        format!("{name}={value}")
    });
    Ok(Some(pairs.collect()))
}

fn devices(given: &[String]) -> Value {
    let one = |device: &String| {
        let mut parts = device.splitn(3, ':');
        let outside = parts.next().unwrap_or_default();
        let inside = parts.next().unwrap_or(outside);
        json!({
            "PathOnHost": outside, "PathInContainer": inside,
            "CgroupPermissions": parts.next().unwrap_or("rwm"),
        })
    };
    given.iter().map(one).collect()
}

fn rates(given: &Value, counts: bool) -> Result<Value, ModuleError> {
    let entries = given.as_array().into_iter().flatten();
    let one = entries.map(|entry| {
        let rate = text(&entry["rate"]).unwrap_or_default();
        let rate = match counts {
            true => rate
                .parse()
                .map_err(|_| ModuleError::new(format!("not a rate: {rate}")))?,
            false => bytes(&rate)?,
        };
        Ok(json!({"Path": entry["path"], "Rate": rate}))
    });
    one.collect()
}

fn requests(given: Option<&Value>) -> Option<Value> {
    let one = |entry: &Value| {
        json!({
            "Driver": entry["driver"].as_str().unwrap_or(""),
            "Count": entry["count"].as_i64().unwrap_or(0),
            "DeviceIDs": entry["device_ids"].as_array().cloned().unwrap_or_default(),
            "Capabilities": entry["capabilities"].as_array().cloned().unwrap_or_default(),
            "Options": entry["options"].as_object().cloned().unwrap_or_default(),
        })
    };
    given?
        .as_array()
        .map(|entries| entries.iter().map(one).collect())
}

fn hosts(arguments: &Arguments) -> Option<Value> {
    let given = texts(arguments.raw("etc_hosts"))?;
    let lines = given.iter().map(|(name, address)| {
        let address = address.as_str().unwrap_or_default();
        format!("{name}:{address}")
    });
    Some(lines.collect())
}

fn links(arguments: &Arguments) -> Option<Value> {
    let given = arguments.list("links")?;
    let container = arguments.text("name");
    let one = given.iter().map(|link| {
        let (name, alias) = link.split_once(':').unwrap_or((link, link));
        format!("/{name}:/{container}/{alias}")
    });
    Some(one.collect())
}

fn ulimits(given: &[String]) -> Result<Value, ModuleError> {
    let one = given.iter().map(|limit| {
        let wrong = || ModuleError::new(format!("not a limit: {limit}"));
        let mut parts = limit.split(':');
        let name = parts.next().unwrap_or_default();
        let soft: i64 = parts
            .next()
            .ok_or_else(wrong)?
            .parse()
            .map_err(|_| wrong())?;
        let hard: i64 = match parts.next() {
            Some(hard) => hard.parse().map_err(|_| wrong())?,
            None => soft,
        };
        Ok(json!({"Name": name, "Soft": soft, "Hard": hard}))
    });
    one.collect()
}

fn log(arguments: &Arguments) -> Option<Value> {
    let driver = arguments.string("log_driver")?;
    let options = texts(arguments.raw("log_options")).unwrap_or_default();
    Some(json!({"Type": driver, "Config": options}))
}

fn restart(arguments: &Arguments) -> Option<Setting> {
    let policy = arguments.string("restart_policy")?;
    let retries = arguments.int("restart_retries").unwrap_or(0);
    Some(Setting {
        name: "restart_policy",
        area: Area::Host,
        key: "RestartPolicy",
        kind: Kind::Map,
        value: json!({"Name": policy, "MaximumRetryCount": retries}),
        updates: true,
    })
}

/// As given, or the first of the networks, as the engine's own program has it.
fn network_mode(arguments: &Arguments) -> Option<String> {
    let given = arguments.string("network_mode");
    let first = arguments
        .raw("networks")
        .and_then(|networks| networks[0]["name"].as_str());
    let first = first.filter(|_| arguments.bool("networks_cli_compatible"));
    given.or_else(|| first.map(str::to_owned))
}

fn healthcheck(arguments: &Arguments) -> Result<Option<Value>, ModuleError> {
    let Some(given) = arguments.raw("healthcheck").and_then(Value::as_object) else {
        return Ok(None);
    };
    let mut check = Map::new();
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        let (key, value) = match name.as_str() {
            "test" => ("Test", test(value)),
            "interval" => ("Interval", nanoseconds(value)?),
            "timeout" => ("Timeout", nanoseconds(value)?),
            "start_period" => ("StartPeriod", nanoseconds(value)?),
            "start_interval" => ("StartInterval", nanoseconds(value)?),
            "retries" => {
                let number = text(value).and_then(|text| text.parse::<i64>().ok());
                ("Retries", json!(number.unwrap_or(0)))
            }
            "test_cli_compatible" => continue,
            name => {
                return Err(ModuleError::new(format!(
                    "Unsupported parameters for (community.docker.docker_container) module: \
                     healthcheck.{name}."
                )));
            }
        };
        check.insert(key.to_owned(), value);
    }
    Ok(Some(Value::Object(check)))
}

/// A line is for the shell; `NONE` switches the image's own check off.
fn test(value: &Value) -> Value {
    match value {
        Value::Array(words) if words.len() == 1 && words[0] == "NONE" => json!(["NONE"]),
        Value::Array(_) => value.clone(),
        value => match text(value).unwrap_or_default().as_str() {
            "NONE" => json!(["NONE"]),
            line => json!(["CMD-SHELL", line]),
        },
    }
}

/// A time as `1m30s`, in the engine's nanoseconds.
fn nanoseconds(value: &Value) -> Result<Value, ModuleError> {
    let given = text(value).unwrap_or_default();
    let wrong = || ModuleError::new(format!("Invalid time duration - \"{given}\""));
    let mut total: i64 = 0;
    let mut rest = given.trim();
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit: i64 = match &rest[..letters] {
            "h" => 3_600_000_000_000,
            "m" => 60_000_000_000,
            "s" => 1_000_000_000,
            "ms" => 1_000_000,
            "us" => 1_000,
            _ => return Err(wrong()),
        };
        total = number
            .checked_mul(unit)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(wrong)?;
        rest = &rest[letters..];
    }
    Ok(json!(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_become_nanoseconds() {
        let check = |given: &str, expected: i64| {
            assert_eq!(nanoseconds(&json!(given)).unwrap(), json!(expected));
        };
        check("1m30s", 90_000_000_000);
        check("500ms", 500_000_000);
        assert!(nanoseconds(&json!("soon")).is_err());
        assert!(nanoseconds(&json!("30")).is_err());
    }
}
