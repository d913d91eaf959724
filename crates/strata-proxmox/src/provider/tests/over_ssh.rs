//! What the API has no way for, done on the node over ssh: a stand-in for `ssh` runs what it is told here, with
//! stand-ins for the node's own programs.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use super::*;
use crate::client::{Access, Address, Client, Credentials, Params, Trust};

/// Takes the arguments of `ssh`, notes them, and runs the script that is their last.
const SSH: &str = "#!/bin/sh\nhere=$(dirname \"$0\")\nfor script; do :; done\nprintf '%s\\n' \"$script\" >> \"$here/said\"\nPATH=\"$here:$PATH\" exec sh -c \"$script\"\n";

/// Tells where a volume is.
const PVESM: &str = "#!/bin/sh\necho \"/var/lib/vz/template/${2#local:}\"\n";

/// Does what `qm set ID --DISK SETTING` does, by the API of the model: a disk of 2 GiB.
const QM: &str = r#"#!/usr/bin/env python3
import os, ssl, sys, urllib.parse, urllib.request
here = os.path.dirname(os.path.abspath(__file__))
_, verb, vmid, disk, setting = sys.argv
open(here + "/qm.log", "a").write(" ".join(sys.argv[1:]) + "\n")
storage, rest = setting.split(":0,import-from=/", 1)
options = ["%s:2" % storage] + rest.split(",")[1:]
body = urllib.parse.urlencode({disk[2:]: ",".join(options)}).encode()
request = urllib.request.Request("ENDPOINTapi2/json/nodes/pve/qemu/%s/config" % vmid, body, method="PUT")
request.add_header("Authorization", "PVEAPIToken=root@pam!twin=twin")
trust = ssl.create_default_context()
trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
urllib.request.urlopen(request, context=trust)
"#;

