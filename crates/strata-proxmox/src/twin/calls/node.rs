//! Nodes: their list and state, names, hosts, time, certificates, repositories.

use serde_json::{Value as Json, json};

use super::super::{
    answer::{Answered, Refusal, data, fail, null, wrong},
    api,
    call::Call,
    permission,
    store::{Node, Store, digest, typed},
};

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    if call.method.path == "/nodes" {
        return Some(data(
            store
                .nodes
                .keys()
                .map(|name| row(store, call, name, true))
                .collect(),
        ));
    }
    let rest = call.method.path.strip_prefix("/nodes/{node}")?;
    Some(match (call.method.verb.as_str(), rest) {
        ("GET", "/status") => status(store, call),
        ("GET", "/dns") => node(store, call).and_then(|node| data(json!(node.dns))),
        ("PUT", "/dns") => {
            let dns = call.rest(&["node"]);
            node(store, call).and_then(|node| {
                node.dns = dns;
                null()
            })
        }
        ("GET", "/hosts") => node(store, call).and_then(|node| {
            data(json!({ "data": node.hosts, "digest": digest(&json!(node.hosts)) }))
        }),
        ("POST", "/hosts") => hosts(store, call),
        ("GET", "/time") => time(store, call),
        ("PUT", "/time") => {
            let zone = call.need("timezone").to_owned();
            if !is_zone(&zone) {
                return Some(wrong("timezone", "No such timezone"));
            }
            node(store, call).and_then(|node| {
                node.timezone = zone;
                null()
            })
        }
        ("GET", "/config") => node(store, call).and_then(|node| {
            let mut shown = typed(api::parameters("PUT", "/nodes/{node}/config"), &node.config);
            if !node.config.is_empty() {
                shown.insert("digest".to_owned(), json!(digest(&json!(node.config))));
            }
            data(Json::Object(shown))
        }),
        ("PUT", "/config") => config(store, call),
        ("GET", "/certificates/info") => certificates(store, call),
        ("POST", "/certificates/custom") => certificate(store, call),
        ("POST" | "PUT" | "DELETE", "/certificates/acme/certificate") => {
            super::acme::certificate(store, call)
        }
        ("DELETE", "/certificates/custom") => node(store, call).and_then(|node| {
            node.certificate = None;
            null()
        }),
        ("GET", "/apt/repositories") => repositories(store, call),
        ("PUT", "/apt/repositories") => add_repository(store, call),
        ("POST", "/apt/repositories") => change_repository(store, call),
        ("GET", "/subscription") => data(
            json!({ "status": "notfound", "message": "There is no subscription key", "serverid": "0", "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing" }),
        ),
        (
            "GET",
            "/aplinfo" | "/hardware/usb" | "/hardware/pci" | "/disks/list" | "/replication"
            | "/apt/update" | "/netstat" | "/services",
        ) => data(json!([])),
        _ => return None,
    })
}

/// True for what could be the name of a time zone.
fn is_zone(name: &str) -> bool {
    const AREAS: [&str; 12] = [
        "Africa",
        "America",
        "Antarctica",
        "Arctic",
        "Asia",
        "Atlantic",
        "Australia",
        "Europe",
        "Indian",
        "Pacific",
        "Etc",
        "US",
    ];
    match name.split_once('/') {
        Some((area, _)) => AREAS.contains(&area),
        None => !name.is_empty(),
    }
}

fn node<'a>(store: &'a mut Store, call: &Call) -> Result<&'a mut Node, Refusal> {
    let found = store.nodes.get_mut(call.node());
    found.ok_or_else(|| Refusal::fail(format!("no such cluster node '{}'", call.node())))
}

