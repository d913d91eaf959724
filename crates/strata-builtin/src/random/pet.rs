//! `random_pet`: a name that people can remember.

use strata_core::Diagnostics;
use strata_provider::{Context, ResourceType, Schema};

use super::{Keepers, chance::Chance};
use crate::Settings;

/// A name out of words, such as `gladly-brave-otter`; our own words, not those of the original.
#[derive(Default, Schema)]
pub(crate) struct RandomPet {
    /// Values whose change makes a new name.
    #[schema(optional, replace)]
    keepers: Keepers,
    /// How many words it has.
    #[schema(default = 2, replace, range(1..=100))]
    length: i64,
    /// What stands before the words.
    #[schema(replace)]
    prefix: Option<String>,
    /// What stands between words.
    #[schema(default = "-", replace)]
    separator: String,
    /// The name.
    #[schema(computed, stable)]
    id: String,
}

impl ResourceType for RandomPet {
    const NAME: &'static str = "random_pet";
    type Client = Settings;

    async fn create(&mut self, _: &mut Context<'_, Settings>) -> Result<(), Diagnostics> {
        let prefix = self.prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let mut words: Vec<&str> = prefix.into_iter().collect();
        for left in (1..=self.length).rev() {
            let list = match left {
                1 => ANIMALS,
                2 => ADJECTIVES,
                _ => ADVERBS,
            };
            words.push(Chance::System.pick(list)?);
        }
        self.id = words.join(&self.separator);
        Ok(())
    }
}

const ADVERBS: &[&str] = &[
    "ably", "barely", "boldly", "brightly", "calmly", "clearly", "deeply", "early", "easily",
    "fairly", "firmly", "fondly", "freely", "gently", "gladly", "greatly", "happily", "highly",
    "humbly", "jointly", "justly", "kindly", "lately", "lightly", "loudly", "mildly", "mostly",
    "nearly", "neatly", "nicely", "openly", "partly", "plainly", "purely", "quickly", "quietly",
    "rarely", "really", "safely", "simply", "slowly", "smoothly", "softly", "solely", "surely",
    "truly", "vastly", "warmly", "wholly", "wisely",
];

const ADJECTIVES: &[&str] = &[
    "able", "agile", "amber", "apt", "brave", "bright", "brisk", "calm", "clever", "cosy", "crisp",
    "curious", "daring", "eager", "early", "fair", "fleet", "fond", "fresh", "gentle", "glad",
    "golden", "grand", "happy", "hardy", "honest", "jolly", "keen", "kind", "lively", "loyal",
    "lucky", "mellow", "merry", "mighty", "modest", "neat", "nimble", "noble", "patient", "plucky",
    "polite", "proud", "quick", "quiet", "rapid", "ready", "robust", "rosy", "sharp", "silver",
    "sincere", "smart", "snug", "solid", "steady", "sturdy", "sunny", "swift", "tidy", "upbeat",
    "valiant", "vivid", "warm", "wise", "witty", "young", "zesty",
];

const ANIMALS: &[&str] = &[
    "adder",
    "alpaca",
    "antelope",
    "badger",
    "bat",
    "bear",
    "beaver",
    "beetle",
    "bison",
    "bobcat",
    "buzzard",
    "camel",
    "caribou",
    "carp",
    "cat",
    "cicada",
    "condor",
    "cormorant",
    "cow",
    "coyote",
    "crane",
    "cricket",
    "crow",
    "cuckoo",
    "deer",
    "dingo",
    "dolphin",
    "donkey",
    "dove",
    "duck",
    "eagle",
    "eel",
    "egret",
    "elk",
    "falcon",
    "ferret",
    "finch",
    "fox",
    "frog",
    "gazelle",
    "gecko",
    "goat",
    "goose",
    "grouse",
    "gull",
    "hamster",
    "hare",
    "hawk",
    "hedgehog",
    "heron",
    "hornet",
    "horse",
    "ibex",
    "iguana",
    "jackal",
    "jay",
    "kestrel",
    "kiwi",
    "koala",
    "lark",
    "lemming",
    "lemur",
    "leopard",
    "lion",
    "lizard",
    "llama",
    "lobster",
    "lynx",
    "magpie",
    "marmot",
    "marten",
    "mole",
    "moose",
    "moth",
    "mouse",
    "mule",
    "newt",
    "octopus",
    "orca",
    "osprey",
    "otter",
    "owl",
    "oyster",
    "panda",
    "parrot",
    "perch",
    "pigeon",
    "pike",
    "pony",
    "puffin",
    "quail",
    "rabbit",
    "raven",
    "robin",
    "salmon",
    "seal",
    "shrew",
    "sloth",
    "sparrow",
    "squid",
    "stoat",
    "stork",
    "swan",
    "swift",
    "tapir",
    "tern",
    "tiger",
    "toad",
    "trout",
    "turtle",
    "viper",
    "vole",
    "walrus",
    "weasel",
    "whale",
    "wolf",
    "wombat",
    "wren",
    "yak",
    "zebra",
];
