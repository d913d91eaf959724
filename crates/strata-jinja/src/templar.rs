//! The way in: renders texts, values, files and conditions.

use std::{path::PathBuf, sync::Arc};

use minijinja::{Error, Value};
use serde_json::{Map, Value as Json};

use crate::{
    Engine, OMIT, Surroundings, TemplateError, TemplateErrorKind, UNSAFE_KEY, VAULT_KEY, Variables,
    compile, convert, escape, header, is_omit, python, run::Run,
};

/// How deep values may nest.
const MAX_DEPTH: usize = 200;

/// Renders for one set of variables. Cheap to make and to clone.
#[derive(Clone)]
pub struct Templar {
    pub(crate) engine: Arc<Engine>,
    pub(crate) variables: Arc<dyn Variables>,
    pub(crate) surroundings: Arc<dyn Surroundings>,
    /// The folder of the template that is rendered: others are looked for in it before those of the surroundings.
    pub(crate) beside: Option<PathBuf>,
}

/// How the `template` module wants a file rendered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// Whether the line break after a block is dropped.
    pub trim_blocks: bool,
    /// Whether blanks before a block are dropped.
    pub lstrip_blocks: bool,
    /// What line breaks become.
    pub newline_sequence: String,
    /// Other delimiters: block start and end, variable start and end, comment start and end.
    pub delimiters: Option<[String; 6]>,
}

impl FileOptions {
    /// As the `template` module does without options.
    pub fn ansible() -> Self {
        Self {
            trim_blocks: true,
            lstrip_blocks: false,
            newline_sequence: "\n".to_owned(),
            delimiters: None,
        }
    }
}

impl Templar {
    /// Joins the language, the variables and the world.
    pub fn new(
        engine: &Arc<Engine>,
        variables: Arc<dyn Variables>,
        surroundings: Arc<dyn Surroundings>,
    ) -> Self {
        Self {
            engine: engine.clone(),
            variables,
            surroundings,
            beside: None,
        }
    }

    /// Renders every template in a value; `omit` drops out of mappings and lists.
    pub fn render(&self, value: &Json) -> Result<Json, TemplateError> {
        self.with_run(|run| render_value(run, value, 0))
    }

    /// Renders one text; a single expression keeps its native type.
    pub fn render_text(&self, template: &str) -> Result<Json, TemplateError> {
        self.with_run(|run| render_text(run, template))
    }

    /// Renders a template file's text.
    pub fn render_file(
        &self,
        name: &str,
        text: &str,
        options: &FileOptions,
    ) -> Result<String, TemplateError> {
        let (options, text) = header::split(text, options)?;
        let syntax = header::syntax(&options)?;
        self.with_run(|run| {
            let value = compile::render_source(run, name, text, &syntax)?;
            // A template that puts nothing out, but for its blocks and comments, gives an empty file.
            if value.is_none() && compile::may_be_template(text) {
                return Ok(String::new());
            }
            // The run must not outlive its values.
            let rendered = python::output(&value);
            let wanted = compile::trailing_line_breaks(text);
            let present = compile::trailing_line_breaks(&rendered);
            let missing = "\n".repeat(wanted.saturating_sub(present));
            Ok(rendered + &missing)
        })
        .map(|rendered| with_newlines(rendered, &options.newline_sequence))
    }

    /// Evaluates a bare expression, as `until` or `debug: var=` has them.
    pub fn expression(&self, expression: &str) -> Result<Json, TemplateError> {
        self.with_run(|run| evaluate(run, expression))
    }

    /// Evaluates a bare expression to show it. What is undefined in it is told in its place, as by ansible-core 2.19,
    /// and in the list, too.
    pub fn shown(&self, expression: &str) -> Result<(Json, Vec<String>), TemplateError> {
        let mut missing = Vec::new();
        let value = self.with_run(|run| {
            let mut instead = |error: Error| told(run, error, &mut missing);
            match evaluated(run, expression) {
                Ok(value) => convert::to_json_instead(&value, &mut instead),
                Err(error) => instead(error),
            }
        })?;
        Ok((value, missing))
    }

