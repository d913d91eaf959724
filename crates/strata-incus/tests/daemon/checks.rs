//! What a plan tells of a server before anything is made: names, addresses, limits, and what is not there.

use serde_json::{Value as Json, json};
use strata_core::{Type, Value};

use crate::{
    objects::{Attributes, Rehearsal, connect},
    testbed::texts,
};

fn text(text: &str) -> Value {
    Value::from(text)
}

fn list(items: &[&str]) -> Value {
    Value::list(Type::String, items.iter().map(|item| text(item)).collect())
}

#[tokio::test]
async fn a_name_that_is_taken_is_told_while_planning_with_the_import_block() {
    let rehearsal = Rehearsal::alone();
    rehearsal
        .ask("POST", "/1.0/profiles", json!({ "name": "base" }))
        .await;
    let profile = rehearsal.testbed.resource("incus_profile");
    let config = profile.config(&[("name", text("base"))]);
    let diags = profile.try_plan(&config).await.unwrap_err();
    let told: Vec<_> = diags.iter().collect();
    assert_eq!(told[0].summary, "profile `base` is there already");
    assert!(told[0].hints[0].contains("import {\n  to = test.one\n  id = \"base\"\n}"));
}

#[tokio::test]
async fn what_is_not_there_too_much_or_elsewhere_is_told_while_planning() {
    let rehearsal = Rehearsal::alone();
    let project = json!({ "name": "small", "config": { "limits.instances": "0", "features.networks": "false", "features.profiles": "false" } });
    rehearsal.ask("POST", "/1.0/projects", project).await;
    let nic = |address: &str| {
        Value::tuple(vec![Value::object([
            ("name", text("eth0")),
            ("type", text("nic")),
            (
                "properties",
                texts(&[("network", "incusbr0"), ("ipv4.address", address)]),
            ),
        ])])
    };
    let base = |more: Attributes| {
        [
            vec![("name", text("web")), ("image", text("debian/12"))],
            more,
        ]
        .concat()
    };
    let big = vec![
        ("name", text("v")),
        ("pool", text("default")),
        ("config", texts(&[("size", "900TiB")])),
    ];
    let cases = [
        (
            "incus_instance",
            base(vec![("device", nic("192.0.2.7"))]),
            "address `192.0.2.7` of device `eth0` is not in network `incusbr0`",
        ),
        (
            "incus_instance",
            base(vec![("profiles", list(&["nope"]))]),
            "there is no profile `nope`",
        ),
        (
            "incus_instance",
            base(vec![("project", text("small"))]),
            "instance `web` goes beyond the limits of project `small`",
        ),
        (
            "incus_storage_volume",
            big,
            "storage volume `v` is larger than its pool `default`",
        ),
        (
            "incus_storage_volume",
            vec![("name", text("v")), ("pool", text("nope"))],
            "there is no storage pool `nope`",
        ),
    ];
    for (type_name, attributes, summary) in cases {
        let resource = rehearsal.testbed.resource(type_name);
        let config = resource.config(&attributes);
        let told = match resource.try_plan(&config).await {
            Ok(plan) => plan.warnings,
            Err(errors) => errors,
        };
        let told: Vec<_> = told.iter().map(|told| told.summary.as_str()).collect();
        assert!(told.contains(&summary), "{told:?}");
    }
}

/// What plans of several objects tell, one after the other; with errors their summaries, else warnings.
async fn told_together(
    rehearsal: &Rehearsal,
    planned: Vec<(&'static str, Attributes)>,
) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for (type_name, attributes) in planned {
        let resource = rehearsal.testbed.resource(type_name);
        let told = match resource.try_plan(&resource.config(&attributes)).await {
            Ok(plan) => plan.warnings,
            Err(errors) => errors,
        };
        all.push(told.iter().map(|told| told.summary.clone()).collect());
    }
    all
}

async fn project(rehearsal: &Rehearsal, config: Json) {
    let shared = json!({ "features.networks": "false", "features.profiles": "false", "features.images": "false" });
    let mut keys = shared.as_object().unwrap().clone();
    keys.extend(config.as_object().unwrap().clone());
    let project = json!({ "name": "small", "config": keys });
    rehearsal.ask("POST", "/1.0/projects", project).await;
}

