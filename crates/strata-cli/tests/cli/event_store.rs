//! `examples/event-store`: on a model of Proxmox VE, and for real in a container that stands for the machine.

use crate::{
    daemon,
    strata::{Folder, Ran},
};

/// A copy of the example with a vault of its own, as its README makes it.
fn example() -> Folder {
    let folder = Folder::example("event-store");
    let password = format!("{:x}", std::process::id());
    folder.write(".vault-password", &password);
    let passwords =
        "vault_event_store_passwords: { dev: one-dev, staging: one-staging, prod: one-prod }\n";
    folder.write(VAULT, passwords);
    folder.run(&["vault", "encrypt", VAULT]).succeeded();
    let encrypted = std::fs::read_to_string(folder.path().join(VAULT)).unwrap();
    assert!(encrypted.starts_with("$ANSIBLE_VAULT"), "{encrypted}");
    folder
}

const VAULT: &str = "ansible/group_vars/event_store/vault.yml";

/// No password of the vault may be seen in what a command says.
#[track_caller]
fn without_passwords(ran: Ran) -> Ran {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!said.contains("one-"), "{said}");
    ran
}

#[test]
fn is_rehearsed_from_nothing_to_nothing() {
    let folder = example();
    let run = |arguments: &[&str], environment: &[(&str, &str)]| {
        without_passwords(folder.run_with(arguments, environment).succeeded())
    };
    let up = ["up", "local", "--twin", "-json"];
    let vm = "proxmox_virtual_environment_vm.event_store";
    assert_eq!(run(&up, &[]).applied(), [format!("create {vm}")]);
    let again = run(&up, &[]);
    assert_eq!(again.applied(), [""; 0]);
    assert!(again.outcomes().contains(&"machine unchanged".to_owned()));

    // The application layer alone: the plan of the infrastructure is empty.
    let port = [("DEV_PORT", "2120")];
    let plan = run(&["plan", "local", "--twin"], &port);
    assert!(plan.stdout.contains("No changes."), "{}", plan.stdout);
    let planned = "~ event-store-local: event_store : Configure the event store";
    assert_eq!(plan.stdout.matches(planned).count(), 1, "{}", plan.stdout);
    let changed = run(&up, &port);
    assert_eq!(changed.applied(), [""; 0]);
    let configured = "event-store-local: event_store : Configure the event store";
    assert_eq!(changed.changed_tasks()[0], configured);

    // The infrastructure layer alone.
    let memory = [("DEV_PORT", "2120"), ("VM_MEMORY_MB", "8192")];
    assert_eq!(run(&up, &memory).applied(), [format!("update {vm}")]);

    let status = run(&["status", "local", "--twin"], &memory);
    assert!(!status.stdout.contains("behind"), "{}", status.stdout);
    folder
        .run(&["down", "local", "--twin", "-auto-approve"])
        .succeeded();
    let status = folder.run(&["status", "local", "--twin"]).succeeded();
    assert!(status.stdout.contains("not there"), "{}", status.stdout);
}

#[test]
fn three_copies_run_for_real_on_one_machine() {
    let Some(_alone) = daemon::alone("the event store example") else {
        return;
    };
    daemon::clear_of(&["event-store"]);
    let folder = example();
    let up = |environment: &[(&str, &str)]| {
        let ran = folder.run_with(&["up", "container", "-json"], environment);
        without_passwords(ran.succeeded())
    };
    let verified = |ran: &Ran| {
        let events = ran.events_of("verified");
        events
            .iter()
            .filter(|event| event["passed"] == true)
            .count()
    };

    let first = up(&[]);
    assert_eq!(verified(&first), 3, "{:?}", first.outcomes());
    let second = up(&[]);
    assert_eq!((second.applied(), second.changed_tasks()), (vec![], vec![]));

    let third = up(&[("DEV_PORT", "2120")]);
    assert_eq!(third.applied(), [""; 0]);
    let tasks = ["Configure the event store", "Restart the event store"];
    let tasks = tasks.map(|task| format!("event-store-container: event_store : {task}"));
    assert_eq!(third.changed_tasks(), tasks);
    assert_eq!(verified(&third), 3);

    let status = folder.run_with(&["status", "container"], &[("DEV_PORT", "2120")]);
    let status = status.succeeded().stdout;
    assert_eq!(status.matches(" up ").count(), 6, "{status}");
    // Asked to stop, Docker and the database take their time.
    daemon::stop("event-store-container");
    folder
        .run(&["down", "container", "-auto-approve"])
        .succeeded();
    daemon::has_nothing_of("event-store");
}
