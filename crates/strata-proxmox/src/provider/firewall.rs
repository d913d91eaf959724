//! Firewalls: rules in order, options, security groups, the cluster's own switch.

use serde_json::{Value as Json, json};
use strata_core::BoxFuture;

use super::{
    guest::{all, first, parts, text},
    kind::{Doing, Kind, Outcome, Work},
    schema, value,
};
use crate::client::{Params, path};

pub(crate) static ALL: [&dyn Kind; 4] = [&Rules, &Options, &Group, &Cluster];

struct Rules;
struct Options;
struct Group;
struct Cluster;

/// Where a scope's firewall is, and the id of the scope.
pub(super) fn scope(object: &Json) -> (String, String) {
    let number = |name: &str| {
        value::number(&object[name])
            .filter(|id| *id > 0)
            .map(|id| id.to_string())
    };
    let node = text(object, "node_name").map(str::to_owned);
    match (node, number("vm_id"), number("container_id")) {
        (Some(node), Some(id), _) => (
            path(&["nodes", &node, "qemu", &id, "firewall"]),
            format!("vm/{node}/{id}"),
        ),
        (Some(node), _, Some(id)) => (
            path(&["nodes", &node, "lxc", &id, "firewall"]),
            format!("container/{node}/{id}"),
        ),
        (Some(node), ..) => (path(&["nodes", &node, "firewall"]), format!("node/{node}")),
        _ => ("/cluster/firewall".to_owned(), "cluster".to_owned()),
    }
}

/// The attributes of a scope's id.
fn scope_of(id: &str) -> Option<Json> {
    let parts: Vec<&str> = id.split('/').collect();
    let number = |text: &str| text.parse::<i64>().ok();
    Some(match parts.as_slice() {
        ["cluster"] => json!({}),
        ["node", node] => json!({ "node_name": node }),
        ["vm", node, id] => json!({ "node_name": node, "vm_id": number(id)? }),
        ["container", node, id] => json!({ "node_name": node, "container_id": number(id)? }),
        _ => return None,
    })
}

const SCOPES: &str = "an id looks like `cluster`, `node/NODE`, `vm/NODE/ID` or `container/NODE/ID`";

/// A rule's attributes and their parameters.
const RULE: [(&str, &str); 9] = [
    ("comment", "comment"),
    ("dest", "dest"),
    ("dport", "dport"),
    ("iface", "iface"),
    ("log", "log"),
    ("macro", "macro"),
    ("proto", "proto"),
    ("source", "source"),
    ("sport", "sport"),
];

fn rule(rule: &Json) -> Params {
    let mut params = Params::new();
    match text(rule, "security_group") {
        Some(group) => drop(params.set("type", "group").set("action", group)),
        None => drop(
            params
                .maybe("type", text(rule, "type"))
                .maybe("action", text(rule, "action")),
        ),
    }
    params.flag("enable", rule["enabled"] != false);
    for (attribute, name) in RULE {
        params.maybe(name, text(rule, attribute));
    }
    params
}

/// True if a rule on the server is as the user has it.
fn is_same(wanted: &Json, told: &Json) -> bool {
    let wanted = rule(wanted);
    let mut names = RULE.iter().map(|(_, name)| *name).chain(["type", "action"]);
    let enabled = value::number(&told["enable"]).unwrap_or(0).to_string();
    // To log nothing is what is so where nobody says.
    let said = |text: &str| {
        if text == "nolog" {
            String::new()
        } else {
            text.to_owned()
        }
    };
    names.all(|name| {
        said(wanted.get(name).unwrap_or_default()) == said(told[name].as_str().unwrap_or_default())
    }) && wanted.get("enable") == Some(enabled.as_str())
}

fn told_rule(told: &Json) -> Json {
    let mut rule =
        json!({ "enabled": value::truth(&told["enable"]).unwrap_or(false), "pos": told["pos"] });
    if told["type"] == "group" {
        rule["security_group"] = told["action"].clone();
    } else {
        rule["type"] = told["type"].clone();
        rule["action"] = told["action"].clone();
    }
    for (attribute, name) in RULE {
        rule[attribute] = told[name].clone();
    }
    rule
}

