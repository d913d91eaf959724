//! How long it takes to plan 2,000 machines that are there, on a model of Proxmox VE.
//!
//! The model runs in the same process, so its time counts, too. How many calls a plan makes is no
//! matter of time and is asserted by a test of `strata-proxmox`.

use super::meter::{self, Reading};
use super::{Goal, options::Options, scratch::Scratch, strata};
use crate::failure::Failure;

const RUNS: usize = 3;
const MACHINES: usize = 2000;

/// Makes the machines once, and measures plans that find nothing to do.
pub(super) fn measure(options: &Options) -> Result<Vec<Goal>, Failure> {
    meter::require()?;
    let strata = strata(options)?.display().to_string();
    let machines = options.instances.unwrap_or(MACHINES);
    let scratch = Scratch::with(&[
        ("strata.hcl", PROJECT.to_owned()),
        ("machines/main.tf", configuration(machines)),
    ])?;
    let up = [
        strata.as_str(),
        "up",
        "bench",
        "--twin",
        "-auto-approve",
        "-json",
    ];
    let made = meter::measure(scratch.path(), &up, 0)?;
    println!("{machines} machines made on the model: {}", made.shown());
    let plan = [strata.as_str(), "plan", "bench", "--twin"];
    let runs = (0..options.pairs.unwrap_or(RUNS)).map(|_| meter::measure(scratch.path(), &plan, 0));
    let runs = runs.collect::<Result<Vec<Reading>, Failure>>()?;
    let middle = Reading::middle(&runs);
    println!(
        "plan of {machines} machines that are there: {}",
        middle.shown()
    );
    Ok(vec![Goal {
        name: format!("plan of {machines} machines of Proxmox VE"),
        unit: " s",
        measured: middle.seconds,
        wanted: None,
        at_most: 5.0,
    }])
}

const PROJECT: &str = "project \"bench\" {}\n\nenvironment \"bench\" {\n  provision \"machines\" {\n    directory = \"machines\"\n  }\n}\n";

fn configuration(machines: usize) -> String {
    format!(
        r#"terraform {{
  required_providers {{
    proxmox = {{ source = "bpg/proxmox" }}
  }}
}}

provider "proxmox" {{
  endpoint  = "https://pve.invalid:8006/"
  api_token = "root@pam!bench=0"
}}

resource "proxmox_virtual_environment_vm" "machine" {{
  count     = {machines}
  name      = "machine-${{count.index}}"
  node_name = "pve"
  vm_id     = 1000 + count.index
  started   = false
  tags      = ["bench"]

  cpu {{
    cores = 2
    type  = "x86-64-v2-AES"
  }}
  memory {{
    dedicated = 2048
  }}
  disk {{
    interface    = "scsi0"
    datastore_id = "local"
    size         = 8
  }}
  network_device {{
    bridge = "vmbr0"
  }}
  initialization {{
    datastore_id = "local"
    ip_config {{
      ipv4 {{
        address = "10.${{floor(count.index / 250)}}.0.${{count.index % 250 + 2}}/8"
      }}
    }}
  }}
}}
"#
    )
}
