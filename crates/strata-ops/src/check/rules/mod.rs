//! The rules, one file each.

mod address_conflict;
mod api_token_for_root;
mod backend_without_locking;
mod cloud_init_application;
mod cloud_init_password;
mod default_profile;
mod dhcp_address;
mod hard_coded_image_id;
mod image_without_checksum;
mod latest_version;
mod missing_output;
mod port_conflict;
mod privileged_container;
mod secret_in_state;
mod shared_host;
mod task_not_idempotent;
mod template_without_agent;
mod unpinned_version;
mod unset_variable;
mod vm_id_conflict;
mod vm_id_out_of_range;
mod waivers;

use super::rule::Rule;

pub(super) use waivers::{UNUSED as UNUSED_WAIVER, WITHOUT_REASON as WAIVER_WITHOUT_REASON};

/// Every rule, by name.
pub static ALL: &[&Rule] = &[
    &address_conflict::RULE,
    &api_token_for_root::RULE,
    &backend_without_locking::RULE,
    &cloud_init_application::RULE,
    &cloud_init_password::RULE,
    &default_profile::RULE,
    &dhcp_address::RULE,
    &hard_coded_image_id::RULE,
    &image_without_checksum::RULE,
    &latest_version::RULE,
    &missing_output::RULE,
    &port_conflict::RULE,
    &privileged_container::RULE,
    &secret_in_state::RULE,
    &shared_host::RULE,
    &task_not_idempotent::RULE,
    &template_without_agent::RULE,
    &unpinned_version::RULE,
    &unset_variable::RULE,
    &UNUSED_WAIVER,
    &vm_id_conflict::RULE,
    &vm_id_out_of_range::RULE,
    &WAIVER_WITHOUT_REASON,
];

/// A rule by its name.
pub(super) fn find(name: &str) -> Option<&'static Rule> {
    ALL.iter().copied().find(|rule| rule.name == name)
}
