//! Configurations that grow out of each other: blocks come, change and go, and what was moved says so.
//!
//! A block has a label with a number, which grows when it moves: so no chain of moves comes back to where it began.
//! Whatever its address is, its objects have the same names on the platform. So an object that a move loses is made
//! once more under a name that is taken, and fails.

use std::{collections::BTreeSet, fmt::Write};

use super::Chance;

pub(super) const HEADER: &str = "terraform {\n  required_providers {\n    test = { source = \"example.com/test/test\" }\n  }\n}\n";

/// How many blocks there may be.
const SLOTS: usize = 5;

/// How a block is repeated.
#[derive(Clone, Copy, PartialEq)]
enum Repetition {
    Single,
    Count(u64),
    Each,
}

/// One block: a resource of the root module, or the call of a module that holds one.
#[derive(Clone)]
struct Block {
    slot: usize,
    version: u32,
    in_module: bool,
    repetition: Repetition,
    name: u64,
    size: u64,
    other_kind: bool,
    create_first: bool,
    /// The blocks before it that it needs.
    needs: Vec<usize>,
}

/// When the new object of a block is made before the old one goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum CreateFirst {
    Never,
    Always,
    /// As each block says, at each step anew.
    Mixed,
}

/// All blocks, and what has become of those that were.
pub(super) struct Layout {
    create_first: CreateFirst,
    blocks: [Option<Block>; SLOTS],
    /// The blocks as they were when they were last there.
    former: [Option<Block>; SLOTS],
    /// All moves so far.
    moved: String,
    /// What holds for this step alone: `removed` and `import` blocks.
    passing: String,
    /// Slots whose objects state forgets in this step.
    pub(super) forgotten: BTreeSet<usize>,
}

impl Layout {
    pub(super) fn new(create_first: CreateFirst) -> Self {
        Self {
            create_first,
            blocks: Default::default(),
            former: Default::default(),
            moved: String::new(),
            passing: String::new(),
            forgotten: BTreeSet::new(),
        }
    }

    /// True if this step takes over or forgets something: then it is not edited on the way, since the objects it
    /// concerns would be in the way of others.
    pub(super) fn is_passing(&self) -> bool {
        !self.passing.is_empty()
    }

    /// The next step. If the last one was not done wholly, blocks that were there stay where they are.
    pub(super) fn change(&mut self, chance: &mut Chance, is_whole: bool) {
        self.passing.clear();
        self.forgotten.clear();
        for slot in 0..SLOTS {
            let before = self.blocks[slot].take();
            match chance.once_in(4) {
                true => self.leave(before, chance),
                false => {
                    let block = self.next(slot, before.is_some(), chance, is_whole);
                    self.former[slot] = Some(block.clone());
                    self.blocks[slot] = Some(block);
                }
            }
        }
    }

    /// A block goes, and may say what becomes of its objects.
    fn leave(&mut self, before: Option<Block>, chance: &mut Chance) {
        let Some(block) = before else {
            return;
        };
        let destroy = match chance.below(4) {
            0 => true,
            1 => false,
            _ => return,
        };
        if !destroy {
            self.forgotten.insert(block.slot);
        }
        let from = block.whole();
        write!(
            self.passing,
            "removed {{\n  from = {from}\n  lifecycle {{\n    destroy = {destroy}\n  }}\n}}\n"
        )
        .unwrap();
    }

