//! Containers: `proxmox_virtual_environment_container`.

mod details;
mod observe;
mod settings;
mod volumes;

use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use strata_core::{
    BoxFuture, Diagnostic,
    provider::{Effect, EffectKind},
};

pub(crate) use self::settings::mount;
use self::{
    settings::{id_map, rootfs, settings},
    volumes::{change_volumes, move_volumes, switch_off, volumes_differ},
};
use super::{
    ahead::{self, Network, Wanted},
    guest::{self, Making, Place, all, first, positive, text, texts},
    kind::{Doing, Failure, Kind, Outcome, Planned, Work},
    ssh, value, vm,
};
use crate::client::{Params, path};

/// Containers.
pub(crate) struct Container;

/// The word for them in paths.
const LXC: &str = "lxc";

fn mark(marker: &str) -> String {
    format!("strata is still making this container ({marker})")
}

impl Kind for Container {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_container"
    }

    fn noun(&self) -> &'static str {
        "container"
    }

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(plan(planned))
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(create(work, object))
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let found = guest::locate(work.session, LXC, object).await;
            let found = found.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
            let Some((place, row)) = found else {
                return Ok(false);
            };
            if guest::is_unchanged(work.session, object, &row).await {
                return Ok(true);
            }
            let config = work.session.client.find(&place.path(&["config"])).await;
            let config = config.doing(|| format!("The container {} cannot be read", place.id))?;
            let Some(config) = config else {
                return Ok(false);
            };
            observe::observe(object, &config, &row);
            addresses(work, &place, object).await;
            object[super::PRIVATE]["row"] = guest::fingerprint(&row);
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(update(work, prior, object))
    }

    fn continues(&self) -> bool {
        true
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let found = guest::locate(work.session, LXC, object).await;
            let found = found.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
            let Some((place, row)) = found else {
                return Ok(());
            };
            if row["status"] == "running" {
                switch_off(work, &place).await?;
            }
            let params = Params::new()
                .with("purge", 1)
                .with("destroy-unreferenced-disks", 1);
            let gone = work.delete(&place.path(&[]), &params).await;
            gone.doing(|| format!("The container {} was not deleted", place.id))
                .map_err(|failure| guest::protected(failure, object))
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        vm::import_id(id)
    }

    fn find<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<Option<bool>>> {
        Box::pin(find(work, object))
    }
}

async fn plan(planned: &mut Planned<'_>) -> Outcome<()> {
    let object = planned.planned;
    let init = first(object, "initialization");
    let networks = all(object, "network_interface").iter().enumerate();
    let networks = networks.map(|(at, device)| {
        let config = all(init, "ip_config").get(at).unwrap_or(&Json::Null);
        Network::of(device, config)
    });
    let networks: Vec<Network> = networks.collect();
    if id_map(object) != planned.prior.map_or(Vec::new(), id_map) {
        planned.effects.push(Effect {
            kind: EffectKind::Live,
            reason: "idmap: written to the node over ssh, since the API does not take it; it counts from the next start".to_owned(),
        });
    }
    let Some(prior) = planned.prior else {
        return ahead::new_guest(planned, &wanted(object, networks)).await;
    };
    ahead::addresses(planned, &networks)?;
    let account = |object: &Json| first(first(object, "initialization"), "user_account").clone();
    // Keys and password are given when a container is made, and the API gives no others later.
    match (account(prior), account(object)) {
        (before, after) if before == after => {}
        // How an imported one was made is not known.
        (Json::Null, _) => planned.warnings.push(
            Diagnostic::warning("proxmox-once", "Keys and password of a container are given once")
                .detail("`initialization.user_account` is used when a container is made: this one keeps what it has. Replace it, or change them inside."),
        ),
        _ => planned.replace.push("initialization"),
    }
    let (before, after) = (settings(prior), settings(object));
    planned.nothing = before == after && planned.replace.is_empty() && is_same(prior, object);
    if planned.nothing {
        return Ok(());
    }
    let restarts = restarts(prior, object, &cold(&before, &after)).into_iter();
    planned.effects.extend(restarts.map(|reason| Effect {
        kind: EffectKind::Restart,
        reason,
    }));
    if prior["started"] != object["started"]
        || prior["network_interface"] != object["network_interface"]
        || prior["initialization"] != object["initialization"]
    {
        planned.reopen.extend(["ipv4", "ipv6"]);
    }
    Ok(())
}

