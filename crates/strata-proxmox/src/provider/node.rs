//! Settings of nodes and of the cluster: DNS, hosts, certificate, APT repositories, options.

use serde_json::{Value as Json, json};
use strata_core::BoxFuture;

use super::{
    guest::{all, text, texts},
    kind::{Doing, Kind, Outcome, Work},
    value,
};
use crate::client::{Params, path};

pub(crate) static ALL: [&dyn Kind; 6] =
    [&Dns, &Hosts, &Certificate, &Repository, &Standard, &Options];

struct Dns;
struct Hosts;
struct Certificate;
struct Repository;
struct Standard;
struct Options;

fn node(object: &Json) -> &str {
    text(object, "node_name")
        .or_else(|| text(object, "node"))
        .unwrap_or_default()
}

fn of(object: &Json, rest: &[&str]) -> String {
    let mut segments = vec!["nodes", node(object)];
    segments.extend(rest);
    path(&segments)
}

fn by_node(id: &str) -> Result<Json, String> {
    match id.is_empty() || id.contains('/') {
        true => Err("an id is the name of a node".to_owned()),
        false => Ok(json!({ "node_name": id })),
    }
}

impl Kind for Dns {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_dns"
    }

    fn noun(&self) -> &'static str {
        "DNS of node"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let mut params = Params::new();
            params.maybe("search", text(object, "domain"));
            for (at, server) in texts(object, "servers").iter().enumerate() {
                params.set(format!("dns{}", at + 1), server);
            }
            let notes = |text: &str| work.note(text);
            let set = work
                .session
                .put(&of(object, &["dns"]), &params, &notes)
                .await;
            set.doing(|| {
                format!(
                    "The DNS settings of node `{}` were not changed",
                    node(object)
                )
            })?;
            object["id"] = json!(format!("{}_dns", node(object)));
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let told = work.session.client.get(&of(object, &["dns"])).await;
            let told = told
                .doing(|| format!("The DNS settings of node `{}` cannot be read", node(object)))?;
            let servers: Vec<&str> = ["dns1", "dns2", "dns3"]
                .iter()
                .filter_map(|name| told[*name].as_str())
                .collect();
            if texts(object, "servers") != servers {
                object["servers"] = json!(servers);
            }
            object["domain"] = told["search"].clone();
            object["id"] = json!(format!("{}_dns", node(object)));
            Ok(true)
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

    fn delete<'a>(&'a self, _work: &'a Work<'a>, _object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        // A node without name servers is no use to anybody: they stay as they are.
        Box::pin(async { Ok(()) })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        by_node(id)
    }
}

/// The lines of `/etc/hosts` as entries.
fn entries(file: &str) -> Vec<Json> {
    let lines = file
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default());
    let entries = lines.filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next()?;
        let names: Vec<&str> = words.collect();
        Some(json!({ "address": address, "hostnames": names }))
    });
    entries.collect()
}

fn show_hosts(object: &mut Json, file: &str, digest: &Json) {
    let now = entries(file);
    object["addresses"] = now.iter().map(|entry| entry["address"].clone()).collect();
    object["hostnames"] = now.iter().map(|entry| entry["hostnames"].clone()).collect();
    object["digest"] = digest.clone();
    object["id"] = json!(format!("{}_hosts", node(object)));
}

impl Kind for Hosts {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_hosts"
    }

    fn noun(&self) -> &'static str {
        "hosts of node"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let lines = all(object, "entry").iter().map(|entry| {
                format!(
                    "{} {}\n",
                    text(entry, "address").unwrap_or_default(),
                    texts(entry, "hostnames").join(" ")
                )
            });
            let params = Params::new().with("data", lines.collect::<String>());
            let notes = |text: &str| work.note(text);
            let set = work
                .session
                .post(&of(object, &["hosts"]), &params, &notes)
                .await;
            set.doing(|| format!("The hosts of node `{}` were not changed", node(object)))?;
            self.read(work, object).await.map(drop)
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let told = work.session.client.get(&of(object, &["hosts"])).await;
            let told =
                told.doing(|| format!("The hosts of node `{}` cannot be read", node(object)))?;
            let file = told["data"].as_str().unwrap_or_default().to_owned();
            let now = entries(&file);
            if all(object, "entry") != now.as_slice() {
                object["entry"] = json!(now);
            }
            show_hosts(object, &file, &told["digest"]);
            Ok(true)
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

    fn delete<'a>(&'a self, _work: &'a Work<'a>, _object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        // A node cannot do without its hosts file: it stays as it is.
        Box::pin(async { Ok(()) })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        by_node(id)
    }
}

