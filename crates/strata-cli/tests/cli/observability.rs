//! `examples/observability` on a real daemon: up, nothing to do, one change, drift, down.

use serde_json::Value;

use crate::{
    daemon,
    strata::{Folder, Ran},
};

/// Tasks that changed something, as `host: task`.
fn changed_tasks(ran: &Ran) -> Vec<String> {
    let finished = ran.events_of("task_finished");
    let changed = finished
        .iter()
        .filter(|event| event["outcome"] == "changed");
    changed
        .map(|event| {
            format!(
                "{}: {}",
                event["host"].as_str().unwrap(),
                event["task"].as_str().unwrap()
            )
        })
        .collect()
}

/// Resource instances that were changed.
fn applied(ran: &Ran) -> Vec<String> {
    let finished = ran
        .events_of("apply")
        .into_iter()
        .filter(|event| event["phase"].get("finished").is_some());
    finished
        .map(|event| {
            format!(
                "{} {}",
                event["action"].as_str().unwrap(),
                event["address"].as_str().unwrap()
            )
        })
        .collect()
}

fn outcomes(ran: &Ran) -> Vec<Value> {
    ran.events_of("stage_finished")
        .iter()
        .map(|event| event["outcome"].clone())
        .collect()
}

#[test]
fn the_whole_way_through_on_a_real_daemon() {
    let Some(_alone) = daemon::alone("the observability example") else {
        return;
    };
    daemon::clear_of(&["alertmanager", "mosquitto", "prometheus", "observability"]);
    let folder = Folder::example("observability");
    let up = |environment: &[(&str, &str)]| {
        folder
            .run_with(&["up", "local", "-json"], environment)
            .succeeded()
    };

    let first = up(&[]);
    assert_eq!(
        outcomes(&first),
        ["changed", "changed", "unchanged", "unchanged", "unchanged"]
    );
    assert_eq!(
        first
            .events_of("verified")
            .iter()
            .filter(|event| event["passed"] == true)
            .count(),
        3
    );
    assert_eq!(applied(&first).len(), 9, "{:?}", applied(&first));

    let second = up(&[]);
    assert_eq!(applied(&second), [""; 0]);
    assert_eq!(changed_tasks(&second), [""; 0]);

    let third = up(&[("SCRAPE_INTERVAL", "30s")]);
    assert_eq!(applied(&third), [""; 0]);
    assert_eq!(
        changed_tasks(&third),
        [
            "prometheus: prometheus : Configure what is scraped",
            "prometheus: prometheus : Restart Prometheus"
        ]
    );

    daemon::stop("mosquitto");
    let fourth = up(&[("SCRAPE_INTERVAL", "30s")]);
    let drift: Vec<Value> = fourth
        .events_of("drift_found")
        .into_iter()
        .map(|event| event["address"].clone())
        .collect();
    assert_eq!(
        drift,
        ["module.service[\"mosquitto\"].incus_instance.service"]
    );
    assert_eq!(
        applied(&fourth),
        ["update module.service[\"mosquitto\"].incus_instance.service"]
    );
    assert_eq!(
        fourth
            .events_of("verified")
            .iter()
            .filter(|event| event["passed"] == true)
            .count(),
        3
    );

    folder.run(&["down", "local", "-auto-approve"]).succeeded();
    daemon::has_nothing_of("observability");
    let left = daemon::listing();
    for name in ["prometheus", "alertmanager", "mosquitto"] {
        // Others may have some of their own, under longer names.
        let ours = [format!("/{name}"), format!("/{name}-data")];
        let is_ours = |entry: &&String| ours.iter().any(|end| entry.ends_with(end));
        assert_eq!(left.iter().find(is_ours), None);
    }
}