fn in_project(name: &str, config: &[(&str, &str)]) -> (&'static str, Attributes) {
    let attributes = vec![
        ("name", text(name)),
        ("image", text("debian/12")),
        ("project", text("small")),
        ("config", texts(config)),
    ];
    ("incus_instance", attributes)
}

fn volume(name: &str, size: &str) -> (&'static str, Attributes) {
    let attributes = vec![
        ("name", text(name)),
        ("pool", text("default")),
        ("project", text("small")),
        ("config", texts(&[("size", size)])),
    ];
    ("incus_storage_volume", attributes)
}

#[tokio::test]
async fn what_a_plan_adds_to_a_project_counts_together() {
    let rehearsal = Rehearsal::alone();
    let limits = json!({
        "limits.containers": "2", "limits.cpu": "4", "limits.memory": "1GiB", "limits.disk": "10GiB",
        "limits.disk.pool.default": "8GiB",
    });
    project(&rehearsal, limits).await;
    let sized = |cpu: &'static str| [("limits.cpu", cpu), ("limits.memory", "256MiB")];
    let planned = vec![
        in_project("a", &sized("2")),
        in_project("a", &sized("2")),
        in_project("b", &sized("3")),
        in_project("c", &[("limits.cpu", "1")]),
        volume("v", "6GiB"),
        volume("w", "6GiB"),
        volume("x", "9GiB"),
    ];
    let beyond = |what: &str| format!("{what} goes beyond the limits of project `small`");
    let none: Vec<String> = Vec::new();
    let expected = vec![
        none.clone(),
        none.clone(),
        vec![beyond("instance `b`")],
        vec![
            "instance `c` does not say `limits.memory`".to_owned(),
            beyond("instance `c`"),
            beyond("instance `c`"),
        ],
        none,
        vec![beyond("storage volume `w`"), beyond("storage volume `w`")],
        vec![beyond("storage volume `x`"), beyond("storage volume `x`")],
    ];
    assert_eq!(told_together(&rehearsal, planned).await, expected);
}

#[tokio::test]
async fn two_resources_of_a_plan_that_are_one_object_are_told() {
    let rehearsal = Rehearsal::alone();
    let mut one = rehearsal.testbed.resource("incus_profile");
    let mut two = rehearsal.testbed.resource("incus_profile");
    (one.address, two.address) = ("incus_profile.one", "incus_profile.two");
    let config = one.config(&[("name", text("base"))]);
    one.plan(&config).await;
    one.plan(&config).await;
    let errors = two.try_plan(&config).await.unwrap_err();
    let told: Vec<_> = errors.iter().map(|told| told.summary.as_str()).collect();
    let same = "`incus_profile.one` and `incus_profile.two` are the same profile `base`";
    assert_eq!(told, [same]);
    // In another project it is another one.
    let elsewhere = [("name", text("base")), ("project", text("other"))];
    two.plan(&two.config(&elsewhere)).await;
    // Both in state already: nobody is kept from removing one of them.
    one.apply(&[("name", text("base"))]).await;
    two.object = one.object.clone();
    let plan = two.plan(&config).await;
    assert_eq!(plan.warnings.iter().next().unwrap().summary, same);
}

#[tokio::test]
async fn what_a_restricted_project_forbids_is_told_while_planning() {
    let rehearsal = Rehearsal::alone();
    project(
        &rehearsal,
        json!({ "restricted": "true", "restricted.networks.access": "inner" }),
    )
    .await;
    let device = |kind: &str, properties: &[(&str, &str)]| {
        Value::object([
            ("name", text("d")),
            ("type", text(kind)),
            ("properties", texts(properties)),
        ])
    };
    let with = |devices: Vec<Value>| {
        let (type_name, mut attributes) = in_project("a", &[]);
        attributes.push(("device", Value::tuple(devices)));
        (type_name, attributes)
    };
    let planned = vec![
        in_project("a", &[("security.nesting", "true")]),
        with(vec![device(
            "proxy",
            &[
                ("listen", "tcp:0.0.0.0:80"),
                ("connect", "tcp:127.0.0.1:80"),
            ],
        )]),
        with(vec![device(
            "disk",
            &[("source", "/etc"), ("path", "/mnt")],
        )]),
        with(vec![device("nic", &[("network", "incusbr0")])]),
        in_project("a", &[("limits.cpu", "1")]),
    ];
    let forbids = |what: &str| vec![format!("project `small` forbids {what}")];
    let expected = vec![
        forbids("`security.nesting`"),
        forbids("device `d` of the type `proxy`"),
        forbids("device `d` of the type `disk`"),
        forbids("network `incusbr0`"),
        Vec::new(),
    ];
    assert_eq!(told_together(&rehearsal, planned).await, expected);
}

