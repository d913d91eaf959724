//! Tasks against the answers of an API on the model.

use serde_json::{Value, json};

use crate::change::NoContents;
use crate::host::Model;
use crate::module::Context;
use crate::modules;
use crate::protocol::{Task, TaskResult};

const BASE: &str = "https://pve:8006/api2/json";

/// An API with a group and two entries for it.
fn api() -> Model {
    let model = Model::debian("here");
    let entries = json!({"data": [
        {"path": "/vms", "roleid": "PVEVMUser", "type": "group", "ugid": "staff", "propagate": 1},
        {"path": "/vms", "roleid": "PVEAuditor", "type": "user", "ugid": "a@pam", "propagate": 0},
    ]});
    let serve = |request: &str, body: Value| {
        let (method, path) = request.split_once(' ').unwrap();
        model.serve(&format!("{method} {BASE}{path}"), 200, &body.to_string());
    };
    serve(
        "GET /access/groups",
        json!({"data": [{"groupid": "staff"}]}),
    );
    serve("GET /access/acl", entries);
    serve("POST /access/groups", json!({"data": null}));
    serve("DELETE /access/groups/staff", json!({"data": null}));
    serve("PUT /access/acl", json!({"data": null}));
    let ticket = json!({"data": {"ticket": "PVE:t", "CSRFPreventionToken": "c"}});
    serve("POST /access/ticket", ticket);
    model
}

fn run(model: &Model, module: &str, args: Value, check: bool) -> TaskResult {
    let mut all = json!({"api_host": "pve", "api_user": "root@pam", "api_token_id": "t", "api_token_secret": "s"});
    let map = all.as_object_mut().unwrap();
    map.extend(args.as_object().unwrap().clone());
    map.retain(|_, value| !value.is_null());
    modules::run(&Context {
        task: &Task {
            module: module.to_owned(),
            args: map.clone(),
            check,
            ..Task::default()
        },
        host: model,
        contents: &NoContents,
    })
}

#[test]
fn a_group_is_made_once_and_deleted_once() {
    let check = |args: Value, msg: &str, changed: bool, requests: &[&str]| {
        let model = api();
        let rehearsed = run(&model, "proxmox_group", args.clone(), true);
        assert!(model.requests().is_empty());
        let result = run(&model, "proxmox_group", args, false);
        assert_eq!((result.msg.as_str(), result.changed), (msg, changed));
        assert_eq!((rehearsed.changed, &rehearsed.msg), (changed, &result.msg));
        let made: Vec<String> = requests
            .iter()
            .map(|one| one.replace("BASE", BASE))
            .collect();
        assert_eq!(model.requests(), made);
    };
    check(
        json!({"name": "staff"}),
        "Group staff already exists",
        false,
        &[],
    );
    check(
        json!({"groupid": "new", "comment": "a b"}),
        "Group new successfully created",
        true,
        &["POST BASE/access/groups groupid=new&comment=a%20b"],
    );
    check(
        json!({"groupid": "staff", "state": "absent"}),
        "Group staff successfully deleted",
        true,
        &["DELETE BASE/access/groups/staff"],
    );
    check(
        json!({"groupid": "nobody", "state": "absent"}),
        "Group nobody doesn't exist",
        false,
        &[],
    );
}

#[test]
fn an_entry_is_granted_and_all_that_fit_are_withdrawn() {
    let check = |args: Value, requests: &[&str]| {
        let model = api();
        let result = run(&model, "proxmox_access_acl", args, false);
        assert_eq!(result.changed, !requests.is_empty(), "{}", result.msg);
        assert_eq!(result.values.contains_key("new_acls"), result.changed);
        let made: Vec<String> = requests
            .iter()
            .map(|one| format!("PUT {BASE}/access/acl {one}"))
            .collect();
        assert_eq!(model.requests(), made);
    };
    let staff = json!({"state": "present", "path": "/vms", "roleid": "PVEVMUser", "type": "group", "ugid": "staff"});
    check(staff.clone(), &[]);
    let mut here_only = staff;
    here_only["propagate"] = json!(false);
    check(
        here_only,
        &["path=%2Fvms&roles=PVEVMUser&propagate=0&groups=staff"],
    );
    check(
        json!({"state": "absent", "path": "/vms", "propagate": false}),
        &[
            "path=%2Fvms&roles=PVEVMUser&propagate=1&groups=staff&delete=1",
            "path=%2Fvms&roles=PVEAuditor&propagate=0&users=a%40pam&delete=1",
        ],
    );
    check(json!({"state": "absent", "path": "/other"}), &[]);
}

#[test]
fn what_is_missing_is_named() {
    let model = api();
    let msg = |module: &str, args: Value| run(&model, module, args, false).msg;
    assert_eq!(
        msg(
            "proxmox_access_acl",
            json!({"state": "present", "path": "/"})
        ),
        "The following required parameters are not provided ['roleid', 'type', 'ugid']"
    );
    let nobody = json!({"name": "g", "api_token_id": null, "api_token_secret": null});
    assert_eq!(
        msg("proxmox_group", nobody),
        "one of the following is required: api_password, api_token_id"
    );
    let half = json!({"name": "g", "api_token_secret": null});
    assert_eq!(
        msg("proxmox_group", half),
        "parameters are required together: api_token_id, api_token_secret"
    );
}

#[test]
fn addresses_may_have_ports_and_colons() {
    let check = |address: &str, expected: &str| assert_eq!(super::base(address, "8006"), expected);
    check("pve", "https://pve:8006/api2/json");
    check("pve:443", "https://pve:443/api2/json");
    check("fd00::1", "https://[fd00::1]:8006/api2/json");
    check("http://127.0.0.1:1/", "http://127.0.0.1:1/api2/json");
}