/// A node's row in the lists.
pub(super) fn row(store: &Store, call: &Call, name: &str, alone: bool) -> Json {
    let node = store.nodes.get(name).cloned().unwrap_or_default();
    let mut row = json!({
        "id": format!("node/{name}"), "type": "node", "node": name, "level": "",
        "status": if node.offline { "offline" } else { "online" },
    });
    if alone {
        row["ssl_fingerprint"] = json!("00:00");
    } else {
        row["cgroup-mode"] = json!(2);
    }
    if permission::one(store, &call.who, &format!("/nodes/{name}"), "Sys.Audit").is_ok() {
        row["cpu"] = json!(0.01);
        row["maxcpu"] = json!(node.cores);
        row["mem"] = json!(used_memory(store, name));
        row["maxmem"] = json!(node.memory);
        row["disk"] = json!(1_u64 << 33);
        row["maxdisk"] = json!(270_553_174_016_u64);
        row["uptime"] = json!(8397);
    }
    row
}

/// The memory that running guests of a node have.
fn used_memory(store: &Store, name: &str) -> u64 {
    let guests = store
        .guests
        .values()
        .filter(|guest| guest.node == name && guest.running);
    let memory = guests.map(|guest| {
        let set = guest
            .config
            .get("memory")
            .and_then(|text| text.parse::<u64>().ok());
        set.unwrap_or(512) << 20
    });
    memory.sum::<u64>() + (2 << 30)
}

fn status(store: &mut Store, call: &Call) -> Answered {
    let used = used_memory(store, call.node());
    let node = node(store, call)?;
    data(json!({
        "kversion": "Linux 6.14.8-2-pve", "pveversion": "pve-manager/9.1.8/a8e257e1",
        "current-kernel": { "sysname": "Linux", "release": "6.14.8-2-pve", "version": "#1 SMP", "machine": "x86_64" },
        "uptime": 8397, "cpu": 0.01, "wait": 0, "idle": 0, "loadavg": ["0.10", "0.10", "0.10"],
        "memory": { "total": node.memory, "used": used, "free": node.memory.saturating_sub(used), "available": node.memory.saturating_sub(used) },
        "swap": { "total": 0, "used": 0, "free": 0 }, "ksm": { "shared": 0 },
        "rootfs": { "total": 270_553_174_016_u64, "used": 1_u64 << 33, "avail": 200_u64 << 30, "free": 200_u64 << 30 },
        "cpuinfo": { "model": "Twin", "cpus": node.cores, "cores": node.cores, "sockets": 1, "mhz": "3000.000", "hvm": "1", "flags": "", "user_hz": 100 },
        "boot-info": { "mode": "efi", "secureboot": 0 },
    }))
}

fn hosts(store: &mut Store, call: &Call) -> Answered {
    let node = node(store, call)?;
    if call
        .text("digest")
        .is_some_and(|given| given != digest(&json!(node.hosts)))
    {
        return fail("detected modified configuration - file changed by other user? Try again.");
    }
    node.hosts = call.need("data").to_owned();
    null()
}

fn time(store: &mut Store, call: &Call) -> Answered {
    let now = store.now();
    let node = node(store, call)?;
    data(json!({ "time": now, "localtime": now, "timezone": node.timezone }))
}

fn config(store: &mut Store, call: &Call) -> Answered {
    let node = node(store, call)?;
    if call
        .text("digest")
        .is_some_and(|given| given != digest(&json!(node.config)))
    {
        return fail("detected modified configuration - file changed by other user? Try again.");
    }
    for gone in call.list("delete") {
        node.config.remove(&gone);
    }
    node.config.extend(call.rest(&["node", "digest", "delete"]));
    if let Some(text) = node
        .config
        .get_mut("description")
        .filter(|text| !text.ends_with('\n'))
    {
        text.push('\n');
    }
    null()
}

/// A text where a certificate would be.
const PEM: &str = "-----BEGIN CERTIFICATE-----\ntwin\n-----END CERTIFICATE-----\n";

fn info(name: &str, pem: Option<&str>) -> Json {
    json!({
        "filename": name, "pem": pem.unwrap_or(PEM), "fingerprint": "00:00", "issuer": "/CN=Proxmox Virtual Environment",
        "subject": "/OU=PVE Cluster Node/O=Proxmox Virtual Environment/CN=twin", "notbefore": 1_767_225_600,
        "notafter": 1_830_297_600, "public-key-type": "rsaEncryption", "public-key-bits": 2048,
        "san": ["127.0.0.1", "localhost"],
    })
}

