"""A mistake in a part that a user wrote is said in a sentence; it neither hangs nor is a bug."""

import numpy as np
import pytest
import torch
from test_loop import loop, plan

import netwright as nw
from netwright.errors import EvaluationError, SettingError, StoreError
from netwright.evaluate.base import Evaluator, Result
from netwright.execute import Inline
from netwright.objective import maximize, minimize
from netwright.run.fingerprint import settings_of
from netwright.run.search import carried_out
from netwright.stopping import Stopper, Stopping
from netwright.strategies import RandomSearch, RegularizedEvolution, Search, Strategy
from netwright.targets import FileArtifact
from netwright.testing.spaces import SPACES
from netwright.trial import Proposal

SHORT = {"trials": 2, "finals": (), "strategy": RandomSearch(), "deterministic": False}


class Gives(Evaluator):
    """Gives what it was made with, for every candidate."""

    epochs = full_epochs = 1

    def __init__(self, result) -> None:
        self.result = result

    def evaluate(self, candidate, budget, context):
        return self.result() if callable(self.result) else self.result


@pytest.mark.parametrize("number", [torch.tensor(0.5), np.float32(0.5), np.array(0.5), np.int64(1)])
def test_a_number_of_any_library_is_a_float(number, tmp_path) -> None:
    curve = [{"loss": number}]
    run = loop(tmp_path, plan(evaluator=Gives(Result({"accuracy": number}, curve)), **SHORT))
    run.run()
    for trial in run.history:
        assert trial.done
        assert type(trial.metrics["accuracy"]) is float
        assert trial.metrics["accuracy"] == float(number)
        assert trial.curve == ({"loss": float(number)},)


@pytest.mark.parametrize(
    ("result", "said"),
    [
        (Result({"accuracy": "good"}), r"the metric 'accuracy' as a number, got a str"),
        (Result({"accuracy": None}), r"the metric 'accuracy' as a number, got a NoneType"),
        (Result({"accuracy": torch.ones(3)}), r"got a Tensor of the shape \(3,\)"),
        (Result({"accuracy": 10**400}), r"the metric 'accuracy' as a number, got a int"),
        (Result({3: 0.5}), r"by their names, got the key 3"),
        (Result([0.5]), r"metrics as a mapping .* got a list"),
        (
            Result({"accuracy": 0.5}, curve=[1, 2, 3]),
            r"Result\(curve=...\)` must give .* got a int",
        ),
        (Result({"accuracy": 0.5}, curve=3), r"Result\(curve=...\)` must give .* got a int"),
        (Result({"accuracy": 0.5}, model="m"), r"`nn.Module` or None, got a str"),
        ({"accuracy": 0.5}, r"`Gives.evaluate\(...\)` must return a `Result` .* got a dict"),
    ],
)
def test_what_is_no_number_makes_a_trial_invalid(result, said, tmp_path) -> None:
    """As the first trial it ends the run, since no other will be of use; the log says all of it."""
    run = loop(tmp_path, plan(evaluator=Gives(result), **SHORT))
    with pytest.raises(EvaluationError, match=said):
        run.run()
    (trial,) = run.history
    assert trial.status == "invalid"


def test_a_metric_that_is_no_number_once_ends_its_trial_alone(tmp_path) -> None:
    values = iter([0.5, "bad", 0.7])
    given = {**SHORT, "trials": 3}
    run = loop(tmp_path, plan(evaluator=Gives(lambda: Result({"accuracy": next(values)})), **given))
    run.run()
    assert [trial.status for trial in run.history] == ["done", "invalid", "done"]


def test_what_is_reported_on_the_way_is_checked_too(tmp_path) -> None:
    class Reports(Gives):
        def evaluate(self, candidate, budget, context):
            context.report(1, {"loss": self.result})
            return Result({"accuracy": 0.5})

    loop(tmp_path, plan(evaluator=Reports(torch.tensor(1.0)), **SHORT)).run()
    with pytest.raises(EvaluationError, match="the metric 'loss' as a number, got a list"):
        loop(tmp_path / "b", plan(evaluator=Reports([1.0]), **SHORT)).run()


def test_a_status_that_there_is_not_is_refused() -> None:
    with pytest.raises(SettingError, match=r"`Result\(status=...\)` must be one of done, .*'fine'"):
        Result({}, status="fine")


# -- stores ---------------------------------------------------------------------------------------


