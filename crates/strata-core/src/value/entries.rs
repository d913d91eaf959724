//! The entries of maps and objects: sorted by key, in one piece of memory.
//!
//! Most objects have few attributes and there may be a hundred thousand of them: a search tree would hold room for
//! eleven entries in each. To make many entries collect them; [`Entries::insert`] is for a few more.

use std::{fmt, ops::Index, slice, vec};

use super::{Text, Value};

/// One entry.
type Entry = (Text, Value);

/// Values by key, in the order of the keys; each key once.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Entries(Vec<Entry>);

impl Entries {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// None yet, with room for so many.
    pub fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Sorts entries whose keys must be distinct; otherwise gives a key that is there twice.
    pub fn distinct(mut entries: Vec<Entry>) -> Result<Self, Text> {
        sort(&mut entries);
        match entries.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(pair[0].0.clone()),
            None => Ok(Self(entries)),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|entry| (*entry.0).cmp(key))
    }

    /// Where a key is. Of few keys hardly two are as long as each other: that they differ is seen at once.
    fn position(&self, key: &str) -> Option<usize> {
        match self.0.len() <= FEW {
            true => self.0.iter().position(|(other, _)| **other == *key),
            false => self.find(key).ok(),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        Some(&self.0[self.position(key)?].1)
    }

    /// The value of a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let at = self.position(key)?;
        Some(&mut self.0[at].1)
    }

    /// The entry at a position in the order of the keys.
    pub fn at(&self, position: usize) -> Option<(&Text, &Value)> {
        let (key, value) = self.0.get(position)?;
        Some((key, value))
    }

    /// True if there is a value of this key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Sets the value of a key and gives the one before. Costs time in proportion to the entries of later keys.
    pub fn insert(&mut self, key: Text, value: Value) -> Option<Value> {
        if self.0.last().is_none_or(|last| last.0 < key) {
            self.0.push((key, value));
            return None;
        }
        match self.find(&key) {
            Ok(at) => Some(std::mem::replace(&mut self.0[at].1, value)),
            Err(at) => {
                self.0.insert(at, (key, value));
                None
            }
        }
    }

    /// Takes the value of a key out. Costs time in proportion to the entries of later keys.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.find(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Keeps those entries for which `keep` holds.
    pub fn retain(&mut self, mut keep: impl FnMut(&Text, &mut Value) -> bool) {
        self.0.retain_mut(|(key, value)| keep(key, value));
    }

    /// All entries.
    pub fn iter(&self) -> Iter<'_> {
        Iter(self.0.iter())
    }

    /// All keys.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Text> + ExactSizeIterator + Clone {
        self.0.iter().map(|(key, _)| key)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator + Clone {
        self.0.iter().map(|(_, value)| value)
    }

    /// All entries, their values to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&Text, &mut Value)> {
        self.0.iter_mut().map(|(key, value)| (&*key, value))
    }

    /// All values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.0.iter_mut().map(|(_, value)| value)
    }

    /// The same keys, with what `change` makes of their values.
    #[must_use]
    pub fn map_values(&self, mut change: impl FnMut(&Text, &Value) -> Value) -> Self {
        let entry = |(key, value): &Entry| (key.clone(), change(key, value));
        Self(self.0.iter().map(entry).collect())
    }

    /// All values without their keys.
    pub fn into_values(self) -> impl ExactSizeIterator<Item = Value> {
        self.0.into_iter().map(|(_, value)| value)
    }
}

/// Sorts the entries; of one key the last counts.
impl From<Vec<Entry>> for Entries {
    fn from(mut entries: Vec<Entry>) -> Self {
        if !entries.is_sorted_by(|left, right| left.0 < right.0) {
            sort(&mut entries);
            entries.dedup_by(|later, kept| {
                let same = later.0 == kept.0;
                if same {
                    std::mem::swap(&mut later.1, &mut kept.1);
                }
                same
            });
        }
        entries.shrink_to_fit();
        Self(entries)
    }
}

/// Up to so many entries are looked through one after the other.
const FEW: usize = 8;

/// From so many entries on it pays to sort by the beginnings of keys.
const MANY: usize = 32;

/// In up to so many pieces that are sorted already, entries are joined sooner than sorted by the beginnings of keys.
const PIECES: usize = 16;

/// Sorts by key; of one key, what stood first stays first.
fn sort(entries: &mut Vec<Entry>) {
    let begins_anew = |pair: &&[Entry]| pair[1].0 < pair[0].0;
    let is_in_few_pieces = || entries.windows(2).filter(begins_anew).nth(PIECES).is_none();
    if entries.len() < MANY || is_in_few_pieces() {
        return entries.sort_by(|left, right| left.0.cmp(&right.0));
    }
    let order = order(entries);
    *entries = in_order(std::mem::take(entries), &order);
}

/// What tells most keys apart, and where among the entries it stands.
type Place = (u64, usize);

/// Which entry comes when: sorted by key; of one key, what stood first comes first.
///
/// Most keys are told apart by a few bytes behind what all begin with: without a look at texts that lie all over the
/// memory, and without moving entries about.
fn order(entries: &[Entry]) -> Vec<Place> {
    let skip = common_beginning(entries);
    let mut order: Vec<Place> = entries
        .iter()
        .enumerate()
        .map(|(at, (key, _))| (beginning(&key.as_bytes()[skip..]), at))
        .collect();
    order.sort_by(|left, right| {
        let beginnings = left.0.cmp(&right.0);
        beginnings.then_with(|| entries[left.1].0.cmp(&entries[right.1].0))
    });
    order
}