/// True if nothing differs beside the settings that the container has at the node.
fn is_same(prior: &Json, object: &Json) -> bool {
    const BESIDE: [&str; 8] = [
        "started",
        "template",
        "node_name",
        "pool_id",
        "vm_id",
        "clone",
        "unprivileged",
        "operating_system",
    ];
    let same = |name: &&str| prior[*name] == object[*name] || object[*name].is_null();
    let mut all = object.as_object().into_iter().flatten();
    BESIDE.iter().all(same)
        && first(prior, "disk")["size"] == first(object, "disk")["size"]
        && !volumes_differ(prior, object)
        && id_map(prior) == id_map(object)
        && all.all(|(name, value)| !name.starts_with("timeout_") || prior[name.as_str()] == *value)
}

/// Why a running container is started again, or shut down; `cold` are the settings that it takes only then.
fn restarts(prior: &Json, object: &Json, cold: &[String]) -> Vec<String> {
    let mut reasons = Vec::new();
    if prior["started"] == false || prior["template"] == true {
        return reasons;
    }
    if !cold.is_empty() {
        reasons.push(format!(
            "{}: a running container takes this only when it starts again",
            cold.join(", ")
        ));
    }
    if volumes_differ(prior, object) && object["started"] != false {
        let reason = "volumes: a running container takes other options only when it starts again";
        reasons.push(reason.to_owned());
    }
    if object["started"] == false {
        reasons.push("the container is shut down".to_owned());
    }
    reasons
}

/// What of a change a running container takes only when it starts again.
fn cold(before: &Params, after: &Params) -> Vec<String> {
    const WAITS: [&str; 9] = [
        "features",
        "tty",
        "cmode",
        "console",
        "arch",
        "ostype",
        "dev",
        "env",
        "entrypoint",
    ];
    let changed = after
        .iter()
        .filter(|(name, value)| before.get(name) != Some(value));
    let gone = before.iter().filter(|(name, _)| after.get(name).is_none());
    let names = changed.chain(gone).map(|(name, _)| name);
    let names = names.filter(|name| WAITS.iter().any(|stem| name.starts_with(stem)));
    names.map(str::to_owned).collect()
}

/// What a new container wants of its node; what only apply can tell is left out.
fn wanted(object: &Json, networks: Vec<Network>) -> Wanted {
    let disk = first(object, "disk");
    let own = text(disk, "datastore_id").filter(|_| first(object, "clone").is_null());
    let size = positive(disk, "size").unwrap_or(0);
    let memory = positive(first(object, "memory"), "dedicated");
    let starts = object["started"] != false && object["template"] != true;
    Wanted {
        kind: LXC,
        memory: memory.filter(|_| starts),
        storages: own
            .map(|storage| (storage.to_owned(), "rootdir", size))
            .into_iter()
            .collect(),
        networks,
    }
}

async fn create(work: &Work<'_>, object: &mut Json) -> Outcome<()> {
    let source = first(object, "clone").clone();
    let place = match source.is_null() {
        true => make(work, object).await?,
        false => clone(work, object, &source).await?,
    };
    work.session.forget().await;
    object["vm_id"] = json!(place.id);
    object["id"] = json!(place.id.to_string());
    finish(work, object, &place, !source.is_null())
        .await
        .map_err(|failure| failure.half_made())
}

async fn make(work: &Work<'_>, object: &mut Json) -> Outcome<Place> {
    let node = text(object, "node_name").unwrap_or_default().to_owned();
    let mut params = settings(object);
    params.set("description", mark(work.marker));
    let template = text(first(object, "operating_system"), "template_file_id");
    params.maybe("ostemplate", template);
    params.set("rootfs", rootfs(first(object, "disk")));
    for (at, point) in all(object, "mount_point").iter().enumerate() {
        params.set(format!("mp{at}"), mount(point));
    }
    params.flag("unprivileged", object["unprivileged"] == true);
    params.maybe("pool", text(object, "pool_id"));
    let account = first(first(object, "initialization"), "user_account");
    params.maybe("password", text(account, "password"));
    let keys: Vec<String> = texts(account, "keys")
        .iter()
        .map(|key| key.trim().to_owned())
        .collect();
    if !keys.is_empty() {
        params.set("ssh-public-keys", keys.join("\n"));
    }
    let limit = guest::limit(object, "timeout_create", 1800);
    let target = path(&["nodes", &node, LXC]);
    let making = Making {
        path: target,
        params,
        id: "vmid",
        limit,
        what: "container",
    };
    let id = guest::with_id(work, object, &making).await?;
    Ok(Place {
        id,
        node,
        kind: LXC,
    })
}

