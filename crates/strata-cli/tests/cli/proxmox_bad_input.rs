//! Bad input for Proxmox VE, through the whole program, against a model that is as strict as a real server:
//! each is a diagnostic that says what to do, and nothing is half made.

use std::{sync::mpsc, thread};

use strata_proxmox::twin::{Options, Twin};

use crate::strata::{Folder, Ran};

/// A cluster of two nodes and a configuration for it. It ends with the process of the tests.
struct Cluster {
    endpoint: String,
    fingerprint: String,
    folder: Folder,
}

const TOKEN: &str = "root@pam!twin=twin";

impl Cluster {
    fn new() -> Self {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let options = Options {
                    nodes: vec!["pve".to_owned(), "pve2".to_owned()],
                    lenient: false,
                    ..Options::rehearsal()
                };
                let twin = Twin::on_loopback(options).await.unwrap();
                let fingerprint = twin.fingerprint().unwrap().to_owned();
                tell.send((twin.endpoint().to_owned(), fingerprint))
                    .unwrap();
                std::future::pending::<()>().await;
            });
        });
        let (endpoint, fingerprint) = told.recv().unwrap();
        Self {
            endpoint,
            fingerprint,
            folder: Folder::new(&[]),
        }
    }

    fn run(&self, command: &[&str], token: &str, body: &str) -> Ran {
        let (endpoint, fingerprint) = (&self.endpoint, &self.fingerprint);
        self.folder.write("main.tf", &format!(
            "terraform {{\n  required_providers {{\n    proxmox = {{ source = \"bpg/proxmox\" }}\n  }}\n}}\n\nprovider \"proxmox\" {{\n  endpoint    = \"{endpoint}\"\n  fingerprint = \"{fingerprint}\"\n  api_token   = \"{token}\"\n}}\n\n{body}"
        ));
        self.folder.run(command)
    }

    /// What a plan refuses.
    #[track_caller]
    fn planned(&self, token: &str, body: &str) -> String {
        refused(self.run(&["plan"], token, body))
    }

    /// What an apply refuses; the state then holds nothing of it.
    #[track_caller]
    fn applied(&self, token: &str, body: &str, gone: &str) -> String {
        let said = refused(self.run(&["apply", "-auto-approve"], token, body));
        let state = self.folder.run(&["state", "list"]).stdout;
        assert!(!state.contains(gone), "{gone} is in the state:\n{state}");
        said
    }
}

#[track_caller]
fn refused(ran: Ran) -> String {
    assert_eq!(ran.code, Some(1), "{}\n{}", ran.stdout, ran.stderr);
    // A message is broken into lines by the width of the terminal.
    let words: Vec<&str> = ran
        .stderr
        .split_whitespace()
        .filter(|word| *word != "│")
        .collect();
    words.join(" ")
}

fn machine(name: &str, more: &str) -> String {
    format!(
        "resource \"proxmox_virtual_environment_vm\" \"{name}\" {{\n  name      = \"{name}\"\n  node_name = \"pve\"\n  started   = false\n  {more}\n}}\n"
    )
}

