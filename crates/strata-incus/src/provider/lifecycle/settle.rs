//! After a run was cut off: what a server still does with a call that nobody waits for, and what came of it.
//!
//! A bridge is made, changed and deleted without an operation that would tell of its end, and the server goes on with
//! such a call when its caller is gone, only to drop the end of it: a create leaves a network that is `Pending`
//! for good and has no interface, a delete leaves one that is `Created` and has none (Incus 6.0.4). Meanwhile another
//! call for the same network would take away what the first still needs, such as the file with the pid of its
//! `dnsmasq`, which then stays and keeps the address. So nothing is sent until the server has done.

use std::time::Duration;

use serde_json::Value as Json;
use strata_core::{
    Diagnostics, Value,
    provider::{Object, Settled},
};
use tokio::time::{Instant, sleep};

use super::{
    super::{attributes::Attributes, entity::PENDING},
    Lifecycle,
};
use crate::client::{Answer, ApiPath, ClientError};

/// How a server is watched that says nothing of what it does.
pub(super) struct Patience {
    /// How long nothing may change until it has done. What cannot be seen is the time from the end of an interface to
    /// the end of its `dnsmasq`: tenths of a second, on a busy machine more.
    quiet: Duration,
    /// How long it may go on altogether.
    limit: Duration,
    /// Between two looks.
    pause: Duration,
}

pub(super) const PATIENCE: Patience = Patience {
    quiet: Duration::from_secs(3),
    limit: Duration::from_secs(60),
    pause: Duration::from_millis(100),
};

/// What can be seen of a bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bridge {
    status: String,
    has_interface: bool,
}

impl Bridge {
    /// True if its create came to a good end and no delete has begun. One that cannot be brought up is whole, too:
    /// that is told by another status.
    fn is_whole(&self) -> bool {
        match &*self.status {
            PENDING => false,
            "Created" => self.has_interface,
            _ => true,
        }
    }
}

impl Lifecycle<'_> {
    /// Reads an object whose change or delete has no answer.
    pub(crate) async fn settle(&self, object: Object) -> Result<Option<Settled>, Diagnostics> {
        let complete = self.end(&object.value, false, &PATIENCE).await?;
        let object = self.read(object).await?;
        Ok(object.map(|object| Settled { object, complete }))
    }

    /// Waits until the server has done with what it was asked for this object; false if only parts of it are left.
    pub(super) async fn end(
        &self,
        object: &Value,
        is_create: bool,
        patience: &Patience,
    ) -> Result<bool, Diagnostics> {
        let whole = self.bridge_is_quiet(object, is_create, patience).await;
        whole.map_err(|error| {
            let summary = format!(
                "cannot tell if the server is done with {}",
                self.name(object)
            );
            error.diagnostic(summary).into()
        })
    }

    async fn bridge_is_quiet(
        &self,
        object: &Value,
        is_create: bool,
        patience: &Patience,
    ) -> Result<bool, ClientError> {
        let started = Instant::now();
        let (mut seen, mut since) = (self.bridge(object).await?, started);
        loop {
            let Some(bridge) = &seen else {
                return Ok(true);
            };
            let is_quiet = since.elapsed() >= patience.quiet;
            let is_done = match is_create {
                // With its interface it is still being made, however long nothing else changes.
                true => bridge.is_whole() || is_quiet && !bridge.has_interface,
                false => is_quiet,
            };
            if is_done || started.elapsed() >= patience.limit {
                return Ok(bridge.is_whole());
            }
            sleep(patience.pause).await;
            let now = self.bridge(object).await?;
            if now != seen {
                (seen, since) = (now, Instant::now());
            }
        }
    }

    /// What is seen of a bridge; none if there is no such network, or it is no bridge of this server alone.
    async fn bridge(&self, object: &Value) -> Result<Option<Bridge>, ClientError> {
        let attributes = Attributes(object);
        if !self.entity.may_be_bridge(attributes) {
            return Ok(None);
        }
        let Some(network) = self.get(object).await? else {
            return Ok(None);
        };
        if network.value.kind != "bridge" || !network.value.managed {
            return Ok(None);
        }
        let mut segments = self.entity.segments(attributes);
        segments.push("state");
        let path = ApiPath::new(&segments).project(self.project(attributes));
        let state: Option<Answer<Json>> = self.client.find(&path).await?;
        Ok(Some(Bridge {
            status: network.value.status,
            has_interface: state.is_some(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        client::{Scripted, Step, object, refusal},
        provider::{attributes::with, entity::Entity, network::Network},
    };

    /// As the real one, but nothing takes time.
    const NONE: Patience = Patience {
        quiet: Duration::ZERO,
        limit: Duration::from_secs(60),
        pause: Duration::ZERO,
    };

    fn network(status: &str) -> Step {
        let text = format!(r#"{{"type":"bridge","managed":true,"status":"{status}"}}"#);
        object(&text)
    }

    fn up() -> Step {
        object(r#"{"state":"up"}"#)
    }

    fn down() -> Step {
        refusal(404, "Network interface \\\"br\\\" not found")
    }

    /// Whether the bridge was whole in the end, and how often it was looked at.
    async fn ended(is_create: bool, looks: Vec<(Step, Step)>) -> (bool, usize) {
        let mut steps = Vec::new();
        for (network, state) in looks {
            steps.push(("GET /1.0/networks/br", network));
            steps.push(("GET /1.0/networks/br/state", state));
        }
        let daemon = Scripted::start(steps);
        let client = daemon.client();
        let lifecycle = Lifecycle {
            entity: &Network,
            client: &client,
            source: None,
        };
        let empty = Network.schema().block.empty_value();
        let named = with(&empty, [("name", Value::from("br"))]);
        let whole = lifecycle.end(&named, is_create, &NONE).await.unwrap();
        let seen = daemon.seen();
        let looks = seen.iter().filter(|call| call.ends_with("/state"));
        (whole, looks.count())
    }

    #[tokio::test]
    async fn a_bridge_that_is_being_made_is_waited_for() {
        let looks = vec![
            (network("Pending"), up()),
            (network("Pending"), up()),
            (network("Created"), up()),
        ];
        assert_eq!(ended(true, looks).await, (true, 3));
    }

    #[tokio::test]
    async fn a_bridge_whose_create_was_dropped_is_not_whole() {
        let looks = vec![(network("Pending"), up()), (network("Pending"), down())];
        assert_eq!(ended(true, looks).await, (false, 2));
    }

    #[tokio::test]
    async fn a_bridge_whose_delete_was_dropped_is_not_whole() {
        assert_eq!(
            ended(false, vec![(network("Created"), down())]).await,
            (false, 1)
        );
        assert_eq!(
            ended(false, vec![(network("Created"), up())]).await,
            (true, 1)
        );
    }

    #[tokio::test]
    async fn a_bridge_that_cannot_be_brought_up_is_no_half_made_one() {
        let looks = vec![(network("Unavailable"), down())];
        assert_eq!(ended(false, looks).await, (true, 1));
    }
}
