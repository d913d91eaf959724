//! Settings of nodes: DNS, hosts, certificate.

use serde_json::{Value as Json, json};
use strata_core::BoxFuture;

use super::{
    guest::{all, text, texts},
    kind::{Doing, Kind, Outcome, Work},
    value,
};
use crate::client::{Params, path};

pub(crate) static ALL: [&dyn Kind; 3] = [&Dns, &Hosts, &Certificate];

struct Dns;
struct Hosts;
struct Certificate;

pub(super) fn node(object: &Json) -> &str {
    text(object, "node_name")
        .or_else(|| text(object, "node"))
        .unwrap_or_default()
}

pub(super) fn of(object: &Json, rest: &[&str]) -> String {
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
            let set = work.put(&of(object, &["dns"]), &params).await;
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

    fn naming(&self) -> &'static [&'static str] {
        &["node_name"]
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
            let set = work.post(&of(object, &["hosts"]), &params).await;
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

/// The certificates of a chain, each with its lines of dashes.
fn certificates(chain: &str) -> Vec<&str> {
    let parts = chain.split_inclusive("-----END CERTIFICATE-----");
    let parts = parts.map(str::trim);
    parts
        .filter(|part| part.starts_with("-----BEGIN"))
        .collect()
}

/// Puts the certificates that a node shows into the object: the first is its own, the others are its chain.
fn observe_chain(object: &mut Json, told: &str) {
    let told = certificates(told);
    let known = ["certificate", "certificate_chain"].map(|name| {
        let known = text(object, name).unwrap_or_default();
        certificates(known).into_iter().map(str::to_owned)
    });
    let known: Vec<String> = known.into_iter().flatten().collect();
    if told.is_empty() || known == told {
        return;
    }
    object["certificate"] = json!(format!("{}\n", told[0]));
    object["certificate_chain"] = match &told[1..] {
        [] => Json::Null,
        chain => json!(format!("{}\n", chain.join("\n"))),
    };
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
            let set = work
                .post(&of(object, &["certificates", "custom"]), &params)
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
            observe_chain(object, info["pem"].as_str().unwrap_or_default());
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
            let place = of(object, &["certificates", "custom"]);
            let gone = work.delete(&place, &Params::new().with("restart", 1)).await;
            gone.doing(|| format!("The certificate of node `{}` was not removed", node(object)))
        })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        by_node(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_told_certificate_by_certificate() {
        let one = |text: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
        };
        let mut object =
            json!({ "certificate": one("A").trim_end(), "certificate_chain": one("B") });
        let before = object.clone();
        observe_chain(&mut object, &(one("A") + &one("B")));
        assert_eq!(object, before);
        observe_chain(&mut object, &one("C"));
        assert_eq!(object["certificate"], one("C"));
        assert!(object["certificate_chain"].is_null());
    }

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