/// Brings a list of rules to what is wanted. A new rule always comes first, wherever it is asked
/// for, so that the list is made anew from its end.
async fn set_rules(work: &Work<'_>, list: &str, wanted: &[Json]) -> Outcome<()> {
    let summary = || "The firewall rules were not changed".to_owned();
    let told = work.session.client.get(list).await.doing(summary)?;
    let told = told.as_array().cloned().unwrap_or_default();
    let same = wanted.len() == told.len()
        && wanted
            .iter()
            .zip(&told)
            .all(|(wanted, told)| is_same(wanted, told));
    if same {
        return Ok(());
    }
    for at in (0..told.len()).rev() {
        work.delete(&format!("{list}/{at}"), &Params::new())
            .await
            .doing(summary)?;
    }
    for wanted in wanted.iter().rev() {
        work.post(list, &rule(wanted)).await.doing(summary)?;
    }
    Ok(())
}

async fn read_rules(work: &Work<'_>, list: &str, object: &mut Json) -> Outcome<bool> {
    let told = work.session.client.find(list).await;
    let Some(told) = told.doing(|| "The firewall rules cannot be read".to_owned())? else {
        return Ok(false);
    };
    let told = told.as_array().cloned().unwrap_or_default();
    let wanted = all(object, "rule").to_vec();
    let same = wanted.len() == told.len()
        && wanted
            .iter()
            .zip(&told)
            .all(|(wanted, told)| is_same(wanted, told));
    if !same {
        object["rule"] = told.iter().map(told_rule).collect();
    }
    number_rules(object);
    Ok(true)
}

fn number_rules(object: &mut Json) {
    for (at, rule) in object["rule"]
        .as_array_mut()
        .into_iter()
        .flatten()
        .enumerate()
    {
        rule["pos"] = json!(at);
    }
}

impl Kind for Rules {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_firewall_rules"
    }

    fn naming(&self) -> &'static [&'static str] {
        &["node_name", "vm_id", "container_id"]
    }

    fn noun(&self) -> &'static str {
        "list of firewall rules"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (place, id) = scope(object);
            let list = format!("{place}/rules");
            set_rules(work, &list, all(object, "rule")).await?;
            object["id"] = json!(id);
            number_rules(object);
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let (place, id) = scope(object);
            object["id"] = json!(id);
            read_rules(work, &format!("{place}/rules"), object).await
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        _prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        self.create(work, object)
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (place, _) = scope(object);
            let list = format!("{place}/rules");
            match work.session.client.find(&list).await {
                Ok(Some(_)) => set_rules(work, &list, &[]).await,
                // With its guest its firewall is gone, too.
                _ => Ok(()),
            }
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        scope_of(id).ok_or_else(|| SCOPES.to_owned())
    }
}

/// What an option is where the server does not tell it.
#[derive(Clone, Copy)]
enum Usual {
    Flag(bool),
    Text(&'static str),
}

/// An attribute, its parameter, and what it is where nobody says.
type Setting = (&'static str, &'static str, Usual);

/// Options of a guest's firewall.
const OPTIONS: [Setting; 10] = [
    ("dhcp", "dhcp", Usual::Flag(false)),
    ("enabled", "enable", Usual::Flag(false)),
    ("ipfilter", "ipfilter", Usual::Flag(false)),
    ("log_level_in", "log_level_in", Usual::Text("nolog")),
    ("log_level_out", "log_level_out", Usual::Text("nolog")),
    ("macfilter", "macfilter", Usual::Flag(true)),
    ("ndp", "ndp", Usual::Flag(true)),
    ("input_policy", "policy_in", Usual::Text("DROP")),
    ("output_policy", "policy_out", Usual::Text("ACCEPT")),
    ("radv", "radv", Usual::Flag(false)),
];

fn options(object: &Json, table: &[Setting]) -> Params {
    let mut params = Params::new();
    for (attribute, name, usual) in table {
        match usual {
            Usual::Flag(_) => drop(params.maybe(name, object[*attribute].as_bool().map(u8::from))),
            Usual::Text(_) => drop(params.maybe(name, text(object, attribute))),
        }
    }
    params
}

/// Takes back what was set before and is no more.
fn take_back(before: &Params, params: &mut Params) {
    let gone = before.iter().map(|(name, _)| name);
    let gone: Vec<&str> = gone.filter(|name| params.get(name).is_none()).collect();
    if !gone.is_empty() {
        params.set("delete", gone.join(","));
    }
}

fn observe_options(kind: &str, object: &mut Json, told: &Json, table: &[Setting]) {
    let imported = object["(imported)"] == true;
    let facts = schema::find(kind, false);
    let is_preset = |name: &str| facts.is_some_and(|facts| !facts.args[name]["d"].is_null());
    for (attribute, name, usual) in table {
        // What nobody speaks of and the server does not tell stays unsaid.
        let known = !object[*attribute].is_null() || (imported && is_preset(attribute));
        object[*attribute] = match (usual, &told[*name]) {
            (_, Json::Null) if !known => continue,
            (Usual::Flag(usual), told) => json!(value::truth(told).unwrap_or(*usual)),
            (Usual::Text(usual), told) => json!(told.as_str().unwrap_or(usual)),
        };
    }
}

impl Kind for Options {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_firewall_options"
    }

