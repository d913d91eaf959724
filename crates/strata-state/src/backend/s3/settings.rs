//! The arguments of `s3`, with what the environment and the shared files add.

use std::{fs, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use md5::{Digest, Md5};
use serde_json::{Map, Value as Json};

use super::{
    super::{
        Outside, Tls,
        arguments::{flag, text},
    },
    credentials::{self, Credentials, Profile},
};

/// How a bucket is reached, and how states are written there.
pub(super) struct Settings {
    pub(super) bucket: String,
    pub(super) key: String,
    /// `workspace_key_prefix`.
    pub(super) prefix: String,
    pub(super) region: String,
    pub(super) credentials: Credentials,
    pub(super) scheme: &'static str,
    pub(super) host: String,
    /// The part of the path before the object.
    before: String,
    pub(super) locks: bool,
    pub(super) checksum: bool,
    pub(super) acl: Option<String>,
    pub(super) most_retries: u64,
    pub(super) tls: Arc<Tls>,
    encryption: Encryption,
}

/// How the server encrypts what it keeps.
enum Encryption {
    No,
    Own,
    Kms(String),
    /// A key that the server is given each time.
    Customer(Vec<u8>),
}

impl std::fmt::Debug for Settings {
    /// Without what is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{} at {}", self.bucket, self.key, self.host)
    }
}

impl Settings {
    pub(super) fn new(arguments: &Map<String, Json>, outside: &Outside) -> Result<Self, String> {
        let required = |name: &str| {
            text(arguments, name).ok_or_else(|| {
                format!("The attribute \"{name}\" is required by the backend, and cannot be empty.")
            })
        };
        let (bucket, key) = (required("bucket")?, required("key")?);
        check_key(&key)?;
        let prefix = text(arguments, "workspace_key_prefix").unwrap_or_else(|| "env:".to_owned());
        if prefix.starts_with('/') || prefix.ends_with('/') {
            return Err("`workspace_key_prefix` must not start or end with a slash.".to_owned());
        }
        let retry = text(arguments, "retry_mode").or_else(|| outside.variable("AWS_RETRY_MODE"));
        if let Some(mode) = retry.filter(|mode| mode != "standard") {
            return Err(format!(
                "`retry_mode` `{mode}` is not supported, only `standard`."
            ));
        }
        let profile = credentials::profile(arguments, outside)?;
        let region = region(arguments, &profile, outside)?;
        let (scheme, host, base) = endpoint(arguments, &profile, outside, &region)?;
        let path_style = flag(arguments, "use_path_style")
            || flag(arguments, "force_path_style")
            // Such a name is no name of a host: no certificate would fit.
            || bucket.contains('.') && scheme == "https"
            || is_address(&host);
        let most = arguments.get("max_retries").and_then(Json::as_u64);
        Ok(Self {
            credentials: credentials::find(arguments, &profile, outside)?,
            host: match path_style {
                true => host,
                false => format!("{bucket}.{host}"),
            },
            before: match path_style {
                true => format!("{base}/{bucket}"),
                false => base,
            },
            scheme,
            region,
            key,
            prefix,
            locks: flag(arguments, "use_lockfile"),
            checksum: !flag(arguments, "skip_s3_checksum"),
            acl: text(arguments, "acl"),
            most_retries: most.unwrap_or(5),
            tls: Arc::new(tls(arguments, outside)?),
            encryption: encryption(arguments, outside)?,
            bucket,
        })
    }

    /// The path of an object, not escaped; of the bucket if the key is empty.
    pub(super) fn path(&self, key: &str) -> String {
        match self.before.is_empty() || !key.is_empty() {
            true => format!("{}/{key}", self.before),
            false => self.before.clone(),
        }
    }

    /// The headers by which an object is encrypted.
    pub(super) fn encryption_headers(&self) -> Vec<(&'static str, String)> {
        const NAME: &str = "x-amz-server-side-encryption";
        match &self.encryption {
            Encryption::No => Vec::new(),
            Encryption::Own => vec![(NAME, "AES256".to_owned())],
            Encryption::Kms(key) => vec![
                (NAME, "aws:kms".to_owned()),
                ("x-amz-server-side-encryption-aws-kms-key-id", key.clone()),
            ],
            Encryption::Customer(_) => self.customer_key_headers(),
        }
    }

    /// The headers by which an object is read that was encrypted with a key of our own.
    pub(super) fn customer_key_headers(&self) -> Vec<(&'static str, String)> {
        let Encryption::Customer(key) = &self.encryption else {
            return Vec::new();
        };
        const NAME: &str = "x-amz-server-side-encryption-customer-algorithm";
        vec![
            (NAME, "AES256".to_owned()),
            (
                "x-amz-server-side-encryption-customer-key",
                BASE64.encode(key),
            ),
            (
                "x-amz-server-side-encryption-customer-key-md5",
                BASE64.encode(Md5::digest(key)),
            ),
        ]
    }
}

/// True for an address of a machine, which can have no names of buckets before it.
fn is_address(host: &str) -> bool {
    host.parse::<std::net::SocketAddr>().is_ok() || host.parse::<std::net::IpAddr>().is_ok()
}

