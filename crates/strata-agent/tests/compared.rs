//! Modules beside what Ansible's of the same name did, run by run: see [`comparison`].

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

mod comparison;

use std::path::Path;

use serde_json::Value;

fn none_differs(is_wanted: fn(&Value) -> bool) {
    let agent = Path::new(env!("CARGO_BIN_EXE_strata-agent"));
    let mistakes = comparison::mistakes(agent, is_wanted);
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}

#[test]
fn every_recorded_run_comes_out_as_with_ansible() {
    none_differs(|suite| suite["container"] != true);
}

#[test]
fn every_recorded_run_in_a_container_comes_out_as_with_ansible() {
    none_differs(|suite| suite["container"] == true && suite["fetches"] != true);
}
