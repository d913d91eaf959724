//! Backends against a server that keeps states, without connections.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value as Json, json};
use strata_state::{
    Call, LockRequest, Outcome, State, StateError, Store,
    backend::{Answer, Backend, Outside, Remote, Request, Web, arguments},
};
use strata_testing::states::{self, Asked, Kept};
use tempfile::TempDir;

/// Requests go straight to a server of the tests.
#[derive(Debug, Default)]
struct Straight {
    kept: Mutex<Kept>,
    pauses: Mutex<Vec<Duration>>,
}

impl Web for Straight {
    fn send(&self, request: &Request) -> Result<Answer, String> {
        let (_, rest) = request.url.split_once("://").unwrap();
        let at = rest.find('/').unwrap();
        let mut headers: BTreeMap<_, _> = request.headers.iter().cloned().collect();
        headers.insert("host".to_owned(), rest[..at].to_owned());
        let asked = Asked {
            method: request.method.clone(),
            target: rest[at..].to_owned(),
            headers,
            body: request.body.clone(),
        };
        let reply = states::answer(&mut self.kept.lock().unwrap(), &asked);
        Ok(Answer {
            status: reply.status,
            headers: Vec::new(),
            body: reply.body,
        })
    }

    fn pause(&self, time: Duration) {
        self.pauses.lock().unwrap().push(time);
    }
}

/// A server, and a folder of this machine.
struct World {
    web: Arc<Straight>,
    folder: TempDir,
}

