//! As a new user: from a folder with Terraform and Ansible to a plan, with no other file edited than `strata.hcl`.

use crate::strata::Folder;

/// Drafts a project file for a folder in the style of such systems.
fn drafted(name: &str) -> (Folder, String) {
    let folder = Folder::copy_of(&format!("tests/fixtures/adopted/{name}"));
    let said = folder.run(&["init", "--from", "."]).succeeded().stdout;
    (folder, said)
}

#[track_caller]
fn plan(folder: &Folder, environment: &str, expected: &[&str]) {
    let plan = folder
        .run(&["plan", environment, "--twin"])
        .succeeded()
        .stdout;
    for text in expected {
        assert!(plan.contains(text), "`{text}` is not in:\n{plan}");
    }
}

#[test]
fn one_machine_out_of_an_environment_file() {
    let (folder, said) = drafted("one-machine");
    for expected in [
        "Makefile: up: is `strata up ENV`",
        "scripts/generate-config.sh: ",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    // The draft says itself what is missing: whose hosts they are.
    let line = "# hosts = { event_store = provision.terraform.vms_created }";
    folder.replace("strata.hcl", line, &line[2..]);
    folder.write(
        ".env",
        &std::fs::read_to_string(folder.path().join(".env.example")).unwrap(),
    );
    let machine = "Plan: 1 to add, 0 to change, 0 to destroy.";
    let task = "event_store : Configure";
    plan(&folder, "local", &[machine, "cores      = 2", task]);
}

#[test]
fn modules_with_variable_files_for_three_environments() {
    let (folder, _) = drafted("modules");
    for (name, value) in [
        ("proxmox_api_token", "you@pve!t=secret"),
        ("proxmox_api_url", "https://pve:8006/"),
    ] {
        let open = format!("# {name} = …  # string, needs a value");
        folder.replace("strata.hcl", &open, &format!("{name} = \"{value}\""));
    }
    for environment in ["dev", "staging", "prod"] {
        let web = format!("module.vms[\"{environment}-web\"]");
        plan(&folder, environment, &[&web, "Plan: 2 to add"]);
    }
}

#[test]
fn a_host_that_is_configured_before_its_machines() {
    let (folder, said) = drafted("host-first");
    assert!(said.contains("packer/debian.pkr.hcl: "), "{said}");
    // The inventory that is there has only the host itself; the draft says where the others are.
    let hosts = "# hosts = { web = provision.terraform.web_hosts }";
    folder.replace("strata.hcl", hosts, &hosts[2..]);
    let tasks = [
        "~ pve: proxmox : Greet",
        "~ web-1: web : nginx",
        "~ web-2: web : nginx",
    ];
    plan(&folder, "local", &tasks);
    let order = folder.run(&["plan", "local", "--twin", "-json"]).outcomes();
    assert_eq!(
        order,
        ["proxmox changed", "terraform changed", "vms changed"]
    );
}

#[test]
fn services_with_an_inventory_out_of_outputs() {
    let (folder, said) = drafted("services");
    for expected in [
        "Makefile: deploy: ",
        "scripts/inventory.sh: hands outputs on",
    ] {
        assert!(said.contains(expected), "{said}");
    }
    for environment in ["iapetus", "cluster01"] {
        let task = format!("~ {environment}-grafana: grafana : Configure");
        plan(&folder, environment, &[&task, "+http_port = 3000"]);
    }
}

/// A folder in which people go to `ansible/` to start playbooks: its settings say where the roles are.
#[test]
fn playbooks_with_settings_in_a_folder_of_their_own() {
    let folder = Folder::new(&[
        (
            "terraform/main.tf",
            "variable \"ip\" { type = string }\noutput \"ip\" { value = var.ip }\n",
        ),
        ("terraform/dev.tfvars", "ip = \"10.1.0.5\"\n"),
        ("terraform/prod.tfvars", "ip = \"10.1.0.6\"\n"),
        ("ansible/ansible.cfg", "[defaults]\nroles_path = roles\n"),
        ("ansible/playbooks/site.yml", "- hosts: db\n  roles: [db]\n"),
        (
            "ansible/roles/db/tasks/main.yml",
            "- name: Configure\n  ansible.builtin.copy: {content: \"{{ db_port }}\", dest: /etc/db, mode: \"0644\"}\n",
        ),
        (
            "ansible/inventories/dev/hosts.ini",
            "[db]\ndb-dev ansible_host=10.1.0.5\n",
        ),
        (
            "ansible/inventories/dev/group_vars/db.yml",
            "db_port: 5432\n",
        ),
        (
            "ansible/inventories/prod/hosts.ini",
            "[db]\ndb-prod ansible_host=10.1.0.6\n",
        ),
        (
            "ansible/inventories/prod/group_vars/db.yml",
            "db_port: 5433\n",
        ),
        ("Makefile", "smoke:\n\tcurl -f http://10.1.0.5/\n"),
    ]);
    let said = folder.run(&["init", "--from", "."]).succeeded().stdout;
    assert!(
        said.contains("Makefile: smoke: runs something else"),
        "{said}"
    );
    plan(&folder, "dev", &["~ db-dev: db : Configure", "+5432"]);
    plan(&folder, "prod", &["~ db-prod: db : Configure", "+5433"]);
}