async fn clone(work: &Work<'_>, object: &mut Json, source: &Json) -> Outcome<Place> {
    let node = text(object, "node_name").unwrap_or_default().to_owned();
    let from = text(source, "node_name").unwrap_or(&node).to_owned();
    let template = value::number(&source["vm_id"]).unwrap_or_default();
    let mut params = Params::new().with("description", mark(work.marker));
    params.maybe(
        "hostname",
        text(first(object, "initialization"), "hostname"),
    );
    params
        .maybe("pool", text(object, "pool_id"))
        .maybe("storage", text(source, "datastore_id"));
    params.flag("full", source["full"] != false);
    if from != node {
        params.set("target", &node);
    }
    let storage = text(source, "datastore_id")
        .map_or_else(|| format!("of template {template}"), str::to_owned);
    let _turn = work.session.turn(&storage).await;
    let limit = guest::limit(object, "timeout_clone", 1800);
    let target = path(&["nodes", &from, LXC, &template.to_string(), "clone"]);
    let making = Making {
        path: target,
        params,
        id: "newid",
        limit,
        what: "container",
    };
    let id = guest::with_id(work, object, &making).await?;
    Ok(Place {
        id,
        node,
        kind: LXC,
    })
}

async fn finish(work: &Work<'_>, object: &mut Json, place: &Place, cloned: bool) -> Outcome<()> {
    let mut params = match cloned {
        true => settings(object),
        false => Params::new(),
    };
    match text(object, "description") {
        Some(description) => params.set("description", description),
        None => params.set("delete", "description"),
    };
    write_id_map(work, &Json::Null, object, place).await?;
    if object["template"] == true {
        let made = work.post(&place.path(&["template"]), &Params::new()).await;
        made.doing(|| format!("The container {} was not made a template", place.id))?;
    } else if object["started"] != false {
        let started = work
            .post(&place.path(&["status", "start"]), &Params::new())
            .await;
        match started {
            Err(error) if error.words().contains("already running") => {}
            started => {
                drop(started.doing(|| format!("The container {} was not started", place.id))?)
            }
        }
    }
    let done = work.put(&place.path(&["config"]), &params).await;
    done.doing(|| format!("The container {} was not given its settings", place.id))?;
    let config = work.session.client.get(&place.path(&["config"])).await;
    let config = config.doing(|| format!("The container {} cannot be read", place.id))?;
    observe::made(object, &config);
    wait_for_addresses(work, place, object).await?;
    work.session.forget().await;
    guest::remember(work.session, LXC, object).await;
    Ok(())
}

async fn update(work: &Work<'_>, prior: &Json, object: &mut Json) -> Outcome<()> {
    let place = guest::place(work, LXC, prior).await?;
    let (before, after) = (settings(prior), settings(object));
    let mut params = Params::new();
    for (name, value) in after
        .iter()
        .filter(|(name, value)| before.get(name) != Some(value))
    {
        params.set(name, value);
    }
    let gone: Vec<&str> = before
        .iter()
        .map(|(name, _)| name)
        .filter(|name| after.get(name).is_none())
        .collect();
    let mut gone: Vec<String> = gone.into_iter().map(str::to_owned).collect();
    if volumes_differ(prior, object) {
        move_volumes(work, &place, object).await?;
        let config = work.session.client.get(&place.path(&["config"])).await;
        let config = config.doing(|| format!("The container {} cannot be read", place.id))?;
        change_volumes((prior, object), &config, &mut params, &mut gone);
    }
    if !gone.is_empty() {
        params.set("delete", gone.join(","));
    }
    if !params.is_empty() {
        let changed = work.put(&place.path(&["config"]), &params).await;
        changed.doing(|| format!("The container {} was not changed", place.id))?;
    }
    let (was, size) = (
        positive(first(prior, "disk"), "size"),
        positive(first(object, "disk"), "size"),
    );
    if let Some(size) = size.filter(|size| was.is_none_or(|was| *size > was)) {
        let params = Params::new()
            .with("disk", "rootfs")
            .with("size", format!("{size}G"));
        let grown = work.put(&place.path(&["resize"]), &params).await;
        grown.doing(|| format!("The disk of container {} was not made larger", place.id))?;
    }
    write_id_map(work, prior, object, &place).await?;
    guest::change_pool(work, place.id, &prior["pool_id"], &object["pool_id"]).await?;
    let announced = !cold(&before, &after).is_empty() || volumes_differ(prior, object);
    power(work, object, &place, announced).await?;
    let config = work.session.client.get(&place.path(&["config"])).await;
    let config = config.doing(|| format!("The container {} cannot be read", place.id))?;
    observe::made(object, &config);
    wait_for_addresses(work, &place, object).await?;
    work.session.forget().await;
    guest::remember(work.session, LXC, object).await;
    Ok(())
}