fn program(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A cluster whose node is reached by the stand-in, and the folder of what it was told.
async fn reached() -> (World, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut world = world(options()).await;
    program(folder.path(), "ssh", SSH);
    program(folder.path(), "pvesm", PVESM);
    program(
        folder.path(),
        "qm",
        &QM.replace("ENDPOINT", world.twin.endpoint()),
    );
    let settings = Settings {
        environment: BTreeMap::from([(
            "STRATA_PROXMOX_SSH".to_owned(),
            folder.path().join("ssh").display().to_string(),
        )]),
        ..Settings::default()
    };
    world.provider = Proxmox::new(settings).provider();
    let block = world.provider.schema().provider.clone();
    let config = config_of(
        &block,
        &json!({
            "endpoint": world.twin.endpoint(), "fingerprint": world.twin.fingerprint(), "api_token": "root@pam!twin=twin",
            "ssh": [{ "node": [{ "name": "pve", "address": "192.0.2.1" }] }],
        }),
    );
    world.configured = world.provider.configure(config).unwrap();
    (world, folder)
}

fn from_image(interface: &str) -> Json {
    let mut machine = machine();
    machine["disk"][0]["interface"] = json!(interface);
    machine["disk"][0]["file_id"] = json!("local:iso/debian.img");
    machine["agent"] = json!([{ "enabled": false }]);
    machine["started"] = json!(false);
    machine
}

async fn download(world: &World) {
    let image = json!({
        "node_name": "pve", "datastore_id": "local", "content_type": "iso",
        "url": "https://example.com/debian.qcow2", "file_name": "debian.img",
    });
    world
        .apply("proxmox_download_file", None, &image)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_disk_is_filled_from_an_image_among_those_of_cds_by_the_node_itself() {
    let (world, folder) = reached().await;
    download(&world).await;
    let config = from_image("virtio0");
    let plan = world.plan(VM, None, &config).await.unwrap();
    let mut said = plan.effects.iter().map(|effect| &effect.reason);
    assert!(
        said.any(
            |reason| reason.contains("`virtio0` is filled from `local:iso/debian.img` over ssh")
        )
    );
    let made = world.apply(VM, None, &config).await.unwrap();
    let id = u32::try_from(to_json(&made.value)["vm_id"].as_i64().unwrap()).unwrap();
    let told = fs::read_to_string(folder.path().join("qm.log")).unwrap();
    assert!(
        told.starts_with(&format!(
            "set {id} --virtio0 local:0,import-from=/var/lib/vz/template/iso/debian.img"
        )),
        "{told}"
    );
    let there = world.twin.config(id);
    // It is as large as it was to be, has its options, and the machine boots from it.
    assert!(
        there["virtio0"].contains("size=8G") && there["virtio0"].contains("discard=on"),
        "{there:?}"
    );
    assert_eq!(there["boot"], "order=virtio0;net0");
    let read = world.read(VM, &made).await.unwrap();
    world.nothing(VM, &read, &config).await;

    // One that comes later is filled the same way, and said.
    let mut more = config.clone();
    let mut second = more["disk"][0].clone();
    second["interface"] = json!("scsi1");
    more["disk"].as_array_mut().unwrap().push(second);
    let plan = world.plan(VM, Some(&read), &more).await.unwrap();
    assert!(
        plan.effects
            .iter()
            .any(|effect| effect.reason.contains("`scsi1` is filled"))
    );
    let changed = world.apply(VM, Some(&read), &more).await.unwrap();
    assert!(world.twin.config(id).contains_key("scsi1"));
    let read = world.read(VM, &changed).await.unwrap();
    world.nothing(VM, &read, &more).await;
}

#[tokio::test]
async fn a_machine_whose_node_was_not_reached_is_gone_on_with() {
    let (world, folder) = reached().await;
    download(&world).await;
    program(
        folder.path(),
        "qm",
        "#!/bin/sh\necho no space left >&2\nexit 1\n",
    );
    let config = from_image("scsi0");
    let block = &world.provider.schema().resources[VM].block;
    let plan = world.plan(VM, None, &config).await.unwrap();
    let broken = world.configured.apply(ApplyRequest {
        type_name: VM.into(),
        prior: None,
        planned: Some(plan.planned),
        config: Some(config_of(block, &config)),
        private: Vec::new(),
        marker: "m-1".to_owned(),
        progress: Progress::ignored(),
    });
    let broken = broken.await;
    assert!(
        shown(&broken.diagnostics).contains("What node `pve` was to do over ssh failed")
            && shown(&broken.diagnostics).contains("no space left"),
        "{:?}",
        broken.diagnostics
    );
    let half = broken.object.unwrap();
    program(
        folder.path(),
        "qm",
        &QM.replace("ENDPOINT", world.twin.endpoint()),
    );
    let read = world.read(VM, &half).await.unwrap();
    let whole = world.apply(VM, Some(&read), &config).await.unwrap();
    assert_eq!(world.twin.guests().len(), 1);
    let read = world.read(VM, &whole).await.unwrap();
    world.nothing(VM, &read, &config).await;
}

#[tokio::test]
async fn the_api_itself_refuses_such_an_image() {
    let (world, _folder) = reached().await;
    download(&world).await;
    let refused = Params::new()
        .with("vmid", 300)
        .with("scsi0", "local:0,import-from=local:iso/debian.img");
    let client = Client::new(Access {
        endpoints: vec![Address::parse(world.twin.endpoint()).unwrap()],
        trust: Trust::Anybody,
        min_tls13: false,
        credentials: Credentials::token("root@pam!twin=twin").unwrap(),
    })
    .unwrap();
    let answer = client
        .call(hyper::Method::POST, "/nodes/pve/qemu", &refused)
        .await;
    let error = format!("{:?}", answer.unwrap_err());
    assert!(
        error.contains("needs to be 'images' or 'import'"),
        "{error}"
    );
}

#[tokio::test]
async fn snippets_and_their_mode_go_over_ssh_and_the_plan_says_so() {
    let (world, folder) = reached().await;
    let target = folder.path().join("vz");
    let place =
        json!({ "id": "local2", "path": target.display().to_string(), "content": ["snippets"] });
    world
        .apply("proxmox_storage_directory", None, &place)
        .await
        .unwrap();
    let config = json!({
        "node_name": "pve", "datastore_id": "local2", "content_type": "snippets", "file_mode": "0750",
        "source_raw": [{ "file_name": "hook.sh", "data": "#!/bin/sh\n" }],
    });
    let name = "proxmox_virtual_environment_file";
    let plan = world.plan(name, None, &config).await.unwrap();
    assert!(
        plan.effects
            .iter()
            .any(|effect| effect.reason.contains("over ssh")),
        "{:?}",
        plan.effects
    );
    // The model's storage does not see the folder, so the file is not told there; on the disk it is.
    drop(world.apply(name, None, &config).await);
    let written = target.join("snippets/hook.sh");
    assert_eq!(fs::read_to_string(&written).unwrap(), "#!/bin/sh\n");
    let mode = fs::metadata(&written).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o750);
}
