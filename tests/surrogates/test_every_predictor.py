"""Every exported predictor passes every check; a new one gets its tests by being exported."""

import pytest

from netwright.surrogates import Predictor
from netwright.testing.exports import PREDICTORS
from netwright.testing.predictors import PREDICTOR_CHECKS


@pytest.mark.parametrize("check", PREDICTOR_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("predictor", PREDICTORS, ids=lambda p: p.__name__)
def test_conformance(predictor: type[Predictor], check) -> None:
    check(predictor)
