//! APT repositories of nodes: single ones by file and position, standard ones by their handle.

use serde_json::{Value as Json, json};
use strata_core::BoxFuture;

use super::{
    guest::text,
    kind::{Doing, Kind, Outcome, Work},
    node::{node, of},
    value,
};
use crate::client::Params;

pub(crate) static ALL: [&dyn Kind; 2] = [&Repository, &Standard];

struct Repository;
struct Standard;

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
    let set = work
        .post(&of(object, &["apt", "repositories"]), &params)
        .await;
    set.map(drop)
        .doing(|| format!("The APT repository {index} of `{file}` was not switched"))
}

impl Kind for Repository {
    fn name(&self) -> &'static str {
        "proxmox_apt_repository"
    }

    fn naming(&self) -> &'static [&'static str] {
        &["node", "file_path", "index"]
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

    fn naming(&self) -> &'static [&'static str] {
        &["node", "handle"]
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
            let place = of(object, &["apt", "repositories"]);
            let set = work
                .put(&place, &Params::new().with("handle", &handle))
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
