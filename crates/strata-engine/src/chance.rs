//! Clock and chance of this machine, for functions like `timestamp` and `uuid`.

use strata_config::Chance;

/// The system's own.
pub struct SystemChance;

impl Chance for SystemChance {
    fn now(&self) -> String {
        jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string()
    }

    fn random(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(14) {
            let bytes = uuid::Uuid::new_v4().into_bytes();
            // Two bytes of a UUID hold its version and variant; the others are random.
            let random = bytes
                .iter()
                .enumerate()
                .filter(|(at, _)| *at != 6 && *at != 8)
                .map(|(_, byte)| byte);
            chunk
                .iter_mut()
                .zip(random)
                .for_each(|(into, byte)| *into = *byte);
        }
    }
}
