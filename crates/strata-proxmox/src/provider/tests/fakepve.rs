//! The same lives against `fakepve`, a fake of the API that others wrote, in a process of its own.
//!
//! It is in the virtual environment that `STRATA_TEST_FAKEPVE` names, or in `target/fakepve`, where CI puts version 0.5.0.
//! Where it is not there the tests say so and do nothing; in CI they fail. What it does otherwise than a real server is
//! in [`DIFFERENCES`].

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use super::{
    lives::{Case, case, elsewhere, firewall, guests, judge, lead, prepare, storages, wrong_of},
    *,
};

/// What fakepve does otherwise than the API's description or the recordings, and why it is not ours to follow.
const DIFFERENCES: [(&str, &str); 1] = [(
    "vm-resized",
    "it has no resize: the call succeeds and the disk keeps its size, where a real server's grows",
)];

/// The process; it ends with this.
struct Fake {
    child: Child,
    endpoint: String,
    _folder: tempfile::TempDir,
}

impl Drop for Fake {
    fn drop(&mut self) {
        // One that has ended already is as good.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn program() -> Option<PathBuf> {
    let programs = strata_testing::peers::programs("fakepve", "STRATA_TEST_FAKEPVE")?;
    Some(programs.join("fakepve"))
}

fn start() -> Option<Fake> {
    let program = program()?;
    let folder = tempfile::tempdir().unwrap();
    let guests = folder.path().join("guests.json");
    std::fs::write(&guests, r#"{"guests": []}"#).unwrap();
    // The port is free now, and nobody else on this machine asks for one by number.
    let port = std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let mut child = Command::new(program)
        .arg(&guests)
        .args(["--host", "127.0.0.1", "--time-scale", "0", "--port"])
        .arg(port.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It says when it listens.
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.contains("listening"), "fakepve said `{line}`");
    Some(Fake {
        child,
        endpoint: format!("https://127.0.0.1:{port}/"),
        _folder: folder,
    })
}

async fn against(fake: &Fake) -> Arc<World> {
    let mut world = world(options()).await;
    let block = world.provider.schema().provider.clone();
    let config = config_of(
        &block,
        &json!({
            "endpoint": fake.endpoint, "insecure": true, "username": "root@pam", "password": "secret",
        }),
    );
    world.configured = world.provider.configure(config).unwrap();
    Arc::new(world)
}

fn lives() -> Vec<(&'static str, Json, Json)> {
    let vm = json!({
        "name": "web", "node_name": "pve1", "description": "first", "started": false,
        "cpu": [{ "cores": 2, "type": "x86-64-v2-AES" }], "memory": [{ "dedicated": 1024 }],
        "disk": [{ "interface": "scsi0", "datastore_id": "local-lvm", "size": 8 }],
        "network_device": [{ "bridge": "vmbr0" }], "operating_system": [{ "type": "l26" }],
    });
    let mut bigger = vm.clone();
    bigger["memory"][0]["dedicated"] = json!(2048);
    bigger["name"] = json!("bigger");
    let mut more = vm.clone();
    more["disk"][0]["size"] = json!(10);
    let simple = |name: &'static str, key: &str, value: &str| {
        let mut first = json!({ "comment": "a" });
        first[key] = json!(value);
        let mut second = first.clone();
        second["comment"] = json!("b");
        (name, first, second)
    };
    vec![
        ("vm-resized", vm.clone(), more),
        ("vm", vm, bigger),
        simple("pool", "pool_id", "p"),
        (
            "firewall_alias",
            json!({ "name": "al", "cidr": "10.0.0.0/8", "comment": "a" }),
            json!({ "name": "al", "cidr": "10.1.0.0/16", "comment": "b" }),
        ),
        (
            "firewall_ipset",
            json!({ "name": "set", "cidr": [{ "name": "10.0.0.1" }] }),
            json!({ "name": "set", "cidr": [{ "name": "10.0.0.2" }] }),
        ),
        (
            "firewall_rules",
            json!({ "rule": [{ "type": "in", "action": "ACCEPT", "proto": "tcp", "dport": "22" }] }),
            json!({ "rule": [{ "type": "in", "action": "DROP" }] }),
        ),
        (
            "cluster_firewall_security_group",
            json!({ "name": "sg", "rule": [{ "type": "in", "action": "ACCEPT" }] }),
            json!({ "name": "sg", "comment": "c", "rule": [{ "type": "in", "action": "DROP" }] }),
        ),
        (
            "cluster_firewall",
            json!({ "enabled": false }),
            json!({ "enabled": true }),
        ),
        (
            "storage_directory",
            json!({ "id": "dir", "path": "/srv", "content": ["iso"] }),
            json!({ "id": "dir", "path": "/srv", "content": ["iso", "images"] }),
        ),
    ]
}

#[tokio::test]
async fn lives_are_the_same_on_a_fake_that_others_wrote() {
    let Some(fake) = start() else {
        return;
    };
    let world = against(&fake).await;
    let mut differ = Vec::new();
    for (name, first, second) in lives() {
        let kind = name.trim_end_matches("-resized");
        let (world, whole) = (world.clone(), format!("proxmox_virtual_environment_{kind}"));
        let life = tokio::spawn(async move { drop(world.life(&whole, first, second).await) });
        if let Err(error) = life.await {
            differ.push((name, error.to_string()));
        }
    }
    let names: Vec<&str> = differ.iter().map(|(name, _)| *name).collect();
    let known: Vec<&str> = DIFFERENCES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, known, "{differ:#?}");
}

/// What it does otherwise in the lives of the tables: a type or `type.argument`, and what it is.
fn differences() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/provider/tests/lives/fakepve.txt");
    std::fs::read_to_string(file).unwrap()
}

/// The types beside guests of which it has paths that keep what they are told.
fn cases() -> Vec<Case> {
    let pool = json!({ "pool_id": "p" });
    let mut all = vec![case("proxmox_virtual_environment_pool", pool).import("{id}")];
    all.extend(firewall::cases());
    all.extend(storages::cases());
    all
}

/// A fake of its own for a case, with what it needs before as far as it takes that.
async fn begin(case: &Case) -> World {
    let fake = start().unwrap();
    let config = json!({
        "endpoint": fake.endpoint, "insecure": true, "username": "root@pam", "password": "secret",
    });
    let elsewhere = Elsewhere {
        config,
        _process: Box::new(fake),
    };
    let world = lead(world(options()).await, elsewhere);
    // What cannot be made there is missed by the arguments that name it.
    prepare(&world, case).await.ok();
    world
}

/// Has all that a list says differ, and nothing else.
async fn every_argument(cases: Vec<Case>) {
    if program().is_none() {
        return;
    }
    let text = differences();
    let mut known: BTreeMap<&str, &str> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(": "))
        .collect();
    known.retain(|name, _| cases.iter().any(|case| case.is_of(name)));
    let there = |case| elsewhere(case, "pve1", "local-lvm");
    let cases: Vec<Case> = cases.into_iter().map(there).collect();
    let wrong = wrong_of(&cases, begin).await;
    judge(&wrong, &known);
}

#[tokio::test]
async fn every_argument_lives_on_a_fake_that_others_wrote() {
    every_argument(cases()).await;
}

#[tokio::test]
async fn every_argument_of_machines_lives_on_a_fake_that_others_wrote() {
    // One that runs takes nothing there until its next start, where a real one takes most at once.
    let off = json!({ "started": false });
    every_argument(vec![guests::machine_case().least_with(&off)]).await;
}

#[tokio::test]
async fn every_argument_of_containers_lives_on_a_fake_that_others_wrote() {
    every_argument(vec![guests::container_case()]).await;
}