    fn next(&mut self, slot: usize, was_there: bool, chance: &mut Chance, is_whole: bool) -> Block {
        let repetition = match chance.below(4) {
            0 => Repetition::Each,
            1 => Repetition::Count(1),
            2 => Repetition::Single,
            _ => Repetition::Count(2),
        };
        let (create_first, needs) = (self.create_first, self.needs(slot, chance));
        let mut block = Block {
            slot,
            version: 0,
            in_module: chance.once_in(4),
            repetition,
            name: chance.below(2),
            size: chance.below(3),
            other_kind: create_first == CreateFirst::Never && chance.once_in(4),
            create_first: match create_first {
                CreateFirst::Never => false,
                CreateFirst::Always => true,
                CreateFirst::Mixed => chance.once_in(2),
            },
            needs,
        };
        match &self.former[slot] {
            // Objects may still be at addresses from where nothing would move to a new one.
            Some(former) if !is_whole => former.place(&mut block),
            Some(former) => {
                block.version = former.version;
                let moves = chance.once_in(4) || !was_there;
                if moves || !former.stays(&block) {
                    block.version += 1;
                    self.moved.push_str(&former.moves(&block));
                }
            }
            None => {}
        }
        block
    }

    fn needs(&self, slot: usize, chance: &mut Chance) -> Vec<usize> {
        let there = self.blocks[..slot].iter().flatten().map(|block| block.slot);
        there.filter(|_| chance.once_in(2)).collect()
    }

    /// Takes over what a block asks for, where nobody has such objects. Gives their names and ids.
    ///
    /// What is replaced at once is not taken over: once the old object is gone there is none of that id.
    pub(super) fn import(
        &mut self,
        chance: &mut Chance,
        is_free: impl Fn(&str) -> bool,
    ) -> Vec<(String, String)> {
        let mut taken = Vec::new();
        for block in self.blocks.iter().flatten() {
            let prefix = format!("r{}-", block.slot);
            if block.other_kind || !is_free(&prefix) || !chance.once_in(3) {
                continue;
            }
            for (key, number) in block.repetition.keys() {
                let name = format!("{prefix}{}-{number}", block.name);
                let id = format!("found-{name}-{}", block.version);
                let to = block.at(key);
                write!(
                    self.passing,
                    "import {{\n  to = {to}\n  id = \"{id}\"\n}}\n"
                )
                .unwrap();
                taken.push((name, id));
            }
        }
        taken
    }

    /// The address of a block that is there, or of one of its instances.
    pub(super) fn address(&self, chance: &mut Chance, of_instance: bool) -> Option<String> {
        let there: Vec<&Block> = self.blocks.iter().flatten().collect();
        if there.is_empty() {
            return None;
        }
        let block = there[chance.below(there.len() as u64) as usize];
        let keys = block.repetition.keys();
        let key = keys[chance.below(keys.len() as u64) as usize].0;
        Some(match of_instance {
            true => block.at(key),
            false => block.whole(),
        })
    }

    /// The files, each but the first after a line with its path.
    pub(super) fn text(&self) -> String {
        let mut text = HEADER.to_owned();
        for block in self.blocks.iter().flatten() {
            text.push_str(&block.text(&self.blocks));
        }
        text.push_str(&self.moved);
        text.push_str(&self.passing);
        for create_first in [false, true] {
            write!(
                text,
                "-- thing_{create_first}/main.tf --\n{HEADER}variable \"name\" {{}}\nvariable \"size\" {{}}\nvariable \"kind\" {{}}\nvariable \"needs\" {{}}\nresource \"test_thing\" \"in\" {{\n  name  = var.name\n  size  = var.size\n  kind  = var.kind\n  needs = var.needs\n  lifecycle {{\n    create_before_destroy = {create_first}\n  }}\n}}\noutput \"id\" {{\n  value = test_thing.in.id\n}}\n"
            )
            .unwrap();
        }
        text
    }
}

impl Repetition {
    /// The keys of the instances, and the number in the names of their objects.
    fn keys(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Single => &[("", 0)],
            Self::Count(1) => &[("[0]", 0)],
            Self::Count(_) => &[("[0]", 0), ("[1]", 1)],
            Self::Each => &[("[\"a\"]", 0), ("[\"b\"]", 1)],
        }
    }

    /// The keys of all instances that there may ever have been.
    fn all_keys(self) -> &'static [(&'static str, u64)] {
        match self {
            Self::Count(_) => Self::Count(2).keys(),
            other => other.keys(),
        }
    }
}