    fn naming(&self) -> &'static [&'static str] {
        &["node_name", "vm_id", "container_id"]
    }

    fn noun(&self) -> &'static str {
        "firewall"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        self.update(work, &Json::Null, object)
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let (place, id) = scope(object);
            let told = work.session.client.find(&format!("{place}/options")).await;
            let Some(told) = told.doing(|| format!("The firewall of `{id}` cannot be read"))?
            else {
                return Ok(false);
            };
            observe_options(self.name(), object, &told, &OPTIONS);
            object["id"] = json!(id);
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (place, id) = scope(object);
            let mut params = options(object, &OPTIONS);
            take_back(&options(prior, &OPTIONS), &mut params);
            let set = work.put(&format!("{place}/options"), &params).await;
            set.doing(|| format!("The options of the firewall of `{id}` were not set"))?;
            object["id"] = json!(id);
            Ok(())
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (place, id) = scope(object);
            let names = OPTIONS.map(|(_, name, _)| name).join(",");
            match work
                .put(
                    &format!("{place}/options"),
                    &Params::new().with("delete", names),
                )
                .await
            {
                Err(error) if error.is_not_found() => Ok(()),
                done => done
                    .map(drop)
                    .doing(|| format!("The options of the firewall of `{id}` were not taken back")),
            }
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        scope_of(id).ok_or_else(|| SCOPES.to_owned())
    }
}

/// `SCOPE/name`.
pub(super) fn named(id: &str) -> Result<Json, String> {
    let parts = id
        .rsplit_once('/')
        .and_then(|(scope, name)| Some((scope_of(scope)?, name)));
    let (mut object, name) = parts
        .ok_or("an id looks like `cluster/NAME`, `vm/NODE/ID/NAME` or `container/NODE/ID/NAME`")?;
    object["name"] = json!(name);
    Ok(object)
}

impl Kind for Group {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_cluster_firewall_security_group"
    }

    fn naming(&self) -> &'static [&'static str] {
        &["name"]
    }

    fn noun(&self) -> &'static str {
        "security group"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let name = text(object, "name").unwrap_or_default().to_owned();
            let mut params = Params::new().with("group", &name);
            params.maybe("comment", text(object, "comment"));
            let made = work.post("/cluster/firewall/groups", &params).await;
            made.doing(|| format!("The security group `{name}` was not created"))?;
            object["id"] = json!(name);
            let one = path(&["cluster", "firewall", "groups", &name]);
            let done = set_rules(work, &one, all(object, "rule")).await;
            number_rules(object);
            done.map_err(|failure| failure.half_made())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let name = text(object, "name").unwrap_or_default().to_owned();
            let groups = work.session.client.get("/cluster/firewall/groups").await;
            let groups = groups.doing(|| "The security groups cannot be listed".to_owned())?;
            let found = groups
                .as_array()
                .into_iter()
                .flatten()
                .find(|group| group["group"] == name.as_str())
                .cloned();
            let Some(group) = found else {
                return Ok(false);
            };
            if text(object, "comment").unwrap_or_default()
                != group["comment"].as_str().unwrap_or_default()
            {
                object["comment"] = group["comment"].clone();
            }
            object["id"] = json!(name);
            read_rules(
                work,
                &path(&["cluster", "firewall", "groups", &name]),
                object,
            )
            .await
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let name = text(object, "name").unwrap_or_default().to_owned();
            if prior["name"] != object["name"] || prior["comment"] != object["comment"] {
                let mut params = Params::new().with("group", &name);
                params
                    .maybe("rename", text(prior, "name"))
                    .set("comment", text(object, "comment").unwrap_or_default());
                let changed = work.post("/cluster/firewall/groups", &params).await;
                changed.doing(|| format!("The security group `{name}` was not changed"))?;
            }
            object["id"] = json!(name);
            let one = path(&["cluster", "firewall", "groups", &name]);
            set_rules(work, &one, all(object, "rule")).await?;
            number_rules(object);
            Ok(())
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let name = text(object, "name").unwrap_or_default();
            let one = path(&["cluster", "firewall", "groups", name]);
            match work.session.client.find(&one).await {
                Ok(Some(_)) => set_rules(work, &one, &[]).await?,
                _ => return Ok(()),
            }
            let gone = work.delete(&one, &Params::new()).await;
            gone.doing(|| format!("The security group `{name}` was not deleted"))
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        Ok(json!({ "name": id }))
    }
}