/// How many bytes all keys begin with.
fn common_beginning(entries: &[Entry]) -> usize {
    let Some(first) = entries.first().map(|(key, _)| key.as_bytes()) else {
        return 0;
    };
    entries.iter().fold(first.len(), |common, (key, _)| {
        let both = first[..common].iter().zip(key.as_bytes());
        both.take_while(|(left, right)| left == right).count()
    })
}

/// The first bytes as a number, which sorts as they do.
fn beginning(key: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let length = key.len().min(bytes.len());
    bytes[..length].copy_from_slice(&key[..length]);
    u64::from_be_bytes(bytes)
}

/// The entries in their order, which says for each place which of them belongs there.
///
/// To move them about in place would be to wait for each before it is known which one comes next.
fn in_order(entries: Vec<Entry>, order: &[Place]) -> Vec<Entry> {
    let mut entries: Vec<Option<Entry>> = entries.into_iter().map(Some).collect();
    let taken = |(_, at): &Place| entries[*at].take().expect("each has one place");
    order.iter().map(taken).collect()
}

impl<K: Into<Text>> FromIterator<(K, Value)> for Entries {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), value));
        entries.collect::<Vec<_>>().into()
    }
}

impl<K: Into<Text>, const N: usize> From<[(K, Value); N]> for Entries {
    fn from(entries: [(K, Value); N]) -> Self {
        entries.into_iter().collect()
    }
}

impl<K: Into<Text>> Extend<(K, Value)> for Entries {
    fn extend<I: IntoIterator<Item = (K, Value)>>(&mut self, more: I) {
        let mut all = std::mem::take(&mut self.0);
        all.extend(more.into_iter().map(|(key, value)| (key.into(), value)));
        *self = all.into();
    }
}

impl IntoIterator for Entries {
    type Item = Entry;
    type IntoIter = vec::IntoIter<Entry>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a Entries {
    type Item = (&'a Text, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<Q: AsRef<str> + ?Sized> Index<&Q> for Entries {
    type Output = Value;

    /// The value of a key that is there.
    fn index(&self, key: &Q) -> &Value {
        self.get(key.as_ref()).expect("the key is there")
    }
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

/// Goes through entries in the order of their keys.
#[derive(Clone)]
pub struct Iter<'a>(slice::Iter<'a, Entry>);

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a Text, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|(key, value)| (key, value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|(key, value)| (key, value))
    }
}

impl ExactSizeIterator for Iter<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(entries: &Entries) -> String {
        format!("{entries:?}")
    }

    #[test]
    fn entries_are_sorted_and_the_last_of_a_key_counts() {
        let entries: Entries = [("b", 1), ("a", 2), ("c", 3), ("b", 4), ("b", 5)]
            .map(|(key, value)| (key, Value::from(value)))
            .into();
        assert_eq!(shown(&entries), r#"{"a": 2, "b": 5, "c": 3}"#);
        assert_eq!(entries.get("b"), Some(&Value::from(5)));
        assert_eq!(entries.get("d"), None);
    }

    #[test]
    fn entries_come_and_go_one_by_one() {
        let mut entries = Entries::new();
        for (key, value) in [("b", 1), ("d", 2), ("a", 3), ("c", 4)] {
            assert_eq!(entries.insert(key.into(), value.into()), None);
        }
        assert_eq!(entries.insert("d".into(), 5.into()), Some(2.into()));
        assert_eq!(entries.remove("a"), Some(3.into()));
        assert_eq!(entries.remove("a"), None);
        assert_eq!(shown(&entries), r#"{"b": 1, "c": 4, "d": 5}"#);
        entries.extend([("a", Value::from(6)), ("c", Value::from(7))]);
        assert_eq!(shown(&entries), r#"{"a": 6, "b": 1, "c": 7, "d": 5}"#);
        entries.retain(|key, _| &**key > "b");
        assert_eq!(shown(&entries), r#"{"c": 7, "d": 5}"#);
    }

    #[test]
    fn many_entries_are_sorted_as_few_are() {
        // All over the place, and in a few pieces that are sorted.
        for step in [7919, 1] {
            many_entries_with_keys_in_steps_of(step);
        }
    }

    fn many_entries_with_keys_in_steps_of(step: u64) {
        let keys = |prefix: &'static str| {
            (0..500).map(move |at| format!("{prefix}{:03}", (at * step) % 251).repeat(3))
        };
        for prefix in ["", "key-", "a long beginning of all keys "] {
            let short = ["", "\0", "key", "key\0"].map(str::to_owned).into_iter();
            let pairs: Vec<(Text, Value)> = short
                .chain(keys(prefix))
                .zip(0..)
                .map(|(key, at)| (key.into(), Value::from(at)))
                .collect();
            let tree: std::collections::BTreeMap<_, _> = pairs.iter().cloned().collect();
            let entries = Entries::from(pairs.clone());
            assert!(entries.iter().eq(tree.iter()), "{prefix:?}");
            assert!(Entries::distinct(pairs).is_err());
            assert_eq!(
                Entries::distinct(tree.into_iter().rev().collect()),
                Ok(entries)
            );
        }
    }

    #[test]
    fn nothing_is_set_aside_for_entries_that_never_come() {
        let entries: Entries = [("a", Value::from(1)), ("b", Value::from(2))]
            .into_iter()
            .filter(|_| true)
            .collect();
        assert_eq!(entries.0.capacity(), 2);
    }
}
