//! Every type, every argument: made, read, imported, changed, drifted, taken back, deleted.
//!
//! A [`Case`] is a type's least configuration. The arguments come from its facts, each with a value
//! that is not its default ([`samples`]). An argument that changes no request is one that is accepted
//! and ignored: a fault, unless [`MANNER`] says that it is about how we go about it.

mod access;
mod cluster;
mod files;
pub(super) mod firewall;
pub(super) mod guests;
mod network;
mod nodes;
mod samples;
pub(super) mod storages;
mod telmate;

use std::collections::BTreeMap;

use serde_json::Map;

use super::*;
use crate::provider::schema;

/// A type and the least that it needs.
pub(super) struct Case {
    name: &'static str,
    least: Json,
    /// What an import id looks like, by attributes; none if it cannot be imported.
    import: Option<&'static str>,
    /// What must be there before.
    before: Vec<(&'static str, Json)>,
    /// Values of arguments, by path, where the usual one does not do.
    samples: Vec<(&'static str, Json)>,
    /// What goes with an argument, by its path or how that begins: merged into the configuration.
    with: Vec<(&'static str, Json)>,
    /// Arguments that this case does not try, and why.
    not: Vec<(&'static str, &'static str)>,
    /// Arguments that an import cannot tell.
    unknown: Vec<&'static str>,
    /// The release of the cluster, if not the newest.
    release: Option<(u32, u32)>,
}

pub(super) fn case(name: &'static str, least: Json) -> Case {
    Case {
        name,
        least,
        import: Some("{id}"),
        before: Vec::new(),
        samples: Vec::new(),
        with: Vec::new(),
        not: Vec::new(),
        unknown: Vec::new(),
        release: None,
    }
}

impl Case {
    /// True for the type, and for an argument of it.
    pub(super) fn is_of(&self, name: &str) -> bool {
        name.split('.').next() == Some(self.name)
    }

    pub(super) fn import(mut self, id: &'static str) -> Self {
        self.import = Some(id);
        self
    }

    fn no_import(mut self) -> Self {
        self.import = None;
        self
    }

    fn after(mut self, name: &'static str, config: Json) -> Self {
        self.before.push((name, config));
        self
    }

    fn sample(mut self, path: &'static str, value: Json) -> Self {
        self.samples.push((path, value));
        self
    }

    fn with(mut self, path: &'static str, more: Json) -> Self {
        self.with.push((path, more));
        self
    }

    pub(super) fn not(mut self, path: &'static str, why: &'static str) -> Self {
        self.not.push((path, why));
        self
    }

    /// With more in its least configuration.
    pub(super) fn least_with(mut self, more: &Json) -> Self {
        merge(&mut self.least, more);
        self
    }

    fn on(mut self, release: (u32, u32)) -> Self {
        self.release = Some(release);
        self
    }

    fn unknown(mut self, paths: &[&'static str]) -> Self {
        self.unknown.extend(paths);
        self
    }
}

/// Arguments that say how we go about it, not what is to be; by their last part.
const MANNER: &[&str] = &[
    "timeout_reload",
    "timeout_create",
    "timeout_clone",
    "timeout_update",
    "timeout_delete",
    "timeout_start",
    "timeout_move_disk",
    "timeout_migrate",
    "timeout_reboot",
    "timeout_shutdown_vm",
    "timeout_start_vm",
    "timeout_stop_vm",
    "timeout_upload",
    "upload_timeout",
    "upload_mode",
    "overwrite",
    "overwrite_unmanaged",
    "stop_on_destroy",
    "purge_on_destroy",
    "delete_unreferenced_disks_on_destroy",
    "reboot_after_update",
    "migrate",
    "retries",
    "force_destroy",
    "remove_storages",
    "remove_ecprofile",
    "on_destroy",
    "reboot",
    "verify",
    "on_change",
];

type Requests = Vec<(String, BTreeMap<String, String>)>;

/// The requests of a creation without what differs from run to run.
fn plain(requests: Requests) -> Requests {
    let mark = regex::Regex::new(r"\(m-[-0-9a-f]+\)").unwrap();
    let plain = |text: String| mark.replace(&text, "").into_owned();
    let requests = requests.into_iter().map(|(what, params)| {
        let params = params.into_iter().map(|(name, text)| (name, plain(text)));
        (what, params.collect())
    });
    requests.collect()
}

/// The arguments of a type: path and facts, those in blocks after one another.
fn arguments(args: &Map<String, Json>, at: &str) -> Vec<(String, Json)> {
    let mut all = Vec::new();
    for (name, arg) in args.iter().filter(|(_, arg)| arg["p"] != "c") {
        let path = match at.is_empty() {
            true => name.clone(),
            false => format!("{at}.{name}"),
        };
        match arg["b"].as_object() {
            Some(inner) => all.extend(arguments(inner, &path)),
            None => all.push((path, arg.clone())),
        }
    }
    all
}

/// Puts a value at a path, with the blocks around it and what they need.
fn put(
    case: &Case,
    args: &Map<String, Json>,
    object: &mut Json,
    at: &str,
    path: &[&str],
    value: &Json,
) {
    let name = path[0];
    let here = match at.is_empty() {
        true => name.to_owned(),
        false => format!("{at}.{name}"),
    };
    if path.len() == 1 {
        object[name] = value.clone();
        return;
    }
    let arg = &args[name];
    let inner = arg["b"].as_object().unwrap();
    let least = || {
        let needed = inner
            .iter()
            .filter(|(_, arg)| arg["p"] == "r" && !arg["b"].is_object());
        let needed = needed.map(|(name, arg)| {
            let path = format!("{here}.{name}");
            (name.clone(), samples::of(case, &path, arg))
        });
        Json::Object(needed.collect())
    };
    let sdk = schema::find(case.name, false).unwrap().sdk;
    let element = match schema::nesting(arg) {
        Nesting::Map => {
            let key = samples::key(name);
            if object[name].is_null() {
                object[name] = json!({ key: least() });
            }
            let entries = object[name].as_object_mut().unwrap();
            entries.values_mut().next().unwrap()
        }
        Nesting::List | Nesting::Set => {
            if object[name].as_array().is_none_or(Vec::is_empty) {
                object[name] = json!([least()]);
            }
            &mut object[name][0]
        }
        Nesting::Single if sdk => {
            if object[name].is_null() {
                object[name] = json!([least()]);
            }
            &mut object[name][0]
        }
        Nesting::Single => {
            if object[name].is_null() {
                object[name] = least();
            }
            &mut object[name]
        }
    };
    put(case, inner, element, &here, &path[1..], value);
}

/// What stands at a path.
fn get<'a>(object: &'a Json, path: &[&str]) -> &'a Json {
    let Some((name, rest)) = path.split_first() else {
        return object;
    };
    match &object[*name] {
        Json::Array(items) if !rest.is_empty() => get(items.first().unwrap_or(&Json::Null), rest),
        Json::Object(entries) if !rest.is_empty() && !entries.contains_key(rest[0]) => {
            get(entries.values().next().unwrap_or(&Json::Null), rest)
        }
        other => get(other, rest),
    }
}

fn merge(into: &mut Json, more: &Json) {
    match (into, more) {
        (Json::Object(into), Json::Object(more)) => {
            for (name, value) in more {
                merge(into.entry(name.clone()).or_insert(Json::Null), value);
            }
        }
        (Json::Array(into), Json::Array(more)) if into.len() == 1 && more.len() == 1 => {
            merge(&mut into[0], &more[0]);
        }
        (into, more) => *into = more.clone(),
    }
}

impl Case {
    /// The configurations for an argument: without and with it.
    fn pair(&self, path: &str, arg: &Json) -> (Json, Json) {
        let facts = schema::find(self.name, false).unwrap();
        let mut without = self.least.clone();
        for (prefix, more) in &self.with {
            if path.starts_with(prefix) {
                merge(&mut without, more);
            }
        }
        let mut with = without.clone();
        let parts: Vec<&str> = path.split('.').collect();
        let value = samples::of(self, path, arg);
        put(self, &facts.args, &mut with, "", &parts, &value);
        (without, with)
    }
}

impl World {
    async fn try_apply(
        &self,
        name: &str,
        prior: Option<&Object>,
        config: &Json,
    ) -> Result<Object, String> {
        let made = self.apply(name, prior, config).await?;
        let read = self.try_read(name, &made).await?;
        self.empty(name, &read, config).await?;
        Ok(read)
    }

    async fn try_read(&self, name: &str, object: &Object) -> Result<Object, String> {
        let request = ReadRequest {
            type_name: name.into(),
            object: object.clone(),
        };
        let read = self
            .configured
            .read(request)
            .await
            .map_err(|diags| shown(&diags))?;
        read.ok_or_else(|| "it is gone".to_owned())
    }

    /// Begins another run, which knows nothing of what the one before planned.
    fn renew(&mut self, case: &Case) {
        self.configured = as_root(self, schema::find(case.name, false).unwrap().telmate);
    }

    /// What a second plan would change.
    async fn changes(
        &self,
        name: &str,
        object: &Object,
        config: &Json,
    ) -> Result<Vec<String>, String> {
        let plan = self
            .plan(name, Some(object), config)
            .await
            .map_err(|diags| shown(&diags))?;
        let (before, after) = (to_json(&object.value), to_json(&plan.planned));
        let before = before.as_object().unwrap();
        let changed = before
            .iter()
            .filter(|(key, value)| after[key.as_str()] != **value);
        Ok(changed
            .map(|(key, value)| format!("{key}: {value} -> {}", after[key.as_str()]))
            .collect())
    }

    async fn empty(&self, name: &str, object: &Object, config: &Json) -> Result<(), String> {
        let changes = self.changes(name, object, config).await?;
        match changes.is_empty() {
            true => Ok(()),
            false => Err(format!(
                "a second plan is not empty: {}",
                changes.join("; ")
            )),
        }
    }

    /// Makes it, imports it, removes it; gives the requests that made it.
    async fn least(&self, case: &Case) -> Result<Requests, String> {
        let name = case.name;
        self.twin.heard();
        let made = self.apply(name, None, &case.least).await?;
        let requests = plain(self.twin.heard());
        let read = self.try_read(name, &made).await?;
        self.empty(name, &read, &case.least).await?;
        if let Some(template) = case.import {
            let id = crate::provider::plain::insert(template, &to_json(&read.value));
            let imported = self.configured.import(name.into(), id.clone()).await;
            let imported =
                imported.map_err(|diags| format!("import of {id}: {}", shown(&diags)))?;
            let changes = self.changes(name, &imported, &case.least).await?;
            let known = |change: &&String| {
                !case
                    .unknown
                    .iter()
                    .any(|name| change.starts_with(&format!("{name}:")))
            };
            let changes: Vec<&String> = changes.iter().filter(known).collect();
            if !changes.is_empty() {
                return Err(format!("after its import: {changes:?}"));
            }
        }
        self.delete(name, &read).await?;
        match self
            .configured
            .read(ReadRequest {
                type_name: name.into(),
                object: read,
            })
            .await
        {
            Ok(Some(_)) if !case.not.iter().any(|(path, _)| *path == "(gone)") => {
                Err("it is there after it was deleted".to_owned())
            }
            Ok(_) => Ok(requests),
            Err(diags) => Err(shown(&diags)),
        }
    }

    /// One argument: given on creation, taken back, changed by others.
    async fn argument(&mut self, case: &Case, path: &str, arg: &Json) -> Result<(), String> {
        let (name, (without, with)) = (case.name, case.pair(path, arg));
        let parts: Vec<&str> = path.split('.').collect();
        let manner = parts.last().is_some_and(|last| MANNER.contains(last));
        self.twin.heard();
        let plain_object = self
            .try_apply(name, None, &without)
            .await
            .map_err(|error| format!("without: {error}"))?;
        let first = plain(self.twin.heard());
        // Given later: an update, or it is made anew.
        let plan = self
            .plan(name, Some(&plain_object), &with)
            .await
            .map_err(|diags| shown(&diags))?;
        let anew = !plan.requires_replace.is_empty();
        let object = match anew {
            true => {
                self.delete(name, &plain_object)
                    .await
                    .map_err(|error| format!("delete: {error}"))?;
                self.twin.heard();
                self.try_apply(name, None, &with)
                    .await
                    .map_err(|error| format!("anew: {error}"))?
            }
            false => {
                self.twin.heard();
                let changed = self.try_apply(name, Some(&plain_object), &with).await;
                changed.map_err(|error| format!("change: {error}"))?
            }
        };
        let second = plain(self.twin.heard());
        if !(manner || self.elsewhere.is_some())
            && (if anew {
                first == second
            } else {
                second.is_empty()
            })
        {
            return Err("it changes no request".to_owned());
        }
        // Taken back by somebody else: the next refresh tells, and the next apply gives it again.
        // What the server chooses where nobody says is not taken back by saying nothing.
        let chosen = arg["p"] == "oc" && arg["d"].is_null();
        if !anew && !manner && !chosen {
            let taken = self.try_apply(name, Some(&object), &without).await;
            taken.map_err(|error| format!("taken back: {error}"))?;
            let drifted = self.try_read(name, &object).await?;
            let changes = self.changes(name, &drifted, &with).await?;
            if changes.is_empty() && !is_blind(case, path) {
                return Err("its drift is not seen".to_owned());
            }
            let again = self.try_apply(name, Some(&drifted), &with).await;
            again.map_err(|error| format!("after drift: {error}"))?;
        }
        self.delete(name, &object)
            .await
            .map_err(|error| format!("delete: {error}"))?;
        // Given from the beginning.
        if !anew {
            self.renew(case);
            self.twin.heard();
            let object = self.try_apply(name, None, &with).await;
            let object = object.map_err(|error| format!("from the beginning: {error}"))?;
            let from_start = plain(self.twin.heard());
            if !(manner || self.elsewhere.is_some()) && from_start == first {
                return Err("on creation it changes no request".to_owned());
            }
            self.delete(name, &object).await?;
        }
        Ok(())
    }
}

/// Arguments whose value the server never tells.
fn is_blind(case: &Case, path: &str) -> bool {
    case.not
        .iter()
        .any(|(own, why)| *own == path && (*why == BLIND || *why == ELSEWHERE))
}

/// The reason of a place whose drift is none.
pub(super) const ELSEWHERE: &str = "what was moved is found where it is, and stays there";

/// The reason of an argument whose drift cannot be seen.
pub(super) const BLIND: &str = "the server does not tell it";

/// What is not right yet: a line is a type or `type.argument`, and what is wrong. A line that is right has to go.
const KNOWN: &str = include_str!("lives/known.txt");

/// What is known to be wrong of some types.
fn known(cases: &[Case]) -> BTreeMap<&'static str, &'static str> {
    let lines = KNOWN.lines().filter_map(|line| line.split_once(": "));
    let of_case = |name: &str| cases.iter().any(|case| case.is_of(name));
    lines.filter(|(name, _)| of_case(name)).collect()
}

/// Runs cases, and tells all that is wrong at once.
pub(super) async fn live(cases: Vec<Case>) {
    let wrong = wrong_of(&cases, strict).await;
    judge(&wrong, &known(&cases));
}

/// Runs cases, each where it is begun anew, and gives what is wrong by type or argument.
pub(super) async fn wrong_of(
    cases: &[Case],
    begin: impl AsyncFn(&Case) -> World,
) -> BTreeMap<String, String> {
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    for case in cases {
        let mut world = begin(case).await;
        if let Err(error) = world.least(case).await {
            wrong.insert(case.name.to_owned(), error);
            world = begin(case).await;
        }
        let facts = schema::find(case.name, false).unwrap();
        for (path, arg) in arguments(&facts.args, "") {
            if is_skipped(case, &path, &arg) {
                continue;
            }
            world.renew(case);
            if let Err(error) = world.argument(case, &path, &arg).await {
                wrong.insert(format!("{}.{path}", case.name), error);
                world = begin(case).await;
            }
        }
    }
    wrong
}

/// Fails where something is wrong that is not known, or right that is said to be wrong.
pub(super) fn judge(wrong: &BTreeMap<String, String>, known: &BTreeMap<&str, &str>) {
    let new = wrong
        .iter()
        .filter(|(name, _)| !known.contains_key(name.as_str()));
    let mut said: Vec<String> = new
        .map(|(name, error)| format!("{name}: {error}"))
        .collect();
    let right = known.keys().filter(|name| !wrong.contains_key(**name));
    said.extend(right.map(|name| format!("{name}: it is right now, take it off the list")));
    assert!(
        said.is_empty(),
        "{} faults:\n{}",
        said.len(),
        said.join("\n")
    );
}

fn is_skipped(case: &Case, path: &str, arg: &Json) -> bool {
    let refused = crate::provider::kinds()[case.name].refused();
    let mut refused = refused.iter();
    let parts: Vec<&str> = path.split('.').collect();
    refused.any(|name| path == *name || path.starts_with(&format!("{name}.")))
        || case
            .not
            .iter()
            .any(|(own, why)| path.starts_with(own) && *why != BLIND && *why != ELSEWHERE)
        || samples::of(case, path, arg) == *get(&case.least, &parts)
}

/// The world as root itself, who may do what no token may.
fn as_root(world: &World, telmate: bool) -> Arc<dyn ConfiguredProvider> {
    let block = world.provider.schema().provider.clone();
    let given = match telmate {
        true => json!({
            "pm_api_url": format!("{}api2/json", world.twin.endpoint()), "pm_tls_insecure": true,
            "pm_user": "root@pam", "pm_password": "twin",
        }),
        false => json!({
            "endpoint": world.twin.endpoint(), "fingerprint": world.twin.fingerprint(),
            "username": "root@pam", "password": "twin",
        }),
    };
    let given = world.elsewhere.as_ref().map_or(&given, |it| &it.config);
    world.provider.configure(config_of(&block, given)).unwrap()
}

/// The same case where the first node and its storage have other names; what needs a second node is left out.
pub(super) fn elsewhere(case: Case, node: &str, storage: &str) -> Case {
    let there = |json: Json| -> Json {
        let text = json
            .to_string()
            .replace("\"pve\"", &format!("\"{node}\""))
            .replace("\"local\"", &format!("\"{storage}\""));
        serde_json::from_str(&text).unwrap()
    };
    let pairs = |all: Vec<(&'static str, Json)>| {
        let all = all.into_iter().map(|(name, json)| (name, there(json)));
        all.collect()
    };
    Case {
        least: there(case.least),
        before: pairs(case.before),
        samples: pairs(case.samples),
        with: pairs(case.with),
        ..case
    }
    .not("node_name", "there is one node")
}

/// Makes what a case needs before.
pub(super) async fn prepare(world: &World, case: &Case) -> Result<(), String> {
    for (name, config) in &case.before {
        world.apply(name, None, config).await?;
    }
    Ok(())
}

/// Has the provider of a world lead to another cluster.
pub(super) fn lead(mut world: World, elsewhere: Elsewhere) -> World {
    world.elsewhere = Some(elsewhere);
    world.configured = as_root(&world, false);
    world
}

/// A cluster in which everything that a case needs is there.
async fn strict(case: &Case) -> World {
    let mut options = Options {
        lenient: true,
        ..options()
    };
    options.release = case.release.unwrap_or(options.release);
    let telmate = schema::find(case.name, false).unwrap().telmate;
    let mut world = match telmate {
        true => super::telmate::telmate(options).await,
        false => world(options).await,
    };
    world.configured = as_root(&world, telmate);
    let prepared = prepare(&world, case).await;
    prepared.unwrap_or_else(|error| panic!("before {}: {error}", case.name));
    world
}
