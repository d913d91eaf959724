//! Objects that lie within others, and those that are named alone but have no more to them.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::{
        answer::{Refusal, bad_request},
        store::{Kind, Store},
    },
    Family, accept, free, networks,
};

/// The family that a path belongs to, and the name of the one that it asks for.
pub(in super::super) fn family<'a>(segments: &[&'a str]) -> Option<(Family, Option<&'a str>)> {
    let network = |kind, noun, network: &str, below: &str| {
        let parent = (Kind::Network, network.to_owned(), "Network");
        Family {
            path: format!("networks/{network}/{below}"),
            prefix: format!("{network}/"),
            parent: Some(parent),
            ..plain(kind, noun, below)
        }
    };
    let family = match segments {
        ["network-acls", ..] => Family {
            defaults: |name| json!({ "name": name, "description": "", "config": {}, "ingress": [], "egress": [], "used_by": [] }),
            ..plain(Kind::Acl, "Network ACL", "network-acls")
        },
        ["network-address-sets", ..] => Family {
            defaults: |name| json!({ "name": name, "description": "", "config": {}, "addresses": [], "used_by": [] }),
            ..plain(
                Kind::AddressSet,
                "Network address set",
                "network-address-sets",
            )
        },
        ["network-integrations", ..] => plain(
            Kind::Integration,
            "Network integration",
            "network-integrations",
        ),
        ["network-zones", zone, "records", ..] => Family {
            path: format!("network-zones/{zone}/records"),
            prefix: format!("{zone}/"),
            parent: Some((Kind::Zone, (*zone).to_owned(), "Network zone")),
            defaults: |name| json!({ "name": name, "description": "", "config": {}, "entries": [] }),
            ..plain(Kind::Record, "Network zone record", "")
        },
        ["network-zones", ..] => plain(Kind::Zone, "Network zone", "network-zones"),
        ["networks", name, "forwards", ..] => Family {
            key: "listen_address",
            defaults: |address| json!({ "listen_address": address, "description": "", "config": {}, "ports": [], "location": "none" }),
            complete: networks::complete_forward,
            ..network(Kind::Forward, "Network forward", name, "forwards")
        },
        ["networks", name, "load-balancers", ..] => Family {
            key: "listen_address",
            defaults: |address| json!({ "listen_address": address, "description": "", "config": {}, "backends": [], "ports": [], "location": "" }),
            complete: networks::complete_balancer,
            ..network(
                Kind::LoadBalancer,
                "Network load balancer",
                name,
                "load-balancers",
            )
        },
        ["networks", name, "peers", ..] => Family {
            defaults: |name| json!({ "name": name, "description": "", "config": {}, "type": "local", "status": "Pending" }),
            complete: networks::complete_peer,
            ..network(Kind::Peer, "Network peer", name, "peers")
        },
        ["storage-pools", pool, "buckets", bucket, "keys", ..] => Family {
            path: format!("storage-pools/{pool}/buckets/{bucket}/keys"),
            prefix: format!("{pool}/{bucket}/"),
            parent: Some((Kind::Bucket, format!("{pool}/{bucket}"), "Storage bucket")),
            defaults: |name| json!({ "name": name, "description": "", "role": "read-only" }),
            complete: complete_key,
            ..plain(Kind::BucketKey, "Storage bucket key", "")
        },
        ["storage-pools", pool, "buckets", ..] => Family {
            path: format!("storage-pools/{pool}/buckets"),
            prefix: format!("{pool}/"),
            parent: Some((Kind::Pool, (*pool).to_owned(), "Storage pool")),
            defaults: |name| json!({ "name": name, "description": "", "config": {}, "location": "none", "s3_url": format!("https://127.0.0.1:9000/{name}") }),
            ..plain(Kind::Bucket, "Storage bucket", "")
        },
        ["instances", instance, "snapshots", ..] => Family {
            path: format!("instances/{instance}/snapshots"),
            prefix: format!("{instance}/"),
            parent: Some((Kind::Instance, (*instance).to_owned(), "Instance")),
            ..plain(Kind::Snapshot, "Instance snapshot", "")
        },
        ["certificates", ..] => Family {
            key: "fingerprint",
            ..plain(Kind::Certificate, "Certificate", "certificates")
        },
        ["cluster", "groups", ..] => Family {
            defaults: |name| json!({ "name": name, "description": "", "config": {}, "members": [] }),
            complete: complete_group,
            in_use: |store, _, name| {
                let group = store.get(Kind::Group, "", name)?;
                let members = group["members"].as_array()?;
                (!members.is_empty()).then(|| "Only empty cluster groups can be removed".to_owned())
            },
            ..plain(Kind::Group, "Cluster group", "cluster/groups")
        },
        ["cluster", "members", ..] => plain(Kind::Member, "Cluster member", "cluster/members"),
        _ => return None,
    };
    let depth = family.path.split('/').count();
    match segments.len().checked_sub(depth) {
        Some(0) => Some((family, None)),
        Some(1) => Some((family, segments.last().copied())),
        _ => None,
    }
}

fn plain(kind: Kind, noun: &'static str, path: &str) -> Family {
    Family {
        kind,
        path: path.to_owned(),
        noun,
        prefix: String::new(),
        key: "name",
        parent: None,
        defaults: |name| json!({ "name": name, "description": "", "config": {} }),
        complete: accept,
        in_use: free,
    }
}

fn complete_key(_: &Store, key: &mut Value) -> Result<(), Refusal> {
    for field in ["access-key", "secret-key"] {
        if key[field].as_str().is_none_or(str::is_empty) {
            key[field] = json!(Uuid::new_v4().simple().to_string());
        }
    }
    Ok(())
}

fn complete_group(store: &Store, group: &mut Value) -> Result<(), Refusal> {
    let members = store.members();
    if members.is_empty() {
        return bad_request("This server is not clustered");
    }
    let mut named = group["members"].as_array().into_iter().flatten();
    match named.find(|name| !members.iter().any(|member| **name == json!(member))) {
        Some(name) => bad_request(format!("Failed to find cluster member {name}")),
        None => Ok(()),
    }
}
