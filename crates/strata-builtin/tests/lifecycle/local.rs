//! `local_*`.

use std::{fs, os::unix::fs::PermissionsExt};

use strata_core::{Value, provider::Found};

use crate::world::World;

fn file(arguments: &str) -> String {
    format!("resource \"local_file\" \"a\" {{\n filename = \"d/a.txt\"\n {arguments}\n}}")
}

#[test]
fn a_file_is_written_with_its_mode_and_digests() {
    let world = World::new();
    world.apply(&file(
        "content = \"hello\"\n file_permission = \"0640\"\n directory_permission = \"0700\"",
    ));
    assert_eq!(fs::read_to_string(world.path("d/a.txt")).unwrap(), "hello");
    let mode = |name| fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("d/a.txt"), mode("d")), (0o640, 0o700));
    let object = world.object("local_file.a");
    assert_eq!(object["content_md5"], "5d41402abc4b2a76b9719d911017c592");
    assert_eq!(object["id"], "aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d");
    assert_eq!(
        object["content_sha256"],
        "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    );
    assert_eq!(
        object["content_base64sha256"],
        "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
    );
}

#[test]
fn a_file_that_is_missing_or_changed_is_written_again() {
    let world = World::new();
    let text = file("content = \"hello\"");
    world.apply(&text);
    fs::write(world.path("d/a.txt"), "other").unwrap();
    assert_eq!(world.plan(&text), "create local_file.a");
    world.apply(&text);
    assert_eq!(fs::read_to_string(world.path("d/a.txt")).unwrap(), "hello");
    fs::remove_file(world.path("d/a.txt")).unwrap();
    assert_eq!(world.plan(&text), "create local_file.a");
    world.apply(&text);
}

#[test]
fn other_arguments_write_it_anew_and_an_end_deletes_it() {
    let world = World::new();
    world.apply(&file("content = \"hello\""));
    assert_eq!(
        world.plan(&file("content = \"bye\"")),
        "replace local_file.a content"
    );
    world.apply(&file("content_base64 = \"YnllAA==\""));
    assert_eq!(fs::read(world.path("d/a.txt")).unwrap(), b"bye\0");
    fs::write(world.path("source"), "from a file").unwrap();
    world.apply(&file("source = \"source\""));
    assert_eq!(
        fs::read_to_string(world.path("d/a.txt")).unwrap(),
        "from a file"
    );
    world.apply("");
    assert!(!world.path("d/a.txt").exists());
}

#[test]
fn a_secret_file_is_its_owners_alone_and_never_told() {
    let world = World::new();
    let text = "resource \"local_sensitive_file\" \"a\" {\n filename = \"s\"\n content = \"hunter2\"\n}\n\
        data \"local_sensitive_file\" \"b\" {\n filename = local_sensitive_file.a.filename\n}\n\
        resource \"terraform_data\" \"c\" {\n input = data.local_sensitive_file.b.content\n}";
    world.apply(text);
    let mode = fs::metadata(world.path("s")).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);
    let wrong = text.replace("content = \"hunter2\"", "content_base64 = \"hunter2\"");
    let said = world.refused(&wrong);
    assert!(
        said.contains("must be base64") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn a_file_is_read() {
    let world = World::new();
    fs::write(world.path("a"), "hello").unwrap();
    let text = "data \"local_file\" \"a\" {\n filename = \"a\"\n}\nresource \"terraform_data\" \"a\" {\n input = data.local_file.a\n}";
    world.apply(text);
    let read = world.object("terraform_data.a")["output"]["value"].clone();
    assert_eq!(
        (&read["content"], &read["content_base64"]),
        (&"hello".into(), &"aGVsbG8=".into())
    );
    fs::write(world.path("a"), "other").unwrap();
    assert_eq!(world.plan(text), "update terraform_data.a");
}

#[test]
fn wrong_arguments_are_refused() {
    for (text, told) in [
        (
            file(""),
            "One of `content`, `sensitive_content`, `content_base64`, `source` must be specified",
        ),
        (file("content = \"a\"\n source = \"b\""), "Only one of"),
        (
            file("content = \"a\"\n file_permission = \"rw\""),
            "octal mode",
        ),
        (file("source = \"not-there\""), "`not-there` cannot be read"),
        (
            "data \"local_file\" \"a\" { filename = \"not-there\" }".to_owned(),
            "`not-there` cannot be read",
        ),
    ] {
        let said = World::new().refused(&text);
        assert!(said.contains(told), "{text}\n{said}");
    }
}

#[test]
fn a_file_in_the_way_of_a_folder_is_told() {
    let world = World::new();
    fs::write(world.path("d"), "").unwrap();
    assert!(
        world
            .refused(&file("content = \"a\""))
            .contains("`d/a.txt` cannot be written")
    );
}

#[test]
fn after_a_crash_a_file_is_found_if_it_is_whole() {
    let world = World::new();
    let find = |content| world.find("local_file", &[("filename", "a"), ("content", content)]);
    assert!(matches!(find("hello"), Found::Nothing));
    fs::write(world.path("a"), "hello").unwrap();
    let Found::Ours { object, complete } = find("hello") else {
        panic!("it is not found");
    };
    assert!(complete);
    let sha1 = object.value.get("content_sha1").and_then(Value::as_str);
    assert_eq!(sha1, Some("aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"));
    assert!(matches!(find("other"), Found::Nothing));
}

#[test]
fn a_command_tells_what_it_said_and_how_it_ended() {
    let world = World::new();
    let text = r#"
data "local_command" "a" {
  command                  = "sh"
  arguments                = ["-c", "cat; echo no >&2; exit 3"]
  stdin                    = "given"
  allow_non_zero_exit_code = true
}

resource "terraform_data" "a" {
  input = data.local_command.a
}
"#;
    world.apply(text);
    let said = world.object("terraform_data.a")["output"]["value"].clone();
    assert_eq!(
        (&said["stdout"], &said["stderr"], &said["exit_code"]),
        (&"given".into(), &"no\n".into(), &3.into())
    );
}

#[test]
fn a_command_that_fails_is_told_without_what_it_was_given() {
    let world = World::new();
    let text = r#"
data "local_command" "a" {
  command   = "sh"
  arguments = ["-c", "cat >&2; exit 3"]
  stdin     = "hunter2"
}
"#;
    let said = world.refused(text);
    assert!(
        said.contains("(stdin)") && said.contains("exit status: 3"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}