fn certificates(store: &mut Store, call: &Call) -> Answered {
    let node = node(store, call)?;
    let mut root = info("pve-root-ca.pem", None);
    root["public-key-bits"] = json!(4096);
    let mut all = vec![root, info("pve-ssl.pem", None)];
    if let Some(pem) = &node.certificate {
        all.push(info("pveproxy-ssl.pem", Some(pem)));
    }
    data(Json::Array(all))
}

fn certificate(store: &mut Store, call: &Call) -> Answered {
    let node = node(store, call)?;
    for name in ["certificates", "key"] {
        let formed = |text: &str| text.contains("-----BEGIN ") || text.starts_with("<pem>");
        if call.text(name).is_some_and(|text| !formed(text)) {
            return wrong(name, "invalid format - not a valid PEM-formatted string.\n");
        }
    }
    if node.certificate.is_some() && !call.flag("force") {
        return fail("Custom certificate file exists but 'force' is not set.");
    }
    node.certificate = Some(call.need("certificates").to_owned());
    data(info("pveproxy-ssl.pem", node.certificate.as_deref()))
}

/// Standard repositories: handle, name, suite, component, URI, file.
const STANDARD: [(&str, &str, &str, &str, &str); 3] = [
    (
        "enterprise",
        "Enterprise",
        "pve-enterprise",
        "https://enterprise.proxmox.com/debian/pve",
        "/etc/apt/sources.list.d/pve-enterprise.sources",
    ),
    (
        "no-subscription",
        "No-Subscription",
        "pve-no-subscription",
        "http://download.proxmox.com/debian/pve",
        "/etc/apt/sources.list.d/proxmox.sources",
    ),
    (
        "test",
        "Test",
        "pve-test",
        "http://download.proxmox.com/debian/pve",
        "/etc/apt/sources.list.d/proxmox.sources",
    ),
];

fn repositories(store: &mut Store, call: &Call) -> Answered {
    let node = node(store, call)?;
    let files: Vec<Json> = node
        .repositories
        .iter()
        .map(|(path, entries)| json!({ "path": path, "file-type": "sources", "repositories": entries, "digest": [0, 0] }))
        .collect();
    let standard = STANDARD.iter().map(|(handle, name, component, ..)| {
        let mut row = json!({ "handle": handle, "name": name });
        let entry = node
            .repositories
            .values()
            .flatten()
            .find(|entry| entry["Components"][0] == *component);
        if let Some(entry) = entry {
            row["status"] = json!(u8::from(entry["Enabled"] == 1));
        }
        row
    });
    let standard: Vec<Json> = standard.collect();
    data(json!({
        "files": files, "errors": [], "infos": [], "standard-repos": standard,
        "digest": digest(&json!(node.repositories)),
    }))
}

fn add_repository(store: &mut Store, call: &Call) -> Answered {
    let node = node(store, call)?;
    let handle = call.need("handle");
    let Some((_, _, component, uri, file)) = STANDARD.iter().find(|(known, ..)| *known == handle)
    else {
        return fail(format!(
            "error: unknown variant `{handle}`, expected one of `enterprise`, `no-subscription`, `test`, `ceph-squid-enterprise`, `ceph-squid-no-subscription`, `ceph-squid-test`"
        ));
    };
    let entries = node.repositories.entry((*file).to_owned()).or_default();
    if !entries
        .iter()
        .any(|entry| entry["Components"][0] == *component)
    {
        entries.push(json!({
            "Types": ["deb"], "URIs": [uri], "Suites": ["trixie"], "Components": [component],
            "Enabled": 1, "FileType": "sources", "Comment": "",
        }));
    }
    null()
}

fn change_repository(store: &mut Store, call: &Call) -> Answered {
    let node = node(store, call)?;
    let (path, at) = (call.need("path"), call.number("index").unwrap_or(0));
    let entries = node.repositories.get_mut(path);
    let entry = entries.and_then(|entries| entries.get_mut(usize::try_from(at).unwrap_or(0)));
    let Some(entry) = entry else {
        return fail(format!("invalid index - {at}"));
    };
    if call.text("enabled").is_some() {
        entry["Enabled"] = json!(u8::from(call.flag("enabled")));
    }
    null()
}
