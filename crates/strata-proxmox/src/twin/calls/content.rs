//! What lies in storages: lists, uploads, downloads, removal, backups.

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::{
    super::{
        answer::{Answered, Refusal, Started, data, fail, null, wrong},
        call::Call,
        disk::read_size,
        store::{Guest, Kind, Store, Volume, hex},
    },
    storage::holds,
};

pub(super) fn answer(store: &mut Store, call: &Call) -> Option<Answered> {
    let path = call.method.path.as_str();
    let verb = call.method.verb.as_str();
    Some(match (verb, path) {
        ("GET", "/nodes/{node}/query-url-metadata") => look_up(store, call),
        ("POST", "/nodes/{node}/vzdump") => backup(call),
        ("GET", "/nodes/{node}/vzdump/defaults") => data(json!({
            "zstd": 1, "lockwait": 180, "compress": "0", "remove": 1, "stop": 0, "all": 0, "bwlimit": 0,
            "ionice": 7, "notification-mode": "auto", "dumpdir": "/var/lib/vz/dump", "pigz": 0,
            "prune-backups": "keep-all=1", "quiet": 0, "mode": "snapshot", "stopwait": 10, "stdexcludes": 1,
        })),
        _ => {
            let rest = path.strip_prefix("/nodes/{node}/storage/{storage}/")?;
            match (verb, rest) {
                ("GET", "content") => list(store, call),
                ("POST", "content") => allocate(store, call),
                ("GET", "content/{volume}") => one(store, call),
                ("PUT", "content/{volume}") => describe(store, call),
                ("DELETE", "content/{volume}") => delete(store, call),
                ("POST", "upload") => upload(store, call),
                ("POST", "download-url") => download(store, call),
                ("POST", "oci-registry-pull") => pull(store, call),
                ("GET", "prunebackups") => data(json!([])),
                _ => return None,
            }
        }
    })
}

fn row(name: &str, volume: &Volume) -> Json {
    let mut row = json!({
        "volid": name, "content": volume.content, "format": volume.format, "size": volume.size,
        "ctime": volume.ctime,
    });
    if let Some(vmid) = volume.vmid {
        row["vmid"] = json!(vmid);
    }
    match volume.content.as_str() {
        "images" | "rootdir" => {
            row["parent"] = json!(volume.parent);
            row["used"] = json!(volume.size);
        }
        "backup" => {
            row["subtype"] = json!(if name.contains("-lxc-") {
                "lxc"
            } else {
                "qemu"
            });
            if let Some(notes) = &volume.notes {
                row["notes"] = json!(notes);
            }
            if volume.protected {
                row["protected"] = json!(1);
            }
        }
        _ => {}
    }
    row
}

fn list(store: &Store, call: &Call) -> Answered {
    let storage = call.need("storage");
    const CONTENTS: [&str; 7] = [
        "images", "rootdir", "vztmpl", "iso", "backup", "snippets", "import",
    ];
    if let Some(content) = call.text("content").filter(|text| !CONTENTS.contains(text)) {
        return wrong(
            "content",
            format!("invalid format - invalid content type '{content}'\n"),
        );
    }
    store.storage(storage)?;
    let node = call.node();
    let seen = store
        .volumes
        .iter()
        .filter_map(|(name, volume)| Some((name, volume.on(node)?)));
    let rows = seen.filter(|(_, volume)| {
        volume.storage == storage
            && call
                .text("content")
                .is_none_or(|content| content == volume.content)
            && call
                .number("vmid")
                .is_none_or(|id| volume.vmid.is_some_and(|own| i64::from(own) == id))
    });
    data(rows.map(|(name, volume)| row(name, volume)).collect())
}

/// The whole name of the volume that a call names, with or without its storage.
fn name(call: &Call) -> Result<String, Refusal> {
    let (storage, volume) = (call.need("storage"), call.need("volume"));
    match volume.split_once(':') {
        Some((own, _)) if own != storage => wrong(
            "volume",
            format!("storage ID mismatch ({own} != {storage})\n"),
        ),
        Some(_) => Ok(volume.to_owned()),
        None => Ok(format!("{storage}:{volume}")),
    }
}

