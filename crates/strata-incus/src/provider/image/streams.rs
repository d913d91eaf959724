//! The aliases of images on servers that serve nothing else.
//!
//! Simplestreams: an index names lists of products, each with its aliases, its architecture and the fingerprints of its
//! versions. An image has the aliases of its product, and each again with the architecture behind it, as the Incus
//! client shows them. A plan looks images up in the same lists. Of a public Incus server they are told as by any other; a registry of OCI images has none.

use serde_json::Value as Json;

use crate::{
    client::{ApiPath, ClientError, web},
    provider::session::is_fingerprint,
    remote::Remote,
};

use super::aliases_of;

/// An image as it is looked for.
pub(super) struct Wanted<'a> {
    /// Its alias, or the beginning of its fingerprint.
    pub(super) name: &'a str,
    /// Its architecture, as Incus calls it.
    pub(super) architecture: &'a str,
    /// True if that is the one of the server that copies it: its aliases are meant without architecture, too.
    pub(super) is_usual: bool,
}

/// The aliases that an image has on a server of images.
pub(super) async fn aliases(
    remote: &Remote,
    url: &str,
    protocol: &str,
    wanted: &Wanted<'_>,
) -> Result<Vec<String>, ClientError> {
    match protocol {
        "simplestreams" => of_streams(remote, url, wanted).await,
        "incus" => of_incus(remote, url, wanted.name).await,
        _ => Ok(Vec::new()),
    }
}

async fn of_streams(
    remote: &Remote,
    url: &str,
    wanted: &Wanted<'_>,
) -> Result<Vec<String>, ClientError> {
    let lists = lists(remote, url).await?;
    lists
        .iter()
        .find_map(|list| among(list, wanted))
        .ok_or_else(|| {
            ClientError::Setup(format!(
                "{url} has no image `{}` for {}",
                wanted.name, wanted.architecture
            ))
        })
}

/// All lists of products of a server.
pub(super) async fn lists(remote: &Remote, url: &str) -> Result<Vec<Json>, ClientError> {
    let index = web::get(remote, &format!("{url}/streams/v1/index.json")).await?;
    let named = index["index"].as_object().into_iter().flatten();
    let named = named.filter(|(_, list)| list["datatype"] == "image-downloads");
    let mut lists = Vec::new();
    for path in named.filter_map(|(_, list)| list["path"].as_str()) {
        lists.push(web::get(remote, &format!("{url}/{path}")).await?);
    }
    Ok(lists)
}

/// True if lists have an image for one of these architectures; for any if none is known.
pub(super) fn has(lists: &[Json], name: &str, architectures: &[String]) -> bool {
    let wanted = |architecture| Wanted {
        name,
        architecture,
        is_usual: true,
    };
    let any = architectures.is_empty();
    let products = || {
        let lists = lists.iter().filter_map(|list| list["products"].as_object());
        lists.flat_map(serde_json::Map::values)
    };
    architectures
        .iter()
        .any(|one| products().any(|product| is_wanted(product, &wanted(one))))
        || (any && products().any(|product| is_wanted(product, &wanted(own(product)))))
}

/// The architecture of a product, as Incus calls it.
fn own(product: &Json) -> &str {
    incus_name(product["arch"].as_str().unwrap_or_default())
}

async fn of_incus(remote: &Remote, url: &str, name: &str) -> Result<Vec<String>, ClientError> {
    let fingerprint = match is_fingerprint(name) {
        true => name.to_owned(),
        false => {
            let path = ApiPath::new(&["images", "aliases", name]).into_text();
            let alias = web::get(remote, &format!("{url}{path}")).await?;
            let target = alias["metadata"]["target"].as_str();
            target.unwrap_or_default().to_owned()
        }
    };
    let path = ApiPath::new(&["images", &fingerprint]).into_text();
    let image = web::get(remote, &format!("{url}{path}")).await?;
    Ok(aliases_of(&image["metadata"]).into_keys().collect())
}

/// The aliases of the product that is wanted, if a list has it.
fn among(list: &Json, wanted: &Wanted<'_>) -> Option<Vec<String>> {
    let products = list["products"].as_object()?.values();
    let mut found = products.filter(|product| is_wanted(product, wanted));
    let product = found.next()?;
    let (names, architecture) = (names(product), product["arch"].as_str()?);
    let usual = names.clone().filter(|_| wanted.is_usual).map(str::to_owned);
    let full = names.map(|name| format!("{name}/{architecture}"));
    Some(usual.chain(full).collect())
}

