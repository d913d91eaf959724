//! How a machine becomes what other machines are made from, on each platform.
//!
//! All of it is configuration: files that are added to the root module of an `image` stage, in which
//! the machine is built, halted and published. So plan, journal and state are those of any resource.

use serde_json::Value as Json;

/// Resources that can be published.
const KINDS: [(&str, Publishing); 2] = [
    ("incus_instance", Publishing::Image),
    ("proxmox_virtual_environment_vm", Publishing::Template),
];

/// The resource that an image is, where it is one of its own.
const IMAGE: &str = "incus_image.strata";

/// What a machine becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Publishing {
    /// An image with a name; the machine goes.
    Image,
    /// A template: the machine itself.
    Template,
}

/// What is said of a machine that is worked on, and of what is published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks<'a> {
    pub(crate) building: &'a str,
    pub(crate) published: &'a str,
}

/// How far a machine is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase<'a> {
    /// It runs and is configured.
    Build,
    /// It is switched off.
    Halt,
    /// It is published, with a name where it has one; the object is the machine's in the state.
    Publish(&'a str, &'a Json),
}

impl Publishing {
    /// What machines of a type become; none for a resource that is no machine.
    pub(crate) fn of(type_name: &str) -> Option<Self> {
        let mut kinds = KINDS.iter();
        kinds
            .find(|(known, _)| *known == type_name)
            .map(|(_, publishing)| *publishing)
    }

    /// The types of machines, for people.
    pub(crate) fn types() -> String {
        KINDS.map(|(name, _)| format!("`{name}`")).join(" and ")
    }

    /// Arguments of the machine that the stage sets itself.
    pub(crate) fn reserved(self) -> &'static [&'static str] {
        match self {
            Self::Image => &["description", "running"],
            Self::Template => &["description", "started", "template"],
        }
    }

    /// The address of what is published, for a machine of this address.
    pub(crate) fn address(self, machine: &str) -> String {
        match self {
            Self::Image => IMAGE.to_owned(),
            Self::Template => machine.to_owned(),
        }
    }

    /// Where the object that is published says what it was made of.
    pub(crate) fn mark(self, object: &Json) -> Option<&str> {
        match self {
            Self::Image => object["alias"].as_array()?.first()?["description"].as_str(),
            Self::Template => object["description"].as_str(),
        }
    }

    /// The name of what is published; none if it has none.
    pub(crate) fn fingerprint(self, object: &Json) -> Option<&str> {
        match self {
            Self::Image => object["fingerprint"].as_str(),
            Self::Template => None,
        }
    }

    /// The machine that an image in the state was made from, as its resource names it.
    pub(crate) fn source(self, published: &Json) -> Json {
        let mut source = published["source_instance"].clone();
        for place in ["project", "remote"] {
            source[place] = published[place].clone();
        }
        source
    }

    /// The files that bring a machine of this type and name into a phase.
    pub(crate) fn files(
        self,
        (type_name, name): (&str, &str),
        phase: Phase<'_>,
        marks: Marks<'_>,
    ) -> Vec<(&'static str, String)> {
        let arguments = match (self, phase) {
            (_, Phase::Build) => "",
            (Self::Image, _) => "  running = false\n",
            (Self::Template, Phase::Halt) => "  started = false\n",
            (Self::Template, Phase::Publish(..)) => "  started = false\n  template = true\n",
        };
        // An image carries its mark itself, so that the machine, which goes, need not change once more.
        let mark = match (self, phase) {
            (Self::Template, Phase::Publish(..)) => marks.published,
            _ => marks.building,
        };
        let mark_text = quoted(mark);
        let machine = format!(
            "resource \"{type_name}\" \"{name}\" {{\n  description = {mark_text}\n{arguments}}}\n"
        );
        let mut files = vec![("strata_image_override.tf", machine)];
        if let (Self::Image, Phase::Publish(alias, object)) = (self, phase) {
            files.push(("strata_image.tf", image(alias, object, marks.published)));
        }
        files
    }
}

/// The image of a machine. It does not refer to it, for the machine goes and the image stays.
fn image(alias: &str, machine: &Json, mark: &str) -> String {
    let place = |name: &str| {
        let text = machine[name].as_str().map(quoted);
        text.map_or_else(String::new, |text| format!("  {name} = {text}\n"))
    };
    format!(
        "resource \"incus_image\" \"strata\" {{\n{}{}  source_instance = {{ name = {} }}\n  alias {{\n    name = {}\n    description = {}\n  }}\n}}\n",
        place("project"),
        place("remote"),
        quoted(machine["name"].as_str().unwrap_or_default()),
        quoted(alias),
        quoted(mark)
    )
}

/// A text as HCL has it between quotes, where nothing in it is a template.
fn quoted(text: &str) -> String {
    let json = Json::from(text).to_string();
    json.replace("${", "$${").replace("%{", "%%{")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use serde_json::json;

    use super::*;

    fn check(type_name: &str, phase: Phase<'_>, expected: &Expect) {
        let publishing = Publishing::of(type_name).unwrap();
        let marks = Marks {
            building: "building 12",
            published: "made of 12",
        };
        let files = publishing.files((type_name, "web"), phase, marks);
        let texts: Vec<String> = files
            .into_iter()
            .map(|(name, text)| format!("# {name}\n{text}"))
            .collect();
        expected.assert_eq(&texts.concat());
    }

    #[test]
    fn a_machine_that_is_built_only_carries_its_mark() {
        let expected = expect![[r#"
            # strata_image_override.tf
            resource "incus_instance" "web" {
              description = "building 12"
            }
        "#]];
        check("incus_instance", Phase::Build, &expected);
    }

    #[test]
    fn an_image_names_the_machine_without_referring_to_it() {
        let object = json!({ "name": "b-${x}", "project": "p", "remote": null });
        let expected = expect![[r#"
            # strata_image_override.tf
            resource "incus_instance" "web" {
              description = "building 12"
              running = false
            }
            # strata_image.tf
            resource "incus_image" "strata" {
              project = "p"
              source_instance = { name = "b-$${x}" }
              alias {
                name = "web-image"
                description = "made of 12"
              }
            }
        "#]];
        check(
            "incus_instance",
            Phase::Publish("web-image", &object),
            &expected,
        );
    }

    #[test]
    fn a_virtual_machine_is_halted_before_it_is_a_template() {
        let halted = expect![[r#"
            # strata_image_override.tf
            resource "proxmox_virtual_environment_vm" "web" {
              description = "building 12"
              started = false
            }
        "#]];
        check("proxmox_virtual_environment_vm", Phase::Halt, &halted);
        let expected = expect![[r#"
            # strata_image_override.tf
            resource "proxmox_virtual_environment_vm" "web" {
              description = "made of 12"
              started = false
              template = true
            }
        "#]];
        let phase = Phase::Publish("", &Json::Null);
        check("proxmox_virtual_environment_vm", phase, &expected);
    }
}
