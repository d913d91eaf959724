//! `--check`: later tasks see what earlier ones would have done, and what nobody can know stays unknown.

use expect_test::{Expect, expect};

use crate::world::{World, transcript};

fn check(tasks: &str, expected: Expect) {
    let playbook = format!("- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}");
    let files = [
        ("inventory.ini", "a ansible_connection=local\n"),
        ("playbook.yml", playbook.as_str()),
        ("templates/app.j2", "port={{ found.stdout }}\n"),
        ("vars/more.yml", "port: 1\n"),
    ];
    let mut world = World::new(files);
    world.options.check = true;
    let before = world.model("a").paths();
    let ran = world.run();
    ran.recap.unwrap();
    assert_eq!(world.model("a").paths(), before);
    expected.assert_eq(&transcript(&ran.events));
}

#[test]
fn later_tasks_see_what_earlier_ones_would_have_done() {
    check(
        r#"
    - {name: Folder, file: {path: /opt/app, state: directory}}
    - {name: File, copy: {content: "a=1\n", dest: /opt/app/env}}
    - {name: Again, copy: {content: "a=1\n", dest: /opt/app/env}}
    - {name: Line, lineinfile: {path: /opt/app/env, line: b=2}}
    - {name: Read, slurp: {src: /opt/app/env}, register: env}
    - {name: Show, debug: {msg: "{{ env.content | b64decode | trim }}"}}
    - {name: Package, apt: {name: nginx}}
    - {name: Service, service: {name: nginx, state: started, enabled: true}}
"#,
        expect![[r#"
            PLAY [all]
            TASK [Folder]
              changed: [a]
            TASK [File]
              changed: [a]
            TASK [Again]
              ok: [a]
            TASK [Line]
              changed: [a]
            TASK [Read]
              ok: [a]
            TASK [Show]
              ok: [a]
                a=1
                b=2
            TASK [Package]
              changed: [a]
            TASK [Service]
              ok: [a]
            PLAY RECAP
              a: ok=8 changed=4 unreachable=0 failed=0 skipped=0 rescued=0 ignored=0
        "#]],
    );
}

#[test]
fn what_depends_on_a_command_is_unknown_and_does_not_fail() {
    check(
        r#"
    - {name: Ask, command: find /srv, register: found}
    - {name: Condition, debug: {msg: x}, when: found.stdout == ''}
    - {name: Known, debug: {msg: x}, when: [found.stdout == '', inventory_hostname == 'b']}
    - {name: Fact, set_fact: {first: "{{ found.stdout_lines[0] | from_json }}"}}
    - {name: From it, debug: {msg: "{{ first.name }}"}}
    - {name: Template, template: {src: app.j2, dest: /opt/app}}
    - {name: Loop, debug: {msg: "{{ item }}"}, loop: "{{ found.stdout_lines }}"}
    - {name: Assert, assert: {that: found.stdout is match('x')}}
    - {name: Variables, include_vars: more.yml, when: found.stdout == ''}
    - {name: From these, debug: {msg: "{{ port }}"}}
    - {name: Ignored perhaps, debug: {msg: x}, ignore_errors: "{{ first.ok }}"}
    - {name: Fails perhaps, fail: {msg: x}, ignore_errors: "{{ first.ok }}"}
    - {name: Fresh, set_fact: {first: {name: known}}}
    - {name: Now, debug: {msg: "{{ first.name }}"}}
    - {name: Other, debug: {msg: "{{ inventory_hostname }}"}}
"#,
        expect![[r#"
            PLAY [all]
            TASK [Ask]
              skipping: [a]
            TASK [Condition]
              skipping: [a]
            TASK [Known]
              skipping: [a]
            TASK [Fact]
              skipping: [a]
            TASK [From it]
              skipping: [a]
            TASK [Template]
              skipping: [a]
            TASK [Loop]
              skipping: [a]
            TASK [Assert]
              skipping: [a]
            TASK [Variables]
              skipping: [a]
            TASK [From these]
              skipping: [a]
            TASK [Ignored perhaps]
              ok: [a]
                x
            TASK [Fails perhaps]
              skipping: [a]
            TASK [Fresh]
              ok: [a]
            TASK [Now]
              ok: [a]
                known
            TASK [Other]
              ok: [a]
                a
            PLAY RECAP
              a: ok=4 changed=0 unreachable=0 failed=0 skipped=11 rescued=0 ignored=0
        "#]],
    );
}
