//! The same files through Terraform 1.11.4 and through us: plans, states and what `show -json` says.
//!
//! What Terraform answered is recorded in `data/terraform-1.11.4`: `before.tf` was planned (`plan1`) and applied
//! (`state1`, `show1`), then `after.tf` was planned (`plan2`) and applied (`state2`).

#![allow(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod support;

use std::{collections::BTreeSet, fs};

use expect_test::{Expect, expect};
use serde_json::Value as Json;
use strata_core::Events;
use strata_engine::{Environment, Plan, Stop, json, plan};
use support::{World, block_on, options};

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("data/terraform-1.11.4/", $name))
    };
}

fn environment(world: &World, text: &str) -> Environment {
    let (environment, diags) =
        world.try_environment(&[("main.tf", text), ("m/main.tf", recorded!("m/main.tf"))]);
    assert!(!diags.has_errors(), "{}", support::lines(&diags));
    environment
}

async fn plan_on(world: &World, text: &str) -> Plan {
    let environment = environment(world, text);
    let state = world.state();
    plan(
        &environment,
        &state,
        &world.providers,
        &options(),
        &Events::ignored(),
    )
    .await
    .unwrap()
}

fn world_with(state: &str) -> World {
    let world = World::new(Vec::new());
    fs::write(world.store().path(), state).unwrap();
    world
}

/// Where two documents differ, by path; objects in lists are named by their address.
fn differences(theirs: &Json, ours: &Json) -> String {
    let mut lines = Vec::new();
    compare("", theirs, ours, &mut lines);
    lines.concat()
}

fn compare(path: &str, theirs: &Json, ours: &Json, lines: &mut Vec<String>) {
    match (theirs, ours) {
        (Json::Object(left), Json::Object(right)) => {
            let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let none = Json::from("(nothing)");
                let path = format!("{path}.{key}");
                compare(
                    &path,
                    left.get(key).unwrap_or(&none),
                    right.get(key).unwrap_or(&none),
                    lines,
                );
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (at, (left, right)) in left.iter().zip(right).enumerate() {
                let name = left
                    .get("address")
                    .and_then(Json::as_str)
                    .map_or(at.to_string(), str::to_owned);
                compare(&format!("{path}[{name}]"), left, right, lines);
            }
        }
        (left, right) if left == right => {}
        (left, right) => lines.push(format!("{path}: {left} | {right}\n")),
    }
}

/// JSON as other programs read it: with its numbers.
fn shown(json: &Json) -> Json {
    serde_json::from_str(&strata_state::json::exact_text(json, false)).unwrap()
}

fn check_plan(theirs: &str, ours: &Plan, world: &World, expected: Expect) {
    let theirs: Json = serde_json::from_str(theirs).unwrap();
    let mut ours = shown(&json::plan_json(ours, &world.providers));
    ours.as_object_mut().unwrap().remove("timestamp");
    // The recorded plans were made without these.
    for name in ["configuration", "relevant_attributes"] {
        ours.as_object_mut().unwrap().remove(name);
    }
    expected.assert_eq(&differences(&theirs, &ours));
}

#[test]
fn a_first_plan_says_the_same() {
    block_on(async {
        let world = World::new(Vec::new());
        let plan = plan_on(&world, recorded!("before.tf")).await;
        check_plan(recorded!("plan1.json"), &plan, &world, expect![""]);
    });
}

#[test]
fn a_state_is_shown_the_same() {
    let world = world_with(recorded!("state1.tfstate"));
    let theirs: Json = serde_json::from_str(recorded!("show1.json")).unwrap();
    let ours = shown(&json::state_json(&world.state(), &world.providers));
    expect![""].assert_eq(&differences(&theirs, &ours));
}

#[test]
fn a_plan_of_changes_on_a_state_of_terraform_says_the_same() {
    block_on(async {
        let world = world_with(recorded!("state1.tfstate"));
        let plan = plan_on(&world, recorded!("after.tf")).await;
        check_plan(recorded!("plan2.json"), &plan, &world, expect![""]);
    });
}

#[test]
fn applying_it_makes_the_same_state() {
    block_on(async {
        let world = world_with(recorded!("state1.tfstate"));
        let environment = environment(&world, recorded!("after.tf"));
        let opened = world.open(&environment).await.unwrap();
        let plan = plan(
            &environment,
            &opened.state,
            &world.providers,
            &options(),
            &Events::ignored(),
        )
        .await
        .unwrap();
        world
            .apply_plan(&plan, &opened, &Stop::new())
            .await
            .unwrap();
        let ours = fs::read_to_string(world.store().path()).unwrap();
        let document = |text: &str| -> Json {
            let mut json: Json = serde_json::from_str(text).unwrap();
            hide_new_ids(&mut json);
            json
        };
        expect![[r#"
            .serial: 32 | 14
        "#]]
        .assert_eq(&differences(
            &document(recorded!("state2.tfstate")),
            &document(&ours),
        ));
    });
}

/// New ids are random.
fn hide_new_ids(json: &mut Json) {
    match json {
        Json::String(text) if is_id(text) && !recorded!("state1.tfstate").contains(&**text) => {
            *text = "(new)".to_owned();
        }
        Json::Array(items) => items.iter_mut().for_each(hide_new_ids),
        Json::Object(entries) => entries.values_mut().for_each(hide_new_ids),
        _ => {}
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}

#[test]
fn a_state_of_terraform_that_fits_needs_nothing() {
    block_on(async {
        let world = world_with(recorded!("state1.tfstate"));
        let plan = plan_on(&world, recorded!("before.tf")).await;
        assert!(plan.is_empty());
    });
}
