//! Modules from elsewhere, files in other syntaxes, and what is asked of the user.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use crate::strata::Folder;

fn git(folder: &Path, arguments: &[&str]) {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"];
    let output = Command::new("git")
        .args(identity)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A repository with a module in its folder `m`, tagged v1 and v2.
fn repository(folder: &Path) {
    fs::create_dir_all(folder.join("m")).unwrap();
    git(folder, &["init", "-q", "-b", "main"]);
    for version in ["v1", "v2"] {
        fs::write(
            folder.join("m/main.tf"),
            format!("output \"version\" {{ value = \"{version}\" }}\n"),
        )
        .unwrap();
        git(folder, &["add", "."]);
        git(folder, &["commit", "-q", "-m", version]);
        git(folder, &["tag", version]);
    }
}

#[test]
fn modules_from_git_are_installed_at_their_reference_and_only_once() {
    let folder = Folder::new(&[]);
    let origin = folder.path().join("origin");
    repository(&origin);
    let url = format!("git::file://{}", origin.display());
    let configuration = format!(
        r#"
        variable "tag" {{ default = "v1" }}
        module "old" {{ source = "{url}//m?ref=${{var.tag}}" }}
        module "new" {{ source = "{url}//m" }}
        module "again" {{ source = "{url}//m" }}
        module "shallow" {{ source = "{url}//m?ref=v1&depth=1" }}
        output "versions" {{
          value = [module.old.version, module.new.version, module.again.version, module.shallow.version]
        }}
        "#
    );
    folder.write("work/main.tf", &configuration);
    let before = folder.run(&["-chdir=work", "validate"]);
    assert_eq!(before.code, Some(1));
    assert!(
        before.stderr.contains("Module not installed") && before.stderr.contains("strata init")
    );

    let init = folder.run(&["-chdir=work", "init", "-input=false"]);
    assert_eq!(init.code, Some(0), "{}{}", init.stdout, init.stderr);
    assert!(init.stdout.contains("Downloading"), "{}", init.stdout);
    let applied = folder.run(&["-chdir=work", "apply", "-auto-approve"]);
    assert_eq!(applied.code, Some(0), "{}", applied.stderr);
    let output = folder.run(&["-chdir=work", "output", "-json", "versions"]);
    let versions: Vec<String> = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(versions, ["v1", "v2", "v2", "v1"]);

    let manifest =
        fs::read_to_string(folder.path().join("work/.terraform/modules/modules.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let folders: BTreeMap<&str, &str> = manifest["Modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["Key"].as_str().unwrap(),
                entry["Dir"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        folders["again"], folders["new"],
        "one package is fetched once"
    );
    assert_eq!(folders[""], ".");
    assert_eq!(folders["old"], ".terraform/modules/old/m");

    let again = folder.run(&["-chdir=work", "init"]);
    assert!(!again.stdout.contains("Downloading"), "{}", again.stdout);
    let upgrade = folder.run(&["-chdir=work", "init", "-upgrade"]);
    assert!(upgrade.stdout.contains("Downloading"), "{}", upgrade.stdout);
    let changed = folder.run(&["-chdir=work", "plan", "-var", "tag=v2"]);
    assert!(
        changed.stderr.contains("Module source has changed"),
        "{}",
        changed.stderr
    );
}

#[test]
fn a_module_that_cannot_be_fetched_is_named_with_its_source() {
    let folder = Folder::new(&[(
        "main.tf",
        r#"
        module "gone" { source = "git::file:///no/such/repository.git" }
        module "program" { source = "git::ext::sh" }
        module "bucket" { source = "gcs::https://storage.example.com/x.zip" }
        "#,
    )]);
    let init = folder.run(&["init", "-input=false"]);
    assert_eq!(init.code, Some(1));
    for part in [
        "git::file:///no/such/repository.git",
        "does not fetch by `gcs`",
        "Failed to download module",
    ] {
        assert!(init.stderr.contains(part), "{part}: {}", init.stderr);
    }
}

/// Serves fixed answers on the loopback until the test ends: path to header lines and body.
fn serve(answers: impl Fn(&str) -> Option<(String, Vec<u8>)> + Send + 'static) -> String {
    serve_to(move |path, _| answers(path))
}

/// The same; answers know of the token that is sent, too.
fn serve_to(
    answers: impl Fn(&str, Option<&str>) -> Option<(String, Vec<u8>)> + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let mut request = String::new();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                request.push_str(&line);
                line.clear();
            }
            let path = request.split_whitespace().nth(1).unwrap_or("/").to_owned();
            let token = request.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                let is_it = name.eq_ignore_ascii_case("authorization");
                is_it.then_some(value)?.strip_prefix("Bearer ")
            });
            let (status, headers, body) = match answers(&path, token) {
                Some((headers, body)) => ("200 OK", headers, body),
                None => ("404 Not Found", String::new(), Vec::new()),
            };
            let head = format!(
                "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n",
                body.len()
            );
            let mut stream = stream;
            let sent = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(&body));
            drop(sent);
        }
    });
    address
}

