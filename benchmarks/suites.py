"""Test suites that are run with the code under test rewritten, with the versions they are run in,
and the few tests of which the outcome may differ, each with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Suite:
    """Some tests, and the modules that are rewritten for them."""

    name: str
    rewrite: tuple[str, ...]
    arguments: tuple[str, ...]
    """What the runner is to run."""
    runner: str = "pytest"
    package: str = ""
    """Pinned, and its source distribution holds the tests; "" for the standard library."""
    parts: tuple[str, ...] = ("tests",)
    """What of the source distribution is needed to run them."""
    needs: tuple[str, ...] = ()
    """What else is to be installed, pinned."""
    different: dict[str, str] = field(default_factory=dict)
    """Test -> why rewriting makes a difference that is not ours to mend."""


_BYTECODE = "looks at the bytecode"
_BUILTINS = "lists the builtins that a function uses"

PACKAGES = [
    Suite(
        "attrs",
        ("attr", "attrs"),
        ("tests",),
        package="attrs==26.1.0",
        parts=("tests", "pyproject.toml"),
        needs=("hypothesis==6.170.17", "cloudpickle==3.1.3"),
    ),
    Suite(
        "click", ("click",), ("tests",), package="click==8.5.1", parts=("tests", "pyproject.toml")
    ),
    Suite(
        "jinja2",
        ("jinja2",),
        ("tests",),
        package="jinja2==3.1.6",
        parts=("tests", "pyproject.toml"),
        needs=("trio==0.35.0",),
    ),
    Suite(
        "markdown",
        ("markdown",),
        ("--ignore=tests/test_syntax/extensions/test_md_in_html.py", "tests"),
        package="markdown==3.11.3",
        parts=("tests",),
        needs=("pyyaml==6.0.4",),
    ),
    Suite("more-itertools", ("more_itertools",), ("tests",), package="more-itertools==11.2.1"),
    Suite(
        "pyparsing",
        ("pyparsing",),
        ("tests/test_unit.py",),
        package="pyparsing==3.3.3",
        parts=("tests", "examples"),
    ),
    Suite(
        "packaging",
        ("packaging",),
        ("tests",),
        package="packaging==26.4",
        parts=("tests", "pyproject.toml"),
        needs=("pretend==1.0.9", "tomli-w==1.2.0"),
    ),
    Suite("boltons", ("boltons",), ("tests",), package="boltons==26.2.0"),
    Suite(
        "toolz", ("toolz", "tlz"), ("--pyargs", "toolz", "tlz"), package="toolz==1.2.0", parts=()
    ),
    Suite(
        "python-dateutil",
        ("dateutil",),
        ("-W", "ignore::pytest.PytestUnknownMarkWarning", "tests"),
        package="python-dateutil==4.0.0",
        parts=("tests", "pyproject.toml"),
        needs=("freezegun==1.5.5", "six==1.17.0"),
    ),
    Suite("cachetools", ("cachetools",), ("tests",), package="cachetools==8.0.2"),
    Suite(
        "networkx",
        ("networkx",),
        ("--pyargs", "networkx.classes", "networkx.utils", "networkx.algorithms.traversal"),
        package="networkx==3.6.1",
        parts=(),
    ),
]

_LANGUAGE = [
    "asyncgen", "augassign", "binop", "bool", "builtin", "call", "class", "compare", "compile",
    "contains", "coroutines", "decorators", "descr", "dictcomps", "dynamic", "except_star",
    "exception_group", "exceptions", "extcall", "frame", "fstring", "funcattrs", "generators",
    "genexps", "global", "grammar", "inspect", "iter", "iterlen", "keywordonlyarg", "listcomps",
    "metaclass", "named_expressions", "operator", "opcodes", "patma", "pep646_syntax",
    "positional_only_arg", "pow", "property", "raise", "richcmp", "scope", "setcomps", "slice",
    "sort", "string_literals", "subclassinit", "super", "syntax", "traceback", "tuple",
    "type_aliases", "type_annotations", "type_comments", "type_params", "types", "unary", "unpack",
    "unpack_ex",
    "userdict", "userlist", "weakref", "weakset", "with", "yield_from",
]  # fmt: skip
"""Tests of the language itself: it is the tests that are rewritten."""

_LIBRARY = {
    "abc": ("_py_abc",),
    "argparse": ("argparse",),
    "bisect": ("bisect",),
    "collections": ("collections",),
    "configparser": ("configparser",),
    "contextlib": ("contextlib",),
    "copy": ("copy",),
    "csv": ("csv",),
    "dataclasses": ("dataclasses",),
    "difflib": ("difflib",),
    "email": ("email",),
    "enum": ("enum",),
    "fractions": ("fractions", "numbers"),
    "functools": ("functools",),
    "graphlib": ("graphlib",),
    "heapq": ("heapq",),
    "itertools": (),
    "json": ("json",),
    "linecache": ("linecache",),
    "optparse": ("optparse",),
    "ordered_dict": ("collections",),
    "pprint": ("pprint",),
    "random": ("random",),
    "reprlib": ("reprlib",),
    "shlex": ("shlex",),
    "statistics": ("statistics",),
    "string": ("string",),
    "textwrap": ("textwrap",),
    "tomllib": ("tomllib",),
    "typing": ("typing",),
    "urlparse": ("urllib.parse",),
    "unittest": ("unittest.mock",),
    "zipfile": ("zipfile",),
}
"""Tests of modules of the standard library: both are rewritten."""

_DIFFERENT = {
    "test.test_compile.TestSpecifics.test_32_63_bit_values": _BYTECODE,
    "test.test_compile.TestSpecifics.test_dead_blocks_do_not_generate_bytecode": _BYTECODE,
    "test.test_compile.TestStaticAttributes.test_basic": "__static_attributes__ lacks attributes "
    "that are only assigned together with others",
    "test.test_frame.*.test_sneaky_frame_object": "counts allocations",
    "test.test_inspect.*GetClosureVars.*": _BUILTINS,
}


def standard_library() -> list[Suite]:
    """The suites that come with the interpreter."""
    found = [
        Suite(f"test_{name}", (f"test.test_{name}",), (f"test.test_{name}",), "unittest",
              different=_DIFFERENT)
        for name in _LANGUAGE
    ]  # fmt: skip
    found += [
        Suite(f"test_{name}", (f"test.test_{name}", *modules), (f"test.test_{name}",), "unittest",
              different=_DIFFERENT)
        for name, modules in _LIBRARY.items()
    ]  # fmt: skip
    return found
