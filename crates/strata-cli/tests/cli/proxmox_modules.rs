//! `examples/proxmox-modules` on a model of Proxmox VE: environments, scaling, and a state that is lost.

use std::{fs, process::Command};

use crate::strata::Folder;

fn up(folder: &Folder, environment: &str) -> crate::strata::Ran {
    let arguments = ["up", environment, "--twin", "-auto-approve", "-json"];
    folder.run(&arguments).succeeded()
}

fn tfvars(folder: &Folder, environment: &str, from: &str, to: &str) {
    let path = format!("infrastructure/environments/{environment}.tfvars");
    folder.replace(&path, from, to);
}

#[test]
fn three_environments_have_machines_and_states_of_their_own() {
    let folder = Folder::example("proxmox-modules");
    assert_eq!(up(&folder, "cluster").applied().len(), 4);
    for (environment, objects) in [("dev", 4), ("staging", 7), ("prod", 10)] {
        let first = up(&folder, environment);
        assert_eq!(first.applied().len(), objects, "{environment}");
        assert_eq!(up(&folder, environment).applied(), [""; 0], "{environment}");
        let state = format!(".strata/twin/{environment}/machines.tfstate");
        let state = fs::read_to_string(folder.path().join(state)).unwrap();
        assert!(state.contains(&format!("{environment}-web-1")), "{state}");
    }

    // Scaling is a number, of one environment.
    tfvars(&folder, "dev", "count = 1", "count = 2");
    let more = up(&folder, "dev").applied();
    assert!(
        more.iter().all(|change| change.contains("dev-web-2")),
        "{more:?}"
    );
    assert_eq!(more.len(), 3);
    tfvars(&folder, "dev", "count = 2", "count = 1");
    assert_eq!(up(&folder, "dev").applied().len(), 3);
    assert_eq!(up(&folder, "staging").applied(), [""; 0]);

    let refused = folder.run(&["down", "cluster", "--twin", "-auto-approve"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("prevent_destroy"),
        "{}",
        refused.stderr
    );
    folder
        .run(&["down", "dev", "--twin", "-auto-approve"])
        .succeeded();
    let status = folder.run(&["status", "prod", "--twin"]).succeeded();
    assert!(status.stdout.contains(" up "), "{}", status.stdout);
}

/// Runs `recover.sh` as its README says.
#[track_caller]
fn recover(folder: &Folder, action: &str) -> String {
    let output = Command::new("sh")
        .args(["recover.sh", action, "dev"])
        .current_dir(folder.path())
        .env("OPTIONS", "--twin")
        .env("STRATA", env!("CARGO_BIN_EXE_strata"))
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{action}:\n{said}\n{complaint}");
    said
}

#[test]
fn a_lost_state_is_restored_from_a_copy_and_refreshed() {
    let folder = Folder::example("proxmox-modules");
    up(&folder, "dev");
    recover(&folder, "backup");
    // The copy is older than what was done last.
    tfvars(&folder, "dev", "count = 1", "count = 1, memory = 2048");
    up(&folder, "dev");
    fs::remove_file(folder.path().join(".strata/twin/dev/machines.tfstate")).unwrap();
    let said = recover(&folder, "restore");
    assert!(said.contains("Changed outside of Strata"), "{said}");
    assert!(said.contains("1024 -> 2048"), "{said}");
    assert!(said.contains("No changes."), "{said}");
    assert_eq!(up(&folder, "dev").applied(), [""; 0]);
}

#[test]
fn a_state_without_a_copy_is_made_anew_from_what_is_there() {
    let folder = Folder::example("proxmox-modules");
    up(&folder, "dev");
    fs::remove_file(folder.path().join(".strata/twin/dev/machines.tfstate")).unwrap();
    let said = recover(&folder, "adopt");
    assert!(said.contains("Plan: 4 to import, 0 to add"), "{said}");
    assert!(said.contains("0 to destroy"), "{said}");
    assert_eq!(up(&folder, "dev").applied(), [""; 0]);
}

#[test]
fn machines_that_are_lost_with_their_cluster_are_made_again() {
    let folder = Folder::example("proxmox-modules");
    up(&folder, "dev");
    fs::remove_file(folder.path().join(".strata/twin/dev/proxmox.json")).unwrap();
    let again = up(&folder, "dev");
    // The options of the firewall, too: those of a machine that is made again are not what they were.
    assert_eq!(again.applied().len(), 5, "{:?}", again.applied());
    assert_eq!(up(&folder, "dev").applied(), [""; 0]);
}
