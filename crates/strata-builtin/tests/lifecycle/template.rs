//! `template_file` and `template_cloudinit_config`.

use crate::world::World;

fn kept(type_name: &str, arguments: &str, attribute: &str) -> String {
    let world = World::new();
    world.apply(&format!(
        "data \"{type_name}\" \"a\" {{\n{arguments}\n}}\n\
         resource \"terraform_data\" \"a\" {{ input = data.{type_name}.a.{attribute} }}"
    ));
    let object = world.object("terraform_data.a");
    object["output"]["value"].as_str().unwrap().to_owned()
}

#[test]
fn variables_are_texts() {
    let kept = |arguments: &str, attribute: &str| kept("template_file", arguments, attribute);
    assert_eq!(
        kept(
            "template = \"T\"\n vars = { n = 1, yes = true }",
            "rendered"
        ),
        "T {\"n\": \"1\", \"yes\": \"true\"}"
    );
    assert_eq!(kept("template = \"T\"", "rendered"), "T {}");
    assert_eq!(kept("template = \"T\"", "id").len(), 64);
}

#[test]
fn a_template_that_cannot_be_rendered_is_an_error() {
    let world = World::new();
    let diags = world.refused("data \"template_file\" \"a\" {}");
    assert!(diags.contains("nothing in it"), "{diags}");
}

#[test]
fn parts_for_cloud_init_are_those_of_its_own_provider() {
    let arguments = "gzip = false\n base64_encode = false\n part { content = \"echo\" }";
    assert_eq!(
        kept("template_cloudinit_config", arguments, "rendered"),
        kept("cloudinit_config", arguments, "rendered")
    );
}
