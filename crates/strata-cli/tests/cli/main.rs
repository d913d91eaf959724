//! The whole binary, as users run it.
//!
//! Tests in [`observability`] and [`kill`], and some of examples, need a real Incus daemon: without one they say so and
//! pass, with `STRATA_TEST_INCUS_REQUIRED=1` (as in CI) they fail. Everything else runs anywhere.

#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say what they skip"
)]

mod adopted;
mod ansible_settings;
mod at_once;
mod backend;
mod bad_playbooks;
mod check;
mod completion;
mod console;
mod daemon;
mod encryption;
mod event_store;
mod faults;
mod format;
mod four_runs;
mod gate;
mod images;
mod infrastructure;
mod inventory_plugins;
mod kill;
mod language;
mod mistakes;
mod module_sources;
mod moving;
mod observability;
mod observability_stack;
mod pipes;
mod plans;
mod playbook;
mod playbooks;
mod project;
mod project_mistakes;
mod provisioners;
mod proxmox_bad_input;
mod proxmox_host;
mod proxmox_modules;
mod proxmox_telmate;
mod quickstart;
mod reference;
mod remote;
mod resume;
mod secrets;
mod ssh;
mod ssh_faults;
mod stages;
mod state;
mod stop;
mod strata;
mod twin;
mod vault;