impl Block {
    /// The block's own address.
    fn whole(&self) -> String {
        match self.in_module {
            true => format!("module.r{}v{}", self.slot, self.version),
            false => format!("test_thing.r{}v{}", self.slot, self.version),
        }
    }

    /// The address of an instance of its resource.
    fn at(&self, key: &str) -> String {
        match self.in_module {
            true => format!("{}{key}.test_thing.in", self.whole()),
            false => format!("{}{key}", self.whole()),
        }
    }

    /// Puts another one where this one is.
    fn place(&self, next: &mut Block) {
        next.version = self.version;
        next.in_module = self.in_module;
        let counts = [self.repetition, next.repetition];
        if !matches!(counts, [Repetition::Count(_), Repetition::Count(_)]) {
            next.repetition = self.repetition;
        }
    }

    /// True if a block can become another one without a `moved` block.
    fn stays(&self, next: &Block) -> bool {
        use Repetition::{Count, Single};
        // One object without a number and with 0 move by themselves.
        let moves_itself = matches!(
            (self.repetition, next.repetition),
            (Single | Count(_), Single | Count(_))
        );
        (moves_itself || self.repetition == next.repetition) && self.in_module == next.in_module
    }

    /// The `moved` blocks from here to a block with another label.
    fn moves(&self, next: &Block) -> String {
        let moved =
            |from: String, to: String| format!("moved {{\n  from = {from}\n  to   = {to}\n}}\n");
        let same = match (self.repetition, next.repetition) {
            (Repetition::Count(_), Repetition::Count(_)) => true,
            (before, after) => before == after,
        };
        if same && self.in_module == next.in_module {
            return moved(self.whole(), next.whole());
        }
        let from = self.repetition.all_keys().iter();
        let pairs = from.filter_map(|(key, number)| {
            let to = next
                .repetition
                .all_keys()
                .iter()
                .find(|(_, to)| to == number)?;
            Some(moved(self.at(key), next.at(to.0)))
        });
        pairs.collect()
    }

    /// The ids of all its objects, as a list.
    fn ids(&self) -> String {
        let at = self.whole();
        match self.repetition {
            Repetition::Single => format!("[{at}.id]"),
            Repetition::Each => format!("values({at})[*].id"),
            Repetition::Count(_) => format!("{at}[*].id"),
        }
    }

    fn text(&self, all: &[Option<Block>; SLOTS]) -> String {
        let (repetition, number) = match self.repetition {
            Repetition::Single => (String::new(), "0"),
            Repetition::Count(count) => (format!("  count = {count}\n"), "${count.index}"),
            Repetition::Each => (
                "  for_each = { a = 0, b = 1 }\n".to_owned(),
                "${each.value}",
            ),
        };
        let needs = self.needs.iter().filter_map(|slot| all[*slot].as_ref());
        let needs: Vec<String> = needs.map(Block::ids).collect();
        let needs = match needs.is_empty() {
            true => "[]".to_owned(),
            false => needs.join(", "),
        };
        let Self {
            slot,
            version,
            name,
            size,
            create_first,
            ..
        } = self;
        let (head, tail) = match self.in_module {
            true => (
                format!("module \"r{slot}v{version}\" {{\n  source = \"./thing_{create_first}\"\n"),
                String::new(),
            ),
            false => (
                format!("resource \"test_thing\" \"r{slot}v{version}\" {{\n"),
                format!("  lifecycle {{\n    create_before_destroy = {create_first}\n  }}\n"),
            ),
        };
        let kind = match self.other_kind {
            true => "\"other\"",
            false => "null",
        };
        format!(
            "{head}{repetition}  name  = \"r{slot}-{name}-{number}\"\n  size  = {size}\n  kind  = {kind}\n  needs = concat({needs})\n{tail}}}\n"
        )
    }
}