#[tokio::test]
async fn what_a_restricted_project_does_not_list_is_told_while_planning() {
    let rehearsal = Rehearsal::of(&["n1", "n2"]);
    let group = json!({ "name": "front", "members": ["n1"] });
    rehearsal.ask("POST", "/1.0/cluster/groups", group).await;
    let rules = json!({
        "restricted": "true", "restricted.cluster.target": "allow", "restricted.cluster.groups": "front",
        "restricted.images.servers": "images.example", "restricted.devices.disk": "allow",
        "restricted.devices.disk.paths": "/srv", "restricted.idmap.uid": "1000",
    });
    project(&rehearsal, rules).await;
    let with = |name: &'static str, value: Value| {
        let (type_name, mut attributes) = in_project("a", &[]);
        attributes.retain(|(other, _)| *other != name);
        attributes.push((name, value));
        (type_name, attributes)
    };
    let folder = |source: &str| {
        let properties = texts(&[("source", source), ("path", "/mnt")]);
        let device = [
            ("name", text("d")),
            ("type", text("disk")),
            ("properties", properties),
        ];
        with("device", Value::tuple(vec![Value::object(device)]))
    };
    let planned = vec![
        with("target", text("n1")),
        with("target", text("n2")),
        with("target", text("@front")),
        with("target", text("@back")),
        with("image", text("images:debian/13")),
        folder("/srv/web"),
        folder("/etc"),
        in_project("a", &[("raw.idmap", "uid 1000 0")]),
        in_project("a", &[("raw.idmap", "both 1000 0")]),
    ];
    let forbids = |what: &str| vec![format!("project `small` forbids {what}")];
    let expected = vec![
        Vec::new(),
        forbids("target `n2`"),
        Vec::new(),
        forbids("target `@back`"),
        forbids("images of `images.linuxcontainers.org`"),
        Vec::new(),
        forbids("folder `/etc`"),
        Vec::new(),
        forbids("`both 1000 0` in `raw.idmap`"),
    ];
    assert_eq!(told_together(&rehearsal, planned).await, expected);
}

#[tokio::test]
async fn an_address_that_two_instances_of_a_plan_want_is_told() {
    let rehearsal = Rehearsal::alone();
    let instance = |name: &str| {
        let nic = [("network", "incusbr0"), ("ipv4.address", "10.99.0.77")];
        let nic = Value::object([
            ("name", text("eth0")),
            ("type", text("nic")),
            ("properties", texts(&nic)),
        ]);
        let attributes = vec![
            ("name", text(name)),
            ("image", text("debian/12")),
            ("device", Value::tuple(vec![nic])),
        ];
        ("incus_instance", attributes)
    };
    let told = told_together(&rehearsal, vec![instance("a"), instance("b")]).await;
    let taken = "address `10.99.0.77` in network `incusbr0` is taken".to_owned();
    assert_eq!(told, [vec![], vec![taken]]);
}

#[tokio::test]
async fn what_may_go_in_the_same_run_makes_a_limit_a_warning() {
    let rehearsal = Rehearsal::alone();
    project(&rehearsal, json!({ "limits.containers": "1" })).await;
    let (type_name, attributes) = in_project("a", &[]);
    let mut old = rehearsal.testbed.resource(type_name);
    old.apply(&attributes).await;
    // Another run: state has the old one, and nothing says yet whether it stays.
    let next = connect(&rehearsal.twin);
    let mut known = next.resource(type_name);
    known.object = old.object.clone();
    assert!(known.refresh().await);
    let new = next.resource(type_name);
    let config = new.config(&in_project("b", &[]).1);
    let plan = new.plan(&config).await;
    assert!(plan.warnings.iter().any(|told| told.code == "incus-limit"));
    // It stays: now there is no room.
    known.plan(&known.config(&attributes)).await;
    let errors = new.try_plan(&config).await.unwrap_err();
    assert!(errors.iter().any(|told| told.code == "incus-limit"));
}
