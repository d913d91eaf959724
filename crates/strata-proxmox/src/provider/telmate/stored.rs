//! What telmate keeps in storages: images fetched from the web, and drives for cloud-init made here.

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use strata_core::BoxFuture;
use strata_http::Part;

use super::image;
use crate::{
    client::Upload,
    provider::{
        ahead, file,
        guest::text,
        kind::{Doing, Kind, Outcome, Planned, Work},
        session::USUAL_LIMIT,
    },
};

/// `proxmox_storage_iso`: the node fetches it.
pub(super) struct Fetched;

/// `proxmox_cloud_init_disk`: made here, and sent.
pub(super) struct Drive;

/// Where something lies, in our words.
fn place(object: &Json) -> Json {
    json!({
        "node_name": object["pve_node"], "datastore_id": object["storage"], "content_type": "iso",
        "id": object["id"],
    })
}

/// An image in our words.
fn ours(object: &Json) -> Json {
    let mut ours = place(object);
    for (name, theirs) in [
        ("url", "url"),
        ("file_name", "filename"),
        ("checksum", "checksum"),
        ("checksum_algorithm", "checksum_algorithm"),
    ] {
        ours[name] = object[theirs].clone();
    }
    ours["overwrite_unmanaged"] = json!(true);
    ours
}

fn import(id: &str) -> Result<Json, String> {
    let ours = file::import(id)?;
    Ok(json!({
        "pve_node": ours["node_name"], "storage": ours["datastore_id"], "id": ours["id"],
        "filename": ours["file_name"],
    }))
}

async fn read(work: &Work<'_>, object: &Json) -> Outcome<Option<Json>> {
    let id = text(object, "id").unwrap_or_default();
    file::find(work, &place(object), id).await
}

impl Kind for Fetched {
    fn name(&self) -> &'static str {
        "proxmox_storage_iso"
    }

    fn noun(&self) -> &'static str {
        "image"
    }

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(in_iso_storage(planned))
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let mut ours = ours(object);
            file::ALL[0].create(work, &mut ours).await?;
            object["id"] = ours["id"].take();
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move { Ok(read(work, object).await?.is_some()) })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move { file::remove(work, &place(object)).await })
    }

    fn import(&self, id: &str) -> Result<Json, String> {
        import(id)
    }
}

/// The plan of what goes into a storage that must take images of CDs.
async fn in_iso_storage(planned: &mut Planned<'_>) -> Outcome<()> {
    let ours = place(planned.planned);
    let look = Planned::new(planned.session, planned.prior, &ours, planned.directory);
    ahead::new_file(&look, "iso").await
}

/// The files of a drive: those that are said, and the two that there must be.
fn content(object: &Json) -> Vec<u8> {
    let named = [
        ("meta-data", "meta_data"),
        ("network-config", "network_config"),
        ("user-data", "user_data"),
        ("vendor-data", "vendor_data"),
    ];
    let files = named.iter().filter_map(|(name, attribute)| {
        let text = text(object, attribute);
        let needed = matches!(*name, "meta-data" | "user-data");
        (text.is_some() || needed).then(|| (*name, text.unwrap_or_default().as_bytes()))
    });
    image::of(&files.collect::<Vec<_>>())
}

impl Kind for Drive {
    fn name(&self) -> &'static str {
        "proxmox_cloud_init_disk"
    }

    fn noun(&self) -> &'static str {
        "cloud-init drive"
    }

    fn plan<'a>(&'a self, planned: &'a mut Planned<'_>) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(in_iso_storage(planned))
    }

    fn create<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move {
            let (bytes, part) = (content(object), |name: &str| {
                text(object, name).unwrap_or_default()
            });
            let file_name = format!("tf-ci-{}.iso", part("name"));
            let (size, storage) = (bytes.len(), part("storage").to_owned());
            let sum = Sha256::digest(&bytes);
            let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
            let upload = Upload {
                node: part("pve_node"),
                storage: &storage,
                content: "iso",
                file_name: &file_name,
                checksum: Some(("sha256", sum.as_str())),
                source: Part::Bytes(bytes.into()),
                size: size as u64,
            };
            let summary = || format!("`{file_name}` was not sent to storage `{storage}`");
            let upid = work
                .session
                .client
                .upload(upload, USUAL_LIMIT)
                .await
                .doing(summary)?;
            let notes = |text: &str| work.note(text);
            work.session
                .client
                .wait(&upid, USUAL_LIMIT, &notes)
                .await
                .doing(summary)?;
            object["id"] = json!(format!("{storage}:iso/{file_name}"));
            object["sha256"] = json!(sum);
            object["size"] = json!(size);
            Ok(())
        })
    }

    fn read<'a>(
        &'a self,
        work: &'a Work<'a>,
        object: &'a mut Json,
    ) -> BoxFuture<'a, Outcome<bool>> {
        Box::pin(async move {
            let row = read(work, object).await?;
            if let Some(size) = row
                .as_ref()
                .map(|row| &row["size"])
                .filter(|size| !size.is_null())
            {
                object["size"] = size.clone();
            }
            Ok(row.is_some())
        })
    }

    fn delete<'a>(&'a self, work: &'a Work<'a>, object: &'a Json) -> BoxFuture<'a, Outcome<()>> {
        Box::pin(async move { file::remove(work, &place(object)).await })
    }

    fn import(&self, _id: &str) -> Result<Json, String> {
        Err("what is on the drive is not told: make another".to_owned())
    }
}
