//! What changes of values look like.

use expect_test::{Expect, expect};

use strata_core::{
    AttributePath, Type, Value,
    schema::{Block, NestedBlock, Nesting},
};

use super::{ValueLines, change::NOTHING};

fn object(entries: &[(&str, Value)]) -> Value {
    Value::object(entries.iter().map(|(name, value)| (*name, value.clone())))
}

fn tuple(items: &[&str]) -> Value {
    Value::tuple(items.iter().map(|item| Value::string(*item)).collect())
}

fn check(before: &Value, after: &Value, expected: Expect) {
    let paths = [AttributePath::attribute("forced")];
    let mut lines = ValueLines {
        requires_replace: &paths,
        block: None,
        text: String::new(),
    };
    lines.object(before, after, &AttributePath::root(), 0);
    let text = anstream::adapter::strip_str(lines.text.trim_end_matches('\n')).to_string();
    expected.assert_eq(&text);
}

#[test]
fn what_stays_is_folded_and_what_forces_replacement_is_named() {
    let before = object(&[
        ("id", Value::string("i")),
        ("same", Value::string("s")),
        ("size", Value::number(1_i64)),
        ("forced", Value::string("a")),
        ("secret", Value::string("x").sensitive()),
    ]);
    let after = object(&[
        ("id", Value::string("i")),
        ("same", Value::string("s")),
        ("size", Value::number(2_i64)),
        ("forced", Value::string("b")),
        ("secret", Value::string("y").sensitive()),
    ]);
    check(
        &before,
        &after,
        expect![[r#"
            ~ forced = "a" -> "b" # forces replacement
              id     = "i"
            ~ secret = (sensitive value)
            ~ size   = 1 -> 2
              # (1 unchanged attribute hidden)"#]],
    );
}

#[test]
fn text_and_json_are_compared_inside() {
    let before = object(&[
        (
            "json",
            Value::string(r#"{"a":1,"b":["x","y"],"c":{"d":"e"}}"#),
        ),
        ("text", Value::string("one\ntwo\nthree\n")),
    ]);
    let after = object(&[
        (
            "json",
            Value::string(r#"{"a":2,"b":["x","z","y"],"c":{"d":"e"}}"#),
        ),
        ("text", Value::string("one\n2\nthree\n")),
    ]);
    check(
        &before,
        &after,
        expect![[r#"
            ~ json = jsonencode(
                ~ {
                    ~ a = 1 -> 2
                    ~ b = [
                          "x",
                        + "z",
                          "y",
                      ]
                      # (1 unchanged attribute hidden)
                  }
              )
            ~ text = <<-EOT
                  one
                - two
                + 2
                  three
              EOT"#]],
    );
    check(
        NOTHING,
        &before,
        expect![[r#"
            + json = jsonencode(
                  {
                    + a = 1
                    + b = [
                        + "x",
                        + "y",
                      ]
                    + c = {
                        + d = "e"
                      }
                  }
              )
            + text = <<-EOT
                  one
                  two
                  three
              EOT"#]],
    );
}

#[test]
fn encoded_user_data_is_shown_decoded() {
    // `#cloud-config` and a line after it, in base64.
    let before = object(&[("data", Value::string("I2Nsb3VkLWNvbmZpZwphOiAxCg=="))]);
    let after = object(&[("data", Value::string("I2Nsb3VkLWNvbmZpZwphOiAyCg=="))]);
    check(
        &before,
        &after,
        expect![[r#"
            ~ data = base64encode(<<-EOT
                  #cloud-config
                - a: 1
                + a: 2
              EOT)"#]],
    );
}

#[test]
fn lists_show_where_they_change() {
    let items = ["a", "b", "c", "d", "e"];
    let before = object(&[("list", tuple(&items))]);
    let after = object(&[("list", tuple(&["a", "b", "c", "x", "e"]))]);
    check(
        &before,
        &after,
        expect![[r#"
            ~ list = [
                  # (2 unchanged elements hidden)
                  "c",
                ~ "d" -> "x",
                  "e",
              ]"#]],
    );
    let unknown = object(&[("list", Value::unknown(Type::Dynamic))]);
    check(
        &object(&[("list", tuple(&["a"]))]),
        &unknown,
        expect![[r#"
            ~ list = [
                - "a",
              ] -> (known after apply)"#]],
    );
}

#[test]
fn what_goes_is_shown_whole() {
    let before = object(&[("a", Value::string("x")), ("l", tuple(&["y"]))]);
    check(
        &before,
        NOTHING,
        expect![[r#"
            - a = "x" -> null
            - l = [
                - "y",
              ] -> null"#]],
    );
}

/// A schema with blocks of this kind.
fn with_blocks(name: &str, nesting: Nesting) -> Block {
    let mut block = Block::default();
    let nested = NestedBlock {
        nesting,
        block: Block::default(),
        min_items: 0,
        max_items: 0,
    };
    block.blocks.insert(name.into(), nested);
    block
}

fn check_blocks(nesting: Nesting, before: &Value, after: &Value, expected: Expect) {
    let block = with_blocks("device", nesting);
    let paths =
        [AttributePath::attribute("device").then(strata_core::PathStep::Index(1_i64.into()))];
    let mut lines = ValueLines {
        requires_replace: &paths,
        block: Some(&block),
        text: String::new(),
    };
    lines.object(before, after, &AttributePath::root(), 0);
    let text = anstream::adapter::strip_str(lines.text.trim_end_matches('\n')).to_string();
    expected.assert_eq(&text);
}

fn device(name: &str, size: i64) -> Value {
    object(&[
        ("name", Value::string(name)),
        ("size", Value::number(size)),
        ("x", Value::Bool(true)),
    ])
}

#[test]
fn blocks_stand_below_the_attributes() {
    let list = |items: Vec<Value>| Value::tuple(items);
    let before = object(&[
        ("zone", Value::string("z")),
        (
            "device",
            list(vec![device("a", 1), device("b", 2), device("c", 3)]),
        ),
    ]);
    let after = object(&[
        ("zone", Value::string("y")),
        (
            "device",
            list(vec![device("a", 1), device("b", 5), device("c", 3)]),
        ),
    ]);
    check_blocks(
        Nesting::List,
        &before,
        &after,
        expect![[r#"
              ~ zone = "z" -> "y"

              ~ device { # forces replacement
                    name = "b"
                  ~ size = 2 -> 5
                    # (1 unchanged attribute hidden)
                }

                # (2 unchanged blocks hidden)"#]],
    );
    check_blocks(
        Nesting::Set,
        &before,
        &after,
        expect![[r#"
              ~ zone = "z" -> "y"

              - device {
                  - name = "b" -> null
                  - size = 2 -> null
                  - x    = true -> null
                }
              + device {
                  + name = "b"
                  + size = 5
                  + x    = true
                }

                # (2 unchanged blocks hidden)"#]],
    );
    check_blocks(
        Nesting::List,
        NOTHING,
        &before,
        expect![[r#"
              + zone = "z"

              + device {
                  + name = "a"
                  + size = 1
                  + x    = true
                }
              + device { # forces replacement
                  + name = "b"
                  + size = 2
                  + x    = true
                }
              + device {
                  + name = "c"
                  + size = 3
                  + x    = true
                }"#]],
    );
}

#[test]
fn blocks_with_labels_single_unknown_and_secret_ones() {
    let before = object(&[(
        "device",
        object(&[("a", device("a", 1)), ("b", device("b", 1))]),
    )]);
    let after = object(&[(
        "device",
        object(&[("b", device("b", 2)), ("c", device("c", 1))]),
    )]);
    check_blocks(
        Nesting::Map,
        &before,
        &after,
        expect![[r#"
              - device "a" {
                  - name = "a" -> null
                  - size = 1 -> null
                  - x    = true -> null
                }
              ~ device "b" {
                    name = "b"
                  ~ size = 1 -> 2
                    # (1 unchanged attribute hidden)
                }
              + device "c" {
                  + name = "c"
                  + size = 1
                  + x    = true
                }"#]],
    );
    let one = object(&[("device", device("a", 1))]);
    check_blocks(
        Nesting::Single,
        &one,
        NOTHING,
        expect![[r#"
              - device {
                  - name = "a" -> null
                  - size = 1 -> null
                  - x    = true -> null
                }"#]],
    );
    let unknown = object(&[("device", Value::unknown(Type::Dynamic))]);
    check_blocks(
        Nesting::List,
        NOTHING,
        &unknown,
        expect!["+ device (known after apply)"],
    );
    let secret = object(&[("device", device("a", 1).sensitive())]);
    check_blocks(
        Nesting::Single,
        &one,
        &secret,
        expect![[r#"
              ~ device {
                    # At least one attribute in this block is (or was) sensitive, so its contents will not be shown.
                }"#]],
    );
}
