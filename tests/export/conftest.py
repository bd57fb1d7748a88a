"""Tests of exports compare their forms in a fresh process, as users' exports are."""

import pytest

from netwright.export import verify


@pytest.fixture(scope="package", autouse=True)
def compared_in_a_fresh_process(compared_here):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verify, "_run", compared_here)
        yield
