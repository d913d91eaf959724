//! Containers that answer ssh and Incus alike, gone when they are dropped, and inventories that name them.

use std::fmt::Write;

use crate::failure::Failure;
use crate::process;
use crate::testbed;

const PREFIX: &str = "strata-play-bench-";

/// How tasks get to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Ssh,
    Incus,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Way::Ssh => "ssh",
            Way::Incus => "incus",
        }
    }
}

/// Running containers.
#[derive(Debug)]
pub(super) struct Targets(Vec<Target>);

#[derive(Debug)]
struct Target {
    name: String,
    address: String,
    key: String,
    known_hosts: String,
}

impl Targets {
    /// Makes so many, anew; what they do at boot is over, and what making them wrote is on the disk, so that nobody who
    /// is measured waits for it.
    pub(super) fn make(count: usize) -> Result<Targets, Failure> {
        let mut targets = Targets(Vec::new());
        for at in 0..count {
            let name = format!("{PREFIX}{at}");
            // What an interrupted run left over; mostly there is nothing.
            drop(testbed::remove(&name));
            let made = testbed::ssh_target(&name);
            // One that was made in part is nobody's yet.
            let text = made.inspect_err(|_| drop(testbed::remove(&name)))?;
            let of = |key: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(key));
                line.and_then(|rest| rest.strip_prefix('='))
                    .unwrap_or_default()
                    .to_owned()
            };
            targets.0.push(Target {
                name,
                address: of("host"),
                key: of("key"),
                known_hosts: of("known_hosts"),
            });
        }
        for target in &targets.0 {
            testbed::wait_for_boot(&target.name)?;
        }
        process::run(&["sync"])?;
        Ok(targets)
    }

    /// An inventory as Ansible reads it.
    pub(super) fn inventory(&self, way: Way) -> String {
        let mut text = String::from("[all]\n");
        for target in &self.0 {
            let line = match way {
                Way::Incus => writeln!(
                    text,
                    "{} ansible_connection=community.general.incus",
                    target.name
                ),
                Way::Ssh => writeln!(
                    text,
                    "{} ansible_host={} ansible_user=root ansible_ssh_private_key_file={} \
                     ansible_ssh_common_args='-F none -o UserKnownHostsFile={}'",
                    target.name, target.address, target.key, target.known_hosts
                ),
            };
            line.expect("a text takes everything");
        }
        text
    }

    /// An inventory as pyinfra reads it: Python.
    pub(super) fn pyinfra(&self) -> String {
        let hosts: Vec<String> = self
            .0
            .iter()
            .map(|target| {
                format!(
                    "({:?}, {{\"ssh_user\": \"root\", \"ssh_key\": {:?}, \"ssh_known_hosts_file\": {:?}}})",
                    target.address, target.key, target.known_hosts
                )
            })
            .collect();
        format!("hosts = [{}]\n", hosts.join(", "))
    }
}

impl Drop for Targets {
    fn drop(&mut self) {
        for target in &self.0 {
            if let Err(failure) = testbed::remove(&target.name) {
                eprintln!("xtask: `{}` is left over: {failure}", target.name);
            }
        }
    }
}