    /// Renders a text to show it, with what is undefined told in its place. Statements are not looked into: a text with
    /// such a mistake in one stays as it was written.
    pub fn shown_text(&self, template: &str) -> String {
        let mut missing = Vec::new();
        let shown = self.with_run(|run| {
            let mut text = String::new();
            let mut rest = template;
            while let Some(begin) = rest.find("{{") {
                let (before, opening) = rest.split_at(begin);
                let length = escape::expression_length(opening);
                let mut instead = |error: Error| told(run, error, &mut missing);
                let value = match render_text(run, &opening[..length]) {
                    Ok(value) => value,
                    Err(error) => instead(error)?,
                };
                text.push_str(before);
                text.push_str(&crate::as_python(&value));
                rest = &opening[length..];
            }
            Ok(text + rest)
        });
        shown.unwrap_or_else(|_| template.to_owned())
    }

    /// Evaluates a condition (`when`, `failed_when`, ...), which must be boolean.
    pub fn condition(&self, condition: &Json) -> Result<bool, TemplateError> {
        let text = match condition {
            Json::Bool(value) => return Ok(*value),
            Json::String(text) => text.trim(),
            other => return Err(not_a_condition(other)),
        };
        let value = self.with_run(|run| {
            let begins = ["{{", "{%", "{#"]
                .iter()
                .any(|opening| text.starts_with(opening));
            let ends = ["}}", "%}", "#}"]
                .iter()
                .any(|closing| text.ends_with(closing));
            if !(begins && ends) {
                let text = escape::render_literals(text, compile::RENDER);
                return evaluate(run, &text);
            }
            // A condition that is all template may yield an expression of its own.
            match render_text(run, text)? {
                Json::String(inner) if inner.trim().is_empty() => Ok(Json::String(inner)),
                Json::String(inner) => evaluate(run, inner.trim()),
                other => Ok(other),
            }
        })?;
        match value {
            Json::Bool(value) => Ok(value),
            other if self.engine.lenient && other.as_str() != Some(OMIT) => Ok(leniently(&other)),
            other => Err(not_boolean(&other)),
        }
    }

    fn with_run<T>(
        &self,
        body: impl FnOnce(&Arc<Run>) -> Result<T, Error>,
    ) -> Result<T, TemplateError> {
        let run = Run::new(self.clone());
        let result = body(&run);
        let missing = run.missing();
        run.finish();
        result.map_err(|error| TemplateError::from_engine(&error, missing))
    }
}

/// Tells in the place of a value that it is undefined.
fn told(run: &Arc<Run>, error: Error, missing: &mut Vec<String>) -> Result<Json, Error> {
    let found = TemplateError::from_engine(&error, run.missing());
    if found.kind != TemplateErrorKind::Undefined {
        return Err(error);
    }
    let what = format!("error {} - {}", missing.len() + 1, found.in_python());
    let shown = Json::String(format!("<< {what} >>"));
    missing.push(what);
    Ok(shown)
}

fn evaluate(run: &Arc<Run>, expression: &str) -> Result<Json, Error> {
    convert::to_json(&evaluated(run, expression)?)
}

fn evaluated(run: &Arc<Run>, expression: &str) -> Result<Value, Error> {
    if expression.trim().is_empty() {
        return Err(Error::new(
            minijinja::ErrorKind::SyntaxError,
            "an empty expression has no value",
        ));
    }
    compile::expression(run, expression)
}

fn render_text(run: &Arc<Run>, template: &str) -> Result<Json, Error> {
    if !compile::may_be_template(template) {
        return Ok(Json::String(template.to_owned()));
    }
    convert::to_json(&compile::render(run, template)?)
}

fn render_value(run: &Arc<Run>, value: &Json, depth: usize) -> Result<Json, Error> {
    if depth > MAX_DEPTH {
        return Err(Error::new(
            minijinja::ErrorKind::InvalidOperation,
            "the value nests too deep",
        ));
    }
    match value {
        Json::String(text) => render_text(run, text),
        Json::Array(items) => render_list(run, items, depth),
        Json::Object(_) if convert::marked(value, VAULT_KEY).is_some() => {
            convert::to_json(&run.vault(value))
        }
        Json::Object(map) => match convert::marked(value, UNSAFE_KEY) {
            Some(text) => Ok(Json::String(text.to_owned())),
            None => render_mapping(run, map, depth),
        },
        scalar => Ok(scalar.clone()),
    }
}

