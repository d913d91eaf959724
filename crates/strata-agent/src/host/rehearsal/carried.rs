//! What one user's tasks would have changed, on its way to the agent of another user.
//!
//! Every change has a stamp. An agent tells what it has after a stamp, and another takes that over with the same
//! stamps, so that of two changes of one path the later one counts wherever it was made.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use serde::{Deserialize, Serialize};

use super::overlay::{Content, Node};
use super::{Imagined, State};
use crate::base64;
use crate::host::{Host, Metadata, Model};

/// So many bytes of contents are carried at once; of what is beyond only the size is known then.
const MOST: usize = 24 << 20;

/// What would have been changed after a stamp.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Carried {
    /// The stamp of the last change.
    pub stamp: u64,
    /// Paths that would be other than on the machine, in the order of their changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    paths: Vec<CarriedPath>,
    /// Accounts, packages and units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    book: Option<CarriedBook>,
    /// Something would have been done of which nobody knows what it would have changed.
    #[serde(default)]
    pub in_doubt: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CarriedPath {
    path: PathBuf,
    stamp: u64,
    node: Option<CarriedNode>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CarriedNode {
    metadata: Metadata,
    content: CarriedContent,
    is_new: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CarriedContent {
    None,
    Text(String),
    Base64(String),
    Link(PathBuf),
    Unknown,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CarriedBook {
    stamp: u64,
    model: serde_json::Value,
    accounts: bool,
    packages: bool,
}

impl Carried {
    /// True if there is nothing to take over.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.book.is_none() && !self.in_doubt
    }

    /// Nothing but the doubt: for what was lost together with its agent.
    pub fn doubt() -> Carried {
        Carried {
            in_doubt: true,
            ..Carried::default()
        }
    }

    /// Whether a user is among those that would be there.
    pub fn has_user(&self, name: &str) -> bool {
        let book = self.book.as_ref().filter(|book| book.accounts);
        let users = book.and_then(|book| book.model.get("users")?.as_array());
        users.is_some_and(|users| users.iter().any(|user| user["name"] == name))
    }

    /// The paths that would be other than they are.
    pub fn paths(&self) -> impl Iterator<Item = &PathBuf> {
        self.paths.iter().map(|carried| &carried.path)
    }
}

impl Imagined {
    /// What would have been changed after a stamp.
    pub fn since(&self, stamp: u64) -> Carried {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = MOST;
        let paths = state.overlay.since(stamp).into_iter();
        // A name that is no text cannot travel: what is there is in doubt then.
        let (named, unnamed): (Vec<_>, Vec<_>) =
            paths.partition(|(path, _, _)| path.to_str().is_some());
        let paths = named.into_iter().map(|(path, stamp, node)| CarriedPath {
            path: path.clone(),
            stamp,
            node: node.map(|node| CarriedNode::of(node, &mut left)),
        });
        Carried {
            stamp: state.overlay.clock(),
            paths: paths.collect(),
            book: (state.book_stamp > stamp).then(|| CarriedBook::of(&state)),
            in_doubt: state.in_doubt || !unnamed.is_empty(),
        }
    }

    /// Takes over what would have been changed elsewhere.
    pub fn take(&self, carried: Carried) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for CarriedPath { path, stamp, node } in carried.paths {
            let node = node.map(CarriedNode::into_node);
            state.overlay.adopt(path, stamp, node);
        }
        if let Some(book) = carried.book
            && book.stamp >= state.book_stamp
        {
            book.put_into(&mut state);
        }
        state.in_doubt |= carried.in_doubt;
        state.overlay.advance(carried.stamp);
    }
}

impl CarriedNode {
    fn of(node: &Node, left: &mut usize) -> CarriedNode {
        let content = match &node.content {
            Content::None => CarriedContent::None,
            Content::Link(target) if target.to_str().is_some() => {
                CarriedContent::Link(target.clone())
            }
            Content::Link(_) | Content::Unknown => CarriedContent::Unknown,
            Content::Bytes(bytes) if bytes.len() > *left => CarriedContent::Unknown,
            Content::Bytes(bytes) => {
                *left -= bytes.len();
                match std::str::from_utf8(bytes) {
                    Ok(text) => CarriedContent::Text(text.to_owned()),
                    Err(_) => CarriedContent::Base64(base64::encode(bytes)),
                }
            }
        };
        CarriedNode {
            metadata: node.metadata.clone(),
            content,
            is_new: node.is_new,
        }
    }

    fn into_node(self) -> Node {
        let content = match self.content {
            CarriedContent::None => Content::None,
            CarriedContent::Text(text) => Content::Bytes(Arc::new(text.into_bytes())),
            CarriedContent::Base64(text) => {
                let bytes = base64::decode(&text).map(Arc::new);
                bytes.map_or(Content::Unknown, Content::Bytes)
            }
            CarriedContent::Link(target) => Content::Link(target),
            CarriedContent::Unknown => Content::Unknown,
        };
        Node {
            metadata: self.metadata,
            content,
            is_new: self.is_new,
        }
    }
}

impl CarriedBook {
    fn of(state: &State) -> CarriedBook {
        CarriedBook {
            stamp: state.book_stamp,
            model: serde_json::from_slice(&state.book.to_json()).unwrap_or_default(),
            accounts: state.accounts,
            packages: state.packages,
        }
    }

    fn put_into(self, state: &mut State) {
        // What is no model was never one of ours: the book stays, and nobody knows what it lacks.
        match Model::from_json(self.model.to_string().as_bytes()) {
            Ok(model) => state.book = model,
            Err(_) => state.in_doubt = true,
        }
        (state.accounts, state.packages) = (self.accounts, self.packages);
        state.book_stamp = self.stamp;
    }
}

impl State {
    /// Says that accounts, packages or units would be others from now on.
    pub(super) fn touch_book(&mut self) {
        self.book_stamp = self.overlay.tick();
    }

    /// The number, home and groups of a user that would be there.
    pub(super) fn account(&self, name: &str) -> Option<super::Person> {
        let users = self.accounts.then(|| self.book.users().ok()).flatten()?;
        let user = users.into_iter().find(|user| user.name == name)?;
        Some(super::Person::new(
            user,
            &self.book.groups().unwrap_or_default(),
        ))
    }
}
