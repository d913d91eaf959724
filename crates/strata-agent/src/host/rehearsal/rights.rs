//! What the task's user may do in a rehearsal, as far as modes and owners tell.

use std::path::Path;

use super::Rehearsal;
use super::overlay::Node;
use super::person::{Person, Wish};
use crate::host::{Host, HostError};
use crate::system::User;

impl Rehearsal {
    /// Who looks, where that makes a difference: root may do everything.
    pub(super) fn person(&self) -> Option<Person> {
        if let Some(person) = &self.stand_in {
            return Some(person.clone()).filter(|person| person.uid != 0);
        }
        let uid = self.base.user_id();
        if uid == 0 {
            return None;
        }
        let users = self.users().unwrap_or_default();
        let user = users.into_iter().find(|user| user.uid == uid);
        let user = user.unwrap_or(User {
            uid,
            gid: uid,
            ..User::default()
        });
        Some(Person::new(user, &self.groups().unwrap_or_default()))
    }

    /// Nothing can be done as somebody who is not there yet.
    pub(super) fn real_user(&self, what: &str) -> Result<(), HostError> {
        match &self.stand_in {
            None => Ok(()),
            Some(person) => Err(HostError::Unknown(format!(
                "{what} to the user `{}`, whom an earlier task would make",
                person.name
            ))),
        }
    }

    /// Fails if modes would not let the task's user do something with what stands at a place, or get there.
    pub(super) fn allow(
        &self,
        action: &'static str,
        place: &Path,
        wish: Wish,
    ) -> Result<(), HostError> {
        let Some(person) = self.person() else {
            return Ok(());
        };
        let may = |place: &Path, wish| {
            let state = self.lock();
            let by_mode = state.overlay.holds(place) || self.stand_in.is_some();
            match state.overlay.node(self.base.as_ref(), place) {
                Ok(Some(node)) if by_mode => person.may(wish, &node.metadata),
                Ok(Some(_)) => {
                    let access = self.base.access(place);
                    match wish {
                        Wish::Read => access.read,
                        Wish::Write => access.write,
                        Wish::Execute => access.execute,
                    }
                }
                // What is not there, or cannot be seen, is told by whoever looks for it.
                _ => true,
            }
        };
        let way = place
            .ancestors()
            .skip(1)
            .all(|folder| may(folder, Wish::Execute));
        match way && may(place, wish) {
            true => Ok(()),
            false => Err(forbidden(action, place)),
        }
    }

    /// Fails if the task's user may not put something into the folder of a place, or take it out.
    pub(super) fn allow_entry(&self, action: &'static str, place: &Path) -> Result<(), HostError> {
        match place.parent() {
            Some(folder) => self.allow(action, folder, Wish::Write),
            None => Ok(()),
        }
    }

    /// Fails if what stands there belongs to somebody else than the task's user.
    pub(super) fn allow_owner(
        &self,
        action: &'static str,
        path: &Path,
        node: &Node,
    ) -> Result<(), HostError> {
        match self.person() {
            Some(person) if person.uid != node.metadata.uid => Err(forbidden(action, path)),
            _ => Ok(()),
        }
    }
}

fn forbidden(action: &'static str, path: &Path) -> HostError {
    HostError::Io {
        action,
        path: path.to_owned(),
        kind: std::io::ErrorKind::PermissionDenied,
        reason: "Permission denied".to_owned(),
    }
}