/// A `.tar.gz` with a module in the folder `top/m`.
fn archive(folder: &Path) -> Vec<u8> {
    fs::create_dir_all(folder.join("top/m")).unwrap();
    fs::write(
        folder.join("top/m/main.tf"),
        "output \"from\" { value = \"archive\" }\n",
    )
    .unwrap();
    let made = Command::new("tar")
        .args(["czf", "archive.tar.gz", "top"])
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(made.success());
    fs::read(folder.join("archive.tar.gz")).unwrap()
}

/// Serves that archive, and a registry whose module it is; gives the address, and the file that names the registry.
fn registry(folder: &Folder) -> (String, String) {
    let bytes = archive(folder.path());
    let address = serve(move |path| match path {
        "/a/archive.tar.gz" => Some((String::new(), bytes.clone())),
        "/v1/modules/ns/name/test/versions" => {
            let versions = r#"{"modules":[{"versions":[{"version":"1.0.0"},{"version":"1.2.0"},{"version":"2.0.0"}]}]}"#;
            Some((String::new(), versions.into()))
        }
        "/v1/modules/ns/name/test/1.2.0/download" => Some((
            "X-Terraform-Get: /a/archive.tar.gz//*\r\n".to_owned(),
            Vec::new(),
        )),
        _ => None,
    });
    let hosts = format!(
        "host \"registry.example.com\" {{ services = {{ \"modules.v1\" = \"http://{address}/v1/modules/\" }} }}\n"
    );
    folder.write("cli.tfrc", &hosts);
    let file = folder.path().join("cli.tfrc").display().to_string();
    (address, file)
}