class Returns(nw.MemoryStore):
    """A store in memory one method of which does nothing, and returns `value`."""

    def __init__(self, store, method, value) -> None:
        super().__init__(store.name)
        self.create = store.create
        setattr(self, method, lambda *given, **more: value)


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("append", r"append\(...\)` must return the id of the event, .* got None"),
        ("lock", r"lock\(run\)` must return what `with` takes, .* got None"),
        ("events", r"events\(...\)` must return a list of events, got None"),
    ],
)
def test_a_store_that_returns_nothing_is_said(method, said) -> None:
    store = nw.MemoryStore(f"none-{method}")
    made = plan(store=Returns(store, method, None), rehearse=False, workers=0, **SHORT)
    with pytest.raises(StoreError, match=said):
        carried_out(made)


def test_a_store_that_loses_events_is_said() -> None:
    store = Returns(nw.MemoryStore("loses"), "append", 10**6)
    with pytest.raises(StoreError, match=r"events\(run, after=...\)` must return every event"):
        carried_out(plan(store=store, rehearse=False, workers=0, **SHORT))


# -- strategies and stoppers ----------------------------------------------------------------------


class Own(Strategy):
    """Starts what it was made with; a function is what `propose` answers."""

    def __init__(self, answer) -> None:
        self.answer = answer

    def start(self, space, objectives):
        return _Own(space, self.answer) if callable(self.answer) else self.answer


class _Own(Search):
    def __init__(self, space, answer) -> None:
        self._space, self._answer = space, answer

    def propose(self, rng, pending):
        return self._answer(self._space.sample(rng))

    def observe(self, trial) -> None: ...


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, r"`Own.start\(...\)` must return a `Search`, .* got None"),
        (RandomSearch(), r"`Own.start\(...\)` must return a `Search`, .* got RandomSearch"),
        (lambda a: a, r"`_Own.propose\(...\)` must return a `Proposal` .* got Architecture"),
        (lambda a: dict(a.answers), r"`_Own.propose\(...\)` must return a `Proposal` .* got \{"),
        (lambda a: Proposal("x"), r"must propose a member of the space '_huge' .* got 'x'"),
        (
            lambda a: Proposal(SPACES["flat"]().smallest()),
            r"member of the space '_huge' .* got Arch",
        ),
        (lambda a: Proposal(a, parent=999), r"number of a trial that was observed, .* got 999"),
        (lambda a: Proposal(a, parent="x"), r"number of a trial that was observed, .* got 'x'"),
    ],
)
@pytest.mark.parametrize("stopped", [False, True])
def test_what_a_strategy_may_not_answer_is_said(answer, said, stopped, tmp_path) -> None:
    given = {**SHORT, "strategy": Own(answer), "stopper": Stops() if stopped else None}
    said = said.replace(r"`_Own.propose\(...\)` must propose", "must propose")
    with pytest.raises(SettingError, match=said):
        loop(tmp_path, plan(evaluator=Gives(Result({"accuracy": 0.5})), **given)).run()


class Stops(Stopper):
    """A stopper of which each answer can be given."""

    cli_name = "stops"
    ends_trials = True

    def __init__(self, **answers) -> None:
        self.answers = answers

    def start(self, space, objectives):
        return self.answers.get("start", _Stops(self.answers))


class _Stops(Stopping):
    def __init__(self, answers) -> None:
        self._answers = answers

    def promoted(self, pending):
        return self._answers.get("promoted")

    def entry(self, pending):
        return None

    def observe(self, trial) -> None: ...

    def goes_on(self, proposal, curve):
        return self._answers.get("goes_on", True)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"start": None}, r"`Stops.start\(...\)` must return a `Stopping`, got None"),
        ({"promoted": 3}, r"`_Stops.promoted\(...\)` must return a `Proposal` .* or None, got 3"),
        ({"goes_on": None}, r"`_Stops.goes_on\(...\)` must return True or False, got None"),
    ],
)
def test_what_a_stopper_may_not_answer_is_said(answers, said, tmp_path) -> None:
    class Reports(Gives):
        def evaluate(self, candidate, budget, context):
            context.report(1, {"accuracy": 0.5})
            return Result({"accuracy": 0.5})

    made = plan(evaluator=Reports(None), stopper=Stops(**answers), **SHORT)
    with pytest.raises(SettingError, match=said):
        loop(tmp_path, made).run()


