//! `cloudinit_config`.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::world::World;

const PARTS: &str = r##"
  part {
    filename     = "a.yaml"
    content_type = "text/cloud-config"
    content      = "#cloud-config\n"
  }
  part { content = "echo" }
"##;

/// What Go's `mime/multipart` writes for these parts.
const MESSAGE: &str = "Content-Type: multipart/mixed; boundary=\"MIMEBOUNDARY\"\nMIME-Version: 1.0\r\n\r\n\
    --MIMEBOUNDARY\r\nContent-Disposition: attachment; filename=\"a.yaml\"\r\nContent-Transfer-Encoding: 7bit\r\n\
    Content-Type: text/cloud-config\r\nMime-Version: 1.0\r\n\r\n#cloud-config\n\r\n\
    --MIMEBOUNDARY\r\nContent-Transfer-Encoding: 7bit\r\nContent-Type: text/plain\r\nMime-Version: 1.0\r\n\r\necho\r\n\
    --MIMEBOUNDARY--\r\n";

fn config(arguments: &str) -> String {
    format!("resource \"cloudinit_config\" \"a\" {{\n {arguments}\n {PARTS}\n}}")
}

#[test]
fn parts_are_written_plain_encoded_and_compressed() {
    let world = World::new();
    world.apply(&config("gzip = false\n base64_encode = false"));
    assert_eq!(world.text("cloudinit_config.a", "rendered"), MESSAGE);
    world.apply(&config("gzip = false"));
    assert_eq!(
        world.text("cloudinit_config.a", "rendered"),
        STANDARD.encode(MESSAGE)
    );
    world.apply(&config(""));
    let packed = STANDARD
        .decode(world.text("cloudinit_config.a", "rendered"))
        .unwrap();
    let mut text = String::new();
    flate2::read::GzDecoder::new(packed.as_slice())
        .read_to_string(&mut text)
        .unwrap();
    assert_eq!(text, MESSAGE);
}

#[test]
fn a_data_source_gives_the_same() {
    let world = World::new();
    let text = format!(
        "data \"cloudinit_config\" \"a\" {{\n gzip = false\n base64_encode = false\n boundary = \"X\"\n{PARTS}\n}}\n\
         resource \"terraform_data\" \"a\" {{\n input = data.cloudinit_config.a.rendered\n}}"
    );
    world.apply(&text);
    let rendered = world.object("terraform_data.a")["output"]["value"].clone();
    assert_eq!(rendered, MESSAGE.replace("MIMEBOUNDARY", "X"));
}

#[test]
fn another_part_makes_it_anew() {
    let world = World::new();
    world.apply(&config(""));
    let plan = world.plan(&config("").replace("echo", "other"));
    assert_eq!(plan, "replace cloudinit_config.a part");
    world.apply(&config("").replace("echo", "other"));
    let fewer = config("").replace("part { content = \"echo\" }", "");
    assert!(
        world
            .plan(&fewer)
            .starts_with("replace cloudinit_config.a part")
    );
    world.apply(&fewer);
}

#[test]
fn wrong_arguments_are_refused() {
    let world = World::new();
    assert!(
        world
            .refused(&config("base64_encode = false"))
            .contains("Expected base64_encode to be set to true when gzip is true")
    );
    assert!(
        world
            .refused(&config("boundary = \"a\\nb\""))
            .contains("MIME boundary")
    );
    let said = world.refused("resource \"cloudinit_config\" \"a\" {}");
    assert!(said.contains("part"), "{said}");
}