#[test]
fn a_wrong_token_is_refused_without_its_text() {
    let cluster = Cluster::new();
    let said = cluster.planned("root@pam!twin=hunter2", &machine("web", ""));
    assert!(
        said.contains("refuses the login") && said.contains("api_token"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_missing_privilege_is_named_with_its_path_and_a_role_that_grants_it() {
    let cluster = Cluster::new();
    let user = "resource \"proxmox_virtual_environment_user\" \"low\" {\n  user_id = \"low@pve\"\n}\n\nresource \"proxmox_acl\" \"low\" {\n  path    = \"/\"\n  role_id = \"PVEAuditor\"\n  user_id = proxmox_virtual_environment_user.low.user_id\n}\n\nresource \"proxmox_user_token\" \"low\" {\n  user_id               = proxmox_virtual_environment_user.low.user_id\n  token_name            = \"t1\"\n  privileges_separation = false\n}\n\noutput \"token\" {\n  value     = proxmox_user_token.low.value\n  sensitive = true\n}\n";
    cluster
        .run(&["apply", "-auto-approve"], TOKEN, user)
        .succeeded();
    let token = cluster
        .folder
        .run(&["output", "-raw", "token"])
        .succeeded()
        .stdout;
    // Somebody else's configuration: users are no business of theirs.
    let low = Cluster {
        endpoint: cluster.endpoint.clone(),
        fingerprint: cluster.fingerprint.clone(),
        folder: Folder::new(&[]),
    };
    let said = low.applied(&token, &machine("web", ""), "vm.web");
    assert!(
        said.contains("VM.Allocate") && said.contains("/vms/100"),
        "{said}"
    );
    assert!(
        said.contains("PVEVMAdmin") && said.contains("pveum acl modify"),
        "{said}"
    );
}

#[test]
fn an_unknown_node_is_refused_with_those_that_are_there() {
    let cluster = Cluster::new();
    let body = machine("web", "").replace("\"pve\"", "\"pev\"");
    let said = cluster.planned(TOKEN, &body);
    assert!(
        said.contains("There is no node `pev`") && said.contains("pve, pve2"),
        "{said}"
    );
}

#[test]
fn a_storage_without_the_content_type_is_refused() {
    let cluster = Cluster::new();
    let storage = "resource \"proxmox_storage_directory\" \"isos\" {\n  id      = \"isos\"\n  path    = \"/srv\"\n  content = [\"iso\"]\n}\n";
    let disk = "disk {\n    interface    = \"scsi0\"\n    datastore_id = proxmox_storage_directory.isos.id\n    size         = 8\n  }";
    let said = cluster.planned(TOKEN, &format!("{storage}\n{}", machine("web", disk)));
    assert!(
        said.contains("The storage `isos` does not take `images`"),
        "{said}"
    );
    assert!(said.contains("change its `content`"), "{said}");
}

#[test]
fn an_image_with_a_wrong_checksum_is_removed_again() {
    let cluster = Cluster::new();
    let body = format!(
        "resource \"proxmox_download_file\" \"image\" {{\n  node_name          = \"pve\"\n  datastore_id       = \"local\"\n  content_type       = \"iso\"\n  url                = \"https://example.com/a.iso\"\n  checksum           = \"{}\"\n  checksum_algorithm = \"sha256\"\n}}\n",
        "0".repeat(64)
    );
    let said = cluster.applied(TOKEN, &body, "image");
    assert!(said.contains("checksum mismatch"), "{said}");
    let files = "data \"proxmox_files\" \"all\" {\n  node_name       = \"pve\"\n  datastore_id    = \"local\"\n  file_name_regex = \".*\"\n}\n\noutput \"count\" {\n  value = length(data.proxmox_files.all.files)\n}\n";
    cluster
        .run(&["apply", "-auto-approve"], TOKEN, files)
        .succeeded();
    assert_eq!(cluster.folder.run(&["output", "count"]).stdout.trim(), "0");
}

#[test]
fn an_id_that_a_stranger_has_is_refused_and_the_stranger_never_touched() {
    let cluster = Cluster::new();
    let stranger = machine("stranger", "vm_id = 200");
    cluster
        .run(&["apply", "-auto-approve"], TOKEN, &stranger)
        .succeeded();
    std::fs::remove_file(cluster.folder.path().join("terraform.tfstate")).unwrap();
    let said = cluster.planned(TOKEN, &machine("ours", "vm_id = 200"));
    assert!(
        said.contains("The id 200 is taken") && said.contains("`stranger` on node `pve`"),
        "{said}"
    );
    assert!(said.contains("import that guest"), "{said}");
    let look = "data \"proxmox_virtual_environment_vm\" \"it\" {\n  node_name = \"pve\"\n  vm_id     = 200\n}\n\noutput \"name\" {\n  value = data.proxmox_virtual_environment_vm.it.name\n}\n";
    cluster
        .run(&["apply", "-auto-approve"], TOKEN, look)
        .succeeded();
    assert_eq!(
        cluster.folder.run(&["output", "-raw", "name"]).stdout,
        "stranger"
    );
}

#[test]
fn a_template_without_a_place_for_cloud_init_is_refused() {
    let cluster = Cluster::new();
    let cdrom = "vm_id    = 900\n  template = true\n  cdrom {\n    interface = \"ide2\"\n    file_id   = \"none\"\n  }";
    cluster
        .run(
            &["apply", "-auto-approve"],
            TOKEN,
            &machine("template", cdrom),
        )
        .succeeded();
    let clone = "clone {\n    vm_id = 900\n  }\n  initialization {\n    datastore_id = \"local\"\n    user_account {\n      username = \"debian\"\n    }\n  }";
    let body = format!("{}\n{}", machine("template", cdrom), machine("web", clone));
    let said = cluster.planned(TOKEN, &body);
    assert!(
        said.contains("has no cloud-init drive, and its `ide2` is taken"),
        "{said}"
    );
    assert!(said.contains("initialization.interface"), "{said}");
    // Another place is announced.
    let other = body.replace(
        "datastore_id = \"local\"",
        "datastore_id = \"local\"\n    interface    = \"ide0\"",
    );
    let plan = cluster.run(&["plan"], TOKEN, &other).succeeded().stdout;
    assert!(plan.contains("is given one as `ide0`"), "{plan}");
}

#[test]
fn a_machine_may_use_what_the_same_apply_makes() {
    let cluster = Cluster::new();
    let body = format!(
        "resource \"proxmox_storage_directory\" \"fast\" {{\n  id      = \"fast\"\n  path    = \"/srv\"\n  content = [\"images\"]\n}}\n\nresource \"proxmox_network_linux_bridge\" \"lan\" {{\n  node_name = \"pve\"\n  name      = \"vmbr7\"\n}}\n\n{}\n{}",
        machine(
            "template",
            "vm_id    = 900\n  template = true\n  disk {\n    interface    = \"scsi0\"\n    datastore_id = proxmox_storage_directory.fast.id\n    size         = 4\n  }"
        ),
        machine(
            "web",
            "clone {\n    vm_id = proxmox_virtual_environment_vm.template.vm_id\n  }\n  network_device {\n    bridge = proxmox_network_linux_bridge.lan.name\n  }"
        ),
    );
    cluster
        .run(&["apply", "-auto-approve"], TOKEN, &body)
        .succeeded();
    let again = cluster.run(&["plan"], TOKEN, &body).succeeded().stdout;
    assert!(again.contains("No changes"), "{again}");
}
