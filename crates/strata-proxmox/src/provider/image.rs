//! OCI images that a node pulls from a registry, as templates of containers.

use serde_json::{Value as Json, json};
use strata_core::{BoxFuture, Diagnostic};

use super::{
    file::{find, import, remove},
    guest::text,
    kind::{Doing, Failure, Kind, Outcome, Work},
};
use crate::client::{Params, path};

pub(crate) static ALL: [&dyn Kind; 1] = [&Image];

/// `proxmox_oci_image`.
struct Image;

/// The file that an image becomes: `alpine:3.20` is `alpine_3.20.tar`.
fn file_name(object: &Json) -> String {
    let reference = text(object, "reference").unwrap_or_default();
    let last = reference.rsplit('/').next().unwrap_or_default();
    let name = match text(object, "file_name") {
        Some(name) => name.to_owned(),
        None => last.replace(':', "_"),
    };
    match name.ends_with(".tar") {
        true => name,
        false => format!("{name}.tar"),
    }
}

fn with_content(object: &Json) -> Json {
    let mut object = object.clone();
    object["content_type"] = json!("vztmpl");
    object
}

impl Kind for Image {
    fn name(&self) -> &'static str {
        "proxmox_oci_image"
    }

    fn noun(&self) -> &'static str {
        "image"
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (node, storage, name) = (
                text(object, "node_name").unwrap_or_default().to_owned(),
                text(object, "datastore_id").unwrap_or_default().to_owned(),
                file_name(object),
            );
            let id = format!("{storage}:vztmpl/{name}");
            if find(work, &with_content(object), &id).await?.is_some() {
                if object["overwrite_unmanaged"] != true {
                    return Err(Failure::new(
                        Diagnostic::error(
                            "proxmox-exists",
                            format!("The file `{id}` is there already"),
                        )
                        .detail("`overwrite_unmanaged = true` replaces it"),
                    ));
                }
                object["id"] = json!(id);
                remove(work, object).await?;
            }
            let reference = text(object, "reference").unwrap_or_default().to_owned();
            let stem = name.trim_end_matches(".tar");
            let params = Params::new()
                .with("reference", &reference)
                .with("filename", stem);
            let pull = path(&["nodes", &node, "storage", &storage, "oci-registry-pull"]);
            let pulled = work.post(&pull, &params).await;
            pulled.doing(|| format!("The image `{reference}` was not pulled"))?;
            object["id"] = json!(id);
            object["file_name"] = json!(name);
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
            let Some(id) = text(object, "id").map(str::to_owned) else {
                return Ok(false);
            };
            let Some(row) = find(work, &with_content(object), &id).await? else {
                return Ok(false);
            };
            object["size"] = row["size"].clone();
            object["file_name"] = json!(id.rsplit('/').next());
            Ok(true)
        })
    }

    fn update<'a>(
        &'a self,
        work: &'a Work<'a>,
        _prior: &'a Json,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move { self.read(work, object).await.map(drop) })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move { remove(work, object).await })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        let mut object = import(id)?;
        if let Some(members) = object.as_object_mut() {
            members.remove("content_type");
        }
        Ok(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_a_file_named_after_it() {
        let name = |object: Json| file_name(&object);
        assert_eq!(
            name(json!({ "reference": "docker.io/library/alpine:3.20" })),
            "alpine_3.20.tar"
        );
        assert_eq!(
            name(json!({ "reference": "a:1", "file_name": "x" })),
            "x.tar"
        );
    }
}
