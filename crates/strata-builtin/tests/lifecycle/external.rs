//! `external`.

use std::fs;

use crate::world::World;

fn asked(script: &str, query: &str) -> (World, String) {
    let world = World::new();
    fs::write(world.path("ask.sh"), script).unwrap();
    let text = format!(
        "data \"external\" \"a\" {{\n program = [\"sh\", \"ask.sh\", \"\"]\n query = {query}\n}}\n\
         resource \"terraform_data\" \"a\" {{\n input = data.external.a.result\n}}"
    );
    (world, text)
}

#[test]
fn a_program_answers_a_query() {
    let script = r#"query=$(cat); test "$query" = '{"a":"1","b":""}' && echo '{"x": "y"}'"#;
    let (world, text) = asked(script, "{ a = 1, b = null }");
    world.apply(&text);
    assert_eq!(
        world.object("terraform_data.a")["output"]["value"]["x"],
        "y"
    );
}

#[test]
fn a_program_need_not_read_its_query() {
    let (world, text) = asked(
        "echo '{}'",
        &format!("{{ a = \"{}\" }}", "x".repeat(200_000)),
    );
    world.apply(&text);
}

#[test]
fn a_failure_is_told_with_what_the_program_said_but_without_the_query() {
    let (world, text) = asked(
        "cat >&2; echo went wrong >&2; exit 3",
        r#"{ token = "hunter2" }"#,
    );
    let said = world.refused(&text);
    assert!(
        said.contains("went wrong")
            && said.contains("exit status: 3")
            && said.contains("(query.token)"),
        "{said}"
    );
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn an_answer_that_is_no_object_of_texts_is_refused_without_showing_it() {
    for answer in [r#"{"a": 42}"#, "[]", "secret", ""] {
        let (world, text) = asked(&format!("echo '{answer}'"), "{}");
        let said = world.refused(&text);
        assert!(
            said.contains("Unexpected External Program Results"),
            "{said}"
        );
        assert!(!said.contains("42") && !said.contains("secret"), "{said}");
    }
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let said = World::new().refused(r#"data "external" "a" { program = ["no-such-program"] }"#);
    assert!(said.contains("External Program Lookup Failed"), "{said}");
    let said = World::new().refused(r#"data "external" "a" { program = [] }"#);
    assert!(
        said.contains("`program` must have at least 1 elements"),
        "{said}"
    );
    let said = World::new().refused(r#"data "external" "a" { program = [""] }"#);
    assert!(said.contains("External Program Missing"), "{said}");
}
