//! Data sources: what is there, read.

mod guests;

use serde_json::{Value as Json, json};
use strata_core::Diagnostic;

use self::guests::{lent_guest, passes, shown_guest};
use super::{
    guest::{all, rfc3339, text, texts},
    kind::{Doing, Failure, Outcome, Work},
    lists,
    schema::Facts,
    telmate::ha_group,
    value,
};
use crate::client::path;

/// The names of data sources, without what they begin with.
const ALL: [&str; 23] = [
    "ceph_status",
    "version",
    "nodes",
    "node",
    "vm",
    "vms",
    "container",
    "containers",
    "datastores",
    "users",
    "user",
    "groups",
    "group",
    "roles",
    "role",
    "pools",
    "pool",
    "file",
    "files",
    "dns",
    "hosts",
    "time",
    "haresources",
];

fn short(name: &str) -> &str {
    let name = name
        .strip_prefix("proxmox_virtual_environment_")
        .or_else(|| name.strip_prefix("proxmox_"));
    name.unwrap_or_default()
}

/// True if a data source is offered.
pub(crate) fn has(name: &str) -> bool {
    if name == ha_group::NAME {
        return true;
    }
    let short = short(name);
    ALL.contains(&short) || OF_KINDS.contains(&short) || lists::has(short)
}

/// Data sources that tell what the resource of the same name reads.
const OF_KINDS: [&str; 26] = [
    "acme_account",
    "acme_plugin",
    "apt_repository",
    "apt_standard_repository",
    "hagroup",
    "hardware_mapping_dir",
    "hardware_mapping_pci",
    "hardware_mapping_usb",
    "haresource",
    "metrics_server",
    "node_config",
    "replication",
    "sdn_controller_evpn",
    "sdn_fabric_node_openfabric",
    "sdn_fabric_node_ospf",
    "sdn_fabric_openfabric",
    "sdn_fabric_ospf",
    "sdn_subnet",
    "sdn_vnet",
    "sdn_zone_evpn",
    "sdn_zone_qinq",
    "sdn_zone_simple",
    "sdn_zone_vlan",
    "sdn_zone_vxlan",
    "pool_membership",
    "backup_job",
];

/// Reads a data source as the resource of the same name is read.
async fn of_kind(work: &Work<'_>, name: &str, object: &mut Json) -> Outcome<()> {
    let resource = match name {
        "proxmox_acme_plugin" => "proxmox_acme_dns_plugin",
        name => name,
    };
    let Some(kind) = super::kinds().get(resource) else {
        return Err(Failure::new(super::unknown_type(name)));
    };
    // As on import: nothing is known before, so all that is told counts.
    object["(imported)"] = Json::Bool(true);
    match kind.read(work, object).await? {
        true => Ok(()),
        false => Err(Failure::new(
            Diagnostic::error(
                "proxmox-not-found",
                format!("There is no such {}", kind.noun()),
            )
            .detail(format!("asked for by `{name}`")),
        )),
    }
}

/// Reads a data source into its object.
pub(crate) async fn read(work: &Work<'_>, facts: &Facts, object: &mut Json) -> Outcome<()> {
    if facts.telmate {
        return ha_group::read(work, object).await;
    }
    let name = facts.names.first().map_or("", |name| short(name));
    if OF_KINDS.contains(&name) {
        let whole = facts.names.first().map_or("", String::as_str);
        return of_kind(work, whole, object).await;
    }
    if facts.names.iter().any(|name| name == "proxmox_vm") {
        return match super::newer::data(work, object).await? {
            true => Ok(()),
            false => Source { work, object }.missing("such VM"),
        };
    }
    if lists::has(name) {
        return lists::read(work, name, object).await;
    }
    let source = Source { work, object };
    match name {
        "version" => source.version().await,
        "ceph_status" => source.ceph_status().await,
        "nodes" => source.nodes().await,
        "node" => source.node().await,
        "vm" => source.guest("qemu").await,
        "vms" => source.guests("qemu", "vms").await,
        "container" => source.guest("lxc").await,
        "containers" => source.guests("lxc", "containers").await,
        "datastores" => source.datastores().await,
        "users" => source.users().await,
        "user" => source.user().await,
        "groups" => source.groups().await,
        "group" => source.group().await,
        "roles" => source.roles().await,
        "role" => source.role().await,
        "pools" => source.pools().await,
        "pool" => source.pool().await,
        "file" => source.file().await,
        "files" => source.files().await,
        "dns" => source.dns().await,
        "hosts" => source.hosts().await,
        "time" => source.time().await,
        _ => source.ha_resources().await,
    }
}

