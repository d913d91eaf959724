# Does the filters, tests and lookups of a project: one JSON text a line in, one a line out.
#
# Where Ansible's own package is not installed, its few names that plugins import stand in for it.
import importlib.util
import json
import os
import sys
import types

lines, sys.stdout = sys.stdout, sys.stderr


def say(value):
    lines.write(json.dumps(value, default=plain) + "\n")
    lines.flush()


def plain(value):
    if isinstance(value, (bytes, bytearray)):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if hasattr(value, "items"):
        return dict(value.items())
    if hasattr(value, "__iter__"):
        return list(value)
    return str(value)


def text(value, *_, **__):
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def encoded(value, *_, **__):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def module(name, **names):
    made = types.ModuleType(name)
    made.__path__ = []
    made.__dict__.update(names)
    sys.modules[name] = made
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, made)


class Display:
    def __getattr__(self, name):
        return lambda *words, **_: sys.stderr.write(" ".join(str(word) for word in words) + "\n")


class LookupBase:
    def __init__(self, loader=None, templar=None, **_):
        self._loader, self._templar, self._options = loader, templar, {}
        self._display = Display()

    def set_options(self, var_options=None, direct=None, **_):
        self._options = dict(direct or {})

    def get_option(self, name, **_):
        return self._options.get(name)


def stand_in():
    try:
        import ansible.errors  # noqa: F401
        return
    except ImportError:
        pass

    class AnsibleError(Exception):
        def __init__(self, message="", *_, **__):
            super().__init__(message)

    names = ["AnsibleFilterError", "AnsibleFilterTypeError", "AnsibleLookupError", "AnsibleOptionsError",
             "AnsibleParserError", "AnsibleRuntimeError", "AnsibleTemplateError", "AnsibleUndefinedVariable"]
    errors = {name: type(name, (AnsibleError,), {}) for name in names}
    convert = {"to_text": text, "to_native": text, "to_bytes": encoded}
    for name in ["ansible", "ansible.module_utils", "ansible.module_utils.common", "ansible.plugins",
                 "ansible.utils", "ansible.module_utils.common.text"]:
        module(name)
    module("ansible.errors", AnsibleError=AnsibleError, **errors)
    module("ansible.module_utils._text", **convert)
    module("ansible.module_utils.common.text.converters", **convert)
    module("ansible.module_utils.six", string_types=(str,), text_type=str, binary_type=bytes,
           integer_types=(int,), PY3=True, iteritems=lambda mapping: iter(mapping.items()))
    module("ansible.module_utils.common.collections",
           is_sequence=lambda value, *_: isinstance(value, (list, tuple)),
           is_iterable=lambda value, *_: hasattr(value, "__iter__") and not isinstance(value, (str, bytes)))
    module("ansible.utils.display", Display=Display)
    module("ansible.plugins.lookup", LookupBase=LookupBase)


def load(kind, path, found, wrong):
    name = os.path.splitext(os.path.basename(path))[0]
    sys.path.insert(0, os.path.dirname(path))
    try:
        spec = importlib.util.spec_from_file_location("strata_%s_%s" % (kind, name), path)
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        if kind == "filter":
            found[kind].update(loaded.FilterModule().filters())
        elif kind == "test":
            found[kind].update(loaded.TestModule().tests())
        else:
            found[kind][name] = loaded.LookupModule
    except BaseException as error:
        wrong.append([path, "%s: %s" % (type(error).__name__, error)])
    finally:
        sys.path.pop(0)


def do(found, asked):
    kind, name = asked["kind"], asked["name"]
    plugin = found[kind][name]
    if kind == "lookup":
        return plugin().run(asked["arguments"], variables={}, **asked["named"])
    return plugin(*asked["arguments"], **asked["named"])


def main():
    stand_in()
    found, wrong = {"filter": {}, "test": {}, "lookup": {}}, []
    for kind, path in json.loads(sys.stdin.readline()):
        load(kind, path, found, wrong)
    say({"found": {kind: sorted(names) for kind, names in found.items()}, "wrong": wrong})
    for line in sys.stdin:
        try:
            say({"value": do(found, json.loads(line))})
        except BaseException as error:
            say({"error": "%s: %s" % (type(error).__name__, error)})


main()