impl World {
    fn new() -> Self {
        Self {
            web: Arc::default(),
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn open(&self, kind: &str, given: &Json) -> Result<Backend, StateError> {
        let outside = Outside {
            web: self.web.clone(),
            environment: Arc::default(),
        };
        let arguments = arguments::check(kind, given.as_object().unwrap()).unwrap();
        Backend::open(kind, &arguments, &outside)
    }

    fn s3(&self, more: &Json) -> Backend {
        let mut given = json!({
            "bucket": "states", "key": "a b/net.tfstate", "region": "eu-central-1", "use_path_style": true,
            "endpoints": {"s3": "http://localhost:9000"}, "use_lockfile": true,
            "access_key": states::KEY_ID, "secret_key": states::SECRET,
        });
        merge(&mut given, more);
        self.open("s3", &given).unwrap()
    }

    fn http(&self, more: &Json) -> Backend {
        let mut given = json!({
            "address": "http://u:p@gitlab.test/plain/net", "username": states::USER, "password": states::PASSWORD,
            "lock_address": "http://gitlab.test/plain/net/lock", "lock_method": "POST",
            "unlock_address": "http://gitlab.test/plain/net/lock", "unlock_method": "DELETE",
        });
        merge(&mut given, more);
        self.open("http", &given).unwrap()
    }

    fn store(&self, backend: &Backend) -> Store {
        let remote = backend.state("default").unwrap();
        Store::remote(remote, self.folder.path().join("backend/default.tfstate"))
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.web.kept.lock().unwrap()
    }
}

fn merge(given: &mut Json, more: &Json) {
    let more = more.as_object().unwrap().clone();
    given.as_object_mut().unwrap().extend(more);
}

fn request() -> LockRequest {
    LockRequest {
        operation: "OperationTypeApply".to_owned(),
        who: "ann@laptop".to_owned(),
        host: "laptop".to_owned(),
        version: "1".to_owned(),
    }
}

fn write(store: &Store, terraform_version: &str) {
    let mut opened = store.open().unwrap();
    opened.state.terraform_version = terraform_version.into();
    opened.state.outputs.insert(
        "a".into(),
        strata_state::Output {
            value: strata_core::Value::string("secret of the state"),
            sensitive: true,
        },
    );
    store.write(&mut opened.state, &opened.base).unwrap();
}

/// What both can do, and where each has it.
fn keeps_and_locks(world: &World, backend: &Backend, place: &str) {
    let store = world.store(backend);
    assert_eq!(store.place(), place);
    assert!(!store.open().unwrap().base.is_there());
    let lock = store.lock(&request()).unwrap();
    write(&store, "1.11.4");
    assert_eq!(&*store.open().unwrap().state.terraform_version, "1.11.4");
    // From another machine.
    let remote = backend.state("default").unwrap();
    let elsewhere = Store::remote(remote, world.folder.path().join("other/x"));
    let error = elsewhere.lock(&request()).unwrap_err().to_string();
    assert!(
        error.starts_with("the state is locked: OperationTypeApply by ann@laptop, since "),
        "{error}"
    );
    lock.release().unwrap();
    let again = elsewhere.lock(&request()).unwrap();
    drop(again);
    store.delete().unwrap();
    assert!(!store.open().unwrap().base.is_there());
    // Nothing of the state is on this machine.
    assert!(!store.path().exists());
}

#[test]
fn a_bucket_keeps_a_state_and_its_lock() {
    let world = World::new();
    let backend = world.s3(&json!({}));
    keeps_and_locks(&world, &backend, "s3://states/a b/net.tfstate");
    assert!(world.kept().objects.is_empty());
}

#[test]
fn an_address_keeps_a_state_and_its_lock() {
    let world = World::new();
    let backend = world.http(&json!({}));
    keeps_and_locks(&world, &backend, "http://gitlab.test/plain/net");
    assert!(world.kept().locks.is_empty());
    assert!(
        backend
            .state("other")
            .unwrap_err()
            .to_string()
            .contains("workspaces not supported")
    );
}

#[test]
fn the_lock_of_a_bucket_is_as_terraform_writes_it() {
    let world = World::new();
    let backend = world.s3(&json!({}));
    let store = world.store(&backend);
    let lock = store.lock(&request()).unwrap();
    let text = world.kept().objects["states/a b/net.tfstate.tflock"].clone();
    let info: Json = serde_json::from_slice(&text).unwrap();
    let names: Vec<_> = info.as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names,
        [
            "ID",
            "Operation",
            "Info",
            "Who",
            "Version",
            "Created",
            "Path"
        ]
    );
    assert_eq!(info["Path"], "states/a b/net.tfstate");
    store.force_unlock("other").unwrap_err();
    store.force_unlock(info["ID"].as_str().unwrap()).unwrap();
    assert!(world.kept().objects.is_empty());
    // Somebody broke it: that is said, and what others hold stays.
    assert!(lock.release().is_err());
}

#[test]
fn a_lock_that_a_killed_run_of_this_machine_left_in_a_bucket_is_broken() {
    let world = World::new();
    let backend = world.s3(&json!({}));
    let store = world.store(&backend);
    let lock = store.lock(&request()).unwrap();
    // The server is away when the lock is to be given back.
    world.kept().broken = Some("DELETE".to_owned());
    assert!(lock.release().is_err());
    world.kept().broken = None;
    let lock = store.lock(&request()).unwrap();
    assert!(lock.stale.is_some());
    lock.release().unwrap();
    assert!(world.kept().objects.is_empty());
}

#[test]
fn workspaces_of_a_bucket_are_where_terraform_has_them() {
    let world = World::new();
    let backend = world.s3(&json!({"workspace_key_prefix": "envs"}));
    for name in ["default", "dev", "prod", "stage", "test"] {
        let remote = backend.state(name).unwrap();
        remote.write(b"{}").unwrap();
    }
    world
        .kept()
        .objects
        .insert("states/envs/x/other.tfstate".to_owned(), Vec::new());
    let keys: Vec<_> = world.kept().objects.keys().cloned().collect();
    assert_eq!(keys[0], "states/a b/net.tfstate");
    assert_eq!(keys[1], "states/envs/dev/a b/net.tfstate");
    let found: Vec<_> = backend.workspaces().unwrap().into_iter().collect();
    assert_eq!(found, ["default", "dev", "prod", "stage", "test"]);
}

#[test]
fn objects_are_written_with_checksum_and_encryption() {
    let world = World::new();
    let headers = |more: Json| {
        let remote = world.s3(&more).state("default").unwrap();
        remote.write(b"{}").unwrap();
        remote.read().unwrap();
        let kept = world.kept();
        let named = kept.written_with.iter().filter(|(name, _)| {
            name.starts_with("x-amz-")
                && !["x-amz-date", "x-amz-content-sha256"].contains(&name.as_str())
        });
        named
            .map(|(name, value)| format!("{name}: {value}"))
            .collect::<Vec<_>>()
    };
    let sum = "x-amz-checksum-sha256: RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=";
    let plain = headers(json!({"acl": "private"}));
    assert_eq!(
        plain,
        [
            "x-amz-acl: private",
            sum,
            "x-amz-sdk-checksum-algorithm: SHA256"
        ]
    );
    let none = headers(json!({"skip_s3_checksum": true}));
    assert!(none.is_empty());
    let skip = |more: Json| {
        let mut all = json!({"skip_s3_checksum": true, "encrypt": true});
        merge(&mut all, &more);
        headers(all)
    };
    assert_eq!(skip(json!({})), ["x-amz-server-side-encryption: AES256"]);
    let kms = skip(json!({"kms_key_id": "k"}));
    let expected = [
        "x-amz-server-side-encryption: aws:kms",
        "x-amz-server-side-encryption-aws-kms-key-id: k",
    ];
    assert_eq!(kms, expected);
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    assert_eq!(skip(json!({"sse_customer_key": key})).len(), 3);
}

#[test]
fn hosts_are_those_of_amazon_or_the_endpoint() {
    let world = World::new();
    let host = |more: Json| {
        let mut given = json!({"bucket": "b", "key": "k", "region": "eu-west-1", "access_key": "a", "secret_key": "s"});
        merge(&mut given, &more);
        let opened = world.open("s3", &given);
        match opened {
            Ok(backend) => format!("{backend:?}")
                .split("settings: ")
                .nth(1)
                .unwrap()
                .split(',')
                .next()
                .unwrap()
                .to_owned(),
            Err(error) => error.to_string(),
        }
    };
    assert_eq!(host(json!({})), "s3://b/k at b.s3.eu-west-1.amazonaws.com");
    assert_eq!(
        host(json!({"use_path_style": true})),
        "s3://b/k at s3.eu-west-1.amazonaws.com"
    );
    assert_eq!(
        host(json!({"bucket": "b.c"})),
        "s3://b.c/k at s3.eu-west-1.amazonaws.com"
    );
    assert_eq!(
        host(json!({"use_dualstack_endpoint": true})),
        "s3://b/k at b.s3.dualstack.eu-west-1.amazonaws.com"
    );
    assert_eq!(
        host(json!({"endpoint": "https://minio.test:9000/"})),
        "s3://b/k at b.minio.test:9000"
    );
    assert_eq!(
        host(json!({"endpoint": "http://10.0.0.1:9000"})),
        "s3://b/k at 10.0.0.1:9000"
    );
    assert!(host(json!({"endpoint": "ftp://x"})).contains("no address"));
    assert!(host(json!({"bucket": ""})).contains("\"bucket\" is required"));
    assert!(host(json!({"region": ""})).contains("Missing region value"));
    assert!(host(json!({"key": "/k"})).contains("must not start or end with a slash"));
    assert!(host(json!({"kms_key_id": "k"})).contains("has no effect without `encrypt = true`"));
}

#[test]
fn servers_that_are_away_are_asked_again_and_then_named() {
    let world = World::new();
    world.kept().broken = Some("GET".to_owned());
    let remote = |backend: &Backend| backend.state("default").unwrap();
    let error = |remote: Arc<dyn Remote>| remote.read().unwrap_err().to_string();
    let s3 = error(remote(&world.s3(&json!({"max_retries": 2}))));
    assert_eq!(
        s3,
        "cannot read `s3://states/a b/net.tfstate`: the server answers 503"
    );
    let http = error(remote(
        &world.http(&json!({"retry_max": 3, "retry_wait_max": 2})),
    ));
    assert_eq!(
        http,
        "cannot read `http://gitlab.test/plain/net`: Unexpected HTTP response code 503"
    );
    let pauses: Vec<_> = world
        .web
        .pauses
        .lock()
        .unwrap()
        .iter()
        .map(Duration::as_millis)
        .collect();
    assert_eq!(pauses, [200, 400, 1000, 2000, 2000]);
}

#[test]
fn what_the_server_says_is_wrong_is_said() {
    let world = World::new();
    let error = |backend: Backend| {
        backend
            .state("default")
            .unwrap()
            .read()
            .unwrap_err()
            .to_string()
    };
    let key = error(world.s3(&json!({"secret_key": "another"})));
    assert!(
        key.ends_with("SignatureDoesNotMatch: It is SignatureDoesNotMatch. (403)"),
        "{key}"
    );
    assert!(!key.contains("another"));
    let bucket = error(world.s3(&json!({"bucket": "nobucket"})));
    assert!(
        bucket.ends_with("S3 bucket \"nobucket\" does not exist."),
        "{bucket}"
    );
    let password = error(world.http(&json!({"password": "another"})));
    assert!(
        password.ends_with("HTTP remote state endpoint invalid auth"),
        "{password}"
    );
    let nobody = error(world.http(&json!({"username": null})));
    assert!(
        nobody.ends_with("HTTP remote state endpoint requires auth"),
        "{nobody}"
    );
    world
        .kept()
        .objects
        .insert("/plain/net".to_owned(), b"<html>".to_vec());
    let page = world
        .store(&world.http(&json!({})))
        .open()
        .unwrap_err()
        .to_string();
    assert!(
        page.starts_with("`http://gitlab.test/plain/net` does not hold a state"),
        "{page}"
    );
    let mine = |given: Json| world.open("http", &given).unwrap_err().to_string();
    assert_eq!(mine(json!({})), "address argument is required");
    assert!(mine(json!({"address": "gitlab.test"})).contains("must be an address"));
    let half = mine(json!({"address": "http://x", "client_certificate_pem": "c"}));
    assert!(half.contains("client_private_key_pem is not"), "{half}");
}

/// An apply of one object on a state in a bucket; `broken` says what does not work while the state is written.
fn applied(world: &World, store: &Store, broken: Option<&str>) -> (Result<(), StateError>, State) {
    let mut opened = store.open().unwrap();
    let mut journal = store.journal(&opened.base).unwrap();
    let begin = strata_state::Begin {
        address: strata_core::addr::parse_resource_instance("terraform_data.a").unwrap(),
        deposed: None,
        call: Call::Create,
        provider: "provider[\"terraform.io/builtin/terraform\"]".into(),
        schema_version: 0,
        planned: Some("{}".into()),
        unknown: Vec::new(),
        sensitive: Vec::new(),
        dependencies: Arc::new([]),
        create_before_destroy: false,
        marker: "m".to_owned(),
    };
    let begun = journal.begin(&begin).unwrap();
    journal.sync().unwrap();
    let object: strata_state::StoredObject = strata_state::StoredObject {
        schema_version: 0,
        attributes: "{\"id\":\"1\"}".into(),
        sensitive: Vec::new(),
        private: Vec::new().into(),
        tainted: false,
        dependencies: Vec::new().into(),
        create_before_destroy: false,
    };
    opened
        .state
        .put(&begin.address, None, &begin.provider, object.clone());
    journal
        .end(begun, Outcome::Object(Box::new(object)))
        .unwrap();
    world.kept().broken = broken.map(str::to_owned);
    journal.fold_so_far(&mut opened.state).unwrap();
    let finished = journal.finish(&mut opened.state);
    world.kept().broken = None;
    (finished, opened.state)
}

#[test]
fn what_could_not_be_written_to_a_bucket_is_in_the_journal() {
    let world = World::new();
    let store = world.store(&world.s3(&json!({"max_retries": 0})));
    write(&store, "1.11.4");
    let (finished, state) = applied(&world, &store, Some("PUT"));
    assert!(matches!(finished, Err(StateError::Remote { .. })));
    let opened = store.open().unwrap();
    assert_eq!((opened.replayed, opened.in_flight.len()), (1, 0));
    assert_eq!(opened.state.resources, state.resources);
    // Or somebody puts the file in its place that the message speaks of: then there is nothing left to do.
    store.overwrite(&state, &opened).unwrap();
    let opened = store.open().unwrap();
    assert_eq!((opened.replayed, opened.state.serial), (0, 2));
}

#[test]
fn a_state_is_written_while_an_apply_goes_on() {
    let world = World::new();
    let store = world.store(&world.s3(&json!({})));
    let (finished, state) = applied(&world, &store, None);
    finished.unwrap();
    let opened = store.open().unwrap();
    assert_eq!(
        (opened.has_journal, opened.state.serial),
        (false, state.serial)
    );
    let path: &Path = store.path();
    assert!(!path.with_file_name("default.tfstate.journal").exists());
}
