"""What of a plan must fit together; `word` says what an option is called where it was given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches

from netwright.data import Data
from netwright.errors import SettingError
from netwright.evaluate.base import Evaluator
from netwright.evaluate.training import Training
from netwright.network.signature import Signature
from netwright.objective import COSTS, Limit, Objective
from netwright.oneshot import OneShot
from netwright.proxies import Proxy
from netwright.proxies.names import PROXIES
from netwright.settings.rules import check_size
from netwright.space import Space
from netwright.stopping import Stopped, Stopper
from netwright.strategies import Strategy

Word = Callable[..., str]
"""Gives, for the name of an option and a value as text, what the option is called in an error."""


def check_instance(word: str, value: object) -> None:
    """Refuse a class where an instance of it is meant, and data where their training is.

    Raises:
        SettingError: Says how to make one.
    """
    if isinstance(value, Data):
        raise SettingError(f"`{word}` must be a training, got data; write `Training(data)`.")
    if isinstance(value, type) and issubclass(value, Evaluator | Strategy | Stopper | OneShot):
        takes = "data" if issubclass(value, Training) else ""
        raise SettingError(
            f"`{word}` must be an instance, got the class {value.__name__}; write "
            f"`{value.__name__}({takes})`."
        )


def check_kinds(word: Word, space: object, strategy: object) -> None:
    """Refuse what is of another kind than it has to be, with the remedy.

    Raises:
        SettingError: Names which and what it must be.
    """
    if not isinstance(space, Space):
        raise SettingError(
            f"`search(space, ...)` must be a Space, got {space!r}; write `netwright.Space(network, "
            "data)`."
        )
    if not isinstance(strategy, Strategy | OneShot):
        raise SettingError(
            f"`{word('strategy')}` must be a Strategy such as `RandomSearch()`, or a one-shot "
            f"search such as `GDAS()`, got {strategy!r}."
        )


def checked_objectives(word: Word, objectives: object) -> tuple[Objective, ...]:
    """Objectives, one at least.

    Raises:
        SettingError: They are no list of objectives, or an empty one.
    """
    wanted: tuple[object, ...] = ()
    if isinstance(objectives, Sequence) and not isinstance(objectives, str):
        wanted = tuple(objectives)
    if not wanted or not all(isinstance(objective, Objective) for objective in wanted):
        raise SettingError(
            f'`{word("objectives")}` must be a list such as [minimize("latency_ms")], or None '
            f"for what the task is searched for, got {objectives!r}."
        )
    return tuple(each for each in wanted if isinstance(each, Objective))


def check_sizes(settings: object) -> None:
    """Refuse whole numbers among the settings of a plug-in that no machine counts to.

    Raises:
        SettingError: Names the setting.
    """
    if is_dataclass(settings):
        for field in fields(settings):
            word = f"{type(settings).__name__}({field.name}=...)"
            check_size(word, getattr(settings, field.name, None))


def check_distinct(word: Word, objectives: Sequence[Objective]) -> None:
    """Refuse two objectives on one metric, which repeat or contradict each other.

    Raises:
        SettingError: Names the metric.
    """
    metrics = [objective.metric for objective in objectives]
    twice = [metric for metric in metrics if metrics.count(metric) > 1]
    if twice:
        said = ", ".join(f'{each.direction}("{each.metric}")' for each in objectives)
        raise SettingError(
            f"`{word('objectives')}` must have one objective on {str(twice[0])!r}, got [{said}]."
        )


def check_device(evaluator: Evaluator) -> None:
    """Refuse a training on a device that this machine does not have.

    Raises:
        SettingError: There is none.
    """
    if isinstance(evaluator, Training):
        evaluator.torch_device()


def check_metrics(
    word: Word,
    objectives: Sequence[Objective],
    evaluator: Evaluator,
    measured: Iterable[str],
) -> None:
    """Refuse an objective that no trial will have, where that is known.

    Raises:
        SettingError: One is on a metric that is not known; names the nearest.
    """
    known = (*evaluator.metric_names, *sorted(measured))
    for metric in (objective.metric for objective in objectives):
        if evaluator.metric_names and metric not in known:
            near = get_close_matches(metric, known, 1)
            raise SettingError(
                f"`{word('objectives')}` must be on one of {', '.join(known)}, got {metric!r}"
                + (f"; did you mean {near[0]!r}?" if near else ".")
            )


def check_proxies_fit(
    word: Word, proxies: Sequence[Proxy], limits: Sequence[Limit], evaluator: Evaluator
) -> None:
    """Refuse a proxy that cannot be computed, and a limit on the wrong side of a metric.

    Raises:
        SettingError: A proxy needs targets and there are no data, its name is a metric's, or a
            limit from below is on no proxy, or one from above on one.
    """
    names = [proxy.cli_name for proxy in proxies]
    taken = [name for name in names if name in evaluator.metric_names and name not in COSTS]
    if taken:
        raise SettingError(
            f"`{word('proxies')}` must have names that are no metrics of the training, got "
            f"{taken[0]!r}."
        )
    needy = [type(proxy).__name__ for proxy in proxies if proxy.needs_targets]
    if needy and evaluator.data is None:
        raise SettingError(
            f"`{word('proxies')}` must be proxies without targets where no data are known, got "
            f"{needy[0]}, which goes by the loss; give `netwright.Training(data)`."
        )
    for limit in limits:
        _check_side(word, names, limit)


def _check_side(word: Word, names: Sequence[str], limit: Limit) -> None:
    """Refuse a limit from below on no score, and one from above on one; `names` are of scores."""
    metric, is_known = str(limit.metric), limit.metric in names
    is_score = limit.metric not in COSTS and (is_known or limit.metric in PROXIES)
    if limit.least and is_known and is_score:
        return
    if not limit.least and not is_score:
        return
    known = f"of which `{word('proxies')}` has {', '.join(names) or 'none'}"
    if limit.least:
        lacking = _written(word, "proxies", repr(metric), metric)
        remedy = f"; give {lacking}" if is_score else ""
        raise SettingError(
            f"`{word('limits')}` must be on the score of a proxy, {known}, got {limit}{remedy}."
        )
    bound = f"{limit.bound:g}"
    called, typed = f"nw.at_least({metric!r}, {bound})", f"'{metric}>={bound}'"
    remedy = _written(word, "limits", called, typed)
    if not is_known:
        remedy = f"{_written(word, 'proxies', repr(metric), metric)} and {remedy}"
    raise SettingError(
        f"`{word('limits')}` must be from below on the score of a proxy, {known}, got {limit}; "
        f"give {remedy}."
    )


def _written(word: Word, name: str, called: str, typed: str) -> str:
    """An option with one value as it is written where it was given: `called` or `typed`."""
    option = word(name, f"[{called}]")
    return f"`{option} {typed}`" if option.startswith("--") else f"`{option}`"


def check_names(evaluator: Evaluator) -> None:
    """Refuse an evaluator whose `metric_names` are no names.

    Raises:
        SettingError: Says what they must be.
    """
    names: object = evaluator.metric_names
    if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
        raise SettingError(
            f'`{type(evaluator).__name__}.metric_names` must be a tuple such as ("score",), or '
            f"empty where they are not known before, got {names!r}."
        )


def check_recipes(space: Space, evaluator: Evaluator) -> None:
    """Try what the recipe answers for every option, one at a time.

    Raises:
        SettingError: The evaluator takes no such recipe.
    """
    base = space.smallest()
    for architecture in (base, *space.neighbours(base)):
        evaluator.check_recipe(space.recipe(architecture))


def check_data(space: Space, evaluator: Evaluator) -> None:
    """Refuse a space for other data than the evaluator trains on.

    Raises:
        SettingError: Says what both take and give.
    """
    data = evaluator.data
    if data is not None and not _fits(space.signature, data.signature):
        raise SettingError(
            f"`search(space, ...)` must be a space for the data: for the data {data.name!r} a "
            f"network takes and gives {_shapes(data.signature)}, those of the space "
            f"{space.name!r} {_shapes(space.signature)}. "
            "Write `netwright.Space(network, data)`."
        )


def _fits(space: Signature, data: Signature) -> bool:
    """Whether networks of a space take and give what they do for data; open sizes take any."""
    if [spec.name for spec in space.inputs] != [spec.name for spec in data.inputs]:
        return False
    for ours, given in zip(space.inputs, data.inputs, strict=True):
        if len(ours.shape) != len(given.shape):
            return False
        if any(a not in (None, b) for a, b in zip(ours.shape, given.shape, strict=True)):
            return False
    gives = [(spec.name, spec.shape) for spec in space.outputs]
    return gives == [(spec.name, spec.shape) for spec in data.outputs]


def _shapes(signature: Signature) -> str:
    """The shapes of an example that a network takes, and of what it gives."""
    takes, gives = (
        ", ".join(f"{spec.name} {spec.shape}" for spec in specs)
        for specs in (signature.inputs, signature.outputs)
    )
    return f"{takes} -> {gives}"


def parts_of(word: Word, stopped: Stopped, stopper: Stopper | None) -> tuple[Strategy, Stopper]:
    """The strategy and the stopper of what has both.

    Raises:
        SettingError: There is another stopper beside, or no strategy in it.
    """
    if stopper is not None:
        raise SettingError(
            f"`{word('strategy')}` has the stopper {stopped.stopper!r} already, and "
            f"`{word('stopper')}` got {stopper!r}; leave one out."
        )
    if not isinstance(stopped.strategy, Strategy):
        raise SettingError(f"`Stopped(strategy, ...)` must have a Strategy, got {stopped!r}.")
    return stopped.strategy, stopped.stopper


def check_stopper(word: Word, stopper: object, strategy: object, deterministic: bool) -> None:
    """Refuse a stopper that cannot go with the rest.

    Raises:
        SettingError: It is none, or it is over a one-shot search or a deterministic run.
    """
    if stopper is None:
        return
    if not isinstance(stopper, Stopper):
        raise SettingError(
            f"`{word('stopper')}` must be a Stopper such as `Hyperband()`, got {stopper!r}."
        )
    if isinstance(strategy, OneShot):
        raise SettingError(
            f"`{word('stopper')}` is for strategies, got strategy={type(strategy).__name__}(), "
            "which trains the networks that it names in full; leave `stopper` out."
        )
    if stopper.ends_trials and deterministic:
        raise SettingError(
            f"`{word('stopper', f'{type(stopper).__name__}()')}` ends trials by when their news "
            f"come, which `{word('deterministic', 'True')}` cannot repeat; leave one out."
        )


def check_one_shot(word: Word, search: OneShot, evaluator: Evaluator) -> None:
    """Refuse an evaluator whose data a one-shot search cannot learn from.

    Raises:
        SettingError: It is no training, or has no validation part.
    """
    said = word("strategy", f"{type(search).__name__}()")
    if not isinstance(evaluator, Training):
        raise SettingError(
            f"`{said}` trains shared weights and needs the data: give "
            f"`netwright.Training(data)`, got {type(evaluator).__name__}."
        )
    if not len(evaluator.data.validation):
        raise SettingError(
            f"`{said}` chooses by the validation part, and the data "
            f"{evaluator.data.name!r} have none."
        )


def check_learned(word: Word, objectives: Sequence[Objective], scored: Collection[str]) -> None:
    """Refuse a one-shot search for scores of proxies alone, which shared weights say nothing of.

    Raises:
        SettingError: No objective is on anything else.
    """
    if all(objective.metric in scored for objective in objectives):
        raise SettingError(
            f"`{word('objectives')}` must have one that shared weights tell, such as the task's "
            f"own, got the scores of proxies alone: {objectives[0].metric!r}."
        )


def check_refit(word: Word, refit: bool, evaluator: Evaluator) -> None:
    """Refuse to train on train and validation together where that cannot be.

    Raises:
        SettingError: The evaluator cannot.
    """
    if refit and evaluator.for_refit() is None:
        raise SettingError(
            f"`{word('refit', 'True')}` needs an evaluator that can train on train "
            f"and validation together, which {type(evaluator).__name__} cannot; leave `refit` out."
        )


def checked_finals(word: Word, finals: object) -> tuple[tuple[int, int], ...]:
    """Finals as pairs of how many networks and how many epochs.

    Raises:
        SettingError: They are no such pairs.
    """
    pairs = []
    given: object = [finals] if isinstance(finals, str) else finals  # a text is none, also if empty
    for final in given if isinstance(given, Sequence) else [given]:
        pair = tuple(final) if isinstance(final, Sequence) else ()
        if len(pair) != 2 or not all(type(n) is int and n >= 1 for n in pair):
            raise SettingError(
                f"`{word('finals')}` must be pairs (networks, epochs) of whole numbers above 0, "
                f"such as [(8, 10), (3, 30)], got {finals!r}."
            )
        for number in pair:
            check_size(word("finals"), number)
        pairs.append((pair[0], pair[1]))
    return tuple(pairs)
