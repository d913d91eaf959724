//! Who looks at the machine of a rehearsal, and what the modes of would-be files let them do.

use crate::host::Metadata;
use crate::system::{Group, User};

/// What somebody wants to do with a file or folder; the bit of its mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Read = 4,
    Write = 2,
    Execute = 1,
}

/// A user with all groups.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) home: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    groups: Vec<u32>,
}

impl Person {
    pub(super) fn new(user: User, groups: &[Group]) -> Person {
        let member = |group: &&Group| group.members.contains(&user.name);
        Person {
            groups: groups
                .iter()
                .filter(member)
                .map(|group| group.gid)
                .collect(),
            uid: user.uid,
            gid: user.gid,
            home: user.home,
            name: user.name,
        }
    }

    /// Whether the twelve bits of a mode allow it.
    pub(super) fn may(&self, wish: Wish, metadata: &Metadata) -> bool {
        let bit = wish as u32;
        let class = if metadata.uid == self.uid {
            bit << 6
        } else if metadata.gid == self.gid || self.groups.contains(&metadata.gid) {
            bit << 3
        } else {
            bit
        };
        self.uid == 0 || metadata.mode & class != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Kind;
    use crate::host::rehearsal::overlay::{Content, Node};

    #[test]
    fn the_first_class_that_fits_decides() {
        let user = User {
            name: "app".to_owned(),
            uid: 7,
            gid: 7,
            ..User::default()
        };
        let staff = Group {
            name: "staff".to_owned(),
            gid: 50,
            members: vec!["app".to_owned()],
        };
        let app = Person::new(user, &[staff]);
        let check = |mode, uid, gid, expected: [bool; 3]| {
            let mut metadata = Node::new(Kind::File, mode, uid, 0.0, Content::None).metadata;
            metadata.gid = gid;
            let wishes = [Wish::Read, Wish::Write, Wish::Execute];
            assert_eq!(wishes.map(|wish| app.may(wish, &metadata)), expected);
        };
        check(0o640, 0, 50, [true, false, false]);
        check(0o640, 0, 0, [false, false, false]);
        check(0o077, 7, 7, [false, false, false]);
        check(0o771, 0, 7, [true, true, true]);
    }
}
