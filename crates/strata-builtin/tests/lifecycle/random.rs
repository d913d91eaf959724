//! `random_*`.

use strata_core::Value;

use crate::world::World;

const ALL: &str = r#"
    resource "random_password" "a" { length = 20 }
    resource "random_string" "a" {
      length  = 9
      special = false
      numeric = false
      upper   = false
    }
    resource "random_id" "a" {
      byte_length = 4
      prefix      = "n-"
    }
    resource "random_integer" "a" {
      min = -3
      max = 5
    }
    resource "random_pet" "a" {
      length = 3
      prefix = "my"
    }
    resource "random_shuffle" "a" {
      input        = ["a", "b", "c"]
      result_count = 5
    }
    resource "random_uuid" "a" {}
    resource "random_bytes" "a" { length = 6 }
"#;

#[test]
fn everything_is_made_once_and_stays() {
    let world = World::new();
    world.apply(ALL);
    let password = world.object("random_password.a");
    assert_eq!(password["result"].as_str().unwrap().len(), 20);
    assert_eq!(
        (&password["id"], &password["min_upper"]),
        (&"none".into(), &0.into())
    );
    assert_eq!(
        (&password["number"], &password["numeric"]),
        (&true.into(), &true.into())
    );
    assert!(password["bcrypt_hash"].as_str().unwrap().starts_with("$2"));
    let text = world.text("random_string.a", "result");
    assert!(
        text.len() == 9 && text.bytes().all(|byte| byte.is_ascii_lowercase()),
        "{text}"
    );
    let id = world.object("random_id.a");
    let hex = id["hex"].as_str().unwrap().strip_prefix("n-").unwrap();
    let decimal = u32::from_str_radix(hex, 16).unwrap();
    assert_eq!(id["dec"], format!("n-{decimal}"));
    let number = world.object("random_integer.a")["result"].as_i64().unwrap();
    assert!((-3..=5).contains(&number));
    assert_eq!(world.text("random_pet.a", "id").split('-').count(), 4);
    assert_eq!(
        world.object("random_shuffle.a")["result"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    assert_eq!(world.text("random_uuid.a", "result").len(), 36);
    assert_eq!(world.text("random_bytes.a", "hex").len(), 12);
    let before = world.object("random_password.a");
    world.apply(ALL);
    assert_eq!(world.object("random_password.a"), before);
}

#[test]
fn another_argument_makes_a_new_one() {
    for (before, after, because) in [
        (
            r#"resource "random_id" "a" { byte_length = 4 }"#,
            r#"resource "random_id" "a" { byte_length = 8 }"#,
            "byte_length",
        ),
        (
            r#"resource "random_pet" "a" { keepers = { v = 1 } }"#,
            r#"resource "random_pet" "a" { keepers = { v = 2 } }"#,
            "keepers",
        ),
        (
            r#"resource "random_password" "a" { length = 9 }"#,
            "resource \"random_password\" \"a\" {\n length = 9\n min_special = 1\n}",
            "min_special",
        ),
        (
            r#"resource "random_password" "a" { length = 9 }"#,
            "resource \"random_password\" \"a\" {\n length = 9\n number = false\n}",
            "number,numeric",
        ),
        (
            "resource \"random_integer\" \"a\" {\n min = 1\n max = 9\n}",
            "resource \"random_integer\" \"a\" {\n min = 1\n max = 9\n seed = \"s\"\n}",
            "seed",
        ),
        (
            r#"resource "random_shuffle" "a" { input = ["a"] }"#,
            r#"resource "random_shuffle" "a" { input = ["b"] }"#,
            "input",
        ),
        (
            r#"resource "random_bytes" "a" { length = 1 }"#,
            r#"resource "random_bytes" "a" { length = 2 }"#,
            "length",
        ),
        (
            r#"resource "random_uuid" "a" {}"#,
            r#"resource "random_uuid" "a" { keepers = { a = "" } }"#,
            "keepers",
        ),
        (
            r#"resource "random_string" "a" { length = 9 }"#,
            "resource \"random_string\" \"a\" {\n length = 9\n override_special = \"_\"\n}",
            "override_special",
        ),
    ] {
        let world = World::new();
        world.apply(before);
        let plan = world.plan(after);
        assert!(
            plan.starts_with("replace ") && plan.ends_with(&format!(".a {because}")),
            "{plan}"
        );
        world.apply(after);
    }
}

#[test]
fn a_seed_gives_the_same_again() {
    let text = "resource \"random_shuffle\" \"a\" {\n input = [\"a\", \"b\", \"c\", \"d\", \"e\"]\n seed = \"s\"\n}";
    let results: Vec<_> = (0..2)
        .map(|_| {
            let world = World::new();
            world.apply(text);
            world.object("random_shuffle.a")["result"].clone()
        })
        .collect();
    assert_eq!(results[0], results[1]);
}

#[test]
fn wrong_arguments_are_refused() {
    for (text, told) in [
        (
            r#"resource "random_password" "a" { length = 0 }"#,
            "`length` must be between 1",
        ),
        (
            "resource \"random_password\" \"a\" {\n length = 3\n min_upper = 2\n min_lower = 2\n}",
            "which is 4",
        ),
        (
            "resource \"random_password\" \"a\" {\n length = 3\n number = true\n numeric = false\n}",
            "Number and Numeric are Inconsistent",
        ),
        (
            "resource \"random_string\" \"a\" {\n length = 3\n upper = false\n lower = false\n numeric = false\n special = false\n}",
            "The character set specified is empty",
        ),
        (
            "resource \"random_integer\" \"a\" {\n min = 2\n max = 1\n}",
            "The minimum (min) value needs to be smaller",
        ),
        (r#"resource "random_integer" "a" { min = 2 }"#, "max"),
        (
            r#"resource "random_id" "a" { byte_length = 1.5 }"#,
            "must be a whole number",
        ),
        (
            r#"resource "random_pet" "a" { length = 0 }"#,
            "`length` must be between 1",
        ),
    ] {
        let said = World::new().refused(text);
        assert!(said.contains(told), "{text}\n{said}");
    }
}

#[test]
fn what_others_made_is_imported() {
    let world = World::new();
    let text = |type_name: &str, id: &str, attribute: &str| {
        let object = world.import(type_name, id)?;
        Ok::<_, String>(format!("{:?}", object.get(attribute).unwrap()))
    };
    assert_eq!(text("random_password", "secret!", "length").unwrap(), "7");
    assert_eq!(
        text("random_password", "secret!", "special").unwrap(),
        "true"
    );
    assert_eq!(text("random_string", "text", "result").unwrap(), "\"text\"");
    assert_eq!(text("random_id", "p,_w-A", "hex").unwrap(), "\"pff0f80\"");
    assert_eq!(text("random_id", "_w-A", "prefix").unwrap(), "null(string)");
    assert_eq!(text("random_integer", "3,1,5,s", "seed").unwrap(), "\"s\"");
    assert_eq!(
        text(
            "random_uuid",
            "AABBCCDD-0000-4000-8000-000000000000",
            "result"
        )
        .unwrap(),
        "\"aabbccdd-0000-4000-8000-000000000000\""
    );
    assert_eq!(text("random_bytes", "AQI=", "hex").unwrap(), "\"0102\"");
    for (type_name, id) in [
        ("random_id", "!"),
        ("random_integer", "1,2"),
        ("random_uuid", "x"),
        ("random_bytes", ""),
    ] {
        assert!(
            text(type_name, id, "id")
                .unwrap_err()
                .contains("Unexpected Import Identifier")
        );
    }
    assert!(
        text("random_pet", "x", "id")
            .unwrap_err()
            .contains("Import Not Implemented")
    );
    let imported = world.import("random_password", "secret!").unwrap();
    assert_eq!(imported.get("keepers").map(Value::is_null), Some(true));
}

#[test]
fn an_import_block_takes_over_what_is_there_without_a_change() {
    for (resource, id) in [
        ("\"random_password\" \"a\" { length = 7 }", "secret!"),
        ("\"random_string\" \"a\" { length = 4 }", "text"),
        (
            "\"random_id\" \"a\" {\n byte_length = 3\n prefix = \"p\"\n}",
            "p,_w-A",
        ),
        ("\"random_integer\" \"a\" {\n min = 1\n max = 5\n}", "3,1,5"),
        (
            "\"random_uuid\" \"a\" {}",
            "aabbccdd-0000-4000-8000-000000000000",
        ),
        ("\"random_bytes\" \"a\" { length = 2 }", "AQI="),
        ("\"null_resource\" \"a\" {}", "7"),
        ("\"time_static\" \"a\" {}", "2020-02-12T06:36:13Z"),
        (
            "\"time_offset\" \"a\" { offset_days = 7 }",
            "2020-02-12T06:36:13Z,0,0,7,0,0,0",
        ),
        ("\"time_sleep\" \"a\" { create_duration = \"1s\" }", "1s,"),
    ] {
        let world = World::new();
        let type_name = resource.split('"').nth(1).unwrap();
        let text =
            format!("resource {resource}\nimport {{\n to = {type_name}.a\n id = \"{id}\"\n}}\n");
        assert_eq!(world.plan(&text), "", "{text}");
        world.apply(&text);
        world.object(&format!("{type_name}.a"));
    }
}

#[test]
fn a_password_of_an_old_state_stays() {
    let world = World::new();
    let text = r#"resource "random_password" "a" { length = 9 }"#;
    world.apply(text);
    let before = world.text("random_password.a", "result");
    world.rewrite_state(|state| {
        let instance = &mut state["resources"][0]["instances"][0];
        instance["schema_version"] = 1.into();
        let attributes = instance["attributes"].as_object_mut().unwrap();
        attributes.remove("numeric");
        attributes.remove("min_special");
    });
    assert_eq!(world.plan(text), "update random_password.a");
    world.apply(text);
    assert_eq!(world.text("random_password.a", "result"), before);
    assert_eq!(world.object("random_password.a")["numeric"], true);
}

#[test]
fn nothing_is_left_behind_by_a_crash() {
    let found = World::new().find("random_id", &[]);
    assert!(
        matches!(found, strata_core::provider::Found::Nothing),
        "{found:?}"
    );
}

#[test]
fn an_ephemeral_password_is_another_in_each_run_and_nowhere_in_state() {
    let world = World::new();
    let text = r#"
        ephemeral "random_password" "a" {
          length  = 24
          special = false
          lifecycle {
            postcondition {
              condition     = length(self.result) == 24 && can(regex("^[A-Za-z0-9]+$", self.result)) && length(self.bcrypt_hash) == 60
              error_message = "It is not as asked."
            }
          }
        }
        output "a" { value = nonsensitive(ephemeralasnull(ephemeral.random_password.a.result) == null) }
    "#;
    world.apply(text);
    assert_eq!(world.output("a"), Value::Bool(true));
    let refused = world.refused(r#"ephemeral "random_password" "a" { length = 0 }"#);
    assert!(refused.contains("length"), "{refused}");
}
