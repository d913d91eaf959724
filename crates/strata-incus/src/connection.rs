//! The way into an instance: programs by exec, files by the files API. No ssh, and nothing in the guest takes part.

use std::{collections::BTreeMap, sync::Arc};

use strata_core::{
    BoxFuture, Value,
    connection::{Channel, Connection, ConnectionError},
};

use crate::{
    client::{self, Client, ClientError, Instance, Notes, Ownership, Program},
    instance_state::FullInstance,
    platform::Platform,
    wait,
};

/// The way into one instance.
pub(crate) struct InstanceConnection {
    platform: Arc<Platform>,
    remote: Option<String>,
    project: Option<String>,
    name: String,
}

impl InstanceConnection {
    /// Takes a host's variables.
    pub(crate) fn new(
        platform: Arc<Platform>,
        variables: &BTreeMap<Arc<str>, Value>,
    ) -> Result<Self, ConnectionError> {
        let text = |name: &str| {
            variables
                .get(name)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let name = text("ansible_host").or_else(|| text("inventory_hostname"));
        let Some(name) = name else {
            return Err(ConnectionError::Unreachable(
                "the host has no `ansible_host`: an instance's name is wanted".to_owned(),
            ));
        };
        Ok(Self {
            platform,
            remote: text("ansible_incus_remote"),
            project: text("ansible_incus_project"),
            name,
        })
    }

    fn client(&self) -> Result<Arc<Client>, ClientError> {
        let remotes = self.platform.remotes();
        self.platform.client(&remotes, self.remote.as_deref())
    }

    fn instance<'a>(&'a self, client: &'a Client) -> Instance<'a> {
        Instance {
            project: self.project.as_deref().unwrap_or(&client.remote().project),
            name: &self.name,
        }
    }

    async fn wait_until_ready(
        &self,
        progress: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<(), ConnectionError> {
        let client = self.client()?;
        let instance = self.instance(&client);
        let path = instance.path(&[]).query("recursion", "1");
        let found: FullInstance = client.get(&path).await?.value;
        if !found.is_running() {
            return Err(wait::stopped(instance));
        }
        let (timeouts, notes) = (self.platform.timeouts, Notes::Connecting(progress));
        if found.has_nic() && found.main_interface().is_none() {
            let limit = timeouts.address;
            wait::for_address(&client, instance, None, None, limit, notes).await?;
        }
        wait::for_cloud_init(&client, instance, timeouts.cloud_init, notes).await
    }
}

impl Connection for InstanceConnection {
    fn describe(&self) -> String {
        match &self.remote {
            Some(remote) => format!("incus exec {remote}:{}", self.name),
            None => format!("incus exec {}", self.name),
        }
    }

    fn ready<'a>(
        &'a self,
        progress: &'a (dyn Fn(&str) + Send + Sync),
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(self.wait_until_ready(progress))
    }

    fn start<'a>(&'a self, argv: &'a [String]) -> BoxFuture<'a, Result<Channel, ConnectionError>> {
        Box::pin(async move {
            let client = self.client()?;
            let program = Program::new(argv);
            let started = client::start(&client, self.instance(&client), &program).await;
            started.map_err(|error| self.explain(error))
        })
    }

    fn upload<'a>(
        &'a self,
        path: &'a str,
        mode: u32,
        content: &'a [u8],
    ) -> BoxFuture<'a, Result<(), ConnectionError>> {
        Box::pin(async move {
            let client = self.client()?;
            let ownership = Ownership {
                mode,
                uid: 0,
                gid: 0,
            };
            client
                .write_file(
                    self.instance(&client),
                    path,
                    ownership,
                    Some(0o755),
                    content,
                )
                .await
                .map_err(|error| self.explain(error))
        })
    }
}

impl InstanceConnection {
    fn explain(&self, error: ClientError) -> ConnectionError {
        match error.server_message() {
            Some(message) if message.contains("is not running") => {
                ConnectionError::Absent(format!("instance `{}` is not running", self.name))
            }
            _ => error.into(),
        }
    }
}
