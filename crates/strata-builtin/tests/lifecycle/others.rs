//! `ansible`, `bcrypt` and `macaddress`: small providers of others.

use crate::world::World;

const ALL: &str = r#"
terraform {
  required_providers {
    ansible    = { source = "ansible/ansible" }
    bcrypt     = { source = "viktorradnai/bcrypt" }
    macaddress = { source = "ivoronin/macaddress" }
  }
}
resource "ansible_host" "a" {
  name      = "web1"
  groups    = ["web"]
  variables = { ansible_host = "10.0.0.5" }
}
resource "ansible_group" "a" {
  name     = "web"
  children = ["front"]
}
resource "bcrypt_hash" "a" {
  cleartext = "a password"
  cost      = 4
}
resource "macaddress" "a" {
  prefix = [82, 84, 0]
}
resource "macaddress" "b" {}
"#;

#[test]
fn each_has_what_it_says_and_stays() {
    let world = World::new();
    world.apply(ALL);
    let host = world.object("ansible_host.a");
    assert_eq!(host["id"], "web1");
    assert_eq!(host["groups"][0], "web");
    assert_eq!(world.text("ansible_group.a", "id"), "web");
    let hash = world.text("bcrypt_hash.a", "id");
    assert!(bcrypt::verify("a password", &hash).unwrap(), "{hash}");
    assert!(hash.contains("$04$"), "{hash}");
    let address = world.text("macaddress.a", "address");
    assert!(
        address.starts_with("52:54:00:") && address.len() == 17,
        "{address}"
    );
    let own = world.text("macaddress.b", "address");
    let first = u8::from_str_radix(&own[..2], 16).unwrap();
    assert_eq!(first & 3, 2, "{own}");
    assert_eq!(world.plan(ALL), "");
}

#[test]
fn a_host_changes_in_place_and_another_name_is_another_host() {
    let world = World::new();
    world.apply(ALL);
    let grouped = ALL.replace("[\"web\"]", "[\"web\", \"db\"]");
    assert_eq!(world.plan(&grouped).trim(), "update ansible_host.a");
    let renamed = ALL.replace("web1", "web2");
    assert!(world.plan(&renamed).starts_with("replace ansible_host.a"));
}

#[test]
fn a_prefix_has_bytes_and_no_more_than_six() {
    let world = World::new();
    let with = |prefix: &str| ALL.replace("[82, 84, 0]", prefix);
    let said = world.refused(&with("[256]"));
    assert!(said.contains("0 to 255"), "{said}");
    world.refused(&with("[1, 2, 3, 4, 5, 6, 7]"));
}
