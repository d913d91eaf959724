"""Asks an installed ansible-core what the templates of a file give: a line of JSON for each.

Usage: the python of that ansible-core, this file, a file of templates. A template that begins with `when:` is a condition.
"""

import json
import sys

from ansible.parsing.dataloader import DataLoader
from ansible.plugins import loader
from ansible.template import Templar, trust_as_template
from ansible.utils.display import Display

Display.warning = lambda *_, **__: None
Display.deprecated = lambda *_, **__: None


def trusted(value):
    """A value whose texts may be templates."""
    if isinstance(value, str):
        return trust_as_template(value)
    if isinstance(value, list):
        return [trusted(item) for item in value]
    if isinstance(value, dict):
        return {key: trusted(item) for key, item in value.items()}
    return value


def plain(value):
    """A value as JSON has it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    raise ValueError(f"the answer is of type {type(value).__name__}")


def answer(templar, template):
    try:
        if template.startswith("when:"):
            condition = trust_as_template(template.removeprefix("when:"))
            return {"out": templar.evaluate_conditional(condition)}
        return {"out": plain(templar.template(trust_as_template(template)))}
    except Exception as error:
        return {"error": str(error).strip().splitlines()[-1]}


def main():
    loader.init_plugin_loader()
    with open(sys.argv[1], encoding="utf-8") as file:
        asked = json.load(file)
    templar = Templar(loader=DataLoader(), variables=trusted(asked["vars"]))
    for case in asked["cases"]:
        print(json.dumps(answer(templar, case["in"])))


main()