/// Writes the id map into the container's file over ssh: the API has no way. A rehearsal has no such file.
async fn write_id_map(work: &Work<'_>, prior: &Json, object: &Json, place: &Place) -> Outcome<()> {
    let lines = id_map(object);
    if lines == id_map(prior) || work.session.is_rehearsal() {
        return Ok(());
    }
    ssh::set_lines(
        work,
        &place.node,
        &format!("/etc/pve/lxc/{}.conf", place.id),
        "lxc.idmap",
        &lines,
    )
    .await
}

/// Switches a container on or off, or restarts it for what the plan said that it waits for.
async fn power(work: &Work<'_>, object: &Json, place: &Place, announced: bool) -> Outcome<()> {
    if object["template"] == true {
        return Ok(());
    }
    let row = work
        .session
        .client
        .get(&place.path(&["status", "current"]))
        .await;
    let running =
        row.doing(|| format!("The container {} cannot be read", place.id))?["status"] == "running";
    let rows = work
        .session
        .client
        .get(&place.path(&["pending"]))
        .await
        .unwrap_or_default();
    let waits = rows
        .as_array()
        .into_iter()
        .flatten()
        .any(|row| !row["pending"].is_null() || !row["delete"].is_null());
    let action = match (running, object["started"] != false) {
        (true, false) => "shutdown",
        (false, true) => "start",
        (true, true) if waits && announced => "reboot",
        _ => return Ok(()),
    };
    let done = work
        .post(&place.path(&["status", action]), &Params::new())
        .await;
    done.map(drop)
        .doing(|| format!("The {action} of container {} failed", place.id))
}

/// Waits for the addresses that the block `wait_for_ip` wants.
async fn wait_for_addresses(work: &Work<'_>, place: &Place, object: &mut Json) -> Outcome<()> {
    let wait_for = first(object, "wait_for_ip").clone();
    let runs = object["started"] != false && object["template"] != true;
    let limit = guest::limit(object, "timeout_start", 300);
    let limit = work.session.manner.guest_limit.unwrap_or(limit);
    let begun = Instant::now();
    loop {
        addresses(work, place, object).await;
        let lacks = |family: &str| {
            let mut known = value::members(&object[family]).iter();
            wait_for[family] == true && !known.any(|(name, _)| name != "lo")
        };
        if !runs || !(lacks("ipv4") || lacks("ipv6")) {
            return Ok(());
        }
        if begun.elapsed() > limit {
            return Err(Failure::new(
                Diagnostic::error(
                    "proxmox-no-address",
                    format!("The container {} had no address within {} s", place.id, limit.as_secs()),
                )
                .detail("it runs, but has not the addresses that `wait_for_ip` wants: look at its DHCP or `initialization.ip_config`."),
            ));
        }
        work.note("running, but there is no address yet");
        tokio::time::sleep(PAUSE.min(limit)).await;
    }
}

/// The pause between two questions for addresses.
const PAUSE: Duration = Duration::from_secs(1);

/// Puts the addresses that PVE sees in the container into the object.
async fn addresses(work: &Work<'_>, place: &Place, object: &mut Json) {
    let told = work
        .session
        .client
        .get(&place.path(&["interfaces"]))
        .await
        .unwrap_or_default();
    let mut maps = (json!({}), json!({}));
    for interface in told.as_array().into_iter().flatten() {
        let name = interface["name"].as_str().unwrap_or_default();
        let plain = |key: &str| {
            let address = interface[key].as_str()?;
            Some(address.split('/').next().unwrap_or(address).to_owned())
        };
        if let Some(address) = plain("inet") {
            maps.0[name] = json!(address);
        }
        if let Some(address) = plain("inet6") {
            maps.1[name] = json!(address);
        }
    }
    object["ipv4"] = maps.0;
    object["ipv6"] = maps.1;
}

async fn find(work: &Work<'_>, object: &mut Json) -> Outcome<Option<bool>> {
    work.session.forget().await;
    let cluster = work.session.cluster().await;
    let cluster = cluster.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
    let wanted = guest::id_of(object);
    let mut foreign = false;
    for (id, row) in cluster
        .guests
        .iter()
        .filter(|(id, row)| wanted.map_or(row["type"] == LXC, |wanted| **id == wanted))
    {
        let node = row["node"].as_str().unwrap_or_default().to_owned();
        let place = Place {
            id: *id,
            node,
            kind: LXC,
        };
        let config = work.session.client.find(&place.path(&["config"])).await;
        let config = config
            .doing(|| format!("The container {id} cannot be read"))?
            .unwrap_or_default();
        if config["description"]
            .as_str()
            .is_some_and(|text| text.contains(work.marker))
        {
            object["vm_id"] = json!(id);
            object["id"] = json!(id.to_string());
            return Ok(Some(true));
        }
        foreign |= wanted.is_some();
    }
    Ok(foreign.then_some(false))
}
