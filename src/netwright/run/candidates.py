"""Candidates: an architecture with a seed, which a trial that is promoted inherits."""

from __future__ import annotations

import numpy as np

from netwright.trial import History, Proposal, Trial


def trained_before(history: History, proposal: Proposal) -> Trial | None:
    """The trial whose network is trained again for another budget: it was measured then."""
    parent = history.numbered(proposal.parent)
    if proposal.budget is None or parent is None:
        return None
    chosen = not proposal.stage.explores  # which may be a variant of what was measured
    return parent if chosen or parent.architecture == proposal.architecture else None


def goes_on_from(history: History, proposal: Proposal) -> Trial | None:
    """The trial before this one of the same candidate; None for a new candidate.

    Networks that were chosen from an earlier stage are trained anew, by seeds of their own.
    """
    return trained_before(history, proposal) if proposal.stage.is_search else None


def first_of(history: History, number: int, proposal: Proposal) -> int:
    """The number of the first trial of a candidate, of which this trial is one."""
    while (parent := goes_on_from(history, proposal)) is not None:
        number, proposal = parent.number, parent.proposal
    return number


def seed_for(history: History, run_seed: int, number: int, proposal: Proposal) -> int:
    """The seed of a trial's candidate: that of the trial before, or for a new one its own."""
    parent = goes_on_from(history, proposal)
    if parent is None:
        return seed_of(run_seed, number)
    if parent.seed is None:  # in a log of the time before it was written
        return seed_for(history, run_seed, parent.number, parent.proposal)
    return parent.seed


def seed_of(run_seed: int, number: int) -> int:
    """The seed of a new candidate: of the run's seed and the number of its first trial."""
    state = np.random.SeedSequence([run_seed, number, 1]).generate_state(1)
    return int(state[0])