impl Kind for Certificate {
    fn name(&self) -> &'static str {
        "proxmox_virtual_environment_certificate"
    }

    fn noun(&self) -> &'static str {
        "certificate of node"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let chain = [
                text(object, "certificate"),
                text(object, "certificate_chain"),
            ];
            let chain: Vec<&str> = chain.into_iter().flatten().map(str::trim).collect();
            let mut params = Params::new()
                .with("certificates", chain.join("\n"))
                .with("restart", 1);
            params
                .maybe("key", text(object, "private_key"))
                .flag("force", object["overwrite"] == true);
            let notes = |text: &str| work.note(text);
            let set = work
                .session
                .post(&of(object, &["certificates", "custom"]), &params, &notes)
                .await;
            set.doing(|| format!("The certificate of node `{}` was not set", node(object)))?;
            self.read(work, object)
                .await
                .map(drop)
                .map_err(|failure| failure.half_made())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let told = work
                .session
                .client
                .get(&of(object, &["certificates", "info"]))
                .await;
            let told = told
                .doing(|| format!("The certificates of node `{}` cannot be read", node(object)))?;
            let found = told
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| one["filename"] == "pveproxy-ssl.pem")
                .cloned();
            let Some(info) = found else {
                return Ok(false);
            };
            let time = |name: &str| value::number(&info[name]).map(super::guest::rfc3339);
            object["expiration_date"] = json!(time("notafter"));
            object["start_date"] = json!(time("notbefore"));
            for (attribute, name) in [
                ("file_name", "filename"),
                ("issuer", "issuer"),
                ("subject", "subject"),
                ("ssl_fingerprint", "fingerprint"),
                ("public_key_type", "public-key-type"),
                ("public_key_size", "public-key-bits"),
                ("subject_alternative_names", "san"),
            ] {
                object[attribute] = info[name].clone();
            }
            object["id"] = json!(format!("{}_certificate", node(object)));
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        _prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let overwrite = object["overwrite"].take();
            object["overwrite"] = json!(true);
            let done = self.create(work, object).await;
            object["overwrite"] = overwrite;
            done
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let notes = |text: &str| work.note(text);
            let place = of(object, &["certificates", "custom"]);
            let gone = work
                .session
                .delete(&place, &Params::new().with("restart", 1), &notes)
                .await;
            gone.doing(|| format!("The certificate of node `{}` was not removed", node(object)))
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        by_node(id)
    }
}

async fn repositories(work: &Work<'_>, object: &Json) -> Outcome<Json> {
    let told = work
        .session
        .client
        .get(&of(object, &["apt", "repositories"]))
        .await;
    told.doing(|| {
        format!(
            "The APT repositories of node `{}` cannot be read",
            node(object)
        )
    })
}

/// A repository by file and position.
fn at<'a>(told: &'a Json, file: &str, index: i64) -> Option<&'a Json> {
    let file = told["files"]
        .as_array()?
        .iter()
        .find(|one| one["path"] == file)?;
    file["repositories"]
        .as_array()?
        .get(usize::try_from(index).ok()?)
}

async fn enable(
    work: &Work<'_>,
    object: &Json,
    file: &str,
    index: i64,
    enabled: bool,
) -> Outcome<()> {
    let params = Params::new()
        .with("path", file)
        .with("index", index)
        .with("enabled", u8::from(enabled));
    let notes = |text: &str| work.note(text);
    let set = work
        .session
        .post(&of(object, &["apt", "repositories"]), &params, &notes)
        .await;
    set.map(drop)
        .doing(|| format!("The APT repository {index} of `{file}` was not switched"))
}