#[test]
fn modules_of_tests_runs_are_installed_and_run() {
    let run = |name: &str, source: &str| {
        format!(
            "run \"{name}\" {{\n  module {{\n{source}  }}\n  assert {{\n    condition     = output.from == \"archive\"\n    \
             error_message = \"It is ${{output.from}}.\"\n  }}\n}}\n"
        )
    };
    let of_registry = "source  = \"registry.example.com/ns/name/test//m\"\nversion = \"~> 1.0\"\n";
    let folder = Folder::new(&[("main.tf", "locals {}\n")]);
    let (address, file) = registry(&folder);
    folder.write(
        "tests/helper/main.tf",
        &format!(
            "module \"deep\" {{ source = \"http://{address}/a/archive.tar.gz//top/m\" }}\noutput \"from\" {{ value = module.deep.from }}\n"
        ),
    );
    let tests = run("far", of_registry) + &run("near", "source = \"./tests/helper\"\n");
    folder.write("tests/all.tftest.hcl", &tests);
    let environment = [("TF_CLI_CONFIG_FILE", &*file)];
    let before = folder.run(&["test"]);
    assert!(
        before.stderr.contains("Module not installed"),
        "{}",
        before.stderr
    );
    let init = folder.run_with(&["init"], &environment);
    assert_eq!(init.code, Some(0), "{}{}", init.stdout, init.stderr);
    let manifest = fs::read(folder.path().join(".terraform/modules/modules.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let entry = |entry: &serde_json::Value| {
        let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text("Key"), text("Version"), text("Dir"))
    };
    let entries: Vec<_> = manifest["Modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(entry)
        .collect();
    // Both packages are one archive, which is kept once.
    assert_eq!(
        entries,
        [
            " - .",
            "test.tests.all.far 1.2.0 .terraform/modules/test.tests.all.far/top/m",
            "test.tests.all.near - tests/helper",
            "test.tests.all.near.deep - .terraform/modules/test.tests.all.far/top/m",
        ]
    );
    let test = folder.run(&["test"]);
    assert!(
        test.stdout.contains("2 passed, 0 failed"),
        "{}{}",
        test.stdout,
        test.stderr
    );
    folder.write(
        "tests/all.tftest.hcl",
        &run("far", "source = \"git::https://example.com/x\"\n"),
    );
    let refused = folder.run(&["test"]);
    assert!(
        refused
            .stderr
            .contains("Only local or registry module sources"),
        "{}",
        refused.stderr
    );
}

#[test]
fn modules_come_from_archives_and_registries() {
    let folder = Folder::new(&[]);
    let (address, file) = registry(&folder);
    folder.write(
        "main.tf",
        &format!(
            r#"
            module "archive" {{ source = "http://{address}/a/archive.tar.gz//top/m" }}
            module "registry" {{
              source  = "registry.example.com/ns/name/test//m"
              version = "~> 1.0"
            }}
            output "from" {{ value = [module.archive.from, module.registry.from] }}
            "#
        ),
    );
    let init = folder.run_with(&["init"], &[("TF_CLI_CONFIG_FILE", &file)]);
    assert_eq!(init.code, Some(0), "{}{}", init.stdout, init.stderr);
    assert!(
        init.stdout.contains("1.2.0 for registry"),
        "{}",
        init.stdout
    );
    let plan = folder.run(&["plan"]);
    assert!(
        plan.stdout.contains("archive"),
        "{}{}",
        plan.stdout,
        plan.stderr
    );

    folder.write("more.tf", "module \"none\" {\n  source  = \"registry.example.com/ns/name/test\"\n  version = \">= 9\"\n}\n");
    let init = folder.run_with(&["get"], &[("TF_CLI_CONFIG_FILE", &file)]);
    assert_eq!(init.code, Some(1));
    assert!(
        init.stderr
            .contains("Unresolvable module version constraint"),
        "{}",
        init.stderr
    );
}

#[test]
fn init_names_the_providers_that_are_not_there_with_their_places() {
    let folder = Folder::new(&[(
        "main.tf",
        "resource \"aws_instance\" \"a\" {}\nresource \"aws_instance\" \"b\" {}\nresource \"terraform_data\" \"c\" {}\n",
    )]);
    let init = folder.run(&["init", "-backend=false"]);
    assert_eq!(init.code, Some(1));
    assert_eq!(
        init.stderr.matches("hashicorp/aws").count(),
        1,
        "{}",
        init.stderr
    );
    assert!(
        init.stderr.contains("needed at 2 places"),
        "{}",
        init.stderr
    );
    let validate = folder.run(&["validate"]);
    assert_eq!(
        validate.stderr.matches("hashicorp/aws").count(),
        1,
        "{}",
        validate.stderr
    );
}

#[test]
fn a_lock_file_of_providers_is_left_as_it_is() {
    let lock = "provider \"x\" {}\n";
    let folder = Folder::new(&[("main.tf", ""), (".terraform.lock.hcl", lock)]);
    folder.run(&["init", "-lockfile=readonly"]).succeeded();
    let after = fs::read_to_string(folder.path().join(".terraform.lock.hcl")).unwrap();
    assert_eq!(after, lock);
    assert_eq!(folder.run(&["init", "-lockfile=other"]).code, Some(1));
}

#[test]
fn a_variable_file_that_is_none_is_named() {
    let folder = Folder::new(&[
        (
            "main.tf",
            "variable \"a\" {}\noutput \"a\" { value = var.a }\n",
        ),
        ("folder/x", ""),
        ("json.tfvars.json", "{\"a\": {\"b\": [1, \"${x}\"]}}"),
    ]);
    let plan = folder.run(&["plan", "-var-file=folder"]);
    assert_eq!(plan.code, Some(1));
    assert!(
        plan.stderr.contains("Failed to read variables file"),
        "{}",
        plan.stderr
    );
    // It may be what sets the variable.
    assert!(
        !plan.stderr.contains("No value for required variable"),
        "{}",
        plan.stderr
    );
    let plan = folder.run(&["plan", "-var-file=json.tfvars.json"]);
    assert!(
        plan.stdout.contains("${x}"),
        "{}{}",
        plan.stdout,
        plan.stderr
    );
    std::os::unix::fs::symlink("loop.tf", folder.path().join("loop.tf")).unwrap();
    let plan = folder.run(&["validate"]);
    assert!(
        plan.stderr.contains("Failed to read file") && plan.stderr.contains("loop.tf"),
        "{}",
        plan.stderr
    );
}

#[test]
fn of_variables_on_the_command_line_the_later_wins() {
    let folder = Folder::new(&[
        ("main.tf", "variable \"a\" {}\n"),
        ("x.tfvars", "a = \"file\"\n"),
        ("terraform.tfvars", "a = \"beside\"\n"),
    ]);
    let value = |options: &[&str]| {
        let arguments = [&["console"], options].concat();
        folder.run_fed(&arguments, "var.a").succeeded().stdout
    };
    assert_eq!(
        value(&["-var", "a=one", "-var-file=x.tfvars"]),
        "\"file\"\n"
    );
    assert_eq!(value(&["-var-file=x.tfvars", "-var=a=one"]), "\"one\"\n");
    assert_eq!(value(&["-var=a=one", "-var=a=two"]), "\"two\"\n");
    assert_eq!(value(&[]), "\"beside\"\n");
    let without = folder.run(&["plan", "-var", "a"]);
    let message = without.stderr;
    assert!(message.contains("Invalid -var option"), "{message}");
}

#[test]
fn without_a_terminal_a_missing_variable_is_a_mistake() {
    let folder = Folder::new(&[(
        "main.tf",
        "variable \"a\" {}\noutput \"a\" { value = var.a }\n",
    )]);
    let plan = folder.run(&["plan"]);
    assert_eq!(plan.code, Some(1));
    assert!(
        plan.stderr.contains("No value for required variable"),
        "{}",
        plan.stderr
    );
}

#[test]
fn nesting_beyond_all_reason_is_a_mistake() {
    let folder = Folder::new(&[(
        "main.tf",
        &format!("locals {{\n  a = {}\n}}\n", "[".repeat(10_000)),
    )]);
    let validate = folder.run(&["validate"]);
    assert_eq!(validate.code, Some(1), "{}", validate.stderr);
    let blocks = "a {\n".repeat(10_000);
    let folder = Folder::new(&[("main.tf", &blocks), ("b.tf.json", &"[".repeat(10_000))]);
    let validate = folder.run(&["validate"]);
    assert_eq!(validate.code, Some(1), "{}", validate.stderr);
}

#[test]
fn modules_from_mercurial_are_cloned_by_the_users_own_hg() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(&[(
        "main.tf",
        "module \"m\" { source = \"hg::https://example.com/x//sub?rev=v1\" }\noutput \"o\" { value = module.m.o }\n",
    )]);
    // A program that does as hg would, and says what it was asked.
    let program = "#!/bin/sh\necho \"$@\" > \"$HOME/asked\"\nfor last; do :; done\nmkdir -p \"$last/sub\"\necho 'output \"o\" { value = 1 }' > \"$last/sub/main.tf\"\n";
    folder.write("bin/hg", program);
    let hg = folder.path().join("bin/hg");
    fs::set_permissions(hg, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}/bin:/usr/bin:/bin", folder.path().display());
    folder.run_with(&["init"], &[("PATH", &path)]).succeeded();
    let asked = fs::read_to_string(folder.path().join("asked")).unwrap();
    let expected = "clone --quiet --updaterev v1 -- https://example.com/x ";
    assert!(asked.starts_with(expected), "{asked}");
    folder.run(&["validate"]).succeeded();
    let option = "module \"m\" { source = \"hg::ssh://-oProxyCommand=x/y\" }\n";
    folder.write("main.tf", option);
    let refused = folder.run_with(&["init"], &[("PATH", &path)]);
    assert!(
        refused.stderr.contains("cannot be a source"),
        "{}",
        refused.stderr
    );
}

