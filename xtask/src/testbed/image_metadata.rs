//! What Incus is told about an image: `metadata.yaml` and the templates it fills in at creation.
//!
//! The template language is pongo2, which knows no `\n` in its strings.

/// One file of the metadata tarball.
pub(crate) struct File {
    /// Its path inside the tarball.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

/// A file that Incus writes into an instance, and the template it makes it from.
struct Template {
    target: &'static str,
    name: &'static str,
    text: &'static str,
}

const BOTH: &[Template] = &[
    Template {
        target: "/etc/hostname",
        name: "hostname.tpl",
        text: "{{ container.name }}\n",
    },
    Template {
        target: "/etc/hosts",
        name: "hosts.tpl",
        text: "127.0.0.1 localhost\n127.0.1.1 {{ container.name }}\n\n::1 localhost ip6-localhost ip6-loopback\n",
    },
];

const CLOUD: &[Template] = &[
    Template {
        target: "/var/lib/cloud/seed/nocloud-net/meta-data",
        name: "meta-data.tpl",
        text: "instance-id: {{ container.name }}\nlocal-hostname: {{ container.name }}\n\
               {{ config_get(\"user.meta-data\", \"\") }}\n",
    },
    // An empty `#cloud-config` makes cloud-init warn, hence the braces.
    Template {
        target: "/var/lib/cloud/seed/nocloud-net/user-data",
        name: "user-data.tpl",
        text: "{% if config_get(\"cloud-init.user-data\", \"\") != \"\" %}\
               {{ config_get(\"cloud-init.user-data\", \"\") }}\n\
               {% elif config_get(\"user.user-data\", \"\") != \"\" %}\
               {{ config_get(\"user.user-data\", \"\") }}\n\
               {% else %}#cloud-config\n{}\n{% endif %}",
    },
    Template {
        target: "/var/lib/cloud/seed/nocloud-net/vendor-data",
        name: "vendor-data.tpl",
        text: "{% if config_get(\"cloud-init.vendor-data\", \"\") != \"\" %}\
               {{ config_get(\"cloud-init.vendor-data\", \"\") }}\n\
               {% elif config_get(\"user.vendor-data\", \"\") != \"\" %}\
               {{ config_get(\"user.vendor-data\", \"\") }}\n\
               {% else %}#cloud-config\n{}\n{% endif %}",
    },
    Template {
        target: "/var/lib/cloud/seed/nocloud-net/network-config",
        name: "network-config.tpl",
        text: "{% if config_get(\"cloud-init.network-config\", \"\") == \"\" %}\
               version: 1\nconfig:\n  - type: physical\n    name: eth0\n    subnets:\n      - type: dhcp\n\
               {% else %}{{ config_get(\"cloud-init.network-config\", \"\") }}\n{% endif %}",
    },
];

/// Gives the files of an image's metadata tarball.
pub(crate) fn files(cloud: bool, architecture: &str, created: u64, recipe: &str) -> Vec<File> {
    let templates = || BOTH.iter().chain(if cloud { CLOUD } else { &[] });
    let mut files = vec![File {
        path: "metadata.yaml".to_owned(),
        text: metadata(cloud, architecture, created, recipe, templates()),
    }];
    files.extend(templates().map(file));
    files
}

fn file(template: &Template) -> File {
    File {
        path: format!("templates/{}", template.name),
        text: template.text.to_owned(),
    }
}

fn metadata<'a>(
    cloud: bool,
    architecture: &str,
    created: u64,
    recipe: &str,
    templates: impl Iterator<Item = &'a Template>,
) -> String {
    let variant = if cloud { "cloud" } else { "default" };
    let entries: String = templates.map(entry).collect();
    format!(
        "architecture: {architecture}\ncreation_date: {created}\nproperties:\n  \
         architecture: {architecture}\n  description: Debian bookworm ({variant}) of the testbed\n  \
         os: Debian\n  release: bookworm\n  variant: {variant}\n  recipe: \"{recipe}\"\ntemplates:\n{entries}"
    )
}

fn entry(template: &Template) -> String {
    format!(
        "  {}:\n    when: [create, copy]\n    template: {}\n",
        template.target, template.name
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_that_the_metadata_names_is_there() {
        let files = files(true, "x86_64", 1, "r");
        let metadata = &files[0].text;
        let named = metadata
            .lines()
            .filter_map(|line| line.trim().strip_prefix("template: "));
        let mut named: Vec<String> = named.map(|name| format!("templates/{name}")).collect();
        let mut there: Vec<String> = files[1..].iter().map(|file| file.path.clone()).collect();
        named.sort();
        there.sort();
        assert_eq!(named, there);
    }

    #[test]
    fn only_the_cloud_image_seeds_cloud_init() {
        assert!(
            files(true, "x86_64", 1, "r")[0]
                .text
                .contains("/var/lib/cloud/seed")
        );
        assert!(
            !files(false, "x86_64", 1, "r")[0]
                .text
                .contains("/var/lib/cloud")
        );
    }
}