impl Kind for Repository {
    fn name(&self) -> &'static str {
        "proxmox_apt_repository"
    }

    fn noun(&self) -> &'static str {
        "APT repository"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (file, index) = (
                text(object, "file_path").unwrap_or_default().to_owned(),
                value::number(&object["index"]).unwrap_or(0),
            );
            if let Some(enabled) = object["enabled"].as_bool() {
                enable(work, object, &file, index, enabled).await?;
            }
            self.read(work, object).await.map(drop)
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let told = repositories(work, object).await?;
            let (file, index) = (
                text(object, "file_path").unwrap_or_default().to_owned(),
                value::number(&object["index"]).unwrap_or(0),
            );
            let Some(found) = at(&told, &file, index) else {
                return Ok(false);
            };
            if !object["enabled"].is_null() || object["(imported)"] == true {
                object["enabled"] = json!(value::truth(&found["Enabled"]));
            }
            for (attribute, name) in [
                ("comment", "Comment"),
                ("components", "Components"),
                ("file_type", "FileType"),
                ("package_types", "Types"),
                ("suites", "Suites"),
                ("uris", "URIs"),
            ] {
                object[attribute] = found[name].clone();
            }
            object["id"] = json!(format!("apt_repository_{}_{file}_{index}", node(object)));
            Ok(true)
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

    fn delete<'a>(&'a self, _work: &'a Work<'a>, _object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        // The API cannot take a repository out of its file.
        Box::pin(async { Ok(()) })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        let parts: Vec<&str> = id.split(',').collect();
        match parts.as_slice() {
            [node, file, index] if index.parse::<i64>().is_ok() => Ok(
                json!({ "node": node, "file_path": file, "index": index.parse::<i64>().unwrap_or(0) }),
            ),
            _ => Err("an id looks like `node,/etc/apt/sources.list,0`".to_owned()),
        }
    }
}

/// Components by which standard repositories are known.
fn component(handle: &str) -> String {
    match handle.strip_prefix("ceph-") {
        Some(rest) => rest
            .rsplit_once('-')
            .map_or(rest, |(_, kind)| kind)
            .to_owned(),
        None => format!("pve-{handle}"),
    }
}

fn find_standard(told: &Json, handle: &str) -> Option<(String, i64)> {
    for file in told["files"].as_array()? {
        for (index, one) in file["repositories"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            if one["Components"][0] == component(handle).as_str() {
                return Some((
                    file["path"].as_str()?.to_owned(),
                    i64::try_from(index).ok()?,
                ));
            }
        }
    }
    None
}

impl Kind for Standard {
    fn name(&self) -> &'static str {
        "proxmox_apt_standard_repository"
    }

    fn noun(&self) -> &'static str {
        "standard APT repository"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let handle = text(object, "handle").unwrap_or_default().to_owned();
            let notes = |text: &str| work.note(text);
            let place = of(object, &["apt", "repositories"]);
            let set = work
                .session
                .put(&place, &Params::new().with("handle", &handle), &notes)
                .await;
            set.doing(|| format!("The APT repository `{handle}` was not added"))?;
            self.read(work, object).await.map(drop)
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let told = repositories(work, object).await?;
            let handle = text(object, "handle").unwrap_or_default().to_owned();
            let known = told["standard-repos"]
                .as_array()
                .into_iter()
                .flatten()
                .find(|one| one["handle"] == handle.as_str())
                .cloned();
            let known = known.unwrap_or_default();
            if known["status"].is_null() {
                return Ok(false);
            }
            for name in ["name", "description", "status"] {
                object[name] = known[name].clone();
            }
            object["description"] = json!(known["description"].as_str().unwrap_or_default());
            if let Some((file, index)) = find_standard(&told, &handle) {
                object["file_path"] = json!(file);
                object["index"] = json!(index);
            }
            object["id"] = json!(format!("apt_standard_repository_{}_{handle}", node(object)));
            Ok(true)
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

    fn delete<'a>(&'a self, _work: &'a Work<'a>, _object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        // The API cannot take a repository out of its file.
        Box::pin(async { Ok(()) })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        match id.split_once(',') {
            Some((node, handle)) => Ok(json!({ "node": node, "handle": handle })),
            None => Err("an id looks like `node,no-subscription`".to_owned()),
        }
    }
}

/// Options of the cluster: argument, parameter, and the part of it if it is a property string.
const OPTIONS: [(&str, &str, &str); 18] = [
    ("bandwidth_limit_clone", "bwlimit", "clone"),
    ("bandwidth_limit_default", "bwlimit", "default"),
    ("bandwidth_limit_migration", "bwlimit", "migration"),
    ("bandwidth_limit_move", "bwlimit", "move"),
    ("bandwidth_limit_restore", "bwlimit", "restore"),
    ("console", "console", ""),
    ("crs_ha", "crs", "ha"),
    ("crs_ha_rebalance_on_start", "crs", "ha-rebalance-on-start"),
    ("description", "description", ""),
    ("email_from", "email_from", ""),
    ("ha_shutdown_policy", "ha", "shutdown_policy"),
    ("http_proxy", "http_proxy", ""),
    ("keyboard", "keyboard", ""),
    ("language", "language", ""),
    ("mac_prefix", "mac_prefix", ""),
    ("max_workers", "max_workers", ""),
    ("migration_cidr", "migration", "network"),
    ("migration_type", "migration", "type"),
];

