//! States that are not on the local disk: the backends `s3` and `http`, against a server of the tests.

use std::{fs, process::Command};

use serde_json::Value as Json;
use strata_testing::states::{KEY_ID, PASSWORD, SECRET, Server, USER};

use crate::strata::{Folder, Ran};

const BODY: &str = "resource \"terraform_data\" \"a\" {\n  input = \"one\"\n}\noutput \"a\" {\n  value = terraform_data.a.output\n}\n";

/// A bucket as MinIO and Garage have them.
fn s3(server: &Server) -> String {
    let url = server.url();
    format!(
        "terraform {{\n  backend \"s3\" {{\n    bucket = \"states\"\n    key = \"net.tfstate\"\n    region = \"main\"\n    endpoints = {{ s3 = \"{url}\" }}\n    use_path_style = true\n    use_lockfile = true\n    skip_credentials_validation = true\n    skip_region_validation = true\n    skip_requesting_account_id = true\n    skip_metadata_api_check = true\n    max_retries = 0\n  }}\n}}\n{BODY}"
    )
}

/// An address as GitLab has them; who asks says the environment.
fn http(server: &Server) -> String {
    let url = server.url();
    format!(
        "terraform {{\n  backend \"http\" {{\n    address = \"{url}/plain/net\"\n    lock_address = \"{url}/plain/net/lock\"\n    lock_method = \"POST\"\n    unlock_address = \"{url}/plain/net/lock\"\n    unlock_method = \"DELETE\"\n    retry_max = 0\n  }}\n}}\n{BODY}"
    )
}

const WHO: [(&str, &str); 4] = [
    ("AWS_ACCESS_KEY_ID", KEY_ID),
    ("AWS_SECRET_ACCESS_KEY", SECRET),
    ("TF_HTTP_USERNAME", USER),
    ("TF_HTTP_PASSWORD", PASSWORD),
];

fn run(folder: &Folder, arguments: &[&str]) -> Ran {
    folder.run_with(arguments, &WHO)
}

/// The same by Terraform itself; none where it is not there.
fn terraform(folder: &Folder, arguments: &[&str]) -> Option<String> {
    let output = Command::new("terraform")
        .args(arguments)
        .current_dir(folder.path())
        .env("TF_CLI_CONFIG_FILE", "/dev/null")
        .env("CHECKPOINT_DISABLE", "1")
        .env("HOME", folder.path())
        .envs(WHO)
        .output()
        .ok()?;
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        text(output.stdout.clone()),
        text(output.stderr)
    );
    Some(text(output.stdout))
}

fn kept(server: &Server, name: &str) -> Option<Json> {
    let kept = server.kept();
    let bytes = kept.objects.get(name)?;
    Some(serde_json::from_slice(bytes).unwrap())
}

