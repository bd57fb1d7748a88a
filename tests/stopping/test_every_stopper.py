"""Every exported stopper passes every check; a new one gets its tests by being exported."""

import pytest

from netwright.stopping import Stopper
from netwright.testing.exports import STOPPERS
from netwright.testing.stoppers import STOPPER_CHECKS


@pytest.mark.parametrize("check", STOPPER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("stopper", STOPPERS, ids=lambda s: s.__name__)
def test_conformance(stopper: type[Stopper], check) -> None:
    check(stopper)
