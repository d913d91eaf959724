//! What each backend takes: names, types, and which of them Strata refuses.
//!
//! Arguments travel as JSON, the form they have in `.terraform/terraform.tfstate`.

use std::sync::Arc;

use serde_json::{Map, Number, Value as Json};

/// An argument that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which; none where the backend as a whole is meant.
    pub name: Option<Arc<str>>,
    /// What is wrong, as a summary.
    pub summary: String,
    /// Why.
    pub detail: String,
    /// What to do.
    pub hint: Option<String>,
}

/// One argument of a backend.
struct Field {
    name: &'static str,
    kind: Kind,
    /// What to do instead, where Strata does not have it.
    instead: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Number,
    /// A list or set of texts.
    Texts,
    /// An object or a map of texts.
    Object,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        instead: None,
    }
}

const fn refused(name: &'static str, kind: Kind, instead: &'static str) -> Field {
    Field {
        name,
        kind,
        instead: Some(instead),
    }
}

const LOCAL: &[Field] = &[
    field("path", Kind::Text),
    field("workspace_dir", Kind::Text),
];

const HTTP: &[Field] = &[
    field("address", Kind::Text),
    field("client_ca_certificate_pem", Kind::Text),
    field("client_certificate_pem", Kind::Text),
    field("client_private_key_pem", Kind::Text),
    field("headers", Kind::Object),
    field("lock_address", Kind::Text),
    field("lock_method", Kind::Text),
    field("password", Kind::Text),
    field("retry_max", Kind::Number),
    field("retry_wait_max", Kind::Number),
    field("retry_wait_min", Kind::Number),
    field("skip_cert_verification", Kind::Flag),
    field("unlock_address", Kind::Text),
    field("unlock_method", Kind::Text),
    field("update_method", Kind::Text),
    field("username", Kind::Text),
];

const CREDENTIALS: &str = "Give keys by `access_key` and `secret_key`, by a profile of a shared file, or by AWS_ACCESS_KEY_ID and \
     AWS_SECRET_ACCESS_KEY; a program such as `aws configure export-credentials` makes them of others.";
const DYNAMODB: &str = "Lock with `use_lockfile = true`, as Terraform 1.10 and later do.";
const PROXY: &str = "Set HTTPS_PROXY and NO_PROXY in the environment.";
const ACCOUNT: &str = "The account is not asked for: limit the credentials to one bucket instead.";

/// Those of Terraform 1.11, and of OpenTofu 1.10 where they differ.
const S3: &[Field] = &[
    field("access_key", Kind::Text),
    field("acl", Kind::Text),
    refused("allowed_account_ids", Kind::Texts, ACCOUNT),
    refused("assume_role", Kind::Object, CREDENTIALS),
    refused("assume_role_with_web_identity", Kind::Object, CREDENTIALS),
    field("bucket", Kind::Text),
    field("custom_ca_bundle", Kind::Text),
    field("dynamodb_endpoint", Kind::Text),
    refused("dynamodb_table", Kind::Text, DYNAMODB),
    field("ec2_metadata_service_endpoint", Kind::Text),
    field("ec2_metadata_service_endpoint_mode", Kind::Text),
    field("encrypt", Kind::Flag),
    field("endpoint", Kind::Text),
    field("endpoints", Kind::Object),
    refused("forbidden_account_ids", Kind::Texts, ACCOUNT),
    field("force_path_style", Kind::Flag),
    refused("http_proxy", Kind::Text, PROXY),
    refused("https_proxy", Kind::Text, PROXY),
    field("iam_endpoint", Kind::Text),
    field("insecure", Kind::Flag),
    field("key", Kind::Text),
    field("kms_key_id", Kind::Text),
    field("max_retries", Kind::Number),
    refused("no_proxy", Kind::Text, PROXY),
    field("profile", Kind::Text),
    field("region", Kind::Text),
    field("retry_mode", Kind::Text),
    refused("role_arn", Kind::Text, CREDENTIALS),
    field("secret_key", Kind::Text),
    field("shared_config_files", Kind::Texts),
    field("shared_credentials_file", Kind::Text),
    field("shared_credentials_files", Kind::Texts),
    field("skip_credentials_validation", Kind::Flag),
    field("skip_metadata_api_check", Kind::Flag),
    field("skip_region_validation", Kind::Flag),
    field("skip_requesting_account_id", Kind::Flag),
    field("skip_s3_checksum", Kind::Flag),
    field("sse_customer_key", Kind::Text),
    field("sts_endpoint", Kind::Text),
    field("sts_region", Kind::Text),
    field("token", Kind::Text),
    field("use_dualstack_endpoint", Kind::Flag),
    field("use_fips_endpoint", Kind::Flag),
    field("use_lockfile", Kind::Flag),
    field("use_path_style", Kind::Flag),
    field("workspace_key_prefix", Kind::Text),
];