#[test]
fn what_is_ephemeral_is_opened_and_closed_and_in_no_file() {
    let folder = Folder::new(&[(
        "main.tf",
        "ephemeral \"random_password\" \"p\" { length = 20 }\nlocals { long = length(ephemeral.random_password.p.result) }\nresource \"terraform_data\" \"x\" { input = 1 }\noutput \"home\" { value = pathexpand(\"~/x\") }\n",
    )]);
    let applied = folder.run(&["apply", "-auto-approve"]).succeeded();
    let state = fs::read_to_string(folder.path().join("terraform.tfstate")).unwrap();
    assert!(!state.contains("random_password"), "{state}");
    let plan = folder.run(&["plan", "-json"]).succeeded().stdout;
    for kind in ["ephemeral_op_start", "ephemeral_op_complete"] {
        assert!(plan.contains(kind), "{plan}");
    }
    assert!(
        applied.stdout.contains("home = \"[FOLDER]/x\""),
        "{}",
        applied.stdout
    );
}

/// What `terraform graph -type=plan` 1.11.4 prints for this configuration.
const STEPS: &str = r#"digraph {
	compound = "true"
	newrank = "true"
	subgraph "root" {
		"[root] data.terraform_remote_state.r (expand)" [label = "data.terraform_remote_state.r", shape = "box"]
		"[root] module.m.terraform_data.c (expand)" [label = "module.m.terraform_data.c", shape = "box"]
		"[root] provider[\"terraform.io/builtin/terraform\"]" [label = "provider[\"terraform.io/builtin/terraform\"]", shape = "diamond"]
		"[root] terraform_data.a (expand)" [label = "terraform_data.a", shape = "box"]
		"[root] terraform_data.b (expand)" [label = "terraform_data.b", shape = "box"]
		"[root] var.v" [label = "var.v", shape = "note"]
		"[root] data.terraform_remote_state.r (expand)" -> "[root] provider[\"terraform.io/builtin/terraform\"]"
		"[root] local.l (expand)" -> "[root] var.v"
		"[root] module.m (close)" -> "[root] module.m.output.y (expand)"
		"[root] module.m.output.y (expand)" -> "[root] module.m.terraform_data.c (expand)"
		"[root] module.m.terraform_data.c (expand)" -> "[root] module.m.var.x (expand)"
		"[root] module.m.var.x (expand)" -> "[root] module.m (expand)"
		"[root] module.m.var.x (expand)" -> "[root] terraform_data.a (expand)"
		"[root] output.o (expand)" -> "[root] module.m.output.y (expand)"
		"[root] provider[\"terraform.io/builtin/terraform\"] (close)" -> "[root] data.terraform_remote_state.r (expand)"
		"[root] provider[\"terraform.io/builtin/terraform\"] (close)" -> "[root] module.m.terraform_data.c (expand)"
		"[root] provider[\"terraform.io/builtin/terraform\"] (close)" -> "[root] terraform_data.b (expand)"
		"[root] root" -> "[root] module.m (close)"
		"[root] root" -> "[root] output.o (expand)"
		"[root] root" -> "[root] provider[\"terraform.io/builtin/terraform\"] (close)"
		"[root] terraform_data.a (expand)" -> "[root] local.l (expand)"
		"[root] terraform_data.a (expand)" -> "[root] provider[\"terraform.io/builtin/terraform\"]"
		"[root] terraform_data.b (expand)" -> "[root] terraform_data.a (expand)"
	}
}
"#;