/// Options of the cluster's firewall.
const CLUSTER: [Setting; 5] = [
    ("ebtables", "ebtables", Usual::Flag(true)),
    ("enabled", "enable", Usual::Flag(false)),
    ("input_policy", "policy_in", Usual::Text("DROP")),
    ("output_policy", "policy_out", Usual::Text("ACCEPT")),
    ("forward_policy", "policy_forward", Usual::Text("ACCEPT")),
];

/// How many lines the cluster's firewall logs: `enable=1,burst=5,rate=1/second`.
fn log_limit(object: &Json) -> Option<String> {
    let limit = first(object, "log_ratelimit");
    if limit.is_null() {
        return None;
    }
    let mut setting = format!("enable={}", u8::from(limit["enabled"] != false));
    for name in ["burst", "rate"] {
        if let Some(value) = value::text(&limit[name]) {
            setting.push_str(&format!(",{name}={value}"));
        }
    }
    Some(setting)
}

/// Puts that limit into the block that the user has, or an import makes.
fn observe_limit(object: &mut Json, told: &Json) {
    let known = !first(object, "log_ratelimit").is_null();
    match told["log_ratelimit"].as_str() {
        None if known => object["log_ratelimit"] = json!([]),
        Some(setting) if known || object["(imported)"] == true => {
            let parts = parts(setting);
            let on = parts.get("enable").or_else(|| parts.get(""));
            let burst = parts.get("burst").and_then(|text| text.parse::<i64>().ok());
            object["log_ratelimit"] = json!([{
                "enabled": on.is_none_or(|text| text == "1"), "burst": burst.unwrap_or(5),
                "rate": parts.get("rate").map_or("1/second", String::as_str),
            }]);
        }
        _ => {}
    }
}

fn cluster_options(object: &Json) -> Params {
    let mut params = options(object, &CLUSTER);
    params.maybe("log_ratelimit", log_limit(object));
    params
}

impl Kind for Cluster {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_cluster_firewall"
    }

    fn noun(&self) -> &'static str {
        "firewall of the cluster"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        self.update(work, &Json::Null, object)
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let told = work.session.client.get("/cluster/firewall/options").await;
            let told = told.doing(|| "The firewall of the cluster cannot be read".to_owned())?;
            observe_options(self.name(), object, &told, &CLUSTER);
            observe_limit(object, &told);
            object["id"] = json!("cluster-firewall");
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let mut params = cluster_options(object);
            take_back(&cluster_options(prior), &mut params);
            let set = work.put("/cluster/firewall/options", &params).await;
            set.doing(|| "The firewall of the cluster was not set".to_owned())?;
            object["id"] = json!("cluster-firewall");
            Ok(())
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, _object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let params = Params::new().with(
                "delete",
                "enable,policy_in,policy_out,policy_forward,ebtables,log_ratelimit",
            );
            let set = work.put("/cluster/firewall/options", &params).await;
            set.map(drop)
                .doing(|| "The firewall of the cluster was not taken back".to_owned())
        })
    }

    fn import(&self, _id: &str) -> Result<Json, String> {
        Ok(json!({}))
    }
}