/// The services that `endpoints` may name.
const ENDPOINTS: [&str; 5] = ["dynamodb", "iam", "s3", "sso", "sts"];

/// Arguments that Terraform does not have: they are written down only where they are given.
const OF_OPENTOFU: [&str; 2] = ["headers", "role_arn"];

fn fields(kind: &str) -> Option<&'static [Field]> {
    match kind {
        "local" => Some(LOCAL),
        "http" => Some(HTTP),
        "s3" => Some(S3),
        _ => None,
    }
}

/// True if this backend is there.
pub fn is_known(kind: &str) -> bool {
    fields(kind).is_some()
}

/// The arguments that a backend takes, by name.
pub fn names(kind: &str) -> impl Iterator<Item = &'static str> {
    fields(kind).into_iter().flatten().map(|field| field.name)
}

/// Brings arguments into the types that the backend has them in; every mistake is reported.
///
/// Null is the same as an argument that is not there.
pub fn check(kind: &str, given: &Map<String, Json>) -> Result<Map<String, Json>, Vec<Wrong>> {
    let Some(fields) = fields(kind) else {
        return Err(vec![unknown_backend(kind)]);
    };
    let mut found = Map::new();
    let mut wrong = Vec::new();
    for (name, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        match fields.iter().find(|field| field.name == name) {
            None => wrong.push(unknown(kind, name)),
            Some(Field {
                instead: Some(instead),
                ..
            }) => wrong.push(not_there(kind, name, instead)),
            Some(field) => match typed(field.kind, value) {
                Some(value) => drop(found.insert(name.clone(), value)),
                None => wrong.push(of_other_type(field)),
            },
        }
    }
    match wrong.is_empty() {
        true => Ok(found),
        false => Err(wrong),
    }
}

/// The same with a null for each argument that is not there, as Terraform writes them down.
pub fn complete(kind: &str, arguments: &Map<String, Json>) -> Map<String, Json> {
    let value = |name: &str| match arguments.get(name) {
        Some(Json::Object(given)) if name == "endpoints" => {
            let all = ENDPOINTS.map(|name| (name.to_owned(), given.get(name).cloned().into()));
            Json::Object(all.into_iter().collect())
        }
        given => given.cloned().into(),
    };
    names(kind)
        .filter(|name| arguments.contains_key(*name) || !OF_OPENTOFU.contains(name))
        .map(|name| (name.to_owned(), value(name)))
        .collect()
}

/// A number that tells a change of the block, the same that Terraform works out: a checksum of a text of its values.
pub fn hash(kind: &str, block: &Map<String, Json>) -> u64 {
    let mut text = format!("<{};", Json::from(kind));
    push(&Json::Object(complete(kind, block)), &mut text);
    text.push_str(";>");
    crc32(text.as_bytes()).into()
}

/// The text of a value; objects without names, in the order of these.
fn push(value: &Json, text: &mut String) {
    match value {
        Json::Null => text.push('~'),
        Json::Bool(true) => text.push('T'),
        Json::Bool(false) => text.push('F'),
        Json::Number(_) | Json::String(_) => text.push_str(&value.to_string()),
        Json::Array(items) => {
            text.push('[');
            for item in items {
                push(item, text);
                text.push(';');
            }
            text.push(']');
        }
        Json::Object(entries) => {
            text.push('<');
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            for (_, entry) in entries {
                push(entry, text);
                text.push(';');
            }
            text.push('>');
        }
    }
}

/// The checksum of Ethernet (CRC-32, IEEE 802.3).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| match sum & 1 {
            0 => sum >> 1,
            _ => (sum >> 1) ^ 0xedb8_8320,
        })
    })
}

fn typed(kind: Kind, value: &Json) -> Option<Json> {
    match (kind, value) {
        (Kind::Text, Json::String(_)) | (Kind::Flag, Json::Bool(_)) => Some(value.clone()),
        (Kind::Number, Json::Number(number)) => number.as_u64().map(|_| value.clone()),
        (Kind::Text, Json::Number(number)) => Some(number.to_string().into()),
        (Kind::Text, Json::Bool(truth)) => Some(truth.to_string().into()),
        (Kind::Flag, Json::String(text)) => text.parse().ok().map(Json::Bool),
        (Kind::Number, Json::String(text)) => {
            let number: Option<u64> = text.parse().ok();
            number.map(|number| Json::Number(Number::from(number)))
        }
        (Kind::Texts, Json::Array(all)) => all.iter().all(Json::is_string).then(|| value.clone()),
        (Kind::Object, Json::Object(all)) => {
            let fits = |value: &Json| value.is_string() || value.is_null();
            let given = all.iter().filter(|(_, value)| !value.is_null());
            let given = || {
                given
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect()
            };
            all.values().all(fits).then(|| Json::Object(given()))
        }
        _ => None,
    }
}