#[test]
fn the_steps_of_a_plan_are_drawn_as_terraform_draws_them() {
    let root = r#"variable "v" { default = 1 }
locals { l = var.v }
resource "terraform_data" "a" { input = local.l }
resource "terraform_data" "b" {
  count = 2
  input = terraform_data.a.output
}
module "m" {
  source = "./m"
  x      = terraform_data.a.id
}
output "o" { value = module.m.y }
data "terraform_remote_state" "r" {
  backend = "local"
  config  = { path = "x" }
  count   = 0
}
"#;
    let module = "variable \"x\" {}\nresource \"terraform_data\" \"c\" { input = var.x }\noutput \"y\" { value = terraform_data.c.output }\n";
    let folder = Folder::new(&[("main.tf", root), ("m/main.tf", module)]);
    for kind in ["-type=plan", "-type=apply", "-type=plan-refresh-only"] {
        assert_eq!(folder.run(&["graph", kind]).succeeded().stdout, STEPS);
    }
}

/// What `terraform graph -type=plan-destroy` 1.11.4 prints for what this configuration made.
const DESTRUCTION: &str = r#"digraph {
	compound = "true"
	newrank = "true"
	subgraph "root" {
		"[root] module.m.terraform_data.c (destroy)" [label = "module.m.terraform_data.c", shape = "box"]
		"[root] provider[\"terraform.io/builtin/terraform\"]" [label = "provider[\"terraform.io/builtin/terraform\"]", shape = "diamond"]
		"[root] terraform_data.a (destroy)" [label = "terraform_data.a", shape = "box"]
		"[root] terraform_data.b (destroy)" [label = "terraform_data.b", shape = "box"]
		"[root] module.m.terraform_data.c (destroy)" -> "[root] provider[\"terraform.io/builtin/terraform\"]"
		"[root] provider[\"terraform.io/builtin/terraform\"] (close)" -> "[root] terraform_data.a (destroy)"
		"[root] root" -> "[root] output.o (expand)"
		"[root] root" -> "[root] provider[\"terraform.io/builtin/terraform\"] (close)"
		"[root] terraform_data.a (destroy)" -> "[root] terraform_data.b (destroy)"
		"[root] terraform_data.b (destroy)" -> "[root] module.m.terraform_data.c (destroy)"
	}
}
"#;

