"""The bound on what one call may cost"""

import pytest

from store.steps import OutOfStepsError, Steps


def test_a_call_may_take_its_limit_and_no_step_more():
    steps = Steps(10)
    steps.spend()
    steps.spend(9)
    assert steps.taken == 10
    with pytest.raises(OutOfStepsError, match="13 steps, 10 at most") as stopped:
        steps.spend(3)
    assert (stopped.value.measured, stopped.value.limit) == (13, 10)
