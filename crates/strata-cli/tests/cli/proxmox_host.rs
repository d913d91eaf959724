//! `examples/proxmox-host`: the host first, on a model of Proxmox VE and for real in containers.

use crate::{daemon, strata::Folder};

#[test]
fn stages_run_in_order_and_each_can_be_left_out() {
    let folder = Folder::example("proxmox-host");
    let up = |more: &[&str]| {
        let arguments = [&["up", "home", "--twin", "-json"], more].concat();
        folder.run(&arguments).succeeded()
    };
    let outcomes = up(&[]).outcomes();
    let all = [
        "hypervisor changed",
        "template changed",
        "machines changed",
        "machines changed",
        "nginx unchanged",
    ];
    assert_eq!(outcomes, all);
    let again = up(&[]);
    assert_eq!((again.applied(), again.changed_tasks()), (vec![], vec![]));
    assert!(
        again.events_of("drift_found").is_empty(),
        "{}",
        again.stdout
    );

    let skipped = up(&["--skip", "hypervisor"]);
    assert_eq!(skipped.outcomes()[0], "hypervisor skipped");
    let only = up(&["--only", "configure.machines"]);
    assert_eq!(only.events_of("stage_started").len(), 1);

    let third = folder.run_with(&["plan", "home", "--twin"], &[("WEB_COUNT", "3")]);
    let third = third.succeeded().stdout;
    assert!(third.contains("web-3: web : Install nginx"), "{third}");
    assert!(!third.contains("~ web-2: "), "{third}");
    // What is left out of a plan still gives the hosts that it has made.
    let alone = folder.run(&["plan", "home", "--twin", "-only", "configure.machines"]);
    let alone = alone.succeeded().stdout;
    assert!(alone.contains("= web-2: 5 ok, 0 changed"), "{alone}");

    folder
        .run(&["down", "home", "--twin", "-auto-approve"])
        .succeeded();
    let status = folder.run(&["status", "home", "--twin"]).succeeded();
    assert!(
        status.stdout.contains("it was not built"),
        "{}",
        status.stdout
    );
}

#[test]
fn the_playbooks_run_for_real_in_containers() {
    let Some(_alone) = daemon::alone("the Proxmox host example") else {
        return;
    };
    daemon::clear_of(&["proxmox-host"]);
    let folder = Folder::example("proxmox-host");
    let one = [("WEB_COUNT", "1")];
    let up = || {
        folder
            .run_with(&["up", "container", "-json"], &one)
            .succeeded()
    };
    let first = up();
    let verified = first.events_of("verified");
    assert_eq!(verified[0]["passed"], true, "{verified:?}");
    let tasks = first.changed_tasks();
    assert!(
        tasks.contains(&"proxmox-host: proxmox_host : Limit the journal".to_owned()),
        "{tasks:?}"
    );
    // The machine is made from the image, which has the package already.
    let installed = "proxmox-host-web-1: web : Install nginx".to_owned();
    assert!(!tasks.contains(&installed), "{tasks:?}");
    let second = up();
    assert_eq!((second.applied(), second.changed_tasks()), (vec![], vec![]));

    let defaults = "ansible/roles/web/defaults/main.yml";
    folder.write(defaults, "web_port: 8080\nweb_greeting: Hello\n");
    let port = up();
    assert_eq!(port.applied(), [""; 0]);
    let tasks = [
        "proxmox-host-web-1: web : Configure the site",
        "proxmox-host-web-1: web : Reload nginx",
    ];
    assert_eq!(port.changed_tasks(), tasks);
    let status = folder
        .run_with(&["status", "container"], &one)
        .succeeded()
        .stdout;
    assert_eq!(status.matches(" up ").count(), 6, "{status}");

    folder
        .run_with(&["down", "container", "-auto-approve"], &one)
        .succeeded();
    daemon::has_nothing_of("proxmox-host");
}