#[test]
fn the_steps_of_destroying_are_drawn_as_terraform_draws_them() {
    let root = r#"variable "v" { default = 1 }
locals { l = var.v }
resource "terraform_data" "a" { input = local.l }
resource "terraform_data" "b" { input = terraform_data.a.output }
module "m" {
  source = "./m"
  x      = terraform_data.b.id
}
output "o" { value = module.m.o }
"#;
    let module = "variable \"x\" {}\nresource \"terraform_data\" \"c\" { input = var.x }\noutput \"o\" { value = terraform_data.c.id }\n";
    let folder = Folder::new(&[("main.tf", root), ("m/main.tf", module)]);
    let graph = || {
        folder
            .run(&["graph", "-type=plan-destroy"])
            .succeeded()
            .stdout
    };
    let nothing = "\t\t\"[root] root\" -> \"[root] output.o (expand)\"\n\t}\n}\n";
    assert!(graph().ends_with(nothing) && graph().lines().count() == 7);
    folder.run(&["apply", "-auto-approve"]).succeeded();
    assert_eq!(graph(), DESTRUCTION);
}

#[test]
fn on_a_terminal_variables_without_value_are_asked_for() {
    use std::process::Stdio;
    let text = "variable \"a\" {\n  description = \"What?\"\n}\noutput \"a\" { value = var.a }\n";
    let folder = Folder::new(&[("main.tf", text)]);
    let command = format!("NO_COLOR=1 {} plan", env!("CARGO_BIN_EXE_strata"));
    let mut child = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The terminal shows what is typed at once: before the question, it would stand within it.
    let mut screen = BufReader::new(child.stdout.take().unwrap());
    let mut said = Vec::new();
    while !said.ends_with(b"Enter a value:") {
        let read = screen.read_until(b':', &mut said).unwrap();
        assert_ne!(read, 0, "{}", String::from_utf8_lossy(&said));
    }
    let mut keyboard = child.stdin.take().unwrap();
    keyboard.write_all(b"hello\r").unwrap();
    screen.read_to_end(&mut said).unwrap();
    child.wait().unwrap();
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains("var.a\r\n  What?"), "{said}");
    assert!(said.contains("a = \"hello\""), "{said}");
}