/// Refuses a name that no volume of a folder could have.
fn formed(store: &Store, name: &str) -> Result<(), Refusal> {
    let (storage, rest) = name.split_once(':').unwrap_or_default();
    let fits = match rest.split_once('/') {
        Some(("backup", file)) => file.starts_with("vzdump-"),
        Some(_) => true,
        None => !store.keeps_files(storage),
    };
    match fits {
        true => Ok(()),
        false => fail(format!("unable to parse directory volume name '{rest}'")),
    }
}

/// The volume of a name as the node of a call sees it.
fn seen<'a>(store: &'a Store, call: &Call, name: &str) -> Option<&'a Volume> {
    store.volumes.get(name)?.on(call.node())
}

fn one(store: &Store, call: &Call) -> Answered {
    let name = name(call)?;
    formed(store, &name)?;
    let Some(volume) = seen(store, call, &name) else {
        return match name
            .split_once(':')
            .is_some_and(|(_, rest)| rest.starts_with("iso/"))
        {
            true => fail(format!("volume_size_info on '{name}' failed - no format")),
            false => fail(format!("failed to stat '{}'", place(&name))),
        };
    };
    let mut shown = json!({
        "path": place(&name), "size": volume.size, "used": volume.size, "format": volume.format,
    });
    if !matches!(volume.content.as_str(), "images" | "rootdir" | "import") {
        // Files are told by whole blocks of the file system.
        shown["size"] = json!(volume.size.next_multiple_of(512));
        shown["format"] = json!("raw");
    }
    if volume.content == "backup" {
        shown["notes"] = json!(volume.notes.as_deref().unwrap_or_default());
        shown["protected"] = json!(u8::from(volume.protected));
    }
    data(shown)
}

/// Where a volume of a folder lies.
fn place(name: &str) -> String {
    let rest = name.split_once(':').map_or("", |(_, rest)| rest);
    match rest.split_once('/') {
        Some(("iso", file)) => format!("/var/lib/vz/template/iso/{file}"),
        Some(("vztmpl", file)) => format!("/var/lib/vz/template/cache/{file}"),
        Some(("backup", file)) => format!("/var/lib/vz/dump/{file}"),
        Some(("import" | "snippets", _)) => format!("/var/lib/vz/{rest}"),
        _ => format!("/var/lib/vz/images/{rest}"),
    }
}

fn describe(store: &mut Store, call: &Call) -> Answered {
    let name = name(call)?;
    formed(store, &name)?;
    let Some(volume) = store.volumes.get_mut(&name) else {
        return fail(format!("volume '{name}' does not exist"));
    };
    if volume.content != "backup" {
        return fail("only backups can have notes");
    }
    if let Some(notes) = call.text("notes") {
        volume.notes = Some(notes.to_owned());
    }
    if call.text("protected").is_some() {
        volume.protected = call.flag("protected");
    }
    null()
}

fn delete(store: &mut Store, call: &Call) -> Answered {
    let name = name(call)?;
    formed(store, &name)?;
    let storage = call.need("storage").to_owned();
    let volume = seen(store, call, &name);
    // A task is named after the guest whose volume it is.
    let named = match volume.and_then(|volume| volume.vmid) {
        Some(id) => format!("{id}@{storage}"),
        None => storage,
    };
    if let Some(id) = volume
        .and_then(|volume| volume.vmid)
        .filter(|id| store.guests.contains_key(id))
        && volume.is_some_and(|volume| volume.content != "backup")
    {
        return fail(format!(
            "Cannot remove image, a guest with VMID '{id}' exists!\nYou can delete the image from the guest's hardware pane"
        ));
    }
    let node = call.node().to_owned();
    Started::answer("imgdel", call.node(), named, move |store, log| {
        if store
            .volumes
            .get(&name)
            .is_some_and(|volume| volume.protected)
        {
            let (storage, file) = name.split_once(':').unwrap_or_default();
            return Err(format!(
                "cannot remove protected volume '{file}' on '{storage}'"
            ));
        }
        store.remove_file(&node, &name)?;
        log.push(format!("Removed volume '{name}'"));
        Ok(())
    })
}