fn check_key(key: &str) -> Result<(), String> {
    match key.starts_with('/') || key.ends_with('/') || key.contains("//") {
        true => Err("`key` must not start or end with a slash, nor have two in a row.".to_owned()),
        false => Ok(()),
    }
}

fn region(
    arguments: &Map<String, Json>,
    profile: &Profile,
    outside: &Outside,
) -> Result<String, String> {
    text(arguments, "region")
        .or_else(|| outside.variable("AWS_REGION"))
        .or_else(|| outside.variable("AWS_DEFAULT_REGION"))
        .or_else(|| profile.get("region").cloned())
        .ok_or_else(|| {
            "Missing region value: the \"region\" attribute or the \"AWS_REGION\" or \"AWS_DEFAULT_REGION\" \
             environment variables must be set."
                .to_owned()
        })
}

/// Scheme, host with port, and path without slash at its end.
fn endpoint(
    arguments: &Map<String, Json>,
    profile: &Profile,
    outside: &Outside,
    region: &str,
) -> Result<(&'static str, String, String), String> {
    let named = arguments.get("endpoints").and_then(Json::as_object);
    let given = named
        .and_then(|named| text(named, "s3"))
        .or_else(|| text(arguments, "endpoint"))
        .or_else(|| outside.variable("AWS_ENDPOINT_URL_S3"))
        .or_else(|| outside.variable("AWS_S3_ENDPOINT"))
        .or_else(|| outside.variable("AWS_ENDPOINT_URL"))
        .or_else(|| profile.get("endpoint_url").cloned());
    let Some(given) = given else {
        return Ok(("https", amazon(arguments, outside, region), String::new()));
    };
    let (scheme, rest) = match given.split_once("://") {
        Some(("https", rest)) => ("https", rest),
        Some(("http", rest)) => ("http", rest),
        None => ("https", &*given),
        Some(_) => return Err("The endpoint of S3 is no address of `http` or `https`.".to_owned()),
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if host.is_empty() || host.contains('@') {
        return Err(
            "The endpoint of S3 must be an address with a host and without a user.".to_owned(),
        );
    }
    // A port that goes without saying is not said where the request is signed.
    let port = if scheme == "https" { ":443" } else { ":80" };
    let host = host.strip_suffix(port).unwrap_or(host);
    let path = path.trim_end_matches('/');
    let base = if path.is_empty() {
        String::new()
    } else {
        format!("/{path}")
    };
    Ok((scheme, host.to_owned(), base))
}

/// The host of Amazon's own service.
fn amazon(arguments: &Map<String, Json>, outside: &Outside, region: &str) -> String {
    let is = |argument: &str, variable: &str| {
        let said = || {
            outside
                .variable(variable)
                .is_some_and(|text| text == "true")
        };
        flag(arguments, argument) || said()
    };
    let fips = if is("use_fips_endpoint", "AWS_USE_FIPS_ENDPOINT") {
        "s3-fips"
    } else {
        "s3"
    };
    let stack = match is("use_dualstack_endpoint", "AWS_USE_DUALSTACK_ENDPOINT") {
        true => ".dualstack",
        false => "",
    };
    let end = if region.starts_with("cn-") { ".cn" } else { "" };
    format!("{fips}{stack}.{region}.amazonaws.com{end}")
}

fn tls(arguments: &Map<String, Json>, outside: &Outside) -> Result<Tls, String> {
    let bundle = text(arguments, "custom_ca_bundle").or_else(|| outside.variable("AWS_CA_BUNDLE"));
    let authorities = bundle.map(|path| {
        fs::read_to_string(outside.expand(&path))
            .map_err(|error| format!("`custom_ca_bundle` cannot be read: {error}."))
    });
    Ok(Tls {
        any_server: flag(arguments, "insecure"),
        authorities: authorities.transpose()?,
        client: None,
    })
}

fn encryption(arguments: &Map<String, Json>, outside: &Outside) -> Result<Encryption, String> {
    let own = flag(arguments, "encrypt");
    let kms = text(arguments, "kms_key_id");
    let customer =
        text(arguments, "sse_customer_key").or_else(|| outside.variable("AWS_SSE_CUSTOMER_KEY"));
    match (customer, kms) {
        (Some(_), Some(_)) => Err(
            "Only one of \"kms_key_id\" and the environment variable \"AWS_SSE_CUSTOMER_KEY\" or \
             \"sse_customer_key\" can be set."
                .to_owned(),
        ),
        (Some(key), None) if own => match BASE64.decode(&key) {
            Ok(key) if key.len() == 32 => Ok(Encryption::Customer(key)),
            _ => Err("`sse_customer_key` must be 32 bytes in base64.".to_owned()),
        },
        (None, Some(key)) if own => Ok(Encryption::Kms(key)),
        (None, _) if own => Ok(Encryption::Own),
        // As with Terraform a key alone does not encrypt: `encrypt` says whether to.
        (None, Some(_)) => Err("`kms_key_id` has no effect without `encrypt = true`.".to_owned()),
        (Some(_), None) => {
            Err("`sse_customer_key` has no effect without `encrypt = true`.".to_owned())
        }
        (None, None) => Ok(Encryption::No),
    }
}
