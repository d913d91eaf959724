# Does the filters, tests and lookups of a project: one JSON text a line in, one a line out.
#
# Where Ansible's own package is not installed, its few names that plugins import stand in for it. Plugins of
# collections are loaded when they are asked for by their full names.
import glob
import importlib
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


def with_loader(roots):
    """The loader of an installed ansible-core, which knows what options plugins of collections have."""
    try:
        from ansible.plugins import loader
        loader.init_plugin_loader(roots)
        return loader
    except Exception:
        return None


class Collections:
    def __init__(self, roots, folder):
        self.roots, self.folder, self.known = roots, folder, {}
        self.loader = None

    def names(self, kind, namespace, collection, only=None):
        for root in self.roots:
            inside = os.path.join("ansible_collections", namespace, collection, "plugins", kind)
            for path in sorted(glob.glob(os.path.join(root, inside, "**", (only or "*") + ".py"), recursive=True)):
                stem = os.path.relpath(path, os.path.join(root, inside))[:-3].replace(os.sep, ".")
                if not stem.endswith("__init__"):
                    yield ".".join(["ansible_collections", namespace, collection, "plugins", kind, stem])

    def variables(self):
        """What lookups that search for files look at."""
        return {"ansible_search_path": [self.folder], "playbook_dir": self.folder}

    def find(self, kind, name):
        if (kind, name) in self.known:
            return self.known[kind, name]
        if self.loader is None:
            self.loader = with_loader(self.roots)
            sys.path[:0] = [root for root in self.roots if root not in sys.path]
        namespace, collection, own = name.split(".", 2)
        if kind == "lookup":
            found = self.lookup(name, namespace, collection, own)
        else:
            found = self.function(kind, namespace, collection, own)
        self.known[kind, name] = found
        return found

    def lookup(self, name, namespace, collection, own):
        if self.loader is not None:
            from ansible.parsing.dataloader import DataLoader
            from ansible.template import Templar
            files = DataLoader()
            files.set_basedir(self.folder)
            templar = Templar(loader=files, variables={})
            return lambda: self.loader.lookup_loader.get(name, loader=files, templar=templar)
        for module in self.names("lookup", namespace, collection, own.split(".")[-1]):
            return importlib.import_module(module).LookupModule
        raise LookupError("there is no lookup %s" % name)

    def function(self, kind, namespace, collection, own):
        wrong = []
        for named in (own, None):
            for module in self.names(kind, namespace, collection, named):
                functions = self.functions(kind, module, wrong)
                if own in functions:
                    return functions[own]
        why = "; ".join(wrong) or "the collection has none of this name"
        raise LookupError("%s.%s.%s: %s" % (namespace, collection, own, why))

    def functions(self, kind, module, wrong):
        """What a file has; one that cannot be loaded, as for want of a package, has nothing, and does not hide the others."""
        try:
            loaded = importlib.import_module(module)
            return loaded.FilterModule().filters() if kind == "filter" else loaded.TestModule().tests()
        except BaseException as error:
            wrong.append("%s: %s" % (type(error).__name__, error))
            return {}


def do(found, collections, asked):
    kind, name = asked["kind"], asked["name"]
    plugin = found[kind].get(name) or collections.find(kind, name)
    if kind == "lookup":
        return plugin().run(asked["arguments"], variables=collections.variables(), **asked["named"])
    return plugin(*asked["arguments"], **asked["named"])


def main():
    stand_in()
    found, wrong = {"filter": {}, "test": {}, "lookup": {}}, []
    begun = json.loads(sys.stdin.readline())
    for kind, path in begun["files"]:
        load(kind, path, found, wrong)
    collections = Collections(begun["roots"], begun["folder"])
    say({"found": {kind: sorted(names) for kind, names in found.items()}, "wrong": wrong})
    for line in sys.stdin:
        try:
            say({"value": do(found, collections, json.loads(line))})
        except BaseException as error:
            say({"error": "%s: %s" % (type(error).__name__, error)})


main()
