//! The types of `telmate/proxmox`, by its names.
//!
//! A machine or container of telmate's is one of ours in other words: [`machine`] and [`container`]
//! say it in ours, [`guest`] has that made, read, changed and removed, and says what came of it in
//! telmate's ([`told`]). Pools are plain; [`stored`] is what lies in storages, [`volume`] a volume of a container
//! that is there, [`ha_group`] the one data source. [`schema`] holds the arguments, [`block`] the provider's block.

pub(crate) mod block;
mod container;
mod devices;
mod disks;
mod guest;
mod ha;
pub(super) mod ha_group;
mod image;
mod machine;
pub(crate) mod schema;
mod stored;
mod told;
mod volume;

use super::{
    kind::Kind,
    plain::Plain,
    tables::{PLAIN, id, text},
};

/// Where it says it is from.
pub(crate) const SOURCE: &str = "registry.terraform.io/telmate/proxmox";

pub(crate) static ALL: [&dyn Kind; 6] = [
    &guest::MACHINE,
    &guest::CONTAINER,
    &POOL,
    &stored::Fetched,
    &stored::Drive,
    &volume::Volume,
];

static POOL: Plain = Plain {
    name: "proxmox_pool",
    noun: "pool",
    all: "/pools",
    one: "/pools/{poolid}",
    id: "pools/{poolid}",
    import: "pools/{poolid}",
    fields: &[id("poolid", "poolid"), text("comment", "comment")],
    deletes: false,
    ..PLAIN
};