# -- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [maximize, minimize])
def test_two_objectives_on_one_metric_are_refused(other) -> None:
    with pytest.raises(SettingError, match="must have one objective on 'accuracy', got"):
        plan(objectives=(maximize("accuracy"), other("accuracy")))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"evaluator": nw.Training}, r"evaluator\)` must be an instance, .* `Training\(data\)`"),
        ({"strategy": nw.Auto}, r"strategy=...\)` must be an instance, .* write `Auto\(\)`"),
        ({"stopper": nw.ASHA}, r"stopper=...\)` must be an instance, .* write `ASHA\(\)`"),
    ],
)
def test_a_class_in_the_place_of_an_instance_is_refused(given, said) -> None:
    with pytest.raises(SettingError, match=said):
        plan(**given)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"trials": 10**29}, r"`search\(trials=...\)` must fit 64 bits, .* got 1e\+29"),
        ({"seed": 10**400}, r"`search\(seed=...\)` must fit 64 bits, .* got more than 1e\+300"),
        ({"finals": ((1, 2**63),)}, r"`search\(finals=...\)` must fit 64 bits"),
        (
            {"strategy": RegularizedEvolution(population=10**29)},
            r"`RegularizedEvolution\(population=...\)` must fit 64 bits",
        ),
        ({"strategy": f"evolution(population={10**29})"}, "population.* must fit 64 bits"),
    ],
)
def test_numbers_beyond_64_bits_are_refused(given, said) -> None:
    with pytest.raises(SettingError, match=said):
        plan(**given)
    plan(trials=2**63 - 1)


def test_a_training_on_a_gpu_that_is_not_here_is_refused_first(monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    data = nw.data.load("digits")
    training = nw.Training(data, epochs=1, full_epochs=1, device="cuda")  # it may be read here
    store = nw.MemoryStore("no-gpu")
    with pytest.raises(SettingError, match=r'`Training\(device="cuda"\)` needs a GPU'):
        nw.search(nw.spaces.mlp((1, 8, 8), 10), training, trials=1, workers=0, store=store)
    assert store.runs() == []


# -- targets, evaluators and executors ------------------------------------------------------------


def board(**changes) -> nw.Target:
    """A target on which every network costs as much; `changes` are of its class."""
    own = {
        "name": "board",
        "metrics": ("flash_kib",),
        "fingerprint": "b",
        "prepare": lambda self, module, signature, calibration=(): FileArtifact(
            signature, b"x", ".bin"
        ),
        "measure": lambda self, artifacts: [{"flash_kib": 1.0} for _ in artifacts],
    }
    return type("Board", (nw.Target,), own | changes)()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": 3}, "`Board.name` must be a text, got 3"),
        ({"metrics": "flash_kib"}, "`Board.metrics` must be a tuple of names, .* got 'flash_kib'"),
        ({"metrics": ()}, r"`Board.metrics` must be a tuple of names, .* got \(\)"),
        ({"fingerprint": None}, "`Board.fingerprint` must be a text, got None"),
    ],
)
def test_what_a_target_may_not_say_is_refused(changes, said) -> None:
    with pytest.raises(SettingError, match=said):
        settings_of(plan(targets=(board(**changes),)))
    with pytest.raises(SettingError, match=r"write `Board\(\)`"):
        plan(targets=(type(board()),))


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (None, r"`Board.measure\(artifacts\)` must return a list .* got None"),
        ({"flash_kib": 1.0}, r"`Board.measure\(artifacts\)` must return a list .* got \{"),
        ([], r"`Board.measure\(artifacts\)` must return a list .* got \[\] for one"),
        ([1.0], r"`Board.measure\(artifacts\)` must return a list .* got \[1.0\] for one"),
        ([{"flash_kib": 0.0}], "must measure flash_kib as a number above 0, got 0.0"),
    ],
)
def test_what_a_target_may_not_measure_is_refused_first(measured, said) -> None:
    target = board(measure=lambda self, artifacts: measured)
    limits = {"flash_kib@board": 3.0}
    store = nw.MemoryStore("board")
    made = plan(targets=(target,), limits=limits, store=store, workers=0, **SHORT)
    with pytest.raises(EvaluationError, match=said):
        carried_out(made)
    assert store.runs() == []


@pytest.mark.parametrize("names", ["accuracy", (3,), None])
def test_metric_names_that_are_none_are_refused(names) -> None:
    evaluator = type("Named", (Gives,), {"metric_names": names})(None)
    with pytest.raises(SettingError, match=r"`Named.metric_names` must be a tuple such as"):
        plan(evaluator=evaluator)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"slots": 0}, "`Runs.slots` must be a whole number above 0, got 0"),
        ({"slots": "2"}, "`Runs.slots` must be a whole number above 0, got '2'"),
        ({"wait": lambda self, seconds: None}, r"`Runs.wait\(seconds\)` must return a list"),
    ],
)
def test_what_an_executor_may_not_answer_is_said(changes, said) -> None:
    executor = type("Runs", (Inline,), changes)()
    store = nw.MemoryStore("executor")
    store.clear()
    with pytest.raises(SettingError, match=said):
        carried_out(plan(executor=executor, store=store, rehearse=False, **SHORT))
