"""Every exported proxy passes every check; a new one gets its tests by being exported."""

import pytest

from netwright.proxies import Proxy
from netwright.testing.exports import PROXIES
from netwright.testing.proxies import PROXY_CHECKS


@pytest.mark.parametrize("check", PROXY_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("proxy", PROXIES, ids=lambda p: p.__name__)
def test_conformance(proxy: type[Proxy], check) -> None:
    check(proxy)
