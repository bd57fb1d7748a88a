"""Proxies by their names: on the command line, in settings files, and as `proxies=["synflow"]`."""

from __future__ import annotations

from collections.abc import Sequence

from netwright import proxies
from netwright.errors import SettingError
from netwright.proxies.base import Proxy, check_proxies
from netwright.settings.exports import by_names, exported
from netwright.settings.literal import parse_call
from netwright.settings.making import made, unknown_name

PROXIES = by_names(exported(proxies, Proxy))


def proxy_named(option: str, text: str) -> Proxy:
    """The proxy of a name, with the settings that are given with it: `zen(repeats=8)`.

    `option` is what an error says the text was given to.

    Raises:
        SettingError: There is none, or a setting is unknown or outside its rule.
    """
    call = parse_call(option, text)
    if call.name not in PROXIES:
        raise unknown_name(option, call.name, PROXIES)
    named = PROXIES[call.name]
    proxy: Proxy = made(option, call, named.made_by, preset=named.preset)
    return proxy


def proxies_from(option: str, given: object) -> tuple[Proxy, ...]:
    """Proxies as a user gives them: a list of proxies, or of their names; None for none.

    Raises:
        SettingError: It is no such list, a name is unknown, or two have one name.
    """
    if given is None or (isinstance(given, Sequence) and not given and given != ""):
        return ()
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise SettingError(
            f"`{option}` must be a list of proxies such as [Synflow()], or of their names, got "
            f"{given!r}."
        )
    found = tuple(proxy_named(option, each) if isinstance(each, str) else each for each in given)
    check_proxies(option, found)
    return found
