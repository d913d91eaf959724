//! Hardware addresses of network devices, which a replaced instance hands on to the new one: leases,
//! records and firewalls of others go on to fit.

use std::collections::BTreeMap;

use crate::provider::attributes::Texts;

/// Hardware addresses, by the key that holds each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HardwareAddresses(BTreeMap<String, String>);

impl HardwareAddresses {
    /// Those that the server chose for an instance.
    pub(crate) fn of(config: &Texts) -> Self {
        let chosen = config.iter().filter(|(key, _)| {
            key.strip_prefix("volatile.")
                .and_then(|rest| rest.strip_suffix(".hwaddr"))
                .is_some_and(|device| !device.contains('.'))
        });
        let chosen = chosen.map(|(key, address)| (key.clone(), address.clone()));
        Self(chosen.collect())
    }

    /// As it goes from the plan to apply.
    pub(crate) fn to_private(&self) -> Vec<u8> {
        match self.0.is_empty() {
            true => Vec::new(),
            false => serde_json::to_vec(&self.0).unwrap_or_default(),
        }
    }

    /// As the plan left it; of what is not ours, none.
    pub(crate) fn from_private(private: &[u8]) -> Self {
        Self(serde_json::from_slice(private).unwrap_or_default())
    }

    /// The keys with these addresses, where they name none of their own.
    pub(crate) fn into(self, mut config: Texts) -> Texts {
        for (key, address) in self.0 {
            config.entry(key).or_insert(address);
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hardware_addresses_are_handed_on_and_the_users_come_first() {
        let texts = |entries: &[(&str, &str)]| -> Texts {
            let entries = entries.iter();
            entries
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect()
        };
        let server = texts(&[
            ("volatile.eth0.hwaddr", "aa"),
            ("volatile.lan.hwaddr", "bb"),
            ("volatile.uuid", "1"),
            ("volatile.eth0.last_state.hwaddr", "cc"),
        ]);
        let kept = HardwareAddresses::from_private(&HardwareAddresses::of(&server).to_private());
        let users = texts(&[("volatile.lan.hwaddr", "dd")]);
        let expected = texts(&[
            ("volatile.eth0.hwaddr", "aa"),
            ("volatile.lan.hwaddr", "dd"),
        ]);
        assert_eq!(kept.into(users), expected);
        assert_eq!(
            HardwareAddresses::from_private(b"other"),
            HardwareAddresses::default()
        );
    }
}
