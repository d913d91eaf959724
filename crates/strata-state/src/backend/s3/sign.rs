//! Signature version 4 of Amazon: a request is signed with a key that the secret key, the day and the region give.

use std::{fmt::Write, sync::Arc};

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac::{HMAC_SHA256, Key, sign},
};

use super::{
    super::{Request, Tls},
    credentials::Credentials,
};

/// What a request goes to.
pub(super) struct Target<'a> {
    pub(super) method: &'a str,
    pub(super) scheme: &'a str,
    pub(super) host: &'a str,
    /// With `/` at its start, not escaped.
    pub(super) path: &'a str,
    pub(super) query: &'a [(&'static str, String)],
}

/// Makes a signed request. Names of headers are in lower case.
pub(super) fn request(
    target: &Target<'_>,
    headers: &[(&'static str, String)],
    body: &[u8],
    credentials: &Credentials,
    region: &str,
    now: jiff::Timestamp,
    tls: Arc<Tls>,
) -> Request {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let hash = hex(digest(&SHA256, body).as_ref());
    let mut signed: Vec<(&str, String)> = headers.to_vec();
    signed.push(("host", target.host.to_owned()));
    signed.push(("x-amz-content-sha256", hash.clone()));
    signed.push(("x-amz-date", time.clone()));
    let token = credentials.token.clone();
    signed.extend(token.map(|token| ("x-amz-security-token", token)));
    signed.sort();
    let path = escape(target.path, true);
    let query = query(target.query);
    let names: Vec<_> = signed.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let mut canonical = format!("{}\n{path}\n{query}\n", target.method);
    for (name, value) in &signed {
        push(&mut canonical, &format!("{name}:{}\n", value.trim()));
    }
    push(&mut canonical, &format!("\n{names}\n{hash}"));
    let day = &time[..8];
    let scope = format!("{day}/{region}/s3/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{time}\n{scope}\n{}",
        hex(digest(&SHA256, canonical.as_bytes()).as_ref())
    );
    let signature = hex(&hmac(&signing_key(credentials, day, region), &to_sign));
    signed.push((
        "authorization",
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            credentials.key_id
        ),
    ));
    let question = if query.is_empty() { "" } else { "?" };
    let sent = signed.into_iter().filter(|(name, _)| *name != "host");
    Request {
        method: target.method.to_owned(),
        url: format!("{}://{}{path}{question}{query}", target.scheme, target.host),
        headers: sent.map(|(name, value)| (name.to_owned(), value)).collect(),
        body: body.to_vec(),
        tls,
    }
}

fn signing_key(credentials: &Credentials, day: &str, region: &str) -> Vec<u8> {
    let first = format!("AWS4{}", credentials.secret);
    let steps = [day, region, "s3", "aws4_request"];
    steps
        .iter()
        .fold(first.into_bytes(), |key, step| hmac(&key, step))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    sign(&Key::new(HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}

fn query(pairs: &[(&'static str, String)]) -> String {
    let mut pairs: Vec<_> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value, false)))
        .collect();
    pairs.sort();
    pairs.join("&")
}

/// Escapes all but the characters that need none (RFC 3986).
fn escape(text: &str, keeps_slash: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'/' if keeps_slash => escaped.push('/'),
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                escaped.push(byte.into());
            }
            _ => push(&mut escaped, &format!("%{byte:02X}")),
        }
    }
    escaped
}

fn push(text: &mut String, more: &str) {
    text.push_str(more);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked examples of Amazon's documentation, "Signature Calculations for the Authorization Header".
    fn signature(target: &Target<'_>, headers: &[(&'static str, String)], body: &[u8]) -> String {
        let credentials = Credentials {
            key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            token: None,
        };
        let now = "2013-05-24T00:00:00Z".parse().unwrap();
        let region = "us-east-1";
        let made = request(
            target,
            headers,
            body,
            &credentials,
            region,
            now,
            Arc::default(),
        );
        let (_, last) = made.headers.last().unwrap();
        last.rsplit_once('=').unwrap().1.to_owned()
    }

    #[test]
    fn the_examples_of_the_documentation_come_out() {
        let host = "examplebucket.s3.amazonaws.com";
        let target = |method, path, query| Target {
            method,
            scheme: "https",
            host,
            path,
            query,
        };
        let get = signature(
            &target("GET", "/test.txt", &[]),
            &[("range", "bytes=0-9".to_owned())],
            b"",
        );
        assert_eq!(
            get,
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
        let put = signature(
            &target("PUT", "/test$file.text", &[]),
            &[
                ("date", "Fri, 24 May 2013 00:00:00 GMT".to_owned()),
                ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned()),
            ],
            b"Welcome to Amazon S3.",
        );
        assert_eq!(
            put,
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
        );
        let listing = [("max-keys", "2".to_owned()), ("prefix", "J".to_owned())];
        let list = signature(&target("GET", "/", &listing), &[], b"");
        assert_eq!(
            list,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"
        );
    }
}
