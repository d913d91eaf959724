//! The service manager of the real machine: systemd, asked through `systemctl`.

use super::Local;
use crate::host::HostError;
use crate::system::{Output, Unit, UnitChange, UnitScope};

pub(super) fn show(host: &Local, name: &str, scope: UnitScope) -> Result<Unit, HostError> {
    let shown = systemctl(host, scope, &["show", name])?;
    if shown.status != 0 {
        return Err(refusal(&shown));
    }
    let enabled = systemctl(host, scope, &["is-enabled", "-l", name])?;
    let properties = shown.stdout.lines().filter_map(|line| line.split_once('='));
    Ok(Unit {
        properties: properties
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        enabled: boot_state(&enabled.stdout).to_owned(),
    })
}

/// The state out of what `is-enabled -l` tells.
///
/// Another name of a unit (`sshd` of `ssh`), and a unit that only brings others, count as enabled where the links
/// that enabling makes stand below the state: systemd refuses to enable such a name again. So Ansible reads it, too.
fn boot_state(told: &str) -> &str {
    let mut lines = told.trim().lines();
    match (lines.next().unwrap_or_default(), lines.next()) {
        ("alias" | "indirect" | "enabled-runtime", Some(_)) => "enabled",
        (state, _) => state,
    }
}

pub(super) fn change(host: &Local, change: &UnitChange) -> Result<Output, HostError> {
    let mut arguments = vec![change.verb.name()];
    if change.no_block {
        arguments.push("--no-block");
    }
    if change.force {
        arguments.push("--force");
    }
    if !change.name.is_empty() {
        arguments.push(&change.name);
    }
    systemctl(host, change.scope, &arguments)
}

fn systemctl(host: &Local, scope: UnitScope, arguments: &[&str]) -> Result<Output, HostError> {
    let scope: &[&str] = match scope {
        UnitScope::System => &[],
        UnitScope::User => &["--user"],
        UnitScope::Global => &["--global"],
    };
    let words = ["systemctl"].iter().chain(scope).chain(arguments);
    match host.run_plain(words.map(|word| (*word).to_owned()).collect()) {
        Err(HostError::NoProgram(_)) => Err(HostError::Other(
            "the host has no systemctl: only systemd is supported as its service manager"
                .to_owned(),
        )),
        other => other,
    }
}

fn refusal(output: &Output) -> HostError {
    let said = output.stderr.trim();
    if said.contains("has not been booted with systemd") {
        return HostError::Other(
            "systemd is not the init system (PID 1) of this host, so it runs no services"
                .to_owned(),
        );
    }
    HostError::Other(format!("systemctl failed: {said}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_is_enabled_where_its_links_are_told() {
        let link = "\n  /etc/systemd/system/sshd.service\n";
        for (told, state) in [
            (
                "enabled\n  /etc/systemd/system/multi-user.target.wants/ssh.service\n",
                "enabled",
            ),
            ("disabled\n", "disabled"),
            ("alias\n", "alias"),
            ("indirect\n", "indirect"),
            ("static\n", "static"),
            ("", ""),
        ] {
            assert_eq!(boot_state(told), state, "{told:?}");
        }
        for state in ["alias", "indirect", "enabled-runtime"] {
            assert_eq!(boot_state(&format!("{state}{link}")), "enabled");
        }
        assert_eq!(boot_state(&format!("masked{link}")), "masked");
    }
}
