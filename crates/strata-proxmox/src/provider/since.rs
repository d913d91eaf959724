//! What a release of Proxmox VE does not have yet, or no more: said in the plan, with what to write in its place.
//!
//! The server is asked for its release only where a plan has something that is not in every release.

use serde_json::Value as Json;
use strata_core::Diagnostic;

use super::{
    guest::all,
    kind::{Failure, Outcome},
    session::Session,
};
use crate::client::Release;

/// What is there in some releases alone.
struct Bound {
    /// The types, by one of their names.
    types: &'static [&'static str],
    /// The argument and what it has to say; none for the whole type.
    argument: Option<(&'static str, Says)>,
    since: Release,
    /// The release in which it was gone.
    gone: Release,
    /// What to write where it is not there.
    instead: &'static str,
}

/// What an argument has to say to need a release.
enum Says {
    Anything,
    Text(&'static str),
    True,
}

const ALWAYS: Release = (0, 0);
const NEVER: Release = (u32::MAX, 0);

static BOUNDS: [Bound; 10] = [
    Bound {
        types: &["proxmox_hagroup"],
        argument: None,
        since: ALWAYS,
        gone: (9, 0),
        instead: "groups became rules: write `proxmox_harule` with `type = \"node-affinity\"`",
    },
    Bound {
        types: &["proxmox_haresource"],
        argument: Some(("group", Says::Anything)),
        since: ALWAYS,
        gone: (9, 0),
        instead: "groups became rules: write a `proxmox_harule` that names the resource",
    },
    Bound {
        types: &["proxmox_vm_qemu", "proxmox_lxc"],
        argument: Some(("hagroup", Says::Anything)),
        since: ALWAYS,
        gone: (9, 0),
        instead: "groups became rules: `ha-manager` or the web interface makes one that names the guest",
    },
    Bound {
        types: &["proxmox_harule"],
        argument: None,
        since: (9, 0),
        gone: NEVER,
        instead: "until then there are groups: write `proxmox_hagroup`",
    },
    Bound {
        types: &[
            "proxmox_sdn_fabric_openfabric",
            "proxmox_sdn_fabric_ospf",
            "proxmox_sdn_fabric_node_openfabric",
            "proxmox_sdn_fabric_node_ospf",
        ],
        argument: None,
        since: (9, 0),
        gone: NEVER,
        instead: "until then a zone lists its peers by their addresses",
    },
    Bound {
        types: &[
            "proxmox_hardware_mapping_pci",
            "proxmox_hardware_mapping_usb",
        ],
        argument: None,
        since: (8, 0),
        gone: NEVER,
        instead: "until then devices are named by their address on the node: `hostpci { id = … }`, `usb { host = … }`",
    },
    Bound {
        types: &["proxmox_hardware_mapping_dir"],
        argument: None,
        since: (8, 4),
        gone: NEVER,
        instead: "until then folders of a node cannot be given to machines",
    },
    Bound {
        types: &["proxmox_download_file", "proxmox_virtual_environment_file"],
        argument: Some(("content_type", Says::Text("import"))),
        since: (8, 4),
        gone: NEVER,
        instead: "until then a disk image is kept as `content_type = \"iso\"` under a name that ends in `.img`; a disk is filled from it by `file_id`",
    },
    Bound {
        types: &["proxmox_virtual_environment_container"],
        argument: Some(("network_interface.host_managed", Says::True)),
        since: (9, 1),
        gone: NEVER,
        instead: "until then a container's network is managed inside of it",
    },
    Bound {
        types: &["proxmox_virtual_environment_vm"],
        argument: Some(("virtiofs.mapping", Says::Anything)),
        since: (8, 4),
        gone: NEVER,
        instead: "until then folders of a node cannot be given to machines",
    },
];

impl Bound {
    /// True if a planned object has it.
    fn concerns(&self, kind: &str, planned: &Json) -> bool {
        self.types.contains(&kind)
            && self.argument.as_ref().is_none_or(|(path, says)| {
                let given = match path.split_once('.') {
                    Some((block, name)) => {
                        all(planned, block).iter().map(|one| &one[name]).collect()
                    }
                    None => vec![&planned[*path]],
                };
                given.into_iter().any(|given| says.fits(given))
            })
    }

    fn what(&self, kind: &str) -> String {
        match &self.argument {
            None => format!("`{kind}`"),
            Some((path, Says::Text(text))) => format!("`{path} = \"{text}\"` of `{kind}`"),
            Some((path, _)) => format!("`{path}` of `{kind}`"),
        }
    }

    fn refuse(&self, kind: &str, (major, minor): Release) -> Diagnostic {
        let what = self.what(kind);
        let is_early = (major, minor) < self.since;
        let (summary, hint) = match is_early {
            true => (
                format!(
                    "{what} is not there before Proxmox VE {}.{}",
                    self.since.0, self.since.1
                ),
                "update the cluster, or write what its release has",
            ),
            false => (
                format!(
                    "{what} is gone since Proxmox VE {}.{}",
                    self.gone.0, self.gone.1
                ),
                "write what took its place",
            ),
        };
        Diagnostic::error("proxmox-release", summary)
            .detail(format!(
                "the server is Proxmox VE {major}.{minor}: {}",
                self.instead
            ))
            .hint(hint)
    }
}

impl Says {
    fn fits(&self, given: &Json) -> bool {
        match self {
            Says::Anything => given.as_str().is_some_and(|text| !text.is_empty()),
            Says::Text(text) => given == text,
            Says::True => given == true,
        }
    }
}

/// Refuses what the server's release does not have. One that does not tell its release is believed to have all.
pub(super) async fn check(session: &Session, kind: &str, planned: &Json) -> Outcome<()> {
    let concerned = concerned(kind, planned);
    if concerned.is_empty() {
        return Ok(());
    }
    let Some(release) = session.client.release().await else {
        return Ok(());
    };
    for bound in concerned {
        if release < bound.since || release >= bound.gone {
            return Err(Failure::new(bound.refuse(kind, release)));
        }
    }
    Ok(())
}

/// What of it is not in every release.
fn concerned(kind: &str, planned: &Json) -> Vec<&'static Bound> {
    BOUNDS
        .iter()
        .filter(|bound| bound.concerns(kind, planned))
        .collect()
}
