//! Modules that ask addresses, beside what Ansible's of the same name did: see [`comparison`].
//!
//! Here, and not beside the other modules, since the agent that is embedded is the one that has an HTTP client.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

#[path = "../../strata-agent/tests/comparison/mod.rs"]
mod comparison;

#[test]
fn every_recorded_run_of_what_fetches_comes_out_as_with_ansible() {
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("strata-agent");
    std::fs::write(&agent, strata_transport::agent()).unwrap();
    let mistakes = comparison::mistakes(&agent, |suite| suite["fetches"] == true);
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n"));
}