struct Source<'a> {
    work: &'a Work<'a>,
    object: &'a mut Json,
}

/// One member of each row, as a list.
fn column(rows: &[Json], name: &str) -> Json {
    rows.iter().map(|row| row[name].clone()).collect()
}

fn column_of(rows: &[Json], of: impl Fn(&Json) -> Json) -> Json {
    rows.iter().map(of).collect()
}

impl Source<'_> {
    async fn get(&self, path: &str) -> Outcome<Json> {
        self.work
            .session
            .client
            .get(path)
            .await
            .doing(|| format!("`{path}` cannot be read"))
    }

    async fn rows(&self, path: &str, order: &str) -> Outcome<Vec<Json>> {
        let mut rows = self
            .get(path)
            .await?
            .as_array()
            .cloned()
            .unwrap_or_default();
        rows.sort_by_key(|row| row[order].to_string());
        Ok(rows)
    }

    fn text(&self, name: &str) -> String {
        text(self.object, name).unwrap_or_default().to_owned()
    }

    fn set(&mut self, name: &str, value: Json) {
        self.object[name] = value;
    }

    fn missing<T>(&self, what: &str) -> Outcome<T> {
        Err(Failure::new(Diagnostic::error(
            "proxmox-not-found",
            format!("There is no {what}"),
        )))
    }

    async fn version(mut self) -> Outcome<()> {
        let told = self.get("/version").await?;
        for (attribute, name) in [
            ("release", "release"),
            ("repository_id", "repoid"),
            ("version", "version"),
        ] {
            self.set(attribute, told[name].clone());
        }
        self.set("id", json!("version"));
        Ok(())
    }

    async fn ceph_status(mut self) -> Outcome<()> {
        let node = self.text("node_name");
        let place = match node.is_empty() {
            true => "/cluster/ceph/status".to_owned(),
            false => path(&["nodes", &node, "ceph", "status"]),
        };
        let told = self.get(&place).await?;
        self.set("fsid", told["fsid"].clone());
        self.set("health_status", told["health"]["status"].clone());
        self.set("quorum_names", told["quorum_names"].clone());
        self.set("id", told["fsid"].clone());
        Ok(())
    }

    async fn nodes(mut self) -> Outcome<()> {
        let rows = self.rows("/nodes", "node").await?;
        let free = |row: &Json| {
            json!(row["maxmem"].as_i64().unwrap_or(0) - row["mem"].as_i64().unwrap_or(0))
        };
        self.set("names", column(&rows, "node"));
        self.set("cpu_count", column(&rows, "maxcpu"));
        self.set("cpu_utilization", column(&rows, "cpu"));
        self.set("memory_available", column_of(&rows, free));
        self.set("memory_used", column(&rows, "mem"));
        self.set(
            "online",
            column_of(&rows, |row| json!(row["status"] == "online")),
        );
        self.set("ssl_fingerprints", column(&rows, "ssl_fingerprint"));
        self.set("support_levels", column(&rows, "level"));
        self.set("uptime", column(&rows, "uptime"));
        self.set("id", json!("nodes"));
        Ok(())
    }

    async fn node(mut self) -> Outcome<()> {
        let name = self.text("node_name");
        let told = self.get(&path(&["nodes", &name, "status"])).await?;
        let cpu = &told["cpuinfo"];
        for (attribute, from) in [
            ("cpu_cores", "cores"),
            ("cpu_count", "cpus"),
            ("cpu_model", "model"),
            ("cpu_sockets", "sockets"),
        ] {
            self.set(attribute, cpu[from].clone());
        }
        self.set("cpu_utilization", told["cpu"].clone());
        for (attribute, from) in [
            ("memory_available", "free"),
            ("memory_total", "total"),
            ("memory_used", "used"),
        ] {
            self.set(attribute, told["memory"][from].clone());
        }
        self.set("uptime", told["uptime"].clone());
        self.set("id", json!(name));
        Ok(())
    }

    async fn guest(mut self, kind: &str) -> Outcome<()> {
        let id = value::number(&self.object["vm_id"]).unwrap_or_default();
        let cluster = self.work.session.cluster().await;
        let cluster = cluster.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
        let row = u32::try_from(id)
            .ok()
            .and_then(|id| cluster.guests.get(&id))
            .filter(|row| row["type"] == kind);
        let Some(row) = row else {
            return self.missing(&format!("guest {id}"));
        };
        let shown = shown_guest(row);
        for name in ["name", "tags", "template", "status"] {
            self.set(name, shown[name].clone());
        }
        self.set("id", json!(id.to_string()));
        Ok(())
    }

    async fn guests(mut self, kind: &str, list: &str) -> Outcome<()> {
        let cluster = self.work.session.cluster().await;
        let cluster = cluster.doing(|| "The guests of the cluster cannot be listed".to_owned())?;
        let (node, tags) = (self.text("node_name"), texts(self.object, "tags"));
        let filters = all(self.object, "filter").to_vec();
        let mut found = Vec::new();
        for row in cluster.guests.values().filter(|row| row["type"] == kind) {
            let shown = shown_guest(row);
            let own = texts(&shown, "tags");
            let fits = (node.is_empty() || shown["node_name"] == node.as_str())
                && tags.iter().all(|tag| own.contains(tag));
            if fits && passes(&shown, &filters)? {
                found.push(shown);
            }
        }
        if found.is_empty() && self.work.session.is_rehearsal() {
            found.extend(lent_guest(&node, &tags, &filters));
        }
        self.set(list, json!(found));
        self.set("id", json!(list));
        Ok(())
    }

    async fn datastores(mut self) -> Outcome<()> {
        let node = self.text("node_name");
        let rows = self
            .rows(&path(&["nodes", &node, "storage"]), "storage")
            .await?;
        let filters = self.object["filters"].clone();
        let wanted = texts(&filters, "content_types");
        let mut found = Vec::new();
        for row in rows {
            let content: Vec<String> = row["content"]
                .as_str()
                .unwrap_or_default()
                .split(',')
                .map(str::to_owned)
                .collect();
            let fits = wanted.iter().all(|kind| content.contains(kind))
                && filters["id"].as_str().is_none_or(|id| row["storage"] == id);
            if fits {
                found.push(json!({
                    "id": row["storage"], "node_name": node, "type": row["type"], "content_types": content,
                    "active": value::truth(&row["active"]), "enabled": value::truth(&row["enabled"]), "shared": value::truth(&row["shared"]),
                    "space_available": row["avail"], "space_total": row["total"], "space_used": row["used"], "space_used_fraction": row["used_fraction"],
                }));
            }
        }
        self.set("datastores", json!(found));
        Ok(())
    }

    async fn users(mut self) -> Outcome<()> {
        let rows = self.rows("/access/users?full=1", "userid").await?;
        for (attribute, name) in [
            ("comments", "comment"),
            ("emails", "email"),
            ("first_names", "firstname"),
            ("keys", "keys"),
            ("last_names", "lastname"),
            ("user_ids", "userid"),
        ] {
            self.set(
                attribute,
                column_of(&rows, |row| json!(row[name].as_str().unwrap_or_default())),
            );
        }
        self.set(
            "enabled",
            column_of(&rows, |row| {
                json!(value::truth(&row["enable"]).unwrap_or(true))
            }),
        );
        self.set(
            "expiration_dates",
            column_of(&rows, |row| {
                json!(rfc3339(value::number(&row["expire"]).unwrap_or(0)))
            }),
        );
        self.set("groups", column_of(&rows, |row| split(&row["groups"])));
        self.set("id", json!("users"));
        Ok(())
    }

    async fn user(mut self) -> Outcome<()> {
        let name = self.text("user_id");
        let told = self.get(&path(&["access", "users", &name])).await?;
        for (attribute, key) in [
            ("comment", "comment"),
            ("email", "email"),
            ("first_name", "firstname"),
            ("keys", "keys"),
            ("last_name", "lastname"),
        ] {
            self.set(attribute, json!(told[key].as_str().unwrap_or_default()));
        }
        self.set(
            "enabled",
            json!(value::truth(&told["enable"]).unwrap_or(true)),
        );
        self.set(
            "expiration_date",
            json!(rfc3339(value::number(&told["expire"]).unwrap_or(0))),
        );
        self.set("groups", told["groups"].clone());
        let acl = self.acl("user", &name).await?;
        self.set("acl", acl);
        self.set("id", json!(name));
        Ok(())
    }

    async fn acl(&self, kind: &str, name: &str) -> Outcome<Json> {
        let rows = self.rows("/access/acl", "path").await?;
        let own = rows
            .iter()
            .filter(|row| row["type"] == kind && row["ugid"] == name);
        Ok(own.map(|row| json!({ "path": row["path"], "role_id": row["roleid"], "propagate": value::truth(&row["propagate"]) })).collect())
    }

    async fn groups(mut self) -> Outcome<()> {
        let rows = self.rows("/access/groups", "groupid").await?;
        self.set(
            "comments",
            column_of(&rows, |row| {
                json!(row["comment"].as_str().unwrap_or_default())
            }),
        );
        self.set("group_ids", column(&rows, "groupid"));
        self.set("id", json!("groups"));
        Ok(())
    }

    async fn group(mut self) -> Outcome<()> {
        let name = self.text("group_id");
        let told = self.get(&path(&["access", "groups", &name])).await?;
        self.set(
            "comment",
            json!(told["comment"].as_str().unwrap_or_default()),
        );
        self.set("members", told["members"].clone());
        let acl = self.acl("group", &name).await?;
        self.set("acl", acl);
        self.set("id", json!(name));
        Ok(())
    }

    async fn roles(mut self) -> Outcome<()> {
        let rows = self.rows("/access/roles", "roleid").await?;
        self.set("role_ids", column(&rows, "roleid"));
        self.set("privileges", column_of(&rows, |row| split(&row["privs"])));
        self.set(
            "special",
            column_of(&rows, |row| {
                json!(value::truth(&row["special"]).unwrap_or(false))
            }),
        );
        self.set("id", json!("roles"));
        Ok(())
    }

    async fn role(mut self) -> Outcome<()> {
        let name = self.text("role_id");
        let told = self.get(&path(&["access", "roles", &name])).await?;
        let privileges: Vec<&String> = value::members(&told).keys().collect();
        let privileges = json!(privileges);
        self.set("privileges", privileges);
        self.set("id", json!(name));
        Ok(())
    }

    async fn pools(mut self) -> Outcome<()> {
        let rows = self.rows("/pools", "poolid").await?;
        self.set("pool_ids", column(&rows, "poolid"));
        self.set("id", json!("pools"));
        Ok(())
    }

    async fn pool(mut self) -> Outcome<()> {
        let name = self.text("pool_id");
        let told = self.get(&path(&["pools", &name])).await?;
        self.set(
            "comment",
            json!(told["comment"].as_str().unwrap_or_default()),
        );
        let members = all(&told, "members").iter().map(|member| {
            json!({
                "datastore_id": member["storage"], "id": member["id"], "node_name": member["node"],
                "type": member["type"], "vm_id": member["vmid"],
            })
        });
        self.set("members", members.collect());
        self.set("id", json!(name));
        Ok(())
    }

    async fn stored(&self) -> Outcome<Vec<Json>> {
        let list = path(&[
            "nodes",
            &self.text("node_name"),
            "storage",
            &self.text("datastore_id"),
            "content",
        ]);
        let content = self.text("content_type");
        let query = if content.is_empty() {
            String::new()
        } else {
            format!("?content={content}")
        };
        let rows = self.rows(&format!("{list}{query}"), "volid").await?;
        let shown = rows.iter().map(|row| json!({
            "id": row["volid"], "content_type": row["content"], "file_format": row["format"], "file_size": row["size"],
            "file_name": row["volid"].as_str().and_then(|id| id.rsplit(['/', ':']).next()), "vmid": row["vmid"],
        }));
        Ok(shown.collect())
    }

    async fn file(mut self) -> Outcome<()> {
        let name = self.text("file_name");
        let rehearses = self.work.session.manner.rehearses;
        let stored = match self.stored().await {
            // Its storage may be one that nobody made.
            Err(_) if rehearses => Vec::new(),
            stored => stored?,
        };
        let found = stored
            .into_iter()
            .find(|file| file["file_name"] == name.as_str());
        let file = match found {
            Some(file) => file,
            None if rehearses => self.lent_file(&name),
            None => {
                return self.missing(&format!(
                    "file `{name}` in storage `{}`",
                    self.text("datastore_id")
                ));
            }
        };
        for name in ["file_format", "file_size", "id", "vmid"] {
            self.set(name, file[name].clone());
        }
        Ok(())
    }

    /// A file that nobody put there, as a rehearsal has it: what its name tells, and no more.
    fn lent_file(&self, name: &str) -> Json {
        let (storage, content) = (self.text("datastore_id"), self.text("content_type"));
        let format = name.rsplit_once('.').map(|(_, extension)| extension);
        json!({ "id": format!("{storage}:{content}/{name}"), "file_format": format })
    }

    async fn files(mut self) -> Outcome<()> {
        let pattern = self.text("file_name_regex");
        let regex = regex::Regex::new(&pattern).map_err(|error| {
            Failure::new(
                Diagnostic::error(
                    "proxmox-invalid-value",
                    "`file_name_regex` is no regular expression",
                )
                .detail(error.to_string()),
            )
        })?;
        let files = self.stored().await?.into_iter();
        let files: Vec<Json> = files
            .filter(|file| {
                file["file_name"]
                    .as_str()
                    .is_some_and(|name| regex.is_match(name))
            })
            .collect();
        self.set("files", json!(files));
        Ok(())
    }

    async fn dns(mut self) -> Outcome<()> {
        let name = self.text("node_name");
        let told = self.get(&path(&["nodes", &name, "dns"])).await?;
        let servers: Vec<Json> = ["dns1", "dns2", "dns3"]
            .iter()
            .filter(|key| !told[**key].is_null())
            .map(|key| told[*key].clone())
            .collect();
        self.set("servers", json!(servers));
        self.set("domain", told["search"].clone());
        self.set("id", json!(format!("{name}_dns")));
        Ok(())
    }

    async fn hosts(mut self) -> Outcome<()> {
        let name = self.text("node_name");
        let told = self.get(&path(&["nodes", &name, "hosts"])).await?;
        let lines = told["data"]
            .as_str()
            .unwrap_or_default()
            .lines()
            .map(|line| line.split('#').next().unwrap_or_default().to_owned());
        let entries: Vec<Vec<String>> = lines
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .filter(|words: &Vec<String>| !words.is_empty())
            .collect();
        self.set(
            "addresses",
            entries.iter().map(|words| json!(words[0])).collect(),
        );
        self.set(
            "hostnames",
            entries.iter().map(|words| json!(words[1..])).collect(),
        );
        self.set(
            "entries",
            entries
                .iter()
                .map(|words| json!({ "address": words[0], "hostnames": words[1..] }))
                .collect(),
        );
        self.set("digest", told["digest"].clone());
        self.set("id", json!(format!("{name}_hosts")));
        Ok(())
    }

    async fn time(mut self) -> Outcome<()> {
        let name = self.text("node_name");
        let told = self.get(&path(&["nodes", &name, "time"])).await?;
        let time = |key: &str| json!(value::number(&told[key]).map(rfc3339));
        self.set("local_time", time("localtime"));
        self.set("utc_time", time("time"));
        self.set("time_zone", told["timezone"].clone());
        self.set("id", json!(format!("{name}_time")));
        Ok(())
    }

    async fn ha_resources(mut self) -> Outcome<()> {
        let kind = self.text("type");
        let rows = self.rows("/cluster/ha/resources", "sid").await?;
        let rows: Vec<Json> = rows
            .into_iter()
            .filter(|row| kind.is_empty() || row["type"] == kind.as_str())
            .collect();
        self.set("resource_ids", column(&rows, "sid"));
        self.set("id", json!("haresources"));
        Ok(())
    }
}

fn split(text: &Json) -> Json {
    let items = text
        .as_str()
        .unwrap_or_default()
        .split(',')
        .filter(|item| !item.is_empty());
    items.map(|item| json!(item)).collect()
}
