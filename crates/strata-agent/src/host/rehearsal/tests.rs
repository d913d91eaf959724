//! Tasks one after the other, none of which changes anything: each sees what the ones before would have done.

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::change::NoContents;
use crate::module::Context;
use crate::modules;
use crate::protocol::Task;

/// Rehearses tasks on a fresh Debian and tells how each went; nothing may have changed then.
fn check(tasks: &[(&str, Value)], expected: Expect) {
    let model = Model::debian("web");
    model.file("/etc/app.conf", "port = 80\n");
    let before = model.paths();
    let imagined = Imagined::default();
    let mut said = String::new();
    for (module, args) in tasks {
        let task = Task {
            module: (*module).to_owned(),
            args: args.as_object().cloned().unwrap_or_default(),
            check: true,
            rehearse: true,
            ..Task::default()
        };
        let host = Rehearsal::new(Box::new(model.clone()), imagined.clone());
        let result = modules::run(&Context {
            task: &task,
            host: &host,
            contents: &NoContents,
        });
        let outcome = match &result {
            result if result.values.contains_key("unknown") => "unknown",
            result if result.failed => "failed",
            result if result.skipped => "skipped",
            result if result.changed => "changed",
            _ => "ok",
        };
        said.push_str(&format!("{module}: {outcome}"));
        let shown = match *module {
            "stat" => Some(json!([
                result.values["stat"]["exists"],
                result.values["stat"]["mode"]
            ])),
            "slurp" => result.values.get("content").cloned(),
            "find" => Some(result.values["matched"].clone()),
            _ if result.failed => Some(result.msg.clone().into()),
            _ => None,
        };
        if let Some(shown) = shown {
            said.push_str(&format!(" {shown}"));
        }
        said.push('\n');
    }
    assert_eq!(model.paths(), before);
    expected.assert_eq(&said);
}

