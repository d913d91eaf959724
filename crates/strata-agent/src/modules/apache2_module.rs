//! `apache2_module`: modules of Apache, by Debian's `a2enmod` and `a2dismod`.

use serde_json::json;

use super::programs::{self, plain};
use crate::arguments::{Arguments, Field, Spec};
use crate::change::{Change, Outcome};
use crate::host::Host;
use crate::module::{Module, ModuleError, Report, values};
use crate::protocol::{Notice, Task};

pub(super) struct Apache2Module {
    name: String,
    /// As the server calls it.
    identifier: String,
    is_enabled: bool,
    force: bool,
    ignore_configcheck: bool,
    warn_mpm_absent: bool,
}

/// Whether the server has it, and what is to be told of that.
pub(super) struct Found {
    control: String,
    is_enabled: bool,
    notices: Vec<Notice>,
}

impl Module for Apache2Module {
    const SPEC: Spec = Spec::new(
        "community.general.apache2_module",
        &[
            Field::bool("force", false),
            Field::str("identifier"),
            Field::bool("ignore_configcheck", false),
            Field::str("name").required(),
            Field::str("state")
                .choices(&["present", "absent"])
                .default("present"),
            Field::bool("warn_mpm_absent", true),
        ],
    );
    type Current = Found;

    fn new(arguments: &Arguments, _task: &Task) -> Result<Apache2Module, ModuleError> {
        let name = arguments.text("name");
        let said = arguments.string("identifier");
        Ok(Apache2Module {
            identifier: said.unwrap_or_else(|| identifier(&name)),
            name,
            is_enabled: arguments.text("state") == "present",
            force: arguments.bool("force"),
            ignore_configcheck: arguments.bool("ignore_configcheck"),
            warn_mpm_absent: arguments.bool("warn_mpm_absent"),
        })
    }

    fn observe(&self, host: &dyn Host) -> Result<Found, ModuleError> {
        let control = control(host)?;
        if self.name == "cgi" && self.is_enabled {
            let said = host.run(&plain([&control, "-V"]))?;
            if said.stdout.lines().any(is_threaded) {
                return Err(ModuleError::new(
                    "Your MPM seems to be threaded, therefore enabling cgi module is not allowed.",
                ));
            }
        }
        self.found(host, control)
    }

    fn decide(&self, found: &Found) -> Vec<Change> {
        if found.is_enabled == self.is_enabled {
            return Vec::new();
        }
        let mut words = match self.is_enabled {
            true => vec!["a2enmod"],
            false => vec!["a2dismod"],
        };
        words.extend((!self.is_enabled && self.force).then_some("-f"));
        words.push(&self.name);
        vec![Change::Run {
            command: plain(words),
            may_fail: true,
        }]
    }

    fn report(
        &self,
        host: &dyn Host,
        found: &Found,
        outcome: &Outcome,
    ) -> Result<Report, ModuleError> {
        let state = if self.is_enabled {
            "enabled"
        } else {
            "disabled"
        };
        let name = &self.name;
        if let Some(output) = outcome.outputs.last() {
            let now = self.found(host, found.control.clone())?;
            if now.is_enabled != self.is_enabled {
                let failure = ModuleError::new(format!(
                    "Failed to set module {name} to {state}:\n{}\nMaybe the module identifier ({}) was \
                     guessed incorrectly.Consider setting the \"identifier\" option.",
                    output.stdout, self.identifier
                ));
                return Err(failure.with(programs::results(output)));
            }
        }
        Ok(Report {
            values: values(json!({ "result": format!("Module {name} {state}") })),
            notices: found.notices.clone(),
            ..Report::default()
        })
    }
}

impl Apache2Module {
    fn found(&self, host: &dyn Host, control: String) -> Result<Found, ModuleError> {
        let said = host.run(&plain([&control, "-M"]))?;
        let mut found = Found {
            is_enabled: said.stdout.contains(&format!(" {}", self.identifier)),
            notices: Vec::new(),
            control,
        };
        if said.status == 0 {
            return Ok(found);
        }
        let msg = format!("Error executing {}: {}", found.control, said.stderr);
        if !self.ignore_configcheck {
            return Err(ModuleError::new(msg));
        }
        found.is_enabled = false;
        let lacks_mpm = said.stderr.contains("AH00534") && self.name.contains("mpm_");
        let warning = match lacks_mpm {
            true => self.warn_mpm_absent.then(|| {
                "No MPM module loaded! apache2 reload AND other module actions will fail if no MPM module is \
                 loaded immediately."
                    .to_owned()
            }),
            false => Some(msg),
        };
        found.notices.extend(warning.map(Notice::Warning));
        Ok(found)
    }
}

/// The program that asks the server, with its path.
fn control(host: &dyn Host) -> Result<String, ModuleError> {
    let names = ["apache2ctl", "apachectl"];
    let found = names.iter().find_map(|name| host.find_program(name));
    if let Some(path) = found {
        return Ok(path.to_string_lossy().into_owned());
    }
    programs::required(host, "apache2ctl").map_err(|error| match error.unknown {
        true => error,
        false => ModuleError::new(
            "Neither of apache2ctl nor apachectl found. At least one apache control binary is necessary.",
        ),
    })?;
    Ok("apache2ctl".to_owned())
}

fn is_threaded(line: &str) -> bool {
    let rest = line.trim().strip_prefix("threaded:");
    rest.is_some_and(|rest| rest.trim_start().starts_with("yes"))
}

/// The name by which the server lists a module of this name.
fn identifier(name: &str) -> String {
    if name.contains("shib") {
        return "mod_shib".to_owned();
    }
    if name.contains("evasive") {
        return "evasive20_module".to_owned();
    }
    let digits: Vec<&str> = name.splitn(2, '.').collect();
    match (name.strip_prefix("php"), digits.as_slice()) {
        // From version 8 on the number is no part of it.
        (Some(rest), _) if rest.starts_with('8') => "php_module".to_owned(),
        (Some(rest), [first, _]) if rest.len() > 1 => format!("{first}_module"),
        _ => format!("{name}_module"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules_are_listed_under_other_names() {
        assert_eq!(identifier("rewrite"), "rewrite_module");
        assert_eq!(identifier("php7.4"), "php7_module");
        assert_eq!(identifier("php8.2"), "php_module");
        assert_eq!(identifier("shib2"), "mod_shib");
    }
}