impl Options {
    fn params(object: &Json) -> Params {
        let mut params = Params::new();
        for (attribute, name, part) in OPTIONS {
            let given = match &object[attribute] {
                Json::Bool(truth) => Some(u8::from(*truth).to_string()),
                other => value::text(other).filter(|text| !text.is_empty()),
            };
            let Some(given) = given else {
                continue;
            };
            let whole = match (part, params.get(name)) {
                ("", _) => given,
                (part, None) => format!("{part}={given}"),
                (part, Some(known)) => format!("{known},{part}={given}"),
            };
            params.set(name, whole);
        }
        let next = &object["next_id"];
        let range: Vec<String> = ["lower", "upper"]
            .iter()
            .filter_map(|name| Some(format!("{name}={}", value::text(&next[*name])?)))
            .collect();
        if !range.is_empty() {
            params.set("next-id", range.join(","));
        }
        params
    }
}

impl Kind for Options {
    fn name(&self) -> &'static str {
        "proxmox_cluster_options"
    }

    fn noun(&self) -> &'static str {
        "options of the cluster"
    }

    fn refused(&self) -> &'static [&'static str] {
        &[
            "notify",
            "crs_ha_auto_rebalance",
            "crs_ha_auto_rebalance_hold_duration",
            "crs_ha_auto_rebalance_margin",
            "crs_ha_auto_rebalance_method",
            "crs_ha_auto_rebalance_threshold",
        ]
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let params = Self::params(object);
            let notes = |text: &str| work.note(text);
            if !params.is_empty() {
                let set = work.session.put("/cluster/options", &params, &notes).await;
                set.doing(|| "The options of the cluster were not set".to_owned())?;
            }
            self.read(work, object).await.map(drop)
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let told = work.session.client.get("/cluster/options").await;
            let told = told.doing(|| "The options of the cluster cannot be read".to_owned())?;
            for (attribute, name, part) in OPTIONS {
                let now = if part.is_empty() {
                    &told[name]
                } else {
                    &told[name][part]
                };
                let computed = attribute == "mac_prefix" && object[attribute].is_null();
                if !now.is_null() && (!object[attribute].is_null() || computed) {
                    object[attribute] = match &object[attribute] {
                        Json::Bool(_) => json!(value::truth(now)),
                        _ => now.clone(),
                    };
                }
            }
            object["id"] = json!("cluster");
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
            let (before, mut params) = (Self::params(prior), Self::params(object));
            let gone: Vec<&str> = before
                .iter()
                .map(|(name, _)| name)
                .filter(|name| params.get(name).is_none())
                .collect();
            if !gone.is_empty() {
                params.set("delete", gone.join(","));
            }
            let notes = |text: &str| work.note(text);
            let set = work.session.put("/cluster/options", &params, &notes).await;
            set.doing(|| "The options of the cluster were not set".to_owned())?;
            self.read(work, object).await.map(drop)
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let params = Self::params(object);
            let names: Vec<&str> = params.iter().map(|(name, _)| name).collect();
            if names.is_empty() {
                return Ok(());
            }
            let notes = |text: &str| work.note(text);
            let set = work
                .session
                .put(
                    "/cluster/options",
                    &Params::new().with("delete", names.join(",")),
                    &notes,
                )
                .await;
            set.map(drop)
                .doing(|| "The options of the cluster were not taken back".to_owned())
        })
    }

    fn import(&self, _id: &str) -> Result<Json, String> {
        Ok(json!({}))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hosts_file_is_read_line_by_line() {
        let entries = entries("127.0.0.1 localhost a # note\n\n# nothing\n::1 ip6\n");
        assert_eq!(
            entries[0],
            json!({ "address": "127.0.0.1", "hostnames": ["localhost", "a"] })
        );
        assert_eq!(entries.len(), 2);
    }
}