fn unknown_backend(kind: &str) -> Wrong {
    Wrong {
        name: None,
        summary: "Unsupported backend type".to_owned(),
        detail: format!("There is no backend type named \"{kind}\" here."),
        hint: Some("Strata has `local`, `s3` and `http`.".to_owned()),
    }
}

fn unknown(kind: &str, name: &str) -> Wrong {
    let all: Vec<_> = names(kind).map(|name| format!("`{name}`")).collect();
    Wrong {
        name: Some(name.into()),
        summary: "Unsupported argument".to_owned(),
        detail: format!("An argument named \"{name}\" is not expected here."),
        hint: Some(format!("The backend `{kind}` has {}.", all.join(", "))),
    }
}

fn not_there(kind: &str, name: &str, instead: &str) -> Wrong {
    Wrong {
        name: Some(name.into()),
        summary: format!("`{name}` of the backend `{kind}` is not supported"),
        detail: "Strata understands it, does not carry it out, and will not ignore it.".to_owned(),
        hint: Some(instead.to_owned()),
    }
}

fn of_other_type(field: &Field) -> Wrong {
    let needed = match field.kind {
        Kind::Text => "string",
        Kind::Flag => "bool",
        Kind::Number => "number",
        Kind::Texts => "list of strings",
        Kind::Object => "object of strings",
    };
    Wrong {
        name: Some(field.name.into()),
        summary: "Incorrect attribute value type".to_owned(),
        detail: format!(
            "Inappropriate value for attribute \"{}\": {needed} required.",
            field.name
        ),
        hint: None,
    }
}

/// A text among arguments.
pub(super) fn text(arguments: &Map<String, Json>, name: &str) -> Option<String> {
    let text = arguments.get(name)?.as_str()?;
    (!text.is_empty()).then(|| text.to_owned())
}

/// A flag among arguments; false without.
pub(super) fn flag(arguments: &Map<String, Json>, name: &str) -> bool {
    arguments.get(name).and_then(Json::as_bool).unwrap_or(false)
}

/// A list of texts among arguments.
pub(super) fn texts(arguments: &Map<String, Json>, name: &str) -> Vec<String> {
    let all = arguments.get(name).and_then(Json::as_array);
    let texts = all.into_iter().flatten().filter_map(Json::as_str);
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Json) -> Map<String, Json> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn arguments_are_brought_into_their_types() {
        let given =
            json!({"bucket": "b", "use_lockfile": "true", "max_retries": "3", "region": null});
        let found = check("s3", &object(given)).unwrap();
        let expected = json!({"bucket": "b", "use_lockfile": true, "max_retries": 3});
        assert_eq!(Json::Object(found), expected);
    }

    #[test]
    fn every_wrong_argument_is_named() {
        let given = json!({"buckt": "b", "dynamodb_table": "t", "encrypt": "perhaps"});
        let wrong = check("s3", &object(given)).unwrap_err();
        let summaries: Vec<_> = wrong.iter().map(|wrong| &*wrong.summary).collect();
        let expected = [
            "Unsupported argument",
            "`dynamodb_table` of the backend `s3` is not supported",
            "Incorrect attribute value type",
        ];
        assert_eq!(summaries, expected);
        assert!(check("consul", &Map::new()).is_err());
    }

    #[test]
    fn a_change_of_the_block_is_told_by_the_number_that_terraform_uses() {
        let of = |kind: &str, block: Json| hash(kind, &object(block));
        assert_eq!(of("local", json!({"path": "x.tfstate"})), 2_326_359_980);
        let s3 = json!({
            "bucket": "b", "key": "k", "region": "main", "endpoints": {"s3": "http://127.0.0.1:18765"},
            "use_path_style": true, "use_lockfile": true, "skip_credentials_validation": true,
            "skip_region_validation": true, "skip_requesting_account_id": true, "skip_metadata_api_check": true,
        });
        assert_eq!(of("s3", s3), 2_796_470_681);
    }

    #[test]
    fn what_is_not_said_is_written_down_as_null() {
        let all = complete("local", &object(json!({"path": "x"})));
        assert_eq!(
            Json::Object(all),
            json!({"path": "x", "workspace_dir": null})
        );
    }
}
