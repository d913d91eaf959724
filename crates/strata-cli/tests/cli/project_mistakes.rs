//! What a project file can say wrongly: place, cause and next step are said before anything runs.

use crate::strata::Folder;

const MAIN: &str = r#"
variable "vm" {
  type = object({ name = string, cores = number })
}

resource "terraform_data" "x" {
  input = var.vm
}

output "address" {
  value = "10.0.0.1"
}
"#;

const SITE: &str = "- hosts: web\n  gather_facts: false\n  tasks:\n    - ping:\n";

const PROJECT: &str = r#"
project "p" {
  env_file = [".env"]
}

environment "dev" {
  provision "vm" {
    directory = "infrastructure"
    variables = {
      vm = { name = "dev", cores = env.CORES }
    }
  }

  configure "web" {
    playbook = "site.yml"
    hosts    = { web = { here = { ansible_connection = "local" } } }
    after    = [provision.vm]
  }
}
"#;

fn folder(project: &str) -> Folder {
    Folder::new(&[
        ("strata.hcl", project),
        (".env", "CORES=2\n"),
        ("infrastructure/main.tf", MAIN),
        ("site.yml", SITE),
    ])
}

/// `up` and `plan` must say this, and do nothing.
#[track_caller]
fn refused(folder: &Folder, expected: &[&str]) {
    for command in ["plan", "up"] {
        let ran = folder.run(&[command, "dev"]);
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        for text in expected {
            assert!(
                ran.stderr.contains(text),
                "{command}: `{text}` is not in:\n{}",
                ran.stderr
            );
        }
        assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
        let state = folder.path().join("infrastructure/terraform.tfstate");
        assert!(!state.exists(), "{command} has begun");
    }
}

#[test]
fn the_project_itself_is_right() {
    folder(PROJECT).run(&["up", "dev"]).succeeded();
}

#[test]
fn names_missing_from_the_environment_are_told_at_once_with_what_the_example_says() {
    let folder = folder(PROJECT);
    folder.write(".env", "");
    folder.write(
        ".env.example",
        "# How many cores it has.\nCORES=2\nTOKEN= # of the platform\n",
    );
    refused(
        &folder,
        &[
            "`CORES` is not set",
            "How many cores it has.",
            "`TOKEN` is not set",
            "of the platform",
        ],
    );
}

#[test]
fn a_value_of_the_wrong_type_is_led_back_to_its_name() {
    let folder = folder(PROJECT);
    folder.write(".env", "CORES=two\n");
    refused(
        &folder,
        &[
            "Invalid value for input variable",
            "cores: a number is required",
            "strata.hcl:10:36",
            "given here",
            "Correct `CORES` in `.env`",
        ],
    );
}

#[test]
fn a_stage_that_comes_after_itself_is_refused() {
    let own = PROJECT.replace(
        "after    = [provision.vm]",
        "after    = [provision.vm, configure.web]",
    );
    refused(
        &folder(&own),
        &[
            "The stage `configure.web` comes after itself",
            "strata.hcl:17:31",
            "Name the stage that it really needs",
        ],
    );
    let circle = PROJECT.replace(
        "\"infrastructure\"",
        "\"infrastructure\"\n    after     = [configure.web]",
    );
    refused(
        &folder(&circle),
        &[
            "Stages wait for each other",
            "`provision.vm` → `configure.web` → `provision.vm`",
        ],
    );
}

#[test]
fn an_output_that_is_not_there_is_told_before_anything_runs() {
    let wrong = PROJECT.replace("{ here = {", "{ here = { address = provision.vm.adress,");
    refused(
        &folder(&wrong),
        &[
            "The stage `provision.vm` has no output `adress`",
            "strata.hcl:16:45",
            "Its outputs are `address`.",
            "Correct the name, or add a block `output",
        ],
    );
}

#[test]
fn a_host_in_two_environments_is_told() {
    let other = |name: &str, hosts: &str| {
        format!(
            "\nenvironment \"{name}\" {{\n  configure \"web\" {{\n    playbook = \"site.yml\"\n    {hosts}\n  }}\n}}\n"
        )
    };
    let text = format!(
        "project \"p\" {{}}\n{}{}",
        other(
            "dev",
            "hosts = { web = { a = { ansible_host = \"192.0.2.1\" } } }"
        ),
        other("prod", "inventory = [\"prod.ini\"]"),
    );
    let folder = folder(&text);
    folder.write("prod.ini", "[web]\nb ansible_host=192.0.2.1\n");
    let plan = folder.run(&["plan", "dev", "--twin"]).succeeded().stderr;
    let check = folder.run(&["check"]).succeeded().stdout;
    for (said, first) in [(plan, "`dev` and `prod`"), (check, "`dev` and `prod`")] {
        let summary = format!("The environments {first} have the same host: `192.0.2.1`");
        assert!(said.contains(&summary), "{said}");
        assert!(said.contains("strata.hcl:"), "{said}");
        assert!(said.contains("`instances`"), "{said}");
    }
}

#[test]
fn an_inventory_without_the_group_that_the_playbook_wants_is_told_by_plan_and_up() {
    let wrong = PROJECT.replace("{ web = { here", "{ app = { here");
    let wrong = wrong.replace("after    = [provision.vm]", "");
    let folder = folder(&wrong);
    for command in ["plan", "up"] {
        let ran = folder.run(&[command, "dev", "--only", "web"]);
        assert_eq!(ran.code, Some(1), "{}", ran.stdout);
        for text in [
            "no host to run on",
            "strata.hcl:14:3",
            "has the groups `app`",
            "Name the groups",
        ] {
            assert!(ran.stderr.contains(text), "{command}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_secret_command_that_asks_gets_no_terminal_and_changes_nothing() {
    let secret =
        "secret \"token\" {\n  command = [\"sh\", \"-c\", \"read answer < /dev/tty\"]\n}\n";
    let project = PROJECT.replace("name = \"dev\"", "name = secret.token");
    let folder = folder(&format!("{secret}{project}"));
    // As from a terminal: `script` gives the command one of its own.
    let strata = env!("CARGO_BIN_EXE_strata");
    let output = std::process::Command::new("script")
        .args([
            "--quiet",
            "--return",
            "--command",
            &format!("{strata} up dev"),
            "/dev/null",
        ])
        .current_dir(folder.path())
        .env("HOME", folder.path())
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("The secret `token` cannot be read"), "{said}");
    assert!(said.contains("/dev/tty"), "{said}");
    assert!(said.contains("Nothing was changed"), "{said}");
    assert!(
        !folder
            .path()
            .join("infrastructure/terraform.tfstate")
            .exists()
    );
}

#[test]
fn a_mistake_in_a_block_of_several_environments_is_told_once() {
    let several = PROJECT.replace("environment \"dev\"", "environment \"dev\" \"prod\"");
    let environments = folder(&several);
    environments.run(&["plan", "prod"]).succeeded();
    let wrong = folder(&several.replace("playbook = ", "playbok = "));
    let said = wrong.run(&["plan", "dev"]).stderr;
    assert_eq!(said.matches("no argument `playbok`").count(), 1, "{said}");
    let named = folder(&several.replace("\"prod\"", "\"a b\""));
    let said = named.run(&["plan", "dev"]).stderr;
    assert!(said.contains("needs a name, or several"), "{said}");
}
