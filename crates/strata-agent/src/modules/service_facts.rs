//! `service_facts`: all services, as systemd, OpenRC or the older `service` list them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::programs::plain;
use crate::arguments::{Arguments, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::Task;

pub(super) struct ServiceFacts;

type Services = BTreeMap<String, Map<String, Value>>;

impl Module for ServiceFacts {
    const SPEC: Spec = Spec::new("service_facts", &[]);
    type Current = Services;

    fn new(_: &Arguments, _: &Task) -> Result<ServiceFacts, ModuleError> {
        Ok(ServiceFacts)
    }

    fn observe(&self, host: &dyn Host) -> Result<Services, ModuleError> {
        let mut services = Services::new();
        if host.find_program("service").is_some() && host.find_program("rc-status").is_none() {
            let said = host.run(&plain(["service", "--status-all"]))?;
            scripts(&said.stdout, &mut services);
        }
        let has_openrc = ["rc-status", "rc-update"]
            .iter()
            .all(|name| host.find_program(name).is_some());
        if has_openrc {
            let status = host.run(&plain(["rc-status", "-a", "-s", "-m"]))?;
            let runlevels = host.run(&plain(["rc-update", "show", "-v"]))?;
            openrc(&status.stdout, &runlevels.stdout, &mut services);
        }
        let managed = host.metadata(Path::new("/run/systemd/system"))?.is_some();
        if managed {
            let list = |what: &str| {
                let argv = [
                    "systemctl",
                    what,
                    "--no-pager",
                    "--type",
                    "service",
                    "--all",
                ];
                host.run(&plain(argv.into_iter().chain(["--plain", "--no-legend"])))
            };
            units(&list("list-units")?.stdout, &mut services);
            let unknown = unit_files(&list("list-unit-files")?.stdout, &mut services);
            ask_states(host, &unknown, &mut services)?;
        }
        Ok(services)
    }

    fn decide(&self, _: &Services) -> Vec<Change> {
        Vec::new()
    }

    fn report(
        &self,
        _: &dyn Host,
        services: &Services,
        _: &Outcome,
    ) -> Result<Report, ModuleError> {
        Ok(Report::of(values(
            json!({"ansible_facts": {"services": services}}),
        )))
    }
}

fn entry(name: &str, state: &str, status: Option<&str>, source: &str) -> Map<String, Value> {
    let mut entry = values(json!({"name": name, "state": state, "source": source}));
    if let Some(status) = status {
        entry.insert("status".to_owned(), status.into());
    }
    entry
}

/// Lines as ` [ + ]  ssh`.
fn scripts(said: &str, services: &mut Services) {
    for line in said.lines() {
        let line = line.trim_start();
        let (state, name) = match (line.strip_prefix("[ + ]"), line.strip_prefix("[ - ]")) {
            (Some(name), _) => ("running", name.trim()),
            (_, Some(name)) => ("stopped", name.trim()),
            _ => continue,
        };
        services.insert(name.to_owned(), entry(name, state, None, "sysv"));
    }
}

/// Lines as ` sshd    [  started  ]`, and as `sshd | default`; a service that only the first list has is left out.
fn openrc(status: &str, runlevels: &str, services: &mut Services) {
    let lines = runlevels.lines().filter_map(|line| line.split_once('|'));
    let runlevels: BTreeMap<&str, Vec<&str>> = lines
        .map(|(name, levels)| (name.trim(), levels.split_whitespace().collect()))
        .collect();
    for line in status.lines().filter(|line| line.starts_with(' ')) {
        let line = line.replace(['[', ']'], "");
        let mut words = line.split_whitespace();
        let (Some(name), Some(state)) = (words.next(), words.next()) else {
            continue;
        };
        if let Some(levels) = runlevels.get(name) {
            let mut entry = entry(name, state, None, "openrc");
            let levels = (!levels.is_empty()).then_some(levels);
            entry.insert("runlevels".to_owned(), json!(levels));
            services.insert(name.to_owned(), entry);
        }
    }
}

const BAD: &[&str] = &["not-found", "masked", "failed"];

/// Lines as `ssh.service loaded active running OpenBSD Secure Shell server`.
fn units(said: &str, services: &mut Services) {
    for line in said.lines().filter(|line| line.contains(".service")) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [name, _, active, sub, ..] = fields[..] else {
            continue;
        };
        let before_description = &fields[..fields.len() - 1];
        let bad = BAD.iter().find(|bad| before_description.contains(bad));
        let status = bad.copied().unwrap_or(active);
        let state = if sub == "running" {
            "running"
        } else {
            "stopped"
        };
        services.insert(name.to_owned(), entry(name, state, Some(status), "systemd"));
    }
}

/// Lines as `ssh.service enabled enabled`; gives the units that are not loaded.
fn unit_files(said: &str, services: &mut Services) -> Vec<String> {
    let mut unknown = Vec::new();
    for line in said.lines().filter(|line| line.contains(".service")) {
        let mut fields = line.split_whitespace();
        let (Some(name), Some(status)) = (fields.next(), fields.next()) else {
            continue;
        };
        match services.get_mut(name) {
            None => {
                services.insert(
                    name.to_owned(),
                    entry(name, "unknown", Some(status), "systemd"),
                );
                unknown.push(name.to_owned());
            }
            Some(service) => {
                let now = service["status"].as_str().unwrap_or_default();
                if !BAD.contains(&now) {
                    service.insert("status".to_owned(), status.into());
                }
            }
        }
    }
    unknown
}

/// Asks for the states of units that are not loaded, all at once; a template has none.
fn ask_states(
    host: &dyn Host,
    names: &[String],
    services: &mut Services,
) -> Result<(), ModuleError> {
    let whole: Vec<&str> = names
        .iter()
        .map(String::as_str)
        .filter(|name| !name.contains("@."))
        .collect();
    if whole.is_empty() {
        return Ok(());
    }
    let argv = ["systemctl", "show", "--property=ActiveState", "--value"];
    let said = host.run(&plain(argv.into_iter().chain(whole.iter().copied())))?;
    let states = said.stdout.lines().filter(|line| !line.is_empty());
    for (name, state) in whole.iter().zip(states) {
        if let Some(service) = services.get_mut(*name) {
            service.insert("state".to_owned(), state.into());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_systemd_are_joined() {
        let mut services = Services::new();
        units(
            "ssh.service loaded active running Shell\nx.service not-found inactive dead x.service\n",
            &mut services,
        );
        let unknown = unit_files(
            "ssh.service enabled enabled\ny@.service static -\n",
            &mut services,
        );
        assert_eq!(services["ssh.service"]["status"], "enabled");
        assert_eq!(services["ssh.service"]["state"], "running");
        assert_eq!(services["x.service"]["status"], "not-found");
        assert_eq!(unknown, ["y@.service"]);
    }
}
