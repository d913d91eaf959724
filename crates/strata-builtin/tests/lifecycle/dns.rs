//! `dns_*`, as far as this machine alone can answer; the rest is tested beside the lookup.

use crate::world::World;

#[test]
fn addresses_are_those_that_this_machine_knows() {
    let world = World::new();
    world.apply(
        "data \"dns_a_record_set\" \"a\" {\n host = \"localhost\"\n}\n\
         resource \"terraform_data\" \"a\" {\n input = data.dns_a_record_set.a.addrs\n}",
    );
    assert_eq!(
        world.object("terraform_data.a")["output"]["value"],
        serde_json::json!(["127.0.0.1"])
    );
}

#[test]
fn what_is_wrong_or_not_supported_is_refused() {
    for (text, told) in [
        (
            "data \"dns_ptr_record_set\" \"a\" { ip_address = \"x\" }",
            "must be an IP address",
        ),
        ("data \"dns_mx_record_set\" \"a\" {}", "domain"),
        (
            "provider \"dns\" {\n update {\n server = \"a\"\n }\n}\ndata \"dns_a_record_set\" \"a\" { host = \"localhost\" }",
            "update",
        ),
        ("resource \"dns_a_record_set\" \"a\" {}", "dns_a_record_set"),
    ] {
        let said = World::new().refused(text);
        assert!(said.contains(told), "{text}\n{said}");
    }
}