fn allocate(store: &mut Store, call: &Call) -> Answered {
    let storage = call.need("storage");
    store.storage(storage)?;
    let (file, id) = (call.need("filename"), call.vmid());
    let format = call
        .text("format")
        .unwrap_or_else(|| file.rsplit('.').next().unwrap_or("raw"));
    let whole = match store.keeps_files(storage) {
        true => format!("{storage}:{id}/{file}"),
        false => format!("{storage}:{file}"),
    };
    if store.volumes.contains_key(&whole) {
        return fail(format!(
            "disk image '/var/lib/vz/images/{id}/{file}' already exists"
        ));
    }
    let size = call.need("size");
    let size = match size.parse::<u64>() {
        // Without a unit it counts KiB.
        Ok(size) => size << 10,
        Err(_) => read_size(size).unwrap_or(0),
    };
    let format = if matches!(format, "raw" | "qcow2" | "vmdk") {
        format
    } else {
        "raw"
    };
    let volume = Volume {
        content: "images".to_owned(),
        format: format.to_owned(),
        size,
        vmid: Some(id),
        ..Volume::default()
    };
    store.make_volume(&whole, volume);
    data(json!(whole))
}

/// The part of a volume's name before the file, and the file's format.
fn kind_of(content: &str, file: &str) -> Result<(&'static str, String), Refusal> {
    let ends = |endings: &[&str]| {
        endings
            .iter()
            .any(|ending| file.to_lowercase().ends_with(ending))
    };
    let (folder, fits, format) = match content {
        "snippets" => ("snippets", true, "snippet".to_owned()),
        "iso" => ("iso", ends(&[".iso", ".img"]), "iso".to_owned()),
        "vztmpl" => (
            "vztmpl",
            ends(&[".tar.gz", ".tar.xz", ".tar.zst", ".tar.bz2", ".tgz", ".tar"]),
            {
                let last = file.rsplit('.').next().unwrap_or_default();
                format!("t{last}")
            },
        ),
        _ => (
            "import",
            ends(&[".ova", ".qcow2", ".raw", ".vmdk"]),
            file.rsplit('.').next().unwrap_or_default().to_owned(),
        ),
    };
    match fits {
        true => Ok((folder, format)),
        false => wrong("filename", "wrong file extension"),
    }
}

/// A file's name as PVE cleans it.
fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = last.chars().map(|c| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '_' => c,
        _ => '_',
    });
    plain.collect()
}

fn upload(store: &mut Store, call: &Call) -> Answered {
    let Some(file) = call.file.clone() else {
        return Err(Refusal::bare(400, "Bad Request"));
    };
    let (storage, content) = (call.need("storage").to_owned(), call.need("content"));
    store.storage(&storage)?;
    let name = clean(&file.name);
    let (folder, format) = kind_of(content, &name)?;
    if let Err(refusal) = holds(store, &storage, content) {
        return match store.storages.contains_key(&storage) {
            true => fail(format!(
                "storage '{storage}' does not support '{content}' content"
            )),
            false => Err(refusal),
        };
    }
    let (content, wanted) = (content.to_owned(), call.text("checksum").map(str::to_owned));
    let node = call.node().to_owned();
    Started::answer("imgcopy", &node.clone(), "", move |store, log| {
        log.push("starting file import from: /var/tmp/pveupload-0".to_owned());
        let got = hex(&Sha256::digest(&file.content));
        if let Some(wanted) = wanted.filter(|wanted| *wanted != got) {
            return Err(format!(
                "checksum mismatch: got '{got}' != expect '{wanted}'"
            ));
        }
        if format == "qcow2" && !file.content.starts_with(b"QFI\xfb") {
            return Err("qemu-img.real: Could not open '/var/tmp/pveupload-0': Image is not in qcow2 format".to_owned());
        }
        log.push(format!("target node: {node}"));
        log.push(format!("file size is: {}", file.content.len()));
        store.make_file(
            &node,
            &format!("{storage}:{folder}/{name}"),
            Volume {
                content,
                format,
                size: file.content.len() as u64,
                text: virtual_size(&file.content),
                ..Volume::default()
            },
        );
        log.push("finished file import successfully".to_owned());
        Ok(())
    })
}

