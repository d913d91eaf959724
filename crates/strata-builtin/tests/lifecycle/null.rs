//! `null_*`.

use crate::world::World;

#[test]
fn triggers_make_it_anew() {
    let world = World::new();
    world.apply(r#"resource "null_resource" "a" { triggers = { a = 1 } }"#);
    let id = world.text("null_resource.a", "id");
    assert!(id.parse::<u64>().is_ok());
    let changed = r#"resource "null_resource" "a" { triggers = { a = 2 } }"#;
    assert_eq!(world.plan(changed), "replace null_resource.a triggers");
    world.apply(changed);
    assert_ne!(world.text("null_resource.a", "id"), id);
}

#[test]
fn a_data_source_gives_back_what_it_is_given() {
    let world = World::new();
    let text = r#"
        data "null_data_source" "a" { inputs = { x = "y" } }
        resource "terraform_data" "a" { input = data.null_data_source.a.outputs.x }
    "#;
    world.apply(text);
    assert_eq!(world.object("terraform_data.a")["output"]["value"], "y");
}
