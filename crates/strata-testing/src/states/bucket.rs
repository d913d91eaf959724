//! A bucket of S3, addressed by path: objects are got, put, deleted and listed. The version `2` of `x` is kept as `x@2`.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use sha2::{Digest, Sha256};

use super::{
    Asked, Kept, Reply,
    signature::{self, decode},
};

pub(super) fn answer(kept: &mut Kept, asked: &Asked) -> Reply {
    if let Err(code) = signature::check(asked) {
        return error(403, code);
    }
    let (path, query) = asked.target.split_once('?').unwrap_or((&asked.target, ""));
    let name = decode(path.trim_start_matches('/'));
    let (bucket, key) = name.split_once('/').unwrap_or((&name, ""));
    if bucket == "nobucket" {
        return error(404, "NoSuchBucket");
    }
    match &*asked.method {
        "GET" if key.is_empty() => Reply::of(200, list(kept, bucket, query)),
        "GET" | "HEAD" => match kept.objects.get(&versioned(name, query)) {
            Some(object) => Reply::of(200, object.clone()),
            None => error(404, "NoSuchKey"),
        },
        "PUT" => put(kept, name, asked),
        "DELETE" => {
            kept.objects.remove(&name);
            Reply::of(204, "")
        }
        _ => error(405, "MethodNotAllowed"),
    }
}

fn put(kept: &mut Kept, name: String, asked: &Asked) -> Reply {
    let only_new = asked
        .headers
        .get("if-none-match")
        .is_some_and(|tag| tag == "*");
    if only_new && kept.objects.contains_key(&name) {
        return error(412, "PreconditionFailed");
    }
    let sum = BASE64.encode(Sha256::digest(&asked.body));
    if asked
        .headers
        .get("x-amz-checksum-sha256")
        .is_some_and(|given| *given != sum)
    {
        return error(400, "BadDigest");
    }
    kept.objects.insert(name, asked.body.clone());
    kept.written_with = asked.headers.clone();
    Reply::of(200, "")
}

/// The name under which the version is kept that a request asks for.
fn versioned(name: String, query: &str) -> String {
    match argument(query, "versionId") {
        Some(version) => format!("{name}@{version}"),
        None => name,
    }
}

fn argument(query: &str, name: &str) -> Option<String> {
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(known, _)| *known == name)
        .map(|(_, value)| decode(value))
}

/// Two objects a page, so that readers must turn pages.
fn list(kept: &Kept, bucket: &str, query: &str) -> String {
    let prefix = argument(query, "prefix").unwrap_or_default();
    let after = argument(query, "continuation-token").unwrap_or_default();
    let start = format!("{bucket}/");
    let keys = kept
        .objects
        .keys()
        .filter_map(|name| name.strip_prefix(&start));
    let mut keys: Vec<_> = keys
        .filter(|key| key.starts_with(&prefix) && **key > *after)
        .collect();
    let more = keys.len() > 2;
    keys.truncate(2);
    let mut xml = format!("<ListBucketResult><IsTruncated>{more}</IsTruncated>");
    if let Some(last) = keys.last().filter(|_| more) {
        xml += &format!("<NextContinuationToken>{last}</NextContinuationToken>");
    }
    for key in keys {
        xml += &format!("<Contents><Key>{key}</Key></Contents>");
    }
    xml + "</ListBucketResult>"
}

fn error(status: u16, code: &str) -> Reply {
    Reply::of(
        status,
        format!("<Error><Code>{code}</Code><Message>It is {code}.</Message></Error>"),
    )
}
