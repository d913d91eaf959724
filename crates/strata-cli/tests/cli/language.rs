//! Modules from elsewhere, files in other syntaxes, and what is asked of the user.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::Command,
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
