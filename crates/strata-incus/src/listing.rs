//! All instances of a remote as its API tells them, for inventories.

use serde_json::Value as Json;

use crate::{client::ApiPath, platform::Incus};

impl Incus {
    /// The instances of a project of a remote, or of all its projects, in the words of the API; each project with its
    /// own. A failure is told in one sentence.
    pub async fn instances(
        &self,
        remote: &str,
        project: Option<&str>,
    ) -> Result<Vec<(String, Vec<Json>)>, String> {
        let told = |error: crate::client::ClientError| error.to_string();
        let platform = self.platform();
        let client = platform
            .client(&platform.remotes(), Some(remote))
            .map_err(told)?;
        let projects = match project {
            Some(project) => vec![project.to_owned()],
            None => {
                let all = ApiPath::new(&["projects"]).query("recursion", "1");
                let all = client.get::<Vec<Json>>(&all).await.map_err(told)?.value;
                all.iter().filter_map(name).collect()
            }
        };
        let mut found = Vec::new();
        for project in projects {
            let path = ApiPath::new(&["instances"])
                .query("recursion", "1")
                .query("project", &project);
            let instances = client.get::<Vec<Json>>(&path).await.map_err(told)?;
            found.push((project, instances.value));
        }
        Ok(found)
    }
}

fn name(object: &Json) -> Option<String> {
    object.get("name")?.as_str().map(str::to_owned)
}
