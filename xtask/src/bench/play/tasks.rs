//! A hundred tasks: nine kinds and a fact, ten times over, and the same for pyinfra.

use std::fmt::Write;

const ROUNDS: usize = 10;

/// The playbook, for any of the programs that read Ansible's.
pub(super) fn playbook() -> String {
    let mut text = String::from("- hosts: all\n  gather_facts: true\n  tasks:\n");
    for at in 0..ROUNDS {
        let round = write!(
            text,
            r#"    - name: folder {at}
      ansible.builtin.file: {{ path: /opt/bench/{at}, state: directory, mode: "0755" }}
    - name: copy {at}
      ansible.builtin.copy: {{ dest: /opt/bench/{at}/copy, content: "copied {at}\n", mode: "0644" }}
    - name: template {at}
      ansible.builtin.template: {{ src: bench.j2, dest: /opt/bench/{at}/template, mode: "0644" }}
    - name: line {at}
      ansible.builtin.lineinfile: {{ path: /opt/bench/{at}/copy, line: "line {at}" }}
    - name: command {at}
      ansible.builtin.command: /bin/true
      changed_when: false
    - name: stat {at}
      ansible.builtin.stat: {{ path: /opt/bench/{at}/copy }}
      register: found_{at}
    - name: group {at}
      ansible.builtin.group: {{ name: bench{at} }}
    - name: user {at}
      ansible.builtin.user: {{ name: bench{at}, group: bench{at}, create_home: false }}
    - name: fact {at}
      ansible.builtin.set_fact: {{ size_{at}: "{{{{ found_{at}.stat.size }}}}" }}
    - name: mode {at}
      ansible.builtin.file: {{ path: /opt/bench/{at}/template, mode: "0640", owner: root }}
"#
        );
        round.expect("a text takes everything");
    }
    text
}

/// The template that the playbook names.
pub(super) const TEMPLATE: &str = "{{ ansible_facts.hostname }} {{ ansible_facts.distribution }}\n{% for n in range(5) %}line {{ n }}\n{% endfor %}";

/// The same for pyinfra, which has no registered results and no facts to set.
pub(super) fn deploy() -> String {
    let mut text = String::from("from pyinfra.operations import files, server\n\n");
    for at in 0..ROUNDS {
        let round = write!(
            text,
            r#"files.directory(name="folder {at}", path="/opt/bench/{at}", mode="755")
files.put(name="copy {at}", src="copy{at}", dest="/opt/bench/{at}/copy", mode="644", create_remote_dir=False)
files.template(name="template {at}", src="pyinfra.j2", dest="/opt/bench/{at}/template", mode="644")
files.line(name="line {at}", path="/opt/bench/{at}/line", line="line {at}")
server.shell(name="command {at}", commands=["/bin/true"])
server.shell(name="stat {at}", commands=["stat /opt/bench/{at}/copy"])
server.group(name="group {at}", group="bench{at}")
server.user(name="user {at}", user="bench{at}", group="bench{at}", create_home=False, ensure_home=False)
server.shell(name="fact {at}", commands=["/bin/true"])
files.file(name="mode {at}", path="/opt/bench/{at}/template2", mode="640", user="root")
"#
        );
        round.expect("a text takes everything");
    }
    text
}

/// The files that [`deploy`] names.
pub(super) fn deployed() -> Vec<(String, String)> {
    let copies = (0..ROUNDS).map(|at| (format!("copy{at}"), format!("copied {at}\n")));
    let template = "{% for n in range(5) %}line {{ n }}\n{% endfor %}".to_owned();
    copies
        .chain([("pyinfra.j2".to_owned(), template)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_a_hundred_tasks() {
        assert_eq!(playbook().matches("    - name: ").count(), 100);
        assert_eq!(deploy().matches("(name=").count(), 100);
    }
}
