//! Python's `random.Random` with a seed: the numbers that a playbook got from Ansible stay what they are.
//!
//! The generator is MT19937 (Matsumoto and Nishimura, 1998); seeds become numbers, and numbers choices, as the
//! documentation of Python's `random` says for version 2 of seeding.

use minijinja::Value;
use sha2::{Digest, Sha512};

use crate::python;

const WORDS: usize = 624;
const MIDDLE: usize = 397;

/// A generator.
pub(crate) struct PythonRandom {
    state: [u32; WORDS],
    at: usize,
}

impl PythonRandom {
    /// Begins with a seed: a whole number counts by its amount, all else by its text.
    pub(crate) fn new(seed: &Value) -> Self {
        match seed.as_i64().filter(|_| seed.is_integer()) {
            Some(number) => Self::of_bytes(&number.unsigned_abs().to_be_bytes()),
            None => Self::of_text(&python::text(seed)),
        }
    }

    fn of_text(seed: &str) -> Self {
        let bytes = [seed.as_bytes(), &Sha512::digest(seed.as_bytes())].concat();
        Self::of_bytes(&bytes)
    }

    /// Begins with a great number, its first byte the highest.
    fn of_bytes(bytes: &[u8]) -> Self {
        let word = |chunk: &[u8]| {
            chunk
                .iter()
                .fold(0, |word, byte| word << 8 | u32::from(*byte))
        };
        let mut key: Vec<u32> = bytes.rchunks(4).map(word).collect();
        while key.len() > 1 && key.last() == Some(&0) {
            key.pop();
        }
        Self::of_key(&key)
    }

    fn of_key(key: &[u32]) -> Self {
        let mut state = [0_u32; WORDS];
        state[0] = 19_650_218;
        for at in 1..WORDS {
            state[at] = mixed(state[at - 1])
                .wrapping_mul(1_812_433_253)
                .wrapping_add(at as u32);
        }
        let mut at = 1;
        for round in 0..WORDS.max(key.len()) {
            let place = round % key.len();
            state[at] = (state[at] ^ mixed(state[at - 1]).wrapping_mul(1_664_525))
                .wrapping_add(key[place])
                .wrapping_add(place as u32);
            at = next(&mut state, at);
        }
        for _ in 1..WORDS {
            state[at] = (state[at] ^ mixed(state[at - 1]).wrapping_mul(1_566_083_941))
                .wrapping_sub(at as u32);
            at = next(&mut state, at);
        }
        state[0] = 1 << 31;
        Self { state, at: WORDS }
    }

    fn word(&mut self) -> u32 {
        if self.at == WORDS {
            self.twist();
        }
        let mut word = self.state[self.at];
        self.at += 1;
        word ^= word >> 11;
        word ^= word << 7 & 0x9d2c_5680;
        word ^= word << 15 & 0xefc6_0000;
        word ^ word >> 18
    }

    fn twist(&mut self) {
        for at in 0..WORDS {
            let both = self.state[at] & 1 << 31 | self.state[(at + 1) % WORDS] & !(1 << 31);
            let odd = if both & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[at] = self.state[(at + MIDDLE) % WORDS] ^ both >> 1 ^ odd;
        }
        self.at = 0;
    }

    /// `getrandbits`, for at most 64.
    fn bits(&mut self, count: u32) -> u64 {
        let low = u64::from(self.word());
        match count {
            0..=32 => low >> (32 - count),
            _ => low | u64::from(self.word() >> (64 - count)) << 32,
        }
    }

    /// A number below another one, which must not be 0.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        let count = u64::BITS - end.leading_zeros();
        loop {
            let found = self.bits(count);
            if found < end {
                return found;
            }
        }
    }
}

/// A text of so many characters as Ansible's `password` makes it with a seed.
pub fn seeded_text(seed: &str, length: usize, characters: &[char]) -> String {
    if characters.is_empty() {
        return String::new();
    }
    let mut random = PythonRandom::of_text(seed);
    let mut one = || characters[random.below(characters.len() as u64) as usize];
    (0..length).map(|_| one()).collect()
}

fn mixed(word: u32) -> u32 {
    word ^ word >> 30
}

/// The place after this one; the first word follows the last, and is passed by.
fn next(state: &mut [u32; WORDS], at: usize) -> usize {
    match at + 1 < WORDS {
        true => at + 1,
        false => {
            state[0] = state[WORDS - 1];
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_python() {
        let check = |seed: Value, minute: u64, fifth: u64, bits: u64| {
            let mut random = PythonRandom::new(&seed);
            let found = (random.below(60), random.below(12) * 5);
            assert_eq!(found, (minute, fifth));
            random.below(8);
            assert_eq!(random.bits(40), bits);
        };
        check(Value::from("web1"), 52, 25, 376_953_551_159);
        check(Value::from(""), 29, 45, 950_854_270_032);
        check(Value::from("ü"), 11, 10, 490_211_962_137);
        check(Value::from(5), 39, 20, 759_329_574_455);
        check(Value::from(-5), 39, 20, 759_329_574_455);
        check(Value::from(0), 54, 30, 283_641_720_628);
        let letters: Vec<char> = ('a'..='z').collect();
        assert_eq!(seeded_text("web1", 12, &letters), "kiykbmefpdbu");
    }
}
