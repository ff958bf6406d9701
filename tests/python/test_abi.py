"""test_abi.py - _abi.py lays structs out as C does; all functions are called or listed as absent"""

import ctypes
import glob
import os
import re

from common import SOURCE, Case, lf, main
from layerfuse import _abi, _options


def read(*path):
    with open(os.path.join(SOURCE, *path), encoding="utf-8") as file:
        return file.read()


class Abi(Case):
    def test_sizes_offsets_and_constants_are_those_that_c_has_pinned(self):
        pinned = read("tests", "abi", "test_layout.c")
        sizes = re.findall(r"^SIZE\((\w+), (\d+)\)", pinned, re.M)
        fields = re.findall(r"^FIELD\((\w+), (\w+), (\d+)\)", pinned, re.M)
        constants = re.findall(r"^CONSTANT\((\w+), (-?\d+)\)", pinned, re.M)
        for name, size in sizes:
            self.assertEqual(ctypes.sizeof(getattr(_abi, name)), int(size), name)
        for name, field, offset in fields:
            self.assertEqual(getattr(getattr(_abi, name), field).offset, int(offset),
                             (name, field))
        for name, value in constants:
            self.assertEqual(getattr(_abi, name), int(value), name)
        structs = {name for name, value in vars(_abi).items()
                   if isinstance(value, type) and issubclass(value, ctypes.Structure)}
        self.assertEqual(structs - {"Structure"}, {name for name, _ in sizes})
        self.assertGreater(len(constants), 100)

    def test_names_of_options_are_the_constants_in_their_order(self):
        for option, prefix in (
                ("freeze_gradient", "FREEZE"), ("weighting", "WEIGHTING"), ("scope", "SCOPE"),
                ("unit", "UNIT"), ("base", "BASE"), ("linkage", "LINKAGE"), ("keep", "KEEP"),
                ("align", "ALIGNMENT"), ("unequal", "UNEQUAL"), ("gradients", "GRADIENTS"),
                ("combine", "COMBINE"), ("schedule", "SCHEDULE"), ("mode", "SAVE"),
                ("layout", "LAYOUT"), ("kind", "LAYER"), ("role", "ROLE"),
                ("action", "PLAN_ACTION")):
            known = {name[len("LFUSE_" + prefix + "_"):].lower(): value
                     for name, value in vars(_abi).items()
                     if name.startswith("LFUSE_" + prefix + "_") and value != 0
                     and not name.startswith("LFUSE_LAYER_NORM_")}  # flags of a kernel
            mine = {name.lower(): i + 1 for i, name in enumerate(_options.CHOICES[option])}
            self.assertEqual(mine, known, option)

    def test_every_function_is_called_or_listed_as_absent(self):
        functions = set(re.findall(r"^ *(lfuse_\w+);", read("src", "layerfuse.map"), re.M))
        absent = dict(re.findall(r"^(lfuse_\w+): (.+)$", read("bindings", "python", "absent"),
                                 re.M))
        called = set()
        for path in glob.glob(os.path.join(SOURCE, "bindings", "python", "layerfuse", "*.py")):
            if os.path.basename(path) != "_abi.py":
                called.update(re.findall(r"\blib(?:rary)?\.(lfuse_\w+)", read(path)))
        self.assertEqual(functions - called - set(absent), set(),
                         "neither called by the module nor listed in bindings/python/absent")
        self.assertEqual(called & set(absent), set(), "listed in absent, but called")
        self.assertEqual((called | set(absent)) - functions, set(), "no such function")
        self.assertEqual(set(_abi.FUNCTIONS), functions, "run scripts/python-bindings")

    def test_versions_agree(self):
        self.assertEqual(lf.__version__, _abi.VERSION)
        pyproject = read("bindings", "python", "pyproject.toml")
        self.assertIn('version = "%s"' % _abi.VERSION, pyproject)


if __name__ == "__main__":
    main()