fn render_list(run: &Arc<Run>, items: &[Json], depth: usize) -> Result<Json, Error> {
    let mut rendered = Vec::with_capacity(items.len());
    for item in items {
        let value = render_value(run, item, depth + 1)?;
        if !is_omit(&value) {
            rendered.push(value);
        }
    }
    Ok(Json::Array(rendered))
}

fn render_mapping(run: &Arc<Run>, map: &Map<String, Json>, depth: usize) -> Result<Json, Error> {
    let mut rendered = Map::with_capacity(map.len());
    for (key, value) in map {
        let value = render_value(run, value, depth + 1)?;
        if !is_omit(&value) {
            rendered.insert(key.clone(), value);
        }
    }
    Ok(Json::Object(rendered))
}

fn with_newlines(text: String, sequence: &str) -> String {
    if sequence == "\n" {
        text
    } else {
        // Of a value's own line breaks none is made twice.
        text.replace("\r\n", "\n").replace('\n', sequence)
    }
}

/// Truth as up to ansible-core 2.18: what prints as one of Python's `False`, `None` or nothing is false.
fn leniently(value: &Json) -> bool {
    match value {
        Json::String(text) => !matches!(text.trim(), "" | "False" | "false" | "None"),
        other => convert::from_json(other).is_true(),
    }
}

fn not_a_condition(value: &Json) -> TemplateError {
    TemplateError::new(
        TemplateErrorKind::NotBoolean,
        format!("a condition must be an expression or a boolean, not `{value}`"),
    )
}