#[test]
fn what_terraform_takes_is_taken_though_it_looks_odd() {
    let folder = Folder::new(&[
        (
            "main.tf",
            r#"
            terraform {
              required_version = "~> 1.9.0"
              backend "gcs" {}
            }
            module "m" { source = "./m" }
            resource "terraform_data" "after" {
              depends_on = [module.m.what_it_never_gives]
            }
            output "home" { value = file("~/key.pub") }
            output "here" { value = file("${abspath(path.module)}/key.pub") }
            "#,
        ),
        ("m/main.tf", ""),
        ("key.pub", "a key\n"),
    ]);
    folder.run(&["init", "-backend=false"]).succeeded();
    let checked = folder.run(&["validate"]).succeeded();
    for told in [
        "Older version of the language required",
        "The backend `gcs` is not supported yet",
    ] {
        assert!(checked.stderr.contains(told), "{}", checked.stderr);
    }
    folder.replace("main.tf", "backend \"gcs\" {}", "");
    let planned = folder.run(&["plan"]).succeeded();
    assert_eq!(
        planned.stdout.matches("a key").count(),
        2,
        "{}",
        planned.stdout
    );
}

#[test]
fn a_private_registry_gets_its_token_wherever_it_is_written() {
    let folder = Folder::new(&[(
        "main.tf",
        "module \"m\" {\n  source = \"private.example.com/ns/name/test//m\"\n}\n",
    )]);
    let bytes = archive(folder.path());
    let address = serve_to(move |path, token| {
        let answer = match path {
            "/a/archive.tar.gz" => return Some((String::new(), bytes.clone())),
            "/v1/ns/name/test/versions" => {
                let versions = r#"{"modules":[{"versions":[{"version":"1.0.0"}]}]}"#;
                (String::new(), versions.into())
            }
            "/v1/ns/name/test/1.0.0/download" => {
                let to = "X-Terraform-Get: /a/archive.tar.gz//*\r\n";
                (to.to_owned(), Vec::new())
            }
            _ => return None,
        };
        (token == Some("t0ken")).then_some(answer)
    });
    let host = format!(
        "host \"private.example.com\" {{ services = {{ \"modules.v1\" = \"http://{address}/v1/\" }} }}\n"
    );
    let credentials = "credentials \"private.example.com\" {\n  token = \"t0ken\"\n}\n";
    let login = r#"{"credentials":{"private.example.com":{"token":"t0ken"}}}"#;
    let init = |environment: &[(&str, &str)]| {
        let data = folder.path().join(".terraform");
        if data.exists() {
            fs::remove_dir_all(data).unwrap();
        }
        // Whoever runs the tests may have a file of their own.
        let environment = [&[("TF_CLI_CONFIG_FILE", "")], environment].concat();
        folder.run_with(&["init"], &environment)
    };
    folder.write(".terraformrc", &host);
    let without = init(&[]);
    assert_eq!(without.code, Some(1), "{}", without.stdout);
    init(&[("TF_TOKEN_private_example_com", "t0ken")]).succeeded();
    folder.write(".terraformrc", &(host.clone() + credentials));
    init(&[]).succeeded();
    folder.write(".terraformrc", &host);
    folder.write(".terraform.d/credentials.tfrc.json", login);
    init(&[]).succeeded();
    let wrong = init(&[("TF_TOKEN_private_example_com", "s3cret")]);
    assert_eq!(wrong.code, Some(1));
    assert!(!wrong.stderr.contains("s3cret"), "{}", wrong.stderr);
}

