//! `time_*`.

use crate::world::World;

#[test]
fn a_static_moment_stays_while_time_goes_on() {
    let world = World::new();
    let text = r#"resource "time_static" "a" {}"#;
    world.apply(text);
    world.wait_hours(100);
    world.apply(text);
    let moment = world.object("time_static.a");
    assert_eq!(moment["rfc3339"], "2026-01-31T00:00:00Z");
    assert_eq!(
        (&moment["year"], &moment["month"], &moment["day"]),
        (&2026.into(), &1.into(), &31.into())
    );
    assert_eq!(
        world.plan(r#"resource "time_static" "a" { triggers = { a = 1 } }"#),
        "replace time_static.a triggers"
    );
    let given = r#"resource "time_static" "a" { rfc3339 = "2020-02-12T06:36:13Z" }"#;
    assert_eq!(world.plan(given), "replace time_static.a rfc3339");
    world.apply(given);
    assert_eq!(world.object("time_static.a")["second"], 13);
}

#[test]
fn an_offset_moves_with_its_arguments() {
    let world = World::new();
    world.apply(r#"resource "time_offset" "a" { offset_months = 1 }"#);
    let moment = world.object("time_offset.a");
    assert_eq!(
        (&moment["base_rfc3339"], &moment["rfc3339"]),
        (
            &"2026-01-31T00:00:00Z".into(),
            &"2026-03-03T00:00:00Z".into()
        )
    );
    world.wait_hours(1);
    let changed = r#"resource "time_offset" "a" { offset_days = -1 }"#;
    assert_eq!(world.plan(changed), "update time_offset.a");
    world.apply(changed);
    assert_eq!(
        world.text("time_offset.a", "rfc3339"),
        "2026-01-30T00:00:00Z"
    );
    let based = "resource \"time_offset\" \"a\" {\n offset_days = 1\n base_rfc3339 = \"2020-01-01T00:00:00Z\"\n}";
    assert_eq!(world.plan(based), "replace time_offset.a base_rfc3339");
}

#[test]
fn a_rotating_moment_is_made_anew_when_its_time_has_come() {
    let world = World::new();
    let text = r#"
        resource "time_rotating" "a" { rotation_days = 2 }
        resource "terraform_data" "a" { triggers_replace = time_rotating.a.id }
    "#;
    world.apply(text);
    assert_eq!(
        world.text("time_rotating.a", "rotation_rfc3339"),
        "2026-02-02T00:00:00Z"
    );
    world.wait_hours(47);
    assert_eq!(world.plan(text), "");
    let longer = text.replace("rotation_days = 2", "rotation_days = 3");
    assert_eq!(world.plan(&longer), "update time_rotating.a");
    world.wait_hours(2);
    assert_eq!(
        world.plan(text),
        "replace terraform_data.a triggers_replace\ncreate time_rotating.a"
    );
    world.apply(text);
    assert_eq!(
        world.text("time_rotating.a", "rfc3339"),
        "2026-02-02T01:00:00Z"
    );
}

#[test]
fn a_sleep_waits_and_is_not_repeated() {
    let world = World::new();
    world.apply(r#"resource "time_sleep" "a" { create_duration = "1ms" }"#);
    let both = "resource \"time_sleep\" \"a\" {\n create_duration = \"2ms\"\n destroy_duration = \"1ms\"\n}";
    assert_eq!(world.plan(both), "update time_sleep.a");
    world.apply(both);
    let triggered = "resource \"time_sleep\" \"a\" {\n create_duration = \"2ms\"\n destroy_duration = \"1ms\"\n triggers = { a = 1 }\n}";
    assert_eq!(world.plan(triggered), "replace time_sleep.a triggers");
    world.apply(triggered);
}

#[test]
fn a_sleep_does_not_wait_for_models() {
    let text = r#"resource "time_sleep" "a" { create_duration = "10h" }"#;
    World::of_models().apply(text);
}

#[test]
fn wrong_arguments_are_refused() {
    for (text, told) in [
        (
            r#"resource "time_sleep" "a" {}"#,
            "At least one of `create_duration`, `destroy_duration`",
        ),
        (
            r#"resource "time_sleep" "a" { create_duration = "1d" }"#,
            "must be a number immediately followed by",
        ),
        (r#"resource "time_offset" "a" {}"#, "At least one of"),
        (r#"resource "time_rotating" "a" {}"#, "At least one of"),
        (
            r#"resource "time_static" "a" { rfc3339 = "yesterday" }"#,
            "must be a timestamp",
        ),
        (
            r#"resource "time_offset" "a" { offset_years = 100000 }"#,
            "beyond the years",
        ),
    ] {
        let said = World::new().refused(text);
        assert!(said.contains(told), "{text}\n{said}");
    }
}

#[test]
fn moments_are_imported() {
    let world = World::new();
    let end = |type_name: &str, id: &str, attribute: &str| {
        let object = world.import(type_name, id)?;
        Ok::<_, String>(object.get(attribute).unwrap().as_str().unwrap().to_owned())
    };
    assert_eq!(
        end("time_static", "2020-02-12T06:36:13Z", "rfc3339").unwrap(),
        "2020-02-12T06:36:13Z"
    );
    assert_eq!(
        end("time_offset", "2020-02-12T06:36:13Z,0,0,7,0,0,0", "rfc3339").unwrap(),
        "2020-02-19T06:36:13Z"
    );
    assert_eq!(
        end(
            "time_rotating",
            "2020-02-12T06:36:13Z,0,0,0,0,30",
            "rotation_rfc3339"
        )
        .unwrap(),
        "2020-02-12T07:06:13Z"
    );
    assert_eq!(end("time_sleep", "1s,", "create_duration").unwrap(), "1s");
    for (type_name, id) in [
        ("time_offset", "x"),
        ("time_rotating", "2020-02-12T06:36:13Z,0,0,0,0,0"),
        ("time_sleep", ","),
        ("time_static", "x"),
    ] {
        assert!(end(type_name, id, "id").is_err(), "{type_name}");
    }
}
