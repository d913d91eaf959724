//! Units of a model: those it was told of, those of installed packages, and unit files.

use std::collections::BTreeMap;
use std::path::Path;

use super::State;
use crate::host::HostError;
use crate::system::{Output, Unit, UnitChange, UnitVerb};

/// Packages whose unit has another name than they.
const OTHER_NAMES: &[(&str, &[&str])] = &[
    ("openssh-server", &["ssh", "sshd"]),
    ("docker.io", &["docker"]),
    ("docker-ce", &["docker"]),
    ("redis-server", &["redis-server", "redis"]),
    ("isc-dhcp-server", &["isc-dhcp-server"]),
    ("systemd-timesyncd", &["systemd-timesyncd"]),
];

/// A unit that runs and is enabled, as Debian leaves a service after installing it.
pub(super) fn running() -> Unit {
    unit("active", "running", "enabled")
}

/// A unit that neither runs nor is enabled.
pub(super) fn at_rest() -> Unit {
    unit("inactive", "dead", "disabled")
}

fn unit(active: &str, sub: &str, enabled: &str) -> Unit {
    let mut unit = Unit {
        enabled: enabled.to_owned(),
        properties: BTreeMap::new(),
    };
    for (name, value) in [
        ("LoadState", "loaded"),
        ("ActiveState", active),
        ("SubState", sub),
    ] {
        unit.properties.insert(name.to_owned(), value.to_owned());
    }
    unit
}

pub(super) fn find(state: &State, name: &str) -> Result<Unit, HostError> {
    let full = full_name(name);
    if let Some(known) = state.units.get(&full) {
        return Ok(known.clone());
    }
    let folders = [
        "/etc/systemd/system",
        "/usr/lib/systemd/system",
        "/lib/systemd/system",
    ];
    // A unit of the administrator's, then one that a package brings.
    if folders
        .iter()
        .any(|folder| state.tree.get(&Path::new(folder).join(&full)).is_some())
    {
        return Ok(at_rest());
    }
    if is_packaged(state, full.trim_end_matches(".service")) {
        return Ok(running());
    }
    Err(HostError::Unknown(format!(
        "whether there is a unit `{full}`"
    )))
}

fn is_packaged(state: &State, service: &str) -> bool {
    state.packages.installed.keys().any(|package| {
        package == service
            || OTHER_NAMES
                .iter()
                .any(|(name, services)| name == package && services.contains(&service))
    })
}

pub(super) fn change(state: &mut State, change: &UnitChange) -> Result<Output, HostError> {
    let mut unit = find(state, &change.name)?;
    let mut activity = |active: &str, sub: &str| {
        unit.properties
            .insert("ActiveState".to_owned(), active.to_owned());
        unit.properties
            .insert("SubState".to_owned(), sub.to_owned());
    };
    match change.verb {
        UnitVerb::Start | UnitVerb::Restart => activity("active", "running"),
        UnitVerb::Stop => activity("inactive", "dead"),
        UnitVerb::Enable => unit.enabled = "enabled".to_owned(),
        UnitVerb::Disable | UnitVerb::Unmask => unit.enabled = "disabled".to_owned(),
        UnitVerb::Mask => unit.enabled = "masked".to_owned(),
        UnitVerb::Reload | UnitVerb::DaemonReload | UnitVerb::DaemonReexec => {}
    }
    let load = if change.verb == UnitVerb::Mask {
        "masked"
    } else {
        "loaded"
    };
    unit.properties
        .insert("LoadState".to_owned(), load.to_owned());
    state.units.insert(full_name(&change.name), unit);
    Ok(Output::success(""))
}

pub(super) fn full_name(name: &str) -> String {
    const KINDS: &[&str] = &[
        "service", "socket", "timer", "target", "mount", "path", "slice", "scope", "swap",
    ];
    match name.rsplit_once('.') {
        Some((_, kind)) if KINDS.contains(&kind) => name.to_owned(),
        _ => format!("{name}.service"),
    }
}
