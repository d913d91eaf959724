//! What goes over the wire, against a daemon that answers from a script.

use std::path::Path;

use hyper::Method;
use serde_json::{Value as Json, json};

use super::{
    ApiPath, ClientError, Notes,
    scripted::{Scripted, client, object, operation, refusal, running},
};

const CREATE: &str = "POST /1.0/instances";
const WAIT: &str = "GET /1.0/operations/one/wait";

async fn create(daemon: &Scripted) -> Result<(), ClientError> {
    let path = ApiPath::new(&["instances"]);
    daemon
        .client()
        .change(Method::POST, &path, &json!({}), None, Notes::Nobody)
        .await
}

#[tokio::test]
async fn one_connection_serves_one_call_after_the_other() {
    let daemon = Scripted::start([("GET /1.0/a", object("1")), ("GET /1.0/b", object("2"))]);
    let client = daemon.client();
    let a = client.get::<u32>(&ApiPath::new(&["a"])).await.unwrap();
    let b = client.get::<u32>(&ApiPath::new(&["b"])).await.unwrap();
    assert_eq!((a.value, b.value, daemon.connections()), (1, 2, 1));
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_costs_nothing_but_a_new_one() {
    let daemon = Scripted::start([
        ("GET /1.0/a", object("1").then_close()),
        ("GET /1.0/b", object("2")),
    ]);
    let client = daemon.client();
    client.get::<u32>(&ApiPath::new(&["a"])).await.unwrap();
    let b = client.get::<u32>(&ApiPath::new(&["b"])).await.unwrap();
    assert_eq!((b.value, daemon.connections()), (2, 2));
}

#[tokio::test]
async fn an_operation_that_ends_before_its_answer_is_read_has_ended() {
    let end = operation("one", 200, "");
    let daemon = Scripted::start([(CREATE, running("one").after_event(&end))]);
    create(&daemon).await.unwrap();
    assert_eq!(daemon.seen(), ["POST /1.0/instances {}"]);
}

#[tokio::test]
async fn an_operation_fails_with_the_servers_words() {
    let end = operation("one", 400, "no room left");
    let daemon = Scripted::start([(CREATE, running("one").after_event(&end))]);
    let error = create(&daemon).await.unwrap_err();
    assert_eq!(error, ClientError::Operation("no room left".to_owned()));
}

#[tokio::test]
async fn when_events_are_lost_the_server_is_asked_to_tell_the_end() {
    let daemon = Scripted::start([
        (CREATE, running("one").after_breaking_events()),
        (WAIT, object(&operation("one", 200, ""))),
    ]);
    create(&daemon).await.unwrap();
    assert_eq!(daemon.seen(), ["POST /1.0/instances {}", WAIT]);
}

#[tokio::test]
async fn an_end_that_nobody_knows_is_told_as_such() {
    let daemon = Scripted::start([
        (CREATE, running("one").after_breaking_events()),
        (WAIT, refusal(404, "not found")),
    ]);
    let error = create(&daemon).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
    let diagnostic = error.diagnostic("cannot create instance `a`");
    assert_eq!(diagnostic.code, "incus-outcome-unknown");
}

#[tokio::test]
async fn a_daemon_that_vanishes_while_it_works_leaves_a_doubt() {
    let daemon = Scripted::start([(CREATE, running("one").after_breaking_events().then_vanish())]);
    let error = create(&daemon).await.unwrap_err();
    assert!(error.is_ambiguous(), "{error:?}");
}

#[tokio::test]
async fn a_change_carries_the_state_that_was_read() {
    let daemon = Scripted::start([
        ("GET /1.0/profiles/a", object("{}").etag("abc")),
        ("PUT /1.0/profiles/a", refusal(412, "ETag mismatch")),
    ]);
    let client = daemon.client();
    let path = ApiPath::new(&["profiles", "a"]);
    let read = client.get::<Json>(&path).await.unwrap();
    let (body, etag) = (json!({"x": 1}), read.etag.as_deref());
    let changed = client.change(Method::PUT, &path, &body, etag, Notes::Nobody);
    assert!(changed.await.unwrap_err().is_conflict());
    assert_eq!(daemon.seen()[1], r#"PUT /1.0/profiles/a [abc] {"x":1}"#);
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_named_with_what_to_do() {
    let client = client(Path::new("/nonexistent/unix.socket"));
    let error = client.get::<Json>(&ApiPath::new(&[])).await.unwrap_err();
    let diagnostic = error.diagnostic("cannot read profile `a`");
    assert_eq!(diagnostic.code, "incus-not-reachable");
    assert_eq!(
        diagnostic.detail,
        "the Incus daemon does not answer at /nonexistent/unix.socket: there is no such socket"
    );
    assert!(diagnostic.hints[0].contains("systemctl start incus"));
}

#[tokio::test]
async fn an_answer_that_is_not_incus_is_no_success() {
    let daemon = Scripted::start([("GET /1.0/a", object("[\"list\"]"))]);
    let error = daemon
        .client()
        .get::<u32>(&ApiPath::new(&["a"]))
        .await
        .unwrap_err();
    assert!(matches!(error, ClientError::Exchange(_)));
    let missing = daemon.client().find::<u32>(&ApiPath::new(&["b"])).await;
    assert!(missing.is_err(), "an error of the server is not an absence");
}

#[tokio::test]
async fn an_instance_that_is_just_being_stopped_is_asked_for_again() {
    let daemon = Scripted::start([
        ("GET /1.0/instances/a", refusal(500, "Invalid PID '0'")),
        ("GET /1.0/instances/a", object("7")),
    ]);
    let path = ApiPath::new(&["instances", "a"]);
    let answer = daemon.client().get::<u32>(&path).await.unwrap();
    assert_eq!(answer.value, 7);
}

#[tokio::test]
async fn a_change_waits_for_what_others_do_to_an_instance() {
    let busy = "Failed to create instance delete operation: A matching non-reusable operation has now succeeded";
    let daemon = Scripted::start([
        ("DELETE /1.0/instances/a", refusal(500, busy)),
        (
            "DELETE /1.0/instances/a",
            refusal(404, "Instance not found"),
        ),
    ]);
    let (client, path) = (daemon.client(), ApiPath::new(&["instances", "a"]));
    let gone = client.change(Method::DELETE, &path, &Json::Null, None, Notes::Nobody);
    assert!(gone.await.unwrap_err().is_not_found());
}