/// The size that a QCOW2 image unpacks to.
fn virtual_size(content: &[u8]) -> Option<String> {
    let bytes: [u8; 8] = content.get(24..32)?.try_into().ok()?;
    content
        .starts_with(b"QFI\xfb")
        .then(|| u64::from_be_bytes(bytes).to_string())
}

/// Pulls an image from a registry: every image is there but those called `missing`.
fn pull(store: &mut Store, call: &Call) -> Answered {
    let storage = call.need("storage").to_owned();
    holds(store, &storage, "vztmpl")?;
    let reference = call.need("reference").to_owned();
    let last = reference.rsplit('/').next().unwrap_or_default();
    let stem = call
        .text("filename")
        .map_or_else(|| last.replace(':', "_"), str::to_owned);
    let node = call.node().to_owned();
    Started::answer("ocipull", call.node(), stem.clone(), move |store, _| {
        if reference.contains("missing") {
            return Err(format!("could not pull '{reference}': manifest unknown"));
        }
        let volume = Volume {
            content: "vztmpl".to_owned(),
            format: "tar".to_owned(),
            size: 4096,
            ..Volume::default()
        };
        store.make_file(&node, &format!("{storage}:vztmpl/{stem}.tar"), volume);
        Ok(())
    })
}

/// The size and SHA-256 of what is at a URL, or why it cannot be had.
fn fetch(store: &Store, url: &str, wanted: Option<&str>) -> Result<(u64, String), String> {
    if store.web.is_empty() {
        // Everything is there, and what is asked for; but for a sum that no file has.
        let real = wanted.filter(|sum| !sum.chars().all(|c| c == '0'));
        let sum = real.map_or_else(|| hex(&Sha256::digest(url)), str::to_owned);
        return match url.contains("/missing") {
            true => Err("exit code 8".to_owned()),
            false => Ok((1000, sum)),
        };
    }
    let place = |url: &str| url.split('/').nth(2).unwrap_or_default().to_owned();
    match store.web.get(url) {
        Some(found) => Ok(found.clone()),
        None if store.web.keys().any(|known| place(known) == place(url)) => {
            Err("exit code 8".to_owned())
        }
        None => Err(format!(
            "Connecting to {}... failed: Connection refused.",
            place(url)
        )),
    }
}

fn look_up(store: &Store, call: &Call) -> Answered {
    let url = call.need("url");
    let name = url.rsplit('/').next().unwrap_or_default();
    let kind = match name.ends_with(".iso") {
        true => "application/x-iso9660-image",
        false => "application/octet-stream",
    };
    match fetch(store, url, None) {
        Ok((size, _)) => data(json!({ "filename": name, "size": size, "mimetype": kind })),
        Err(reason) if reason == "exit code 8" => {
            fail("invalid server response: '404 File not found'")
        }
        Err(_) => {
            let place = url.split('/').nth(2).unwrap_or_default();
            fail(format!(
                "invalid server response: '500 Can't connect to {place} (Connection refused)'"
            ))
        }
    }
}