#[test]
fn a_file_that_would_be_there_can_be_edited_read_and_found() {
    check(
        &[
            (
                "file",
                json!({"path": "/opt/app/etc", "state": "directory", "mode": "0750"}),
            ),
            (
                "file",
                json!({"path": "/opt/app/etc", "state": "directory", "mode": "0750"}),
            ),
            ("stat", json!({"path": "/opt/app/etc"})),
            (
                "lineinfile",
                json!({"path": "/opt/app/etc/env", "line": "A=1", "create": true}),
            ),
            (
                "lineinfile",
                json!({"path": "/opt/app/etc/env", "line": "A=1"}),
            ),
            (
                "blockinfile",
                json!({"path": "/opt/app/etc/env", "block": "B=2"}),
            ),
            (
                "replace",
                json!({"path": "/opt/app/etc/env", "regexp": "A=1", "replace": "A=3"}),
            ),
            ("slurp", json!({"src": "/opt/app/etc/env"})),
            ("find", json!({"paths": "/opt/app", "recurse": true})),
            (
                "file",
                json!({"src": "/opt/app/etc/env", "dest": "/opt/env", "state": "link"}),
            ),
            ("lineinfile", json!({"path": "/opt/env", "line": "C=1"})),
            (
                "command",
                json!({"argv": ["make"], "creates": "/opt/app/etc/env"}),
            ),
        ],
        expect![[r#"
            file: changed
            file: ok
            stat: ok [true,"0750"]
            lineinfile: changed
            lineinfile: ok
            blockinfile: changed
            replace: changed
            slurp: ok "QT0zCiMgQkVHSU4gQU5TSUJMRSBNQU5BR0VEIEJMT0NLCkI9MgojIEVORCBBTlNJQkxFIE1BTkFHRUQgQkxPQ0sK"
            find: ok 1
            file: changed
            lineinfile: changed
            command: ok
        "#]],
    );
}

#[test]
fn what_would_be_gone_is_gone() {
    check(
        &[
            ("file", json!({"path": "/etc/app.conf", "state": "absent"})),
            ("file", json!({"path": "/etc/app.conf", "state": "absent"})),
            ("stat", json!({"path": "/etc/app.conf"})),
            ("lineinfile", json!({"path": "/etc/app.conf", "line": "x"})),
            ("file", json!({"path": "/etc", "state": "absent"})),
            ("stat", json!({"path": "/etc/hosts"})),
        ],
        expect![[r#"
            file: changed
            file: ok
            stat: ok [false,null]
            lineinfile: failed "Destination /etc/app.conf does not exist !"
            file: changed
            stat: ok [false,null]
        "#]],
    );
}

#[test]
fn accounts_and_their_homes_are_there_for_later_tasks() {
    check(
        &[
            ("group", json!({"name": "app"})),
            ("group", json!({"name": "app"})),
            ("user", json!({"name": "app", "group": "app"})),
            ("user", json!({"name": "app", "group": "app"})),
            ("stat", json!({"path": "/home/app"})),
            (
                "file",
                json!({"path": "/home/app/bin", "state": "directory", "owner": "app", "group": "app"}),
            ),
            (
                "file",
                json!({"path": "/home/app/bin", "state": "directory", "owner": "nobody-there"}),
            ),
        ],
        expect![[r#"
            group: changed
            group: ok
            user: changed
            user: ok
            stat: ok [true,"0700"]
            file: changed
            file: failed "chown failed: failed to look up user nobody-there"
        "#]],
    );
}

#[test]
fn a_package_brings_its_service_and_what_it_brings_beside_is_unknown() {
    check(
        &[
            ("service", json!({"name": "nginx", "state": "started"})),
            ("apt", json!({"name": "nginx"})),
            ("apt", json!({"name": "nginx"})),
            (
                "service",
                json!({"name": "nginx", "state": "started", "enabled": true}),
            ),
            ("service", json!({"name": "nginx", "state": "stopped"})),
            ("service", json!({"name": "nginx", "state": "stopped"})),
            ("stat", json!({"path": "/etc/nginx/sites-enabled"})),
            ("slurp", json!({"src": "/etc/nginx/nginx.conf"})),
            (
                "file",
                json!({"path": "/etc/nginx/snippets/x", "state": "file"}),
            ),
            ("file", json!({"path": "/a/b", "nonsense": 1})),
        ],
        expect![[r#"
            service: unknown
            apt: changed
            apt: ok
            service: ok
            service: changed
            service: ok
            stat: ok [true,"0755"]
            slurp: unknown
            file: unknown
            file: failed "Unsupported parameters for (file) module: nonsense. Supported parameters include: _original_basename, access_time, access_time_format, attributes (attr), follow, force, group, mode, modification_time, modification_time_format, owner, path (dest, name), recurse, selevel, serole, setype, seuser, src, state, unsafe_writes."
        "#]],
    );
}

#[test]
fn after_a_program_a_failure_is_unknown() {
    check(
        &[
            ("lineinfile", json!({"path": "/etc/made.conf", "line": "x"})),
            ("command", json!({"argv": ["make", "install"]})),
            ("lineinfile", json!({"path": "/etc/made.conf", "line": "x"})),
            ("lineinfile", json!({"path": "/etc/app.conf", "line": "x"})),
        ],
        expect![[r#"
            lineinfile: failed "Destination /etc/made.conf does not exist !"
            command: skipped
            lineinfile: unknown
            lineinfile: changed
        "#]],
    );
}

#[test]
fn a_unit_whose_file_would_be_there_can_be_started() {
    check(
        &[
            (
                "lineinfile",
                json!({"path": "/etc/systemd/system/app.service", "line": "[Service]", "create": true}),
            ),
            (
                "systemd",
                json!({"name": "app", "state": "started", "enabled": true, "daemon_reload": true}),
            ),
            (
                "systemd",
                json!({"name": "app", "state": "started", "enabled": true}),
            ),
        ],
        expect![[r#"
            lineinfile: changed
            systemd: changed
            systemd: ok
        "#]],
    );
}