fn is_wanted(product: &Json, wanted: &Wanted<'_>) -> bool {
    if is_fingerprint(wanted.name) {
        return fingerprints(product).any(|print| print.starts_with(wanted.name));
    }
    let architecture = product["arch"].as_str().unwrap_or_default();
    let with_architecture = wanted.name.strip_suffix(architecture);
    let full = with_architecture.and_then(|name| name.strip_suffix('/'));
    let mut names = names(product);
    match full {
        Some(full) if !architecture.is_empty() => names.any(|name| name == full),
        _ => {
            incus_name(architecture) == wanted.architecture && names.any(|name| name == wanted.name)
        }
    }
}

fn names(product: &Json) -> impl Iterator<Item = &str> + Clone {
    let names = product["aliases"].as_str().unwrap_or_default();
    names.split(',').filter(|name| !name.is_empty())
}

/// The fingerprints of all images of a product: those of the files that it is made of, together.
fn fingerprints(product: &Json) -> impl Iterator<Item = &str> {
    let versions = product["versions"].as_object().into_iter().flatten();
    let items =
        versions.flat_map(|(_, version)| version["items"].as_object().into_iter().flatten());
    let fields = items.flat_map(|(_, item)| item.as_object().into_iter().flatten());
    let combined = fields.filter(|(name, _)| name.starts_with("combined_"));
    combined.filter_map(|(_, print)| print.as_str())
}

/// Incus' name of an architecture that Debian names otherwise.
fn incus_name(debian: &str) -> &str {
    match debian {
        "amd64" => "x86_64",
        "arm64" => "aarch64",
        "armhf" => "armv7l",
        "i386" => "i686",
        "ppc64el" => "ppc64le",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(name: &str, architecture: &str, is_usual: bool) -> Option<String> {
        let product = |arch: &str, print: &str| {
            let item = json!({ "ftype": "incus.tar.xz", "sha256": "00", "combined_squashfs_sha256": print });
            json!({
                "aliases": "debian/12,debian/bookworm", "arch": arch,
                "versions": { "20260101_05:24": { "items": { "incus.tar.xz": item } } },
            })
        };
        let list = json!({ "products": {
            "debian:bookworm:amd64": product("amd64", "aaaaaaaaaaaaaa"),
            "debian:bookworm:arm64": product("arm64", "bbbbbbbbbbbbbb"),
            "broken": { "aliases": 3 },
        }});
        let wanted = Wanted {
            name,
            architecture,
            is_usual,
        };
        among(&list, &wanted).map(|names| names.join(" "))
    }

    #[test]
    fn an_image_has_the_aliases_of_its_product_with_and_without_architecture() {
        let amd64 = "debian/12 debian/bookworm debian/12/amd64 debian/bookworm/amd64";
        let arm64 = "debian/12/arm64 debian/bookworm/arm64";
        assert_eq!(check("debian/12", "x86_64", true).as_deref(), Some(amd64));
        assert_eq!(
            check("aaaaaaaaaaaa", "x86_64", true).as_deref(),
            Some(amd64)
        );
        assert_eq!(
            check("debian/bookworm", "aarch64", false).as_deref(),
            Some(arm64)
        );
        assert_eq!(
            check("debian/12/arm64", "aarch64", false).as_deref(),
            Some(arm64)
        );
        assert_eq!(check("debian/13", "x86_64", true), None);
        assert_eq!(check("debian/12", "riscv64", false), None);
    }

    #[test]
    fn an_image_is_looked_for_in_the_architectures_that_will_do() {
        let product = json!({ "aliases": "debian/12", "arch": "amd64" });
        let lists = [
            json!({}),
            json!({ "products": { "debian:12:amd64": product } }),
        ];
        let has = |name: &str, all: &[&str]| {
            let all: Vec<String> = all.iter().map(|one| (*one).to_owned()).collect();
            super::has(&lists, name, &all)
        };
        assert!(has("debian/12", &["x86_64", "i686"]));
        assert!(has("debian/12", &[]));
        assert!(!has("debian/12", &["aarch64"]));
        assert!(!has("debian/13", &[]));
    }
}
