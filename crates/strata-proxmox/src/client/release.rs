//! Which release of Proxmox VE answers, asked once, and what older ones do not take.

use hyper::Method;
use serde_json::Value as Json;

use super::{Client, Params};

/// A release: `8.4` is `(8, 4)`.
pub(crate) type Release = (u32, u32);

/// Parameters that may be left out where a release does not know them yet.
const SINCE: [(&str, Release); 1] = [
    // Before it, a guest upgraded its packages at the first boot, whatever was said.
    ("ciupgrade", (8, 0)),
];

impl Client {
    /// The release that answers; none if it does not tell, which is no reason to stop.
    pub(crate) async fn release(&self) -> Option<Release> {
        let told = self.release.get_or_init(async || {
            let told = self.call(Method::GET, "/version", &Params::new()).await;
            told.ok().and_then(|told| read(&told))
        });
        *told.await
    }

    /// The parameters without those that the release does not know; none if it knows all.
    pub(super) async fn known(&self, params: &Params) -> Option<(Params, &'static str)> {
        let (name, since) = *SINCE.iter().find(|(name, _)| params.get(name).is_some())?;
        let release = self.release().await?;
        if release >= since {
            return None;
        }
        let mut params = params.clone();
        params.remove(name);
        Some((params, name))
    }
}

/// `{"version": "8.4.1", "release": "8.4"}`.
fn read(told: &Json) -> Option<Release> {
    let text = told["version"].as_str().or(told["release"].as_str())?;
    let mut parts = text.split(['.', '-']);
    let mut next = || parts.next().and_then(|part| part.parse().ok());
    Some((next()?, next().unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_release_is_read_however_it_is_told() {
        assert_eq!(
            read(&json!({ "version": "8.4.1", "release": "8.4" })),
            Some((8, 4))
        );
        assert_eq!(read(&json!({ "version": "7.4-17" })), Some((7, 4)));
        assert_eq!(read(&json!({ "release": "9" })), Some((9, 0)));
        assert_eq!(read(&json!({ "version": "unknown" })), None);
    }
}
