//! The instances of one resource.
//!
//! Most resources have one: a search tree would hold room for eleven, which is most of the memory of a large state.

use std::collections::{BTreeMap, btree_map};

use strata_core::addr::InstanceKey;

use crate::state::Instance;

type Key = Option<InstanceKey>;

/// Instances by key, in the order of the keys.
#[derive(Clone, Debug, Default)]
pub struct Instances(Kept);

#[derive(Clone, Debug)]
enum Kept {
    One(Box<(Key, Instance)>),
    Many(BTreeMap<Key, Instance>),
}

impl Default for Kept {
    fn default() -> Self {
        Kept::Many(BTreeMap::new())
    }
}

impl Instances {
    /// How many there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Kept::One(_) => 1,
            Kept::Many(all) => all.len(),
        }
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The instance of a key.
    pub fn get(&self, key: &Key) -> Option<&Instance> {
        match &self.0 {
            Kept::One(one) => (one.0 == *key).then_some(&one.1),
            Kept::Many(all) => all.get(key),
        }
    }

    /// The instance of a key, to be changed.
    pub fn get_mut(&mut self, key: &Key) -> Option<&mut Instance> {
        match &mut self.0 {
            Kept::One(one) => (one.0 == *key).then_some(&mut one.1),
            Kept::Many(all) => all.get_mut(key),
        }
    }

    /// True if there is an instance of this key.
    pub fn contains_key(&self, key: &Key) -> bool {
        self.get(key).is_some()
    }

    /// The instance of a key, an empty one if there was none.
    pub fn get_or_default(&mut self, key: Key) -> &mut Instance {
        let kept = std::mem::take(&mut self.0);
        self.0 = match kept {
            Kept::Many(all) if all.is_empty() => {
                Kept::One(Box::new((key.clone(), Instance::default())))
            }
            Kept::One(one) if one.0 != key => Kept::Many([*one].into()),
            kept => kept,
        };
        match &mut self.0 {
            Kept::One(one) => &mut one.1,
            Kept::Many(all) => all.entry(key).or_default(),
        }
    }

    /// Takes the instance of a key out.
    pub fn remove(&mut self, key: &Key) -> Option<Instance> {
        match std::mem::take(&mut self.0) {
            Kept::One(one) if one.0 == *key => Some(one.1),
            Kept::Many(mut all) => {
                let removed = all.remove(key);
                self.0 = Kept::Many(all);
                removed
            }
            other => {
                self.0 = other;
                None
            }
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&Key, &Instance)> {
        let (one, many) = match &self.0 {
            Kept::One(one) => (Some((&one.0, &one.1)), None),
            Kept::Many(all) => (None, Some(all)),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// All keys.
    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.iter().map(|(key, _)| key)
    }

    /// All of them without their keys.
    pub fn values(&self) -> impl Iterator<Item = &Instance> {
        self.iter().map(|(_, instance)| instance)
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Instance> {
        let (one, many) = match &mut self.0 {
            Kept::One(one) => (Some(&mut one.1), None),
            Kept::Many(all) => (None, Some(all)),
        };
        let many = many.into_iter().flat_map(|all| all.values_mut());
        one.into_iter().chain(many)
    }
}

impl IntoIterator for Instances {
    type Item = (Key, Instance);
    type IntoIter = btree_map::IntoIter<Key, Instance>;

    fn into_iter(self) -> Self::IntoIter {
        match self.0 {
            Kept::One(one) => BTreeMap::from([*one]).into_iter(),
            Kept::Many(all) => all.into_iter(),
        }
    }
}

impl PartialEq for Instances {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().eq(other.iter())
    }
}

impl Eq for Instances {}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(at: i64) -> Key {
        Some(InstanceKey::Int(at))
    }

    fn keys(instances: &Instances) -> Vec<&Key> {
        instances.keys().collect()
    }

    #[test]
    fn one_becomes_several_and_one_again() {
        let mut instances = Instances::default();
        assert!(instances.is_empty() && instances.get(&None).is_none());
        instances.get_or_default(key(2)).provider_instance = Some("p".into());
        assert_eq!((instances.len(), keys(&instances)), (1, vec![&key(2)]));
        instances.get_or_default(key(1));
        assert_eq!(keys(&instances), [&key(1), &key(2)]);
        assert_eq!(instances.remove(&key(3)), None);
        let removed = instances.remove(&key(2)).unwrap();
        assert_eq!(removed.provider_instance.as_deref(), Some("p"));
        assert_eq!(instances.remove(&key(2)), None);
        let mut alone = Instances::default();
        alone.get_or_default(key(1));
        assert_eq!(instances, alone);
        assert!(instances.remove(&key(1)).is_some() && instances.is_empty());
    }

    #[test]
    fn each_can_be_changed() {
        let mut instances = Instances::default();
        for at in 0..3 {
            instances.get_or_default(key(at));
            for instance in instances.values_mut() {
                instance.provider_instance = Some(at.to_string().into());
            }
            let own = instances.get_mut(&key(at)).unwrap();
            assert_eq!(own.provider_instance, Some(at.to_string().into()));
        }
        let last = |instance: &Instance| instance.provider_instance.as_deref() == Some("2");
        assert!(instances.values().all(last));
        assert!(instances.contains_key(&key(0)) && !instances.contains_key(&None));
    }
}
