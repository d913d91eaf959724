//! Whether a registry has an OCI image, asked as the distribution specification (1.1) says: its manifest by name and tag,
//! with a token for everybody where the registry wants one.

use crate::{
    client::{ClientError, web},
    remote::Remote,
};

/// The kinds of manifests that will do.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";

/// True if a registry has an image.
pub(super) async fn has(remote: &Remote, url: &str, image: &str) -> Result<bool, ClientError> {
    let target = manifest(url, image);
    let mut headers = vec![("Accept", MANIFESTS.to_owned())];
    let mut answer = web::ask(remote, &target, headers.clone()).await?;
    if let (401, Some(challenge)) = (answer.status, answer.header("www-authenticate"))
        && let Some(place) = token_place(challenge)
    {
        let token = web::get(remote, &place).await?;
        let token = token["token"].as_str().or(token["access_token"].as_str());
        headers.push((
            "Authorization",
            format!("Bearer {}", token.unwrap_or_default()),
        ));
        answer = web::ask(remote, &target, headers).await?;
    }
    match answer.status {
        200..300 => Ok(true),
        404 => Ok(false),
        status => Err(ClientError::Exchange(format!(
            "{target} answered with HTTP status {status}"
        ))),
    }
}

/// Where the manifest of an image is: `nginx`, `library/nginx:1`, `team/app@sha256:…`.
fn manifest(url: &str, image: &str) -> String {
    let (name, tag) = match (image.split_once('@'), image.rsplit_once(':')) {
        (Some((name, digest)), _) => (name, digest),
        (None, Some((name, tag))) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    };
    // The registry of Docker answers elsewhere, and its own images have a family name that nobody writes.
    match url.trim_end_matches('/') {
        "https://docker.io" => {
            let family = if name.contains('/') { "" } else { "library/" };
            format!("https://registry-1.docker.io/v2/{family}{name}/manifests/{tag}")
        }
        url => format!("{url}/v2/{name}/manifests/{tag}"),
    }
}

/// Where a token is had: `Bearer realm="https://auth.example/token",service="…",scope="…"`.
fn token_place(challenge: &str) -> Option<String> {
    let rest = challenge.strip_prefix("Bearer ")?;
    let part = |name: &str| {
        let (_, after) = rest.split_once(&format!("{name}=\""))?;
        Some(after.split('"').next().unwrap_or_default())
    };
    let mut place = format!("{}?service=", part("realm")?);
    strata_http::encode(part("service").unwrap_or_default(), &mut place);
    if let Some(scope) = part("scope") {
        place.push_str("&scope=");
        strata_http::encode(scope, &mut place);
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_asked_for_where_its_registry_keeps_it() {
        let at = |url: &str, image: &str| manifest(url, image);
        assert_eq!(
            at("https://docker.io", "nginx"),
            "https://registry-1.docker.io/v2/library/nginx/manifests/latest"
        );
        assert_eq!(
            at("https://ghcr.io/", "a/b:1.2"),
            "https://ghcr.io/v2/a/b/manifests/1.2"
        );
        assert_eq!(
            at("https://r.example", "a/b@sha256:00"),
            "https://r.example/v2/a/b/manifests/sha256:00"
        );
    }

    #[test]
    fn a_challenge_tells_where_a_token_is_had() {
        let challenge = r#"Bearer realm="https://auth.example/token",service="r.example",scope="repository:a/b:pull""#;
        let place = "https://auth.example/token?service=r.example&scope=repository%3Aa%2Fb%3Apull";
        assert_eq!(token_place(challenge).as_deref(), Some(place));
        assert_eq!(token_place("Basic realm=\"x\""), None);
    }
}
