//! The state on disk: read, written, locked, and whole again after a crash at any place.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use strata_core::{
    Type, Value,
    addr::{ResourceInstance, parse_resource_instance},
};
use strata_state::{
    Begin, Call, LockRequest, Opened, Outcome, Output, State, StateError, Store, StoredObject, json,
};
use tempfile::TempDir;

const THEIRS: &str = include_str!("data/terraform-1.11.4.tfstate");
const PROVIDER: &str = "provider[\"example.com/test/test\"]";

fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::new(folder.path().join("terraform.tfstate"));
    (folder, store)
}

fn request(operation: &str) -> LockRequest {
    LockRequest {
        operation: operation.to_owned(),
        who: "me@here".to_owned(),
        host: "here".to_owned(),
        version: "0.1".to_owned(),
    }
}

fn address(text: &str) -> ResourceInstance {
    parse_resource_instance(text).unwrap()
}

fn object(attributes: &str) -> StoredObject {
    StoredObject {
        schema_version: 0,
        attributes: attributes.into(),
        sensitive: Vec::new(),
        private: Arc::new([]),
        tainted: false,
        dependencies: Arc::new([]),
        create_before_destroy: false,
    }
}

fn begin(text: &str, call: Call) -> Begin {
    Begin {
        address: address(text),
        deposed: None,
        call,
        provider: PROVIDER.into(),
        schema_version: 0,
        planned: Some(r#"{"id":null}"#.into()),
        unknown: vec![strata_core::AttributePath::attribute("id")],
        sensitive: Vec::new(),
        dependencies: Arc::new([]),
        create_before_destroy: false,
        marker: "m1".to_owned(),
    }
}

fn text(state: &State) -> String {
    let line = |(address, _, instance): (ResourceInstance, _, &strata_state::Instance)| {
        let current = instance
            .current
            .as_ref()
            .map_or("-", |object| &object.attributes);
        let deposed: Vec<_> = instance
            .deposed
            .keys()
            .map(|key| format!(" +{key}"))
            .collect();
        format!("{address} {current}{}\n", deposed.concat())
    };
    state.instances().map(line).collect()
}

#[test]
fn what_a_state_holds_is_listed_as_if_it_were_read() {
    let (_folder, store) = store();
    assert_eq!(store.list().unwrap(), None);

    let listed = |expected: usize| {
        let read = store.open().unwrap().state;
        let addresses: Vec<_> = read.instances().map(|(address, _, _)| address).collect();
        assert_eq!(addresses.len(), expected);
        assert_eq!(store.list().unwrap(), Some(addresses));
    };
    fs::write(store.path(), THEIRS).unwrap();
    let Opened {
        mut state, base, ..
    } = store.open().unwrap();
    let before = state.instances().count();
    listed(before);

    for (at, deposed) in [
        ("test_thing.b[1]", None),
        ("test_thing.b[0]", Some("00000001")),
        ("test_thing.b[0]", None),
        ("module.m[\"k\"].test_thing.a", None),
    ] {
        state.put(&address(at), deposed, &PROVIDER.into(), object("{}"));
    }
    let base = store.write(&mut state, &base).unwrap();
    listed(before + 3);

    let mut journal = store.journal(&base).unwrap();
    journal
        .put(&address("test_thing.c"), &PROVIDER.into(), &object("{}"))
        .unwrap();
    drop(journal);
    listed(before + 4);
}

#[test]
fn what_is_no_state_is_not_listed() {
    let (_folder, store) = store();
    for (text, reason) in [
        (r#"{"version": 3}"#, "only version 4 is supported"),
        (r#"{"version": 4, "encrypted_data": "x"}"#, "encrypted"),
        (
            r#"{"version": 4, "resources": [{"mode": "x"}]}"#,
            "missing field",
        ),
        ("{", "EOF"),
    ] {
        fs::write(store.path(), text).unwrap();
        let said = store.list().unwrap_err().to_string();
        assert!(said.contains(reason), "{said}");
    }
}

#[test]
fn a_state_of_terraform_comes_out_as_it_went_in() {
    let (_folder, store) = store();
    fs::write(store.path(), THEIRS).unwrap();
    let Opened {
        mut state, base, ..
    } = store.open().unwrap();
    assert_eq!(state.serial, 6);
    assert_eq!(
        state.outputs["s"],
        Output {
            value: Value::string("s-k1"),
            sensitive: true
        }
    );

    store.write(&mut state, &base).unwrap();
    assert_eq!(
        fs::read_to_string(store.path()).unwrap(),
        THEIRS,
        "nothing changed, so nothing is written"
    );

    state.outputs.remove("s");
    store.write(&mut state, &base).unwrap();
    let ours = fs::read_to_string(store.path()).unwrap();
    assert_eq!(state.serial, 7);
    let without: Vec<_> = similar_lines(THEIRS, &ours);
    assert_eq!(
        without,
        [
            "-\"serial\": 6,",
            "+\"serial\": 7,",
            "-\"s\": {",
            "-\"type\": \"string\",",
            "-\"sensitive\": true"
        ]
    );
    assert_eq!(
        fs::read_to_string(format!("{}.backup", store.path().display())).unwrap(),
        THEIRS
    );
    assert_eq!(
        fs::metadata(store.path()).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

/// Lines that only one of two texts has, without brackets and without regard to how often.
fn similar_lines(left: &str, right: &str) -> Vec<String> {
    let only = |sign: char, text: &str, other: &str| {
        let lines = text
            .lines()
            .map(str::trim)
            .filter(|line| !["}", "},", "{", "]", "],"].contains(line));
        let other: Vec<_> = other.lines().map(str::trim).collect();
        lines
            .filter(|line| !other.contains(line))
            .map(|line| format!("{sign}{line}"))
            .collect::<Vec<_>>()
    };
    let (minus, plus) = (only('-', left, right), only('+', right, left));
    let (first, rest) = minus.split_at(1);
    [first, &plus, rest].concat()
}

#[test]
fn a_state_in_which_an_object_appears_twice_is_refused_and_stays() {
    let (_folder, store) = store();
    let object = r#"{"schema_version":0,"attributes":{"id":"a"}}"#;
    let deposed = r#"{"deposed":"0123abcd","schema_version":0,"attributes":{"id":"a"}}"#;
    let resource = |instances: &str| {
        format!(
            r#"{{"mode":"managed","type":"t","name":"a","provider":"provider[\"x/y/z\"]","instances":[{instances}]}}"#
        )
    };
    let file = |resources: &str| {
        format!(r#"{{"version":4,"serial":1,"lineage":"l","resources":[{resources}]}}"#)
    };
    for twice in [
        resource(&format!("{object},{object}")),
        resource(&format!("{deposed},{deposed}")),
        format!("{},{}", resource(object), resource(object)),
        format!("{},{}", resource(deposed), resource(deposed)),
    ] {
        let text = file(&twice);
        fs::write(store.path(), &text).unwrap();
        let error = store.open().unwrap_err().to_string();
        assert!(error.contains("`t.a` appears more than once"), "{error}");
        let listed = store.list().unwrap_err().to_string();
        assert!(error.starts_with(&listed), "{listed}, and not {error}");
        assert_eq!(fs::read_to_string(store.path()).unwrap(), text);
    }
    // A resource may be written in parts.
    let parts = format!("{},{}", resource(object), resource(deposed));
    fs::write(store.path(), file(&parts)).unwrap();
    assert_eq!(store.open().unwrap().state.instances().count(), 1);
}

#[test]
fn states_of_other_versions_are_refused_by_name() {
    let (_folder, store) = store();
    for (text, reason) in [
        (r#"{"version": 3}"#, "version 3"),
        (r#"{"version": 5}"#, "version 5"),
        (r#"{"encrypted_data": "x", "version": 4}"#, "encrypted"),
        ("[]", "can be read"),
        ("{", "can be read"),
    ] {
        fs::write(store.path(), text).unwrap();
        let error = store.open().unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_file_that_changed_since_is_not_overwritten() {
    let (_folder, store) = store();
    let Opened {
        mut state, base, ..
    } = store.open().unwrap();
    fs::write(store.path(), THEIRS).unwrap();
    state.put(&address("a.b"), None, &PROVIDER.into(), object("{}"));
    assert!(matches!(
        store.write(&mut state, &base),
        Err(StateError::Changed(_))
    ));
    assert!(matches!(store.journal(&base), Err(StateError::Changed(_))));
    assert_eq!(fs::read_to_string(store.path()).unwrap(), THEIRS);
}

#[test]
fn a_second_run_is_told_who_holds_the_lock() {
    let (_folder, store) = store();
    let lock = store.lock(&request("apply")).unwrap();
    assert!(lock.stale.is_none());
    let error = store.lock(&request("plan")).unwrap_err();
    assert!(matches!(&error, StateError::Locked(info) if info.operation == "apply"));
    assert!(
        error.to_string().contains("apply by me@here, process "),
        "{error}"
    );
    drop(lock);
    drop(store.lock(&request("plan")).unwrap());
}

#[test]
fn a_lock_of_a_dead_process_is_taken_over_and_others_are_not() {
    let (folder, store) = store();
    let path = folder.path().join(".terraform.tfstate.lock.info");
    let info = |host: &str, pid: &str| {
        format!(r#"{{"ID":"i","Operation":"o","Who":"w","Host":"{host}"{pid}}}"#)
    };
    let request = request("plan");
    // No process can have this number.
    fs::write(&path, info("here", r#","Pid":2147483647"#)).unwrap();
    let lock = store.lock(&request).unwrap();
    assert_eq!(lock.stale.as_ref().unwrap().who, "w");
    drop(lock);
    assert!(!path.exists());
    for held in [
        info("there", r#","Pid":2147483647"#),
        info("here", r#","Pid":1"#),
        info("", ""),
    ] {
        fs::write(&path, held).unwrap();
        assert!(matches!(store.lock(&request), Err(StateError::Locked(_))));
    }
    assert!(matches!(
        store.force_unlock("x"),
        Err(StateError::NoSuchLock(_))
    ));
    store.force_unlock("i").unwrap();
    drop(store.lock(&request).unwrap());
}

#[test]
fn a_lock_of_a_process_that_nobody_waited_for_is_taken_over() {
    let (folder, store) = store();
    let path = folder.path().join(".terraform.tfstate.lock.info");
    let request = request("plan");
    let mut ended = std::process::Command::new("true").spawn().unwrap();
    let pid = Pid::from_child(&ended);
    waitid(
        WaitId::Pid(pid),
        WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
    )
    .unwrap();
    let (host, pid) = (&request.host, pid.as_raw_nonzero());
    fs::write(
        &path,
        format!(r#"{{"ID":"i","Operation":"o","Who":"w","Host":"{host}","Pid":{pid}}}"#),
    )
    .unwrap();
    let lock = store.lock(&request).unwrap();
    assert_eq!(lock.stale.as_ref().unwrap().who, "w");
    ended.wait().unwrap();
}

/// Runs a journal with one of everything over a state with `a.old` and `a.kept`.
fn journal(store: &Store) -> State {
    let Opened {
        mut state, base, ..
    } = store.open().unwrap();
    let provider: Arc<str> = PROVIDER.into();
    for name in ["a.old", "a.kept"] {
        state.put(&address(name), None, &provider, object(r#"{"id":"1"}"#));
    }
    let base = store.write(&mut state, &base).unwrap();
    let mut journal = store.journal(&base).unwrap();
    let create = journal.begin(&begin("a.new", Call::Create)).unwrap();
    let delete = journal.begin(&begin("a.old", Call::Delete)).unwrap();
    journal.sync().unwrap();
    journal.end(delete, Outcome::Gone).unwrap();
    journal
        .end(create, Outcome::Object(Box::new(object(r#"{"id":"2"}"#))))
        .unwrap();
    journal.depose(&address("a.kept"), &"d".into()).unwrap();
    journal.begin(&begin("a.kept", Call::Create)).unwrap();
    journal.sync().unwrap();
    state
}

#[test]
fn a_killed_run_is_replayed_and_tells_what_was_in_flight() {
    let (_folder, store) = store();
    journal(&store);
    let opened = store.open().unwrap();
    assert_eq!(text(&opened.state), "a.kept - +d\na.new {\"id\":\"2\"}\n");
    assert_eq!(opened.replayed, 2);
    assert_eq!(opened.in_flight.len(), 1);
    assert_eq!(opened.in_flight[0].begin, begin("a.kept", Call::Create));
    assert!(matches!(
        store.journal(&opened.base),
        Err(StateError::JournalLeft(_))
    ));

    let mut state = opened.state;
    state.restore(&address("a.kept"), "d");
    store.write(&mut state, &opened.base).unwrap();
    let again = store.open().unwrap();
    assert!(!again.has_journal);
    assert_eq!(
        text(&again.state),
        "a.kept {\"id\":\"1\"}\na.new {\"id\":\"2\"}\n"
    );
}

#[test]
fn a_journal_cut_off_anywhere_loses_no_record_that_was_whole() {
    let (folder, store) = store();
    journal(&store);
    let path = folder.path().join("terraform.tfstate.journal");
    let whole = fs::read(&path).unwrap();
    for cut in 0..=whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let lines = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
        let opened = store.open().unwrap();
        let expected = match lines {
            0 | 1 => (0, 0),
            2 => (0, 1),
            3 => (0, 2),
            4 => (1, 1),
            5 | 6 => (2, 0),
            _ => (2, 1),
        };
        assert_eq!(
            (opened.replayed, opened.in_flight.len()),
            expected,
            "after {cut} bytes"
        );
    }
}

#[test]
fn damage_in_the_middle_is_reported() {
    let (folder, store) = store();
    journal(&store);
    let path = folder.path().join("terraform.tfstate.journal");
    let text = fs::read_to_string(&path)
        .unwrap()
        .replacen("a.old", "a.odd", 1);
    fs::write(&path, text).unwrap();
    assert!(matches!(
        store.open(),
        Err(StateError::JournalDamaged { line: 3, .. })
    ));
}

#[test]
fn what_a_later_version_wrote_into_the_journal_is_not_passed_over() {
    let (folder, store) = store();
    journal(&store);
    let path = folder.path().join("terraform.tfstate.journal");
    let whole = fs::read_to_string(&path).unwrap();
    let before = fs::read(store.path()).unwrap();
    // With the beginning of its sha256, as all lines.
    let later = r#"["6cb8339fedbd6ddf",{"merge":{"id":7}}]"#;
    let lines = whole.lines().count();
    for at in [1, lines] {
        let mut changed: Vec<String> = whole.lines().map(str::to_owned).collect();
        changed.insert(at, later.to_owned());
        let changed = changed.join("\n") + "\n";
        fs::write(&path, &changed).unwrap();
        let refused = store.open();
        assert!(
            matches!(refused, Err(StateError::JournalForeign { line, .. }) if line == at + 1),
            "{refused:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), changed);
        assert_eq!(fs::read(store.path()).unwrap(), before);
    }
}

#[test]
fn a_bit_that_is_another_anywhere_in_the_journal_is_noticed() {
    let (folder, store) = store();
    journal(&store);
    let path = folder.path().join("terraform.tfstate.journal");
    let whole = fs::read(&path).unwrap();
    let is_end = |at: &usize| whole[*at] == b'\n';
    let last = (0..whole.len() - 1).rfind(is_end).unwrap();
    let before = fs::read(store.path()).unwrap();
    for at in 0..last {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(&path, &flipped).unwrap();
        assert!(store.open().is_err(), "byte {at}");
        assert_eq!(fs::read(&path).unwrap(), flipped);
        assert_eq!(fs::read(store.path()).unwrap(), before);
    }
}

#[test]
fn a_journal_is_not_replayed_on_another_state() {
    let (_folder, store) = store();
    journal(&store);
    fs::write(store.path(), THEIRS).unwrap();
    assert!(matches!(
        store.open(),
        Err(StateError::JournalOfOtherState(_))
    ));
}

#[test]
fn a_crash_between_writing_the_state_and_removing_the_journal_does_not_repeat_it() {
    let (folder, store) = store();
    journal(&store);
    let path = folder.path().join("terraform.tfstate.journal");
    let opened = store.open().unwrap();
    let mut state = opened.state;
    state.remove(&address("a.kept"), Some("d"));
    let copy = fs::read(&path).unwrap();
    store.write(&mut state, &opened.base).unwrap();
    restore_with_mark(&path, &copy, store.path());
    let again = store.open().unwrap();
    assert!(again.has_journal && again.in_flight.is_empty());
    assert_eq!(text(&again.state), "a.new {\"id\":\"2\"}\n");
}

/// Puts a journal back as it was just before it was removed: with its last line.
fn restore_with_mark(path: &Path, journal: &[u8], state: &Path) {
    use sha2::{Digest, Sha256};
    let hex = |bytes: &[u8]| -> String {
        Sha256::digest(bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    };
    let body = format!(
        r#"{{"folded":{{"fingerprint":"{}"}}}}"#,
        hex(&fs::read(state).unwrap())
    );
    let line = format!("[\"{}\",{body}]\n", &hex(body.as_bytes())[..16]);
    fs::write(path, [journal, line.as_bytes()].concat()).unwrap();
}

#[test]
fn unknown_parts_of_what_was_planned_survive() {
    let ty = Type::object([
        ("id", Type::String),
        ("set", Type::set(Type::String)),
        ("l", Type::list(Type::Number)),
    ]);
    let value = Value::object([
        ("id", Value::unknown(Type::String)),
        (
            "set",
            Value::set(Type::String, [Value::unknown(Type::String)]),
        ),
        (
            "l",
            Value::list(
                Type::Number,
                vec![Value::number(1i64), Value::unknown(Type::Number)],
            ),
        ),
    ]);
    let read = json::decode(&json::encode(&value, &ty), &ty).unwrap();
    let read = json::with_unknown(&read, &json::unknown_paths(&value));
    let paths = |value: &Value| -> Vec<_> {
        json::unknown_paths(value)
            .iter()
            .map(ToString::to_string)
            .collect()
    };
    assert_eq!(paths(&read), ["id", "l[1]", "set"]);
    assert_eq!(
        read.at(&[strata_core::PathStep::Attribute("l".into())])
            .unwrap()
            .as_sequence()
            .unwrap()[0],
        Value::number(1i64)
    );
}

/// Locks a file as Terraform does; with the file the lock goes.
fn lock_as_terraform(path: &Path) -> Option<fs::File> {
    let mut options = fs::OpenOptions::new();
    let file = options.read(true).write(true).create(true).truncate(false);
    let file = file.open(path).unwrap();
    let whole = nix::libc::flock {
        l_type: nix::libc::F_WRLCK as i16,
        l_whence: nix::libc::SEEK_SET as i16,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETLK(&whole))
        .is_ok()
        .then_some(file)
}

#[test]
fn terraforms_lock_and_ours_exclude_each_other_also_after_writing() {
    let (_folder, store) = store();
    let request = request("apply");
    let theirs = lock_as_terraform(store.path()).unwrap();
    assert!(matches!(store.lock(&request), Err(StateError::Locked(_))));
    drop(theirs);
    fs::remove_file(store.path()).unwrap();

    let ours = store.lock(&request).unwrap();
    assert!(lock_as_terraform(store.path()).is_none());
    let Opened {
        mut state, base, ..
    } = store.open().unwrap();
    state.put(&address("a.b"), None, &PROVIDER.into(), object("{}"));
    store.write(&mut state, &base).unwrap();
    assert!(lock_as_terraform(store.path()).is_none());
    drop(ours);
    assert!(lock_as_terraform(store.path()).is_some());
}

#[test]
fn a_lock_without_work_leaves_no_file_behind() {
    let (folder, store) = store();
    let request = request("plan");
    drop(store.lock(&request).unwrap());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_state_is_written_over_with_the_serial_it_has() {
    let (folder, store) = store();
    fs::write(store.path(), THEIRS).unwrap();
    let opened = store.open().unwrap();
    let mut state = opened.state.clone();
    state.serial = 99;
    store.overwrite(&state, &opened).unwrap();
    assert_eq!(store.open().unwrap().state.serial, 99);
    let backup = folder.path().join("terraform.tfstate.backup");
    assert_eq!(fs::read_to_string(backup).unwrap(), THEIRS);
}

#[test]
fn a_state_that_is_written_over_ends_the_journal_of_a_killed_run() {
    let (_folder, store) = store();
    let opened = store.open().unwrap();
    let mut journal = store.journal(&opened.base).unwrap();
    let begun = journal.begin(&begin("a.new", Call::Create)).unwrap();
    journal.sync().unwrap();
    let mut state = opened.state;
    state.serial = 99;
    let in_flight = store.open().unwrap();
    assert!(matches!(
        store.overwrite(&state, &in_flight),
        Err(StateError::JournalLeft(_))
    ));
    journal.end(begun, Outcome::Gone).unwrap();
    drop(journal);

    let opened = store.open().unwrap();
    assert_eq!((opened.replayed, opened.in_flight.len()), (1, 0));
    store.overwrite(&state, &opened).unwrap();
    let again = store.open().unwrap();
    assert_eq!((again.has_journal, again.state.serial), (false, 99));
}
