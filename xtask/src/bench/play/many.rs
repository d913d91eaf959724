//! More hosts than a machine has: 500 modelled ones, twice as many, and an inventory of 10,000.

use super::super::Goal;
use super::super::meter::{self, Reading};
use super::super::scratch::Scratch;
use super::tasks;
use crate::failure::Failure;

const HOSTS: usize = 500;
const LISTED: usize = 10_000;
const TIMES: usize = 3;

const PROJECT: &str = r#"project "bench" {}

environment "local" {
  provision "machines" {
    directory = "infrastructure"
  }

  configure "hosts" {
    playbook = "site.yml"
    after    = [provision.machines]
  }
}
"#;

/// Rehearses the playbook on models of so many hosts, and of twice as many.
pub(super) fn modelled(strata: &str) -> Result<Vec<Goal>, Failure> {
    let few = rehearsed(strata, HOSTS)?;
    let many = rehearsed(strata, HOSTS * 2)?;
    let goal = |name: String, unit, measured, at_most| Goal {
        name,
        unit,
        measured,
        wanted: None,
        at_most,
    };
    Ok(vec![
        goal(
            format!("{HOSTS} modelled hosts, peak memory"),
            " MiB",
            few.mebibytes,
            953.0,
        ),
        goal(
            format!("{} modelled hosts, time beside half as many", HOSTS * 2),
            "",
            many.seconds / few.seconds,
            2.2,
        ),
    ])
}

fn rehearsed(strata: &str, hosts: usize) -> Result<Reading, Failure> {
    let folder = Scratch::with(&[
        ("strata.hcl", PROJECT.to_owned()),
        ("infrastructure/main.tf", machines(hosts)),
        ("site.yml", tasks::playbook()),
        ("templates/bench.j2", tasks::TEMPLATE.to_owned()),
    ])?;
    let words = [strata, "up", "local", "--twin", "-auto-approve"];
    let reading = meter::measure(folder.path(), &words, 0)?;
    println!(
        "{hosts} modelled hosts, 100 tasks: strata {}",
        reading.shown()
    );
    Ok(reading)
}

fn machines(hosts: usize) -> String {
    format!(
        "terraform {{
  required_providers {{
    incus = {{ source = \"lxc/incus\" }}
  }}
}}

resource \"incus_instance\" \"host\" {{
  count = {hosts}
  name  = \"host-${{count.index}}\"
  image = \"debian/12\"
}}

output \"bench_instances\" {{
  value = {{ for host in incus_instance.host : host.name => {{}} }}
}}
"
    )
}

/// Lists an inventory.
pub(super) fn inventory(strata: &str) -> Result<Vec<Goal>, Failure> {
    let folder = Scratch::with(&[("hosts", listed())])?;
    let mut readings = Vec::new();
    for _ in 0..TIMES {
        let words = [strata, "inventory", "-i", "hosts", "--list"];
        readings.push(meter::measure(folder.path(), &words, 0)?);
    }
    let middle = Reading::middle(&readings);
    println!("inventory of {LISTED}: strata {}", middle.shown());
    Ok(vec![Goal {
        name: format!("inventory of {LISTED}, list"),
        unit: " s",
        measured: middle.seconds,
        wanted: None,
        at_most: 1.0,
    }])
}

fn listed() -> String {
    let hosts = (0..LISTED).map(|at| {
        let address = format!("10.{}.{}.{}", at >> 16, (at >> 8) & 255, at & 255);
        format!(
            "host-{at:05} ansible_host={address} role=role-{}\n",
            at % 10
        )
    });
    let groups = (0..20).map(|group| {
        let members = (group..LISTED).step_by(20);
        let members: String = members.map(|at| format!("host-{at:05}\n")).collect();
        format!("[group{group}]\n{members}")
    });
    hosts.chain(groups).collect()
}
