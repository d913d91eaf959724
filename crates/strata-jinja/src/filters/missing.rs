//! Filters that Strata knows of but does not have: they are refused by name when a template uses them.

use minijinja::{Environment, Error, ErrorKind, Value, value::Rest};

/// Names that users may expect, without the collection that minds them.
const MISSING: &[&str] = &[
    "ansible.netcommon.ipaddr",
    "ansible.utils.cidr_merge",
    "ansible.utils.ipaddr",
    "ansible.utils.ipmath",
    "ansible.utils.ipsubnet",
    "ansible.utils.ipv4",
    "ansible.utils.ipv6",
    "ansible.utils.ipwrap",
    "ansible.utils.next_nth_usable",
    "ansible.utils.network_in_usable",
    "community.general.json_query",
    "community.general.dict_kv",
    "community.general.from_csv",
    "community.general.random_mac",
    "community.general.to_time_unit",
    "ipaddr",
    "ipmath",
    "ipsubnet",
    "ipv4",
    "ipv6",
    "ipwrap",
    "json_query",
    "fileglob",
    "vault",
    "unvault",
    "win_splitdrive",
    "xmlattr",
];

pub(super) fn register(environment: &mut Environment<'static>) {
    for name in MISSING {
        environment.add_filter(*name, move |_: Rest<Value>| -> Result<Value, Error> {
            let message = format!("the filter `{name}` is not supported by Strata yet");
            let source =
                crate::TemplateError::new(crate::TemplateErrorKind::Unsupported, message.clone());
            Err(Error::new(ErrorKind::InvalidOperation, message).with_source(source))
        });
    }
}
