"""Packages that import their names when asked: every name they promise is there, and no other."""

from importlib import import_module

import pytest


@pytest.mark.parametrize("package", ["tapio.kube", "tapio.collectors.kubeapi"])
def test_every_name_of_the_package_is_there(package: str) -> None:
    module = import_module(package)
    assert all(getattr(module, name) is not None for name in module.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = module.nothing
