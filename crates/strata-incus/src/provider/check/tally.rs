//! What a plan adds to the projects of servers: no single object goes beyond a limit that all of a plan
//! go beyond together.
//!
//! What a server says of a project is asked once and kept with what is planned since then, so that an
//! object which is planned again while others are made already is not counted twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    sync::Arc,
};

use serde_json::Value as Json;
use tokio::sync::OnceCell;

use crate::provider::session::Place;

/// A project: its remote and its name.
pub(crate) type Room = (String, String);

/// What is asked of each limit, by the limit's name.
pub(crate) type Demand = BTreeMap<String, i64>;

/// What a server says of a project.
pub(crate) struct ProjectState {
    /// Its keys.
    pub(crate) config: Json,
    /// Limits and usage by name; nothing if it has no limits.
    pub(crate) resources: Json,
}

/// What is known of projects, and planned in them.
#[derive(Default)]
pub(crate) struct Tally {
    rooms: BTreeMap<Room, Planned>,
    /// Who is to have an address of a network.
    addresses: BTreeMap<(Room, String, IpAddr), String>,
    /// Which resource describes an object.
    described: BTreeMap<Place, String>,
}

#[derive(Default)]
struct Planned {
    state: Arc<OnceCell<Option<ProjectState>>>,
    /// What each object asks for, by its path.
    demands: BTreeMap<String, Demand>,
}

impl Tally {
    /// Where the server's answer is kept.
    pub(crate) fn state(&mut self, room: &Room) -> Arc<OnceCell<Option<ProjectState>>> {
        self.rooms.entry(room.clone()).or_default().state.clone()
    }

    /// Takes note of what an object asks for; gives what all ask for together.
    pub(crate) fn add(&mut self, room: &Room, path: &str, demand: Demand) -> Demand {
        let planned = self.rooms.entry(room.clone()).or_default();
        planned.demands.insert(path.to_owned(), demand);
        let mut total = Demand::new();
        for (limit, more) in planned.demands.values().flatten() {
            let sum = total.entry(limit.clone()).or_default();
            *sum = sum.saturating_add(*more);
        }
        total
    }

    /// The objects that were planned so far.
    pub(crate) fn planned(&self, room: &Room) -> BTreeSet<String> {
        let planned = self.rooms.get(room);
        planned
            .into_iter()
            .flat_map(|planned| planned.demands.keys().cloned())
            .collect()
    }

    /// Forgets a project of which something was deleted: it is asked for anew.
    pub(crate) fn forget(&mut self, room: &Room) {
        self.rooms.remove(room);
        self.addresses.retain(|(other, _, _), _| other != room);
    }

    /// Takes note of which resource describes an object; gives the other one that was planned to.
    pub(crate) fn describe(&mut self, place: Place, address: &str) -> Option<String> {
        let first = self.described.entry(place);
        let first = first.or_insert_with(|| address.to_owned());
        (*first != address).then(|| first.clone())
    }

    /// Takes note of who is to have an address; gives who was planned to have it before.
    pub(crate) fn claim(
        &mut self,
        room: &Room,
        network: &str,
        address: IpAddr,
        holder: &str,
    ) -> Option<String> {
        let key = (room.clone(), network.to_owned(), address);
        let before = self.addresses.insert(key, holder.to_owned());
        before.filter(|before| before != holder)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Room {
        ("local".to_owned(), "web".to_owned())
    }

    #[test]
    fn what_is_planned_again_counts_once() {
        let mut tally = Tally::default();
        let demand = |more| Demand::from([("instances".to_owned(), 1), ("cpu".to_owned(), more)]);
        tally.add(&room(), "a", demand(2));
        tally.add(&room(), "a", demand(3));
        let total = tally.add(&room(), "b", demand(4));
        assert_eq!(
            total,
            Demand::from([("instances".to_owned(), 2), ("cpu".to_owned(), 7)])
        );
        assert_eq!(tally.planned(&room()).len(), 2);
        tally.forget(&room());
        assert!(tally.planned(&room()).is_empty());
    }

    #[test]
    fn an_object_is_described_by_one_resource() {
        let mut tally = Tally::default();
        let place = || ("local".to_owned(), "/1.0/instances/a".to_owned());
        assert_eq!(tally.describe(place(), "one"), None);
        assert_eq!(tally.describe(place(), "one"), None);
        assert_eq!(tally.describe(place(), "two"), Some("one".to_owned()));
    }

    #[test]
    fn an_address_has_one_holder() {
        let mut tally = Tally::default();
        let address = "10.0.0.5".parse().unwrap();
        assert_eq!(tally.claim(&room(), "br0", address, "a"), None);
        assert_eq!(tally.claim(&room(), "br0", address, "a"), None);
        assert_eq!(
            tally.claim(&room(), "br0", address, "b"),
            Some("a".to_owned())
        );
        assert_eq!(tally.claim(&room(), "br1", address, "b"), None);
    }
}
