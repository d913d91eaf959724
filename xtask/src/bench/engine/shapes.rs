//! Configurations of any size, all of `terraform_data`, so that no provider's time is measured.

use std::fmt::Write;

/// One way to describe many instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::bench) enum Shape {
    /// One resource, an instance for each entry of a map of strings.
    ForEach,
    /// One resource with `count`.
    Count,
    /// Ten chains of resources, each taking the output of the one before.
    Chains,
    /// Instances of a module with ten resources.
    Modules,
}

/// So many chains there are, and so many instances in a module: a size must be a multiple of it.
pub(in crate::bench) const GROUP: usize = 10;

impl Shape {
    /// All of them.
    pub(in crate::bench) const ALL: [Shape; 4] =
        [Shape::ForEach, Shape::Count, Shape::Chains, Shape::Modules];

    /// Names the shape.
    pub(super) fn name(self) -> &'static str {
        match self {
            Shape::ForEach => "for_each",
            Shape::Count => "count",
            Shape::Chains => "chains",
            Shape::Modules => "modules",
        }
    }

    /// Writes the files of a configuration with so many instances.
    pub(in crate::bench) fn files(self, instances: usize) -> Vec<(&'static str, String)> {
        match self {
            Shape::ForEach => vec![("main.tf", for_each(instances))],
            Shape::Count => vec![("main.tf", count(instances))],
            Shape::Chains => vec![("main.tf", chains(instances / GROUP))],
            Shape::Modules => vec![
                ("main.tf", modules(instances / GROUP)),
                ("group/main.tf", group()),
            ],
        }
    }
}

fn for_each(instances: usize) -> String {
    let mut text = String::from("locals {\n  items = {\n");
    for at in 0..instances {
        line(&mut text, format_args!("    item-{at} = \"value {at}\""));
    }
    text + "  }\n}\n\nresource \"terraform_data\" \"item\" {\n  for_each = local.items\n  input    = each.value\n}\n"
}

fn count(instances: usize) -> String {
    format!(
        "resource \"terraform_data\" \"item\" {{\n  count = {instances}\n  input = \"value ${{count.index}}\"\n}}\n"
    )
}

fn chains(depth: usize) -> String {
    let mut text = String::new();
    for chain in 0..GROUP {
        for link in 0..depth {
            let input = match link {
                0 => format!("\"chain {chain}\""),
                _ => format!("terraform_data.chain_{chain}_{}.output", link - 1),
            };
            resource(&mut text, &format!("chain_{chain}_{link}"), &input);
        }
    }
    text
}

/// Two resources with so many instances each, of which every one of the second takes its input from one of the first.
pub(super) fn pairs(count: usize) -> String {
    format!(
        "resource \"terraform_data\" \"a\" {{\n  count = {count}\n  input = count.index\n}}\n\n\
         resource \"terraform_data\" \"b\" {{\n  count = {count}\n  input = terraform_data.a[count.index].output\n}}\n"
    )
}

fn modules(count: usize) -> String {
    format!(
        "module \"group\" {{\n  source = \"./group\"\n  count  = {count}\n  name   = \"group ${{count.index}}\"\n}}\n"
    )
}

fn group() -> String {
    let mut text = String::from("variable \"name\" {\n  type = string\n}\n\n");
    for at in 0..GROUP {
        resource(
            &mut text,
            &format!("item_{at}"),
            &format!("\"${{var.name}}, {at}\""),
        );
    }
    text
}

fn resource(text: &mut String, name: &str, input: &str) {
    line(
        text,
        format_args!("resource \"terraform_data\" \"{name}\" {{\n  input = {input}\n}}\n"),
    );
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("a text takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(shape: Shape, file: usize) -> usize {
        shape.files(20)[file]
            .1
            .matches("resource \"terraform_data\"")
            .count()
    }

    #[test]
    fn every_shape_describes_as_many_instances_as_asked_for() {
        assert_eq!(
            Shape::ForEach.files(20)[0].1.matches(" = \"value ").count(),
            20
        );
        assert!(Shape::Count.files(20)[0].1.contains("count = 20\n"));
        assert_eq!(blocks(Shape::Chains, 0), 20);
        assert_eq!(blocks(Shape::Modules, 1), GROUP);
        assert!(Shape::Modules.files(20)[0].1.contains("count  = 2\n"));
    }

    #[test]
    fn a_link_takes_the_output_of_the_one_before() {
        let chains = Shape::Chains.files(20).swap_remove(0).1;
        assert!(
            chains.contains("\"chain_1_0\" {\n  input = \"chain 1\"\n"),
            "{chains}"
        );
        let second = "\"chain_1_1\" {\n  input = terraform_data.chain_1_0.output\n";
        assert!(chains.contains(second), "{chains}");
    }
}
