//! Hash maps for what is looked up for each of many resources.
//!
//! The hasher of the standard library withstands who chooses keys to make a map slow; names and addresses come from the
//! user's own files, are short, and are hashed several times for each resource. `foldhash` takes a fifth of the time and
//! differs in each process, too.

use foldhash::fast::RandomState;

/// Values by key.
pub type HashMap<K, V> = std::collections::HashMap<K, V, RandomState>;

/// Keys.
pub type HashSet<K> = std::collections::HashSet<K, RandomState>;
