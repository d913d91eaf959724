//! `examples/quickstart` in the twin: no root, no network, no daemon.

use crate::strata::Folder;

#[test]
fn goes_up_finds_nothing_to_do_and_goes_down_in_the_twin() {
    let folder = Folder::example("quickstart");
    let up = folder.run(&["up", "local", "--twin", "-json"]).succeeded();
    assert_eq!(
        up.outcomes(),
        ["machines changed", "web changed", "nginx unchanged"]
    );

    let again = folder.run(&["up", "local", "--twin", "-json"]).succeeded();
    assert_eq!(
        again.outcomes(),
        ["machines unchanged", "web unchanged", "nginx unchanged"]
    );

    let changed = folder
        .run_with(
            &["up", "local", "--twin", "-json"],
            &[("GREETING", "Good evening")],
        )
        .succeeded();
    assert_eq!(
        changed.changed_tasks(),
        ["web-1: web : Write the page", "web-2: web : Write the page"]
    );

    folder
        .run(&["down", "local", "--twin", "-auto-approve"])
        .succeeded();
    let status = folder.run(&["status", "local", "--twin"]).succeeded();
    assert!(status.stdout.contains("not there"), "{}", status.stdout);
}

#[test]
fn the_plan_of_an_environment_changes_nothing() {
    let folder = Folder::example("quickstart");
    let plan = folder.run(&["plan", "local", "--twin"]).succeeded();
    assert!(
        plan.stdout.contains("incus_instance.web[\"web-1\"]"),
        "{}",
        plan.stdout
    );
    assert!(
        plan.stdout
            .contains("Plan: 4 to add, 0 to change, 0 to destroy."),
        "{}",
        plan.stdout
    );
    let status = folder.run(&["status", "local", "--twin"]).succeeded();
    assert!(status.stdout.contains("not there"), "{}", status.stdout);
}