fn download(store: &mut Store, call: &Call) -> Answered {
    let (storage, content) = (
        call.need("storage").to_owned(),
        call.need("content").to_owned(),
    );
    store.storage(&storage)?;
    let name = clean(call.need("filename"));
    let (folder, format) = kind_of(&content, &name)?;
    if holds(store, &storage, &content).is_err() {
        return fail(format!(
            "storage '{storage}' is not configured for content-type '{content}'"
        ));
    }
    let whole = format!("{storage}:{folder}/{name}");
    let url = call.need("url").to_owned();
    let sum = call.text("checksum").map(str::to_owned);
    let node = call.node().to_owned();
    Started::answer("download", call.node(), name.clone(), move |store, log| {
        log.push(format!(
            "downloading {url} to /var/lib/vz/template/{folder}/{name}"
        ));
        let there = store
            .volumes
            .get(&whole)
            .and_then(|known| known.on(&node))
            .map(|known| known.text.clone().unwrap_or_default());
        if let Some(known) = there {
            return match sum {
                None => Err(format!(
                    "refusing to override existing file '/var/lib/vz/template/{folder}/{name}'"
                )),
                Some(sum) if sum == known => Ok(()),
                Some(sum) => Err(format!(
                    "checksum mismatch: got '{known}' != expect '{sum}', aborting"
                )),
            };
        }
        let (size, got) = fetch(store, &url, sum.as_deref())
            .map_err(|reason| format!("download failed: {reason}"))?;
        if let Some(sum) = sum.filter(|sum| *sum != got) {
            return Err(format!("checksum mismatch: got '{got}' != expect '{sum}'"));
        }
        store.make_file(
            &node,
            &whole,
            Volume {
                content,
                format,
                size,
                text: Some(got),
                ..Volume::default()
            },
        );
        log.push(format!(
            "download of '{url}' to '/var/lib/vz/template/{folder}/{name}' finished"
        ));
        Ok(())
    })
}

fn backup(call: &Call) -> Answered {
    let ids = call.list("vmid");
    if ids.is_empty() && !call.flag("all") && call.text("pool").is_none() {
        return wrong("vmid", "property is missing");
    }
    let storage = call.text("storage").unwrap_or("local").to_owned();
    let protected = call.flag("protected");
    let notes = call.text("notes-template").map(str::to_owned);
    let id = ids.join(",");
    Started::answer("vzdump", call.node(), id, move |store, log| {
        let content = store
            .storages
            .get(&storage)
            .and_then(|storage| storage.get("content"));
        if !content.is_some_and(|content| content.contains("backup")) {
            return Err(format!(
                "could not get storage information for '{storage}': can't use storage '{storage}' for backups - wrong content type"
            ));
        }
        for id in ids {
            let known = id
                .parse()
                .ok()
                .and_then(|id: u32| Some((id, store.guests.get(&id)?.clone())));
            let Some((id, guest)) = known else {
                log.push(format!(
                    "ERROR: Backup of VM {id} failed - unable to find VM '{id}'"
                ));
                return Err("job errors".to_owned());
            };
            if guest.kind == Kind::Qemu && !store.can("savevm") {
                return Err("job errors".to_owned());
            }
            let ending = if guest.kind == Kind::Qemu {
                "vma"
            } else {
                "tar"
            };
            let name = format!(
                "{storage}:backup/vzdump-{}-{id}-2026_11_21-00_00_{:02}.{ending}.zst",
                guest.kind.name(),
                store.next() % 60
            );
            let notes = notes.as_ref().map(|notes| {
                notes
                    .replace("{{guestname}}", &guest.name(id))
                    .replace("{{vmid}}", &id.to_string())
            });
            let guest = Guest {
                running: false,
                ..guest
            };
            store.make_volume(
                &name,
                Volume {
                    content: "backup".to_owned(),
                    format: format!("{ending}.zst"),
                    size: 1 << 20,
                    vmid: Some(id),
                    notes,
                    protected,
                    archived: Some(Box::new(guest)),
                    ..Volume::default()
                },
            );
        }
        Ok(())
    })
}
