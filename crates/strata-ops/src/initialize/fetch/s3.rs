//! Packages in buckets of S3: an archive, or all objects that begin with a prefix.
//!
//! Addresses are those of go-getter: `https://s3-REGION.amazonaws.com/BUCKET/KEY`, `https://BUCKET.s3-REGION.amazonaws.com/KEY`,
//! or `https://HOST/BUCKET/KEY` for servers that speak the same. Who asks is as with the backend `s3`.

use std::{
    fs,
    io::{Seek, Write},
    path::{Component, Path},
};

use serde_json::{Map, Value as Json};
use strata_state::{StateError, backend::S3};

use super::{Failure, archive, query};
use crate::{http::unescape, infrastructure::backend::outside, process::Process};

/// The most objects of a package that is no archive.
const MOST_OBJECTS: usize = 10_000;

/// What an address names.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    bucket: String,
    key: String,
    /// None where the arguments or the environment say it.
    region: Option<String>,
    /// None for Amazon's own.
    endpoint: Option<String>,
}

/// Fetches an archive, or the objects of a prefix, to a folder.
pub(super) fn fetch(address: &str, folder: &Path, process: &Process) -> Result<(), Failure> {
    let (plain, pairs) = query(address);
    let place = place(plain)?;
    let (mut named, mut version) = (None, None);
    let mut arguments = Map::new();
    for (name, value) in pairs {
        let argument = match name {
            "aws_access_key_id" => "access_key",
            "aws_access_key_secret" => "secret_key",
            "aws_access_token" => "token",
            "aws_profile" => "profile",
            "region" => "region",
            "archive" => {
                named = Some(value);
                continue;
            }
            "version" => {
                version = Some(unescape(value));
                continue;
            }
            other => {
                let why = format!("Strata does not know the argument `{other}` of `s3` sources.");
                return Err(Failure::new(why));
            }
        };
        arguments.insert(argument.to_owned(), unescape(value).into());
    }
    let bucket = open(&place, arguments, process)?;
    match archive::kind(plain, named)? {
        Some(kind) => {
            let bytes = object(&bucket, &place.key, version.as_deref())?;
            let mut file =
                tempfile::tempfile().map_err(|error| Failure::io("no temporary file", &error))?;
            let written = file.write_all(&bytes).and_then(|()| file.rewind());
            written.map_err(|error| Failure::io("the archive cannot be kept", &error))?;
            archive::unpack(kind, file, folder)
        }
        None if version.is_some() => Err(Failure::new(
            "Only one object has a `version`, and this source is all objects of a prefix.",
        )),
        None => all(&bucket, &place.key, folder),
    }
}

fn open(place: &Place, given: Map<String, Json>, process: &Process) -> Result<S3, Failure> {
    let mut arguments = given;
    arguments.insert("bucket".to_owned(), place.bucket.clone().into());
    arguments.insert("key".to_owned(), place.key.trim_end_matches('/').into());
    arguments.insert("use_path_style".to_owned(), true.into());
    if let Some(endpoint) = &place.endpoint {
        arguments.insert("endpoint".to_owned(), endpoint.clone().into());
    }
    // Without a region an address of Amazon's is of this one; servers of others mostly take any.
    let region = place.region.as_deref().unwrap_or("us-east-1");
    arguments.entry("region").or_insert(region.into());
    S3::new(&arguments, &outside(process)).map_err(|error| failure(&error))
}

fn failure(error: &StateError) -> Failure {
    Failure::new(error.to_string())
}

fn object(bucket: &S3, key: &str, version: Option<&str>) -> Result<Vec<u8>, Failure> {
    let found = bucket.get_version(key, version);
    let found = found.map_err(|error| failure(&error))?;
    found.ok_or_else(|| Failure::new(format!("There is no object `{key}` in the bucket.")))
}

/// Fetches what begins with a prefix, each to its place below.
fn all(bucket: &S3, prefix: &str, folder: &Path) -> Result<(), Failure> {
    let prefix = format!("{}/", prefix.trim_end_matches('/'));
    let keys = bucket.keys(&prefix).map_err(|error| failure(&error))?;
    let files = keys
        .iter()
        .filter_map(|key| Some((key, key.strip_prefix(&prefix)?)));
    let files: Vec<_> = files
        .filter(|(_, path)| !path.is_empty() && !path.ends_with('/'))
        .collect();
    if files.is_empty() || files.len() > MOST_OBJECTS {
        let why = format!(
            "`{prefix}` has {} objects; there must be one, and at most {MOST_OBJECTS}.",
            files.len()
        );
        return Err(Failure::new(why));
    }
    for (key, path) in files {
        let is_inside = |part: Component<'_>| matches!(part, Component::Normal(_));
        if !Path::new(path).components().all(is_inside) {
            return Err(Failure::new(format!(
                "The object `{key}` would lie outside of the package."
            )));
        }
        let target = folder.join(path);
        let kept = fs::create_dir_all(target.parent().unwrap_or(folder));
        let bytes = object(bucket, key, None)?;
        kept.and_then(|()| fs::write(&target, bytes))
            .map_err(|error| Failure::io("the package cannot be kept", &error))?;
    }
    Ok(())
}

fn place(address: &str) -> Result<Place, Failure> {
    let wrong = || {
        Failure::new(format!(
            "`{address}` does not name a bucket of S3 and an object in it."
        ))
    };
    let (scheme, rest) = address.split_once("://").ok_or_else(wrong)?;
    let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
    let host = host.rsplit('@').next().unwrap_or(host);
    let path = unescape(path);
    let divided = || path.split_once('/').ok_or_else(wrong);
    let region = |part: &str| {
        let region = part.strip_prefix("s3")?.trim_start_matches(['-', '.']);
        Some((!region.is_empty()).then(|| region.to_owned()))
    };
    let Some(service) = host.strip_suffix(".amazonaws.com") else {
        let (bucket, key) = divided()?;
        return Ok(Place {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            region: None,
            endpoint: Some(format!("{scheme}://{host}")),
        });
    };
    if let Some(region) = region(service) {
        let (bucket, key) = divided()?;
        return Ok(Place {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            region,
            endpoint: None,
        });
    }
    let (bucket, service) = service.split_once(".s3").ok_or_else(wrong)?;
    let region = region(&format!("s3{service}")).ok_or_else(wrong)?;
    Ok(Place {
        bucket: bucket.to_owned(),
        key: path.clone(),
        region,
        endpoint: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_bucket_key_and_region() {
        let check = |address: &str| match place(address) {
            Err(failure) => failure.detail,
            Ok(found) => format!(
                "{} {} {:?} {:?}",
                found.bucket, found.key, found.region, found.endpoint
            ),
        };
        let amazon = "b a/x.zip Some(\"eu-west-1\") None";
        assert_eq!(
            check("https://s3-eu-west-1.amazonaws.com/b/a/x.zip"),
            amazon
        );
        assert_eq!(
            check("https://s3.eu-west-1.amazonaws.com/b/a/x.zip"),
            amazon
        );
        assert_eq!(
            check("https://b.s3-eu-west-1.amazonaws.com/a/x.zip"),
            amazon
        );
        assert_eq!(
            check("https://s3.amazonaws.com/b/a/x.zip"),
            "b a/x.zip None None"
        );
        assert_eq!(
            check("http://h:9000/b/x"),
            "b x None Some(\"http://h:9000\")"
        );
        assert!(check("https://h").contains("does not name a bucket"));
    }
}