fn not_boolean(value: &Json) -> TemplateError {
    let shown = convert::from_json(value);
    let (truth, kind) = (
        python::text(&Value::from(shown.is_true())),
        crate::operators::type_name(&shown),
    );
    let message = if value.as_str() == Some(OMIT) {
        "the condition is `omit`".to_owned()
    } else {
        format!("the condition is of type {kind} (which counts as {truth}), but must be boolean")
    };
    TemplateError::new(TemplateErrorKind::NotBoolean, message)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::{NoSurroundings, Variable};

    fn templar(variables: Json) -> Templar {
        let map: BTreeMap<String, Variable> = variables
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), Variable::Template(Arc::new(value.clone()))))
            .collect();
        Templar::new(
            &Engine::new(),
            Arc::new(map),
            Arc::new(NoSurroundings::default()),
        )
    }

    #[test]
    fn variables_are_rendered_where_they_are_used() {
        let templar =
            templar(json!({"a": "{{ b }}x", "b": 1, "broken": {"x": "{{ no }}", "y": 2}}));
        assert_eq!(templar.render_text("{{ a }}").unwrap(), json!("1x"));
        assert_eq!(templar.render_text("{{ broken.y }}").unwrap(), json!(2));
        let error = templar.render_text("{{ broken }}").unwrap_err();
        assert_eq!(error.message, "`no` is undefined");
    }

    #[test]
    fn variables_that_need_one_another_are_named() {
        let templar = templar(json!({"a": "{{ b }}", "b": "{{ a }}"}));
        let error = templar.render_text("{{ a }}").unwrap_err();
        assert_eq!(error.kind, TemplateErrorKind::Recursion);
        assert_eq!(error.message, "variables need one another: `a` → `b` → `a`");
    }

    #[test]
    fn conditions_must_be_boolean() {
        let templar = templar(json!({"s": "text", "t": true}));
        assert!(templar.condition(&json!("t and s == 'text'")).unwrap());
        assert!(!templar.condition(&json!("nothing is defined")).unwrap());
        let kinds = ["s", "nothing", "not nothing", "nothing.a == 1"]
            .map(|text| templar.condition(&json!(text)).unwrap_err().kind);
        let undefined = TemplateErrorKind::Undefined;
        assert_eq!(
            kinds,
            [
                TemplateErrorKind::NotBoolean,
                undefined,
                undefined,
                undefined
            ]
        );
    }

    #[test]
    fn unsafe_and_plain_texts_are_never_templates() {
        let mut variables = BTreeMap::new();
        variables.insert(
            "plain".to_owned(),
            Variable::Plain(Arc::new(json!({"x": "{{ 7 * 7 }}"}))),
        );
        let templar = Templar::new(
            &Engine::new(),
            Arc::new(variables),
            Arc::new(NoSurroundings::default()),
        );
        assert_eq!(
            templar.render_text("{{ plain.x }}").unwrap(),
            json!("{{ 7 * 7 }}")
        );
        let marked = crate::unsafe_text("{{ 1 }}");
        assert_eq!(
            templar.render(&json!([marked])).unwrap(),
            json!(["{{ 1 }}"])
        );
    }

    #[test]
    fn omitted_values_drop_out() {
        let templar = templar(json!({}));
        let value = json!({"a": "{{ x | default(omit) }}", "b": ["{{ omit }}", 1]});
        assert_eq!(templar.render(&value).unwrap(), json!({"b": [1]}));
        assert!(is_omit(&templar.render_text("{{ omit }}").unwrap()));
    }

    #[test]
    fn template_files_keep_their_line_breaks() {
        let templar = templar(json!({"x": [1, 2]}));
        let text = "#jinja2: lstrip_blocks: True\n{% for i in x %}\n  {% if i %}\n{{ i }}\n  {% endif %}\n{% endfor %}\nend\n";
        let rendered = templar
            .render_file("a.j2", text, &FileOptions::ansible())
            .unwrap();
        assert_eq!(rendered, "1\n2\nend\n");
    }

    struct Folder(strata_core::files::MemoryFiles);

    impl Surroundings for Folder {
        fn files(&self) -> &dyn strata_core::files::Files {
            &self.0
        }

        fn search_folders(&self) -> Vec<std::path::PathBuf> {
            vec!["role".into()]
        }

        fn environment_variable(&self, _name: &str) -> Option<String> {
            None
        }

        fn now(&self) -> crate::Now {
            NoSurroundings::default().now()
        }

        fn random(&self) -> u64 {
            0
        }
    }

    #[test]
    fn included_files_see_the_same_names() {
        let files = [
            ("role/templates/part.j2", "{{ x }}{{ v }};\n"),
            ("role/templates/self.j2", "{% include 'self.j2' %}"),
            ("role/files/a.txt", "text\n"),
        ];
        let mut variables = BTreeMap::new();
        variables.insert("v".to_owned(), Variable::Plain(Arc::new(json!("!"))));
        let folder = Folder(strata_core::files::MemoryFiles::new(files));
        let templar = Templar::new(&Engine::new(), Arc::new(variables), Arc::new(folder));
        let render = |text: &str| templar.render_file("a.j2", text, &FileOptions::ansible());
        let text = "{% for x in [1, 2] %}{% include 'part.j2' %}{% endfor %}";
        assert_eq!(render(text).unwrap(), "1!;2!;");
        assert_eq!(
            render("{% include 'no.j2' ignore missing %}x").unwrap(),
            "x"
        );
        assert!(
            render("{% include 'no.j2' %}")
                .unwrap_err()
                .message
                .contains("`role/templates/no.j2`")
        );
        assert_eq!(
            render("{% include 'self.j2' %}").unwrap_err().kind,
            TemplateErrorKind::Recursion
        );
        let import = render("{% import 'no' ~ 'thing' as p %}").unwrap_err();
        assert_eq!(import.kind, TemplateErrorKind::Unsupported);
        assert_eq!(render("{{ lookup('file', 'a.txt') }}").unwrap(), "text");
    }

    #[test]
    fn macros_of_other_files_are_called_and_bases_are_filled() {
        let files = [
            (
                "role/templates/lib.j2",
                "text\n{% macro hello(name) %}hi {{ name }}{% endmacro %}\n{% set port = 80 %}",
            ),
            (
                "role/templates/base.j2",
                "<{% block title %}base{% endblock %}|{% block body %}{% endblock %}>\n",
            ),
            (
                "role/templates/mid.j2",
                "{% extends 'base.j2' %}{% block body %}[{% block inner %}x{% endblock %}]{% endblock %}",
            ),
        ];
        let folder = Folder(strata_core::files::MemoryFiles::new(files));
        let templar = Templar::new(&Engine::new(), Arc::new(BTreeMap::new()), Arc::new(folder));
        let render = |text: &str| {
            templar
                .render_file("a.j2", text, &FileOptions::ansible())
                .unwrap()
        };
        assert_eq!(
            render("{% import 'lib.j2' as m %}{{ m.hello('x') }} {{ m.port }}"),
            "hi x 80"
        );
        assert_eq!(
            render("{% from 'lib.j2' import hello as h, port with context %}{{ h(1) }} {{ port }}"),
            "hi 1 80"
        );
        let child = "{% extends 'base.j2' %}\n{% set x = 1 %}\n{% block title %}{{ super() }}+{{ x }}{% endblock %}\n";
        assert_eq!(render(child), "<base+1|>\n");
        assert_eq!(
            render("{% extends 'mid.j2' %}{% block inner %}y{% endblock %}"),
            "<base|[y]>"
        );
        assert_eq!(render("a{% block b %}c{% endblock %}"), "ac");
    }

    #[test]
    fn addresses_are_computed_as_ansible_utils_documents_it() {
        let templar = templar(
            json!({"net": "192.0.2.1/24", "list": ["192.24.2.1", "host.fqdn", "::1", "", "192.168.32.0/24", "fe80::100/10", true]}),
        );
        for (expression, value) in [
            ("'192.0.2.1' | ansible.utils.ipaddr", json!("192.0.2.1")),
            ("'foo' | ipaddr", json!(false)),
            (
                "list | ansible.utils.ipaddr",
                json!(["192.24.2.1", "::1", "192.168.32.0/24", "fe80::100/10"]),
            ),
            (
                "list | ansible.utils.ipv4",
                json!(["192.24.2.1", "192.168.32.0/24"]),
            ),
            ("net | ansible.utils.ipaddr('address')", json!("192.0.2.1")),
            ("net | ipaddr('network')", json!("192.0.2.0")),
            ("net | ipaddr('netmask')", json!("255.255.255.0")),
            ("net | ipaddr('prefix')", json!(24)),
            ("net | ipaddr('subnet')", json!("192.0.2.0/24")),
            ("net | ipaddr('broadcast')", json!("192.0.2.255")),
            (
                "net | ipaddr('range_usable')",
                json!("192.0.2.1-192.0.2.254"),
            ),
            ("'192.0.2.0/24' | ipaddr('net')", json!("192.0.2.0/24")),
            ("'192.0.2.0/24' | ipaddr(5)", json!("192.0.2.5/24")),
            ("'192.0.2.0/24' | ipaddr('-1')", json!("192.0.2.255/24")),
            (
                "'192.0.2.0/24' | ipaddr('1') | ipaddr('address')",
                json!("192.0.2.1"),
            ),
            (
                "'192.168.1.5' | ipaddr('192.168.1.0/24')",
                json!("192.168.1.5"),
            ),
            ("'2001:db8::1' | ipwrap", json!("[2001:db8::1]")),
            (
                "'192.168.1.5' | ansible.utils.ipmath(5)",
                json!("192.168.1.10"),
            ),
            (
                "'192.168.144.5' | ansible.utils.ipsubnet(20)",
                json!("192.168.144.0/20"),
            ),
            ("'192.168.0.0/16' | ipsubnet(20)", json!(16)),
            (
                "'192.168.0.0/16' | ipsubnet(20, 0)",
                json!("192.168.0.0/20"),
            ),
            (
                "'192.168.0.0/16' | ipsubnet(20, -1)",
                json!("192.168.240.0/20"),
            ),
            (
                "'192.168.122.1/24' | ansible.utils.next_nth_usable(2)",
                json!("192.168.122.3"),
            ),
            (
                "'192.168.0.0/24' | ansible.utils.network_in_usable('192.168.0.1')",
                json!(true),
            ),
            (
                "['192.168.0.0/17', '192.168.128.0/17', '192.168.128.1'] | cidr_merge",
                json!(["192.168.0.0/16"]),
            ),
            ("'10.1.1.1' is ansible.utils.ipv4_address", json!(true)),
            ("'10.1.1.1/24' is ansible.utils.ipv4_address", json!(false)),
            ("'1.2.3.4' is ansible.utils.public", json!(true)),
        ] {
            let rendered = templar.render_text(&format!("{{{{ {expression} }}}}"));
            assert_eq!(rendered.unwrap(), value, "{expression}");
        }
    }

    #[test]
    fn a_file_with_nothing_in_it_is_empty() {
        let templar = templar(json!({}));
        for (text, file) in [
            ("{# c #}\n", ""),
            ("{% for i in [] %}\nx\n{% endfor %}\n\n", ""),
            ("{% if true %}{{ none }}{% endif %}\n", ""),
            ("{{ '' }}\n", "\n"),
            ("{# c #}\nx\n{% if false %}{% endif %}\n", "x\n"),
        ] {
            let rendered = templar.render_file("t", text, &FileOptions::ansible());
            assert_eq!(rendered.unwrap(), file, "{text}");
        }
    }

    #[test]
    fn what_is_undefined_goes_through_filters_that_there_are() {
        let templar = templar(json!({}));
        let rendered = |text: &str| templar.render_text(text);
        for (text, value) in [
            ("{{ nix | upper | default('x') }}", json!("x")),
            (
                "{{ nix | ansible . builtin . upper | default('x') }}",
                json!("x"),
            ),
            ("{{ 'a' | replace('a', nix) | default('x') }}", json!("x")),
            (
                "{{ nix | combine({}, recursive=true) is defined }}",
                json!(false),
            ),
            ("{{ nix() | default('x') }}", json!("x")),
            ("{{ nix(1, a=2) is defined }}", json!(false)),
            ("{{ nix.a() | default('x') }}", json!("x")),
            ("{{ [1, nix] == [2, 1] }}", json!(false)),
            ("{{ [1, nix] == [1] }}", json!(false)),
            ("{{ 1 in [1, nix] }}", json!(true)),
        ] {
            assert_eq!(rendered(text).unwrap(), value, "{text}");
        }
        for (text, told) in [
            ("{{ nix | nofilter | default('x') }}", "nofilter"),
            ("{{ 'a' | nofilter }}", "filter nofilter is unknown"),
            ("{{ nix | wordcount }}", "`nix` is undefined"),
            ("{{ nix() }}", "`nix` is undefined"),
            ("{{ 2 in [1, nix] }}", "undefined"),
            ("{{ [1, nix] == [1, 2] }}", "undefined"),
        ] {
            let wrong = rendered(text).unwrap_err();
            assert!(wrong.message.contains(told), "{}", wrong.message);
        }
    }

    #[test]
    fn filters_of_collections_that_people_use_are_there() {
        let templar = templar(
            json!({"hosts": [{"name": "a", "up": true, "ports": [1, 2]}, {"name": "b", "up": false}]}),
        );
        for (expression, value) in [
            ("hosts | json_query('[?up].name')", json!(["a"])),
            (
                "hosts | community.general.json_query('[].ports[]')",
                json!([1, 2]),
            ),
            ("'x' | community.general.dict_kv('k')", json!({"k": "x"})),
            (
                "'a,b\n1,\"x, y\"\n' | community.general.from_csv",
                json!([{"a": "1", "b": "x, y"}]),
            ),
            ("'1h 30min' | community.general.to_minutes", json!(90.0)),
            ("3600000 | community.general.to_hours", json!(1.0)),
            (
                "'52:54:00' | community.general.random_mac(seed='x') == '52:54:00' | community.general.random_mac(seed='x')",
                json!(true),
            ),
            ("{'a': 1, 'b': none} | xmlattr", json!(" a=\"1\"")),
            ("'C:\\\\x\\\\y.txt' | win_basename", json!("y.txt")),
        ] {
            let rendered = templar.render_text(&format!("{{{{ {expression} }}}}"));
            assert_eq!(rendered.unwrap(), value, "{expression}");
        }
    }

    #[test]
    fn errors_know_their_line() {
        let templar = templar(json!({}));
        let error = templar.render_file("a.j2", "a\nb\n{{ nothing }}\n", &FileOptions::ansible());
        assert_eq!(error.unwrap_err().line, Some(3));
    }
}