fn works(server: &Server, text: &str, name: &str) {
    let folder = Folder::new(&[("main.tf", text)]);
    let early = run(&folder, &["plan"]);
    assert!(
        early.stderr.contains("Backend initialization required"),
        "{}",
        early.stderr
    );
    run(&folder, &["init"]).succeeded();
    run(&folder, &["apply", "-auto-approve"]).succeeded();
    assert_eq!(kept(server, name).unwrap()["outputs"]["a"]["value"], "one");
    assert!(!folder.path().join("terraform.tfstate").exists());
    // Another one of the team has nothing but the configuration.
    let other = Folder::new(&[("main.tf", text)]);
    run(&other, &["init"]).succeeded();
    let output = run(&other, &["output", "-raw", "a"]).succeeded();
    assert_eq!(output.stdout.trim(), "one");
    other.replace("main.tf", "\"one\"", "\"two\"");
    run(&other, &["plan", "-out=p"]).succeeded();
    run(&other, &["apply", "p"]).succeeded();
    let list = run(&folder, &["state", "list"]).succeeded();
    assert_eq!(list.stdout.trim(), "terraform_data.a");
    let pulled = run(&folder, &["state", "pull"]).succeeded().stdout;
    assert!(pulled.contains("\"two\""), "{pulled}");
    folder.write(
        "pulled.tfstate",
        &pulled.replace("\"serial\": ", "\"serial\": 1"),
    );
    run(&folder, &["state", "push", "pulled.tfstate"]).succeeded();
    run(&folder, &["state", "rm", "terraform_data.a"]).succeeded();
    assert_eq!(
        kept(server, name).unwrap()["resources"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn a_team_works_with_a_state_in_a_bucket() {
    let server = Server::start().unwrap();
    works(&server, &s3(&server), "states/net.tfstate");
    // Nothing is left locked.
    assert_eq!(server.kept().objects.len(), 1);
}

#[test]
fn a_team_works_with_a_state_at_an_address() {
    let server = Server::start().unwrap();
    works(&server, &http(&server), "/plain/net");
    assert!(server.kept().locks.is_empty());
}

#[test]
fn what_init_knows_is_for_its_owner_alone_and_as_terraform_has_it() {
    let server = Server::start().unwrap();
    let partial = "terraform {\n  backend \"http\" {}\n}\n";
    let folder = Folder::new(&[("main.tf", partial)]);
    folder.write(
        "b.tfbackend",
        &format!("username = \"{USER}\"\npassword = \"{PASSWORD}\"\n"),
    );
    let address = format!("-backend-config=address={}/plain/x", server.url());
    let init = folder.run(&[
        "init",
        &address,
        "-backend-config=b.tfbackend",
        "-backend-config=retry_max=1",
    ]);
    let said = init.succeeded();
    assert!(!said.stdout.contains(PASSWORD) && !said.stderr.contains(PASSWORD));
    let path = folder.path().join(".terraform/terraform.tfstate");
    let known: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let config = &known["backend"]["config"];
    assert_eq!(known["backend"]["type"], "http");
    assert_eq!(
        (&config["retry_max"], &config["lock_address"]),
        (&1.into(), &Json::Null)
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    folder.run(&["apply", "-auto-approve"]).succeeded();
}

#[test]
fn who_holds_a_lock_is_said_and_force_unlock_breaks_it() {
    let server = Server::start().unwrap();
    let info = r#"{"ID":"abc","Operation":"OperationTypeApply","Info":"","Who":"ann@laptop","Version":"1.11.4","Created":"2026-01-01T00:00:00Z","Path":"p"}"#;
    for (text, is_bucket) in [(s3(&server), true), (http(&server), false)] {
        let folder = Folder::new(&[("main.tf", &text)]);
        run(&folder, &["init"]).succeeded();
        let mut kept = server.kept();
        match is_bucket {
            true => kept
                .objects
                .insert("states/net.tfstate.tflock".to_owned(), info.into()),
            false => kept.locks.insert("/plain/net".to_owned(), info.into()),
        };
        drop(kept);
        let locked = run(&folder, &["apply", "-auto-approve"]);
        assert_eq!(locked.code, Some(1));
        let by = "OperationTypeApply by ann@laptop, since 2026-01-01T00:00:00Z (lock abc)";
        assert!(locked.stderr.contains(by), "{}", locked.stderr);
        assert!(run(&folder, &["force-unlock", "-force", "other"]).code == Some(1));
        run(&folder, &["force-unlock", "-force", "abc"]).succeeded();
        run(&folder, &["apply", "-auto-approve"]).succeeded();
    }
}

#[test]
fn workspaces_are_states_in_the_bucket() {
    let server = Server::start().unwrap();
    let folder = Folder::new(&[("main.tf", &s3(&server))]);
    run(&folder, &["init"]).succeeded();
    run(&folder, &["workspace", "new", "dev"]).succeeded();
    assert!(kept(&server, "states/env:/dev/net.tfstate").is_some());
    run(&folder, &["apply", "-auto-approve"]).succeeded();
    let list = run(&folder, &["workspace", "list"]).succeeded();
    assert_eq!(
        list.stdout.split_whitespace().collect::<Vec<_>>(),
        ["default", "*", "dev"]
    );
    run(&folder, &["workspace", "select", "default"]).succeeded();
    let full = run(&folder, &["workspace", "delete", "dev"]);
    assert!(
        full.stderr.contains("Workspace is not empty"),
        "{}",
        full.stderr
    );
    run(&folder, &["workspace", "delete", "-force", "dev"]).succeeded();
    assert!(server.kept().objects.is_empty());
    let one = Folder::new(&[("main.tf", &http(&server))]);
    run(&one, &["init"]).succeeded();
    let none = run(&one, &["workspace", "new", "dev"]);
    assert!(
        none.stderr.contains("workspaces not supported"),
        "{}",
        none.stderr
    );
}

#[test]
fn states_move_between_disk_bucket_and_address() {
    let server = Server::start().unwrap();
    let folder = Folder::new(&[("main.tf", BODY)]);
    run(&folder, &["apply", "-auto-approve"]).succeeded();
    folder.write("main.tf", &s3(&server));
    let silent = run(&folder, &["init", "-input=false"]);
    assert!(
        silent.stderr.contains("Can't ask approval"),
        "{}",
        silent.stderr
    );
    run(&folder, &["init", "-force-copy"]).succeeded();
    let there = kept(&server, "states/net.tfstate").unwrap();
    assert_eq!(there["outputs"]["a"]["value"], "one");
    folder.write("main.tf", &http(&server));
    let changed = run(&folder, &["init"]);
    assert!(
        changed.stderr.contains("Backend configuration changed"),
        "{}",
        changed.stderr
    );
    let plan = run(&folder, &["plan"]);
    assert!(
        plan.stderr
            .contains("Backend type changed from \"s3\" to \"http\""),
        "{}",
        plan.stderr
    );
    run(&folder, &["init", "-migrate-state", "-force-copy"]).succeeded();
    assert_eq!(kept(&server, "/plain/net").unwrap(), there);
    folder.write("main.tf", &s3(&server));
    run(&folder, &["init", "-reconfigure"]).succeeded();
    folder.write("main.tf", BODY);
    fs::remove_file(folder.path().join("terraform.tfstate")).unwrap();
    run(&folder, &["init", "-force-copy"]).succeeded();
    let output = run(&folder, &["output", "-raw", "a"]).succeeded();
    assert_eq!(output.stdout.trim(), "one");
    assert!(server.kept().locks.is_empty());
}

#[test]
fn outputs_of_states_elsewhere_are_read() {
    let server = Server::start().unwrap();
    let text = s3(&server);
    let network = Folder::new(&[("main.tf", &text)]);
    run(&network, &["init"]).succeeded();
    run(&network, &["apply", "-auto-approve"]).succeeded();
    run(&network, &["state", "pull"]).succeeded();
    let pulled = server.kept().objects["states/net.tfstate"].clone();
    server
        .kept()
        .objects
        .insert("/plain/net".to_owned(), pulled);
    let url = server.url();
    let readers = format!(
        "data \"terraform_remote_state\" \"s\" {{\n  backend = \"s3\"\n  config = {{\n    bucket = \"states\"\n    key = \"net.tfstate\"\n    region = \"main\"\n    use_path_style = true\n    endpoints = {{ s3 = \"{url}\" }}\n  }}\n}}\ndata \"terraform_remote_state\" \"h\" {{\n  backend = \"http\"\n  config = {{ address = \"{url}/plain/net\" }}\n}}\noutput \"x\" {{\n  value = \"${{data.terraform_remote_state.s.outputs.a}} ${{data.terraform_remote_state.h.outputs.a}}\"\n}}\n"
    );
    let folder = Folder::new(&[("main.tf", &readers)]);
    run(&folder, &["apply", "-auto-approve"]).succeeded();
    let output = run(&folder, &["output", "-raw", "x"]).succeeded();
    assert_eq!(output.stdout.trim(), "one one");
    folder.replace("main.tf", "key = \"net", "key = \"nothing");
    let none = run(&folder, &["plan"]);
    assert!(
        none.stderr.contains("Unable to find remote state"),
        "{}",
        none.stderr
    );
}

#[test]
fn a_state_that_cannot_be_written_is_kept_and_taken_up_again() {
    let server = Server::start().unwrap();
    let folder = Folder::new(&[("main.tf", &s3(&server))]);
    run(&folder, &["init"]).succeeded();
    run(&folder, &["apply", "-auto-approve"]).succeeded();
    let before = kept(&server, "states/net.tfstate");
    folder.replace("main.tf", "\"one\"", "\"two\"");
    // The lock has an address of its own and can be taken.
    server.kept().broken = Some("PUT /states/net.tfstate".to_owned());
    let errored = run(&folder, &["apply", "-auto-approve"]);
    server.kept().broken = None;
    assert_eq!(errored.code, Some(1));
    assert!(
        errored.stderr.contains("Failed to save state"),
        "{}",
        errored.stderr
    );
    assert!(
        errored.stderr.contains("state push errored.tfstate"),
        "{}",
        errored.stderr
    );
    let text = fs::read_to_string(folder.path().join("errored.tfstate")).unwrap();
    assert!(text.contains("\"two\""), "{text}");
    assert_eq!(kept(&server, "states/net.tfstate"), before);
    // From another machine it is pushed.
    let other = Folder::new(&[("main.tf", &s3(&server)), ("errored.tfstate", &text)]);
    run(&other, &["init"]).succeeded();
    run(&other, &["state", "push", "errored.tfstate"]).succeeded();
    // The journal here knows that there is nothing left to do.
    let plan = run(&folder, &["plan", "-detailed-exitcode"]);
    assert_eq!(plan.code, Some(0), "{}{}", plan.stdout, plan.stderr);
}

#[test]
fn terraform_works_with_what_we_keep_and_we_with_what_it_keeps() {
    let server = Server::start().unwrap();
    for (text, name) in [
        (s3(&server), "states/net.tfstate"),
        (http(&server), "/plain/net"),
    ] {
        let folder = Folder::new(&[("main.tf", &text)]);
        if terraform(&folder, &["init", "-no-color"]).is_none() {
            return;
        }
        terraform(&folder, &["apply", "-auto-approve", "-no-color"]);
        // What its `init` knows is enough for us, and the other way round.
        let plan = run(&folder, &["plan", "-detailed-exitcode"]);
        assert_eq!(plan.code, Some(0), "{}{}", plan.stdout, plan.stderr);
        folder.replace("main.tf", "\"one\"", "\"two\"");
        run(&folder, &["apply", "-auto-approve"]).succeeded();
        assert_eq!(kept(&server, name).unwrap()["outputs"]["a"]["value"], "two");
        let fresh = Folder::new(&[("main.tf", &text)]);
        fresh.replace("main.tf", "\"one\"", "\"two\"");
        run(&fresh, &["init"]).succeeded();
        terraform(&fresh, &["plan", "-detailed-exitcode", "-no-color"]);
    }
}

#[test]
fn modules_come_out_of_buckets() {
    let server = Server::start().unwrap();
    let module = "output \"o\" {\n  value = \"of the bucket\"\n}\n";
    let mut kept = server.kept();
    kept.objects
        .insert("mods/net/main.tf".to_owned(), module.into());
    kept.objects
        .insert("mods/net/more/a.txt".to_owned(), Vec::new());
    drop(kept);
    let url = server.url();
    let text = format!(
        "module \"m\" {{\n  source = \"s3::{url}/mods/net\"\n}}\noutput \"o\" {{\n  value = module.m.o\n}}\n"
    );
    let folder = Folder::new(&[("main.tf", &text)]);
    run(&folder, &["init"]).succeeded();
    run(&folder, &["apply", "-auto-approve"]).succeeded();
    let output = run(&folder, &["output", "-raw", "o"]).succeeded();
    assert_eq!(output.stdout.trim(), "of the bucket");
    // One object has versions, all that begin with a prefix have none.
    folder.replace("main.tf", "mods/net", "mods/net?version=2");
    let none = run(&folder, &["init"]);
    assert!(
        none.stderr.contains("Only one object has a `version`"),
        "{}",
        none.stderr
    );
    folder.write("old/main.tf", &module.replace("of the bucket", "of old"));
    let packed = Command::new("tar")
        .args(["cf", "net.tar", "-C", "old", "main.tf"])
        .current_dir(folder.path())
        .status();
    assert!(packed.unwrap().success());
    let archive = fs::read(folder.path().join("net.tar")).unwrap();
    let name = "mods/net.tar@a 1".to_owned();
    server.kept().objects.insert(name, archive);
    folder.replace(
        "main.tf",
        "mods/net?version=2",
        "mods/net.tar?version=a%201",
    );
    run(&folder, &["init"]).succeeded();
    run(&folder, &["apply", "-auto-approve"]).succeeded();
    let output = run(&folder, &["output", "-raw", "o"]).succeeded();
    assert_eq!(output.stdout.trim(), "of old");
    folder.replace("main.tf", "mods/net.tar?version=a%201", "mods/net");
    folder.replace("main.tf", "mods/net", "mods/nothing");
    let none = run(&folder, &["init"]);
    assert!(none.stderr.contains("has 0 objects"), "{}", none.stderr);
}
