"""Which modules use others, so that they must be executed afresh together with them."""

from __future__ import annotations

import types
from importlib.machinery import ExtensionFileLoader, SourceFileLoader
from typing import Any

import pytest

from raceproof.instrument.entanglement import entangled


def module(name: str, loader: Any = None, **names: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    made.__loader__ = loader or SourceFileLoader(name, f"/{name}.py")
    vars(made).update(names)
    return made


def class_of(name: str) -> type:
    return type("Thing", (), {"__module__": name})


def table(*modules: types.ModuleType) -> dict[str, types.ModuleType]:
    return {one.__name__: one for one in modules}


def kept_none(name: str) -> bool:
    return False


@pytest.mark.parametrize(
    "value",
    [types.ModuleType("models"), class_of("models"), class_of("models")(), exec],
    ids=["module", "class", "instance", "nothing"],
)
def test_module_that_binds_something_of_another_uses_it(value: Any) -> None:
    modules = table(module("models"), module("plugin", it=value), module("other", x=1))
    expected = set() if value is exec else {"plugin"}
    assert entangled(modules, ["models"], kept_none) == expected


def test_function_of_another_module_is_use_of_it() -> None:
    namespace: dict[str, Any] = {"__name__": "models"}
    exec("def f(): pass", namespace)
    modules = table(module("models"), module("plugin", f=namespace["f"]))
    assert entangled(modules, ["models"], kept_none) == {"plugin"}


def test_use_is_passed_on() -> None:
    plugin = module("plugin", Thing=class_of("models"))
    modules = table(module("models"), plugin, module("app", plugin=plugin), module("json"))
    assert entangled(modules, ["models"], kept_none) == {"plugin", "app"}


def test_package_takes_its_submodules_along() -> None:
    package = module("plugin", Thing=class_of("models"))
    modules = table(module("models"), package, module("plugin.a"), module("plugin.a.b"))
    assert entangled(modules, ["models"], kept_none) == {"plugin", "plugin.a", "plugin.a.b"}
    modules = table(module("models"), module("models.a"), module("models_too"))
    assert entangled(modules, ["models"], kept_none) == {"models.a"}


def test_package_does_not_use_what_is_only_in_it() -> None:
    inner = module("space.models")
    modules = table(module("space", models=inner), inner, module("space.other", models=inner))
    assert entangled(modules, ["space.models"], kept_none) == {"space.other"}


def test_what_is_kept_passes_nothing_on() -> None:
    plugin = module("plugin", Thing=class_of("models"))
    modules = table(module("models"), plugin, module("app", plugin=plugin))
    assert entangled(modules, ["models"], lambda name: name == "plugin") == set()


def test_package_with_compiled_parts_is_loaded_once() -> None:
    part = module("fast._core", ExtensionFileLoader("fast._core", "/fast/_core.so"))
    modules = table(module("models"), module("fast", Thing=class_of("models")), part)
    assert entangled(modules, ["models"], kept_none) == set()


def test_oddities_in_the_table_of_modules_are_passed_over() -> None:
    class Hostile:
        def __getattribute__(self, name: str) -> Any:
            raise RuntimeError(name)

    modules: dict[str, Any] = {
        "none": None,
        "hostile": Hostile(),
        "odd": module("odd", x=Hostile()),
    }
    assert entangled(modules, ["models"], kept_none) == set()