#[test]
fn logging_in_is_refused_with_where_tokens_belong() {
    let folder = Folder::new(&[]);
    for command in ["login", "logout"] {
        let refused = folder.run(&[command, "git-lab.example.com"]);
        assert_eq!(refused.code, Some(1));
        let said = refused.stderr;
        assert!(said.contains("TF_TOKEN_git__lab_example_com"), "{said}");
        assert!(said.contains("credentials.tfrc.json"), "{said}");
    }
}

#[test]
fn a_module_is_copied_into_an_empty_folder_to_begin_with() {
    let folder = Folder::new(&[
        (
            "src/main.tf",
            "module \"s\" {\n  source = \"./sub\"\n}\noutput \"o\" {\n  value = module.s.o\n}\n",
        ),
        ("src/sub/a.tf", "output \"o\" {\n  value = \"copied\"\n}\n"),
        ("src/.hidden", "x"),
        (
            "lost/main.tf",
            "module \"o\" {\n  source = \"../src/sub\"\n}\n",
        ),
        ("full/readme", "x"),
        ("t/x", ""),
        ("u/x", ""),
    ]);
    let path = |name: &str| folder.path().join(name);
    for name in ["t/x", "u/x"] {
        fs::remove_file(path(name)).unwrap();
    }
    let init = |to: &str, from: &str| {
        let to = format!("-chdir={to}");
        folder.run(&[&to, "init", &format!("-from-module={from}")])
    };
    let copied = init("t", "../src").succeeded().stdout;
    assert!(
        copied.contains("Copying configuration from \"../src\"..."),
        "{copied}"
    );
    assert!(copied.contains("- s in sub"), "{copied}");
    assert!(path("t/sub/a.tf").exists() && !path("t/.hidden").exists());
    let plan = folder.run(&["-chdir=t", "plan"]).succeeded();
    assert!(plan.stdout.contains("\"copied\""), "{}", plan.stdout);
    let refused = [
        ("t", "../src", "Can't populate non-empty directory"),
        ("full", "../src", "Can't populate non-empty directory"),
        ("u", "../lost", "Local module path escapes module package"),
        ("u", "../none", "Failed to download module"),
        ("u", "..", "A module cannot be copied into itself"),
        ("u", "../src//none", "Failed to download module"),
    ];
    for (to, from, why) in refused {
        let init = init(to, from);
        assert_eq!(init.code, Some(1), "{from}: {}", init.stdout);
        assert!(init.stderr.contains(why), "{from}: {}", init.stderr);
    }
    let inside = folder.run(&["-chdir=u", "init", "-from-module=../src//sub"]);
    inside.succeeded();
    assert!(path("u/a.tf").exists());
}

#[test]
fn providers_that_are_built_in_need_no_lock_and_have_no_packages() {
    let folder = Folder::new(&[(
        "main.tf",
        "resource \"random_id\" \"a\" {\n  byte_length = 2\n}\n",
    )]);
    folder.write(".terraform.lock.hcl", "# kept\n");
    let locked = folder.run(&["providers", "lock", "-platform=linux_amd64"]);
    let said = locked.succeeded().stdout;
    assert!(
        said.contains("registry.terraform.io/hashicorp/random is built in"),
        "{said}"
    );
    let kept = fs::read_to_string(folder.path().join(".terraform.lock.hcl"));
    assert_eq!(kept.unwrap(), "# kept\n");
    let none = folder.run(&["providers", "lock", "hashicorp/none"]);
    assert_eq!(none.code, Some(1));
    assert!(
        none.stderr.contains("registry.terraform.io/hashicorp/none"),
        "{}",
        none.stderr
    );
    for refused in [
        &["providers", "mirror", "x"][..],
        &["providers", "lock", "-fs-mirror=x"],
    ] {
        let refused = folder.run(refused);
        assert_eq!(refused.code, Some(1));
        assert!(
            refused
                .stderr
                .contains("There are no packages of providers"),
            "{}",
            refused.stderr
        );
    }
    let init = folder.run(&["init", "-plugin-dir=x", "-lock=false", "-lock-timeout=1s"]);
    let said = init.succeeded().stderr;
    assert!(said.contains("Plugins of a folder are not used"), "{said}");
}
