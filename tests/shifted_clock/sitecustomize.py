"""Shifts the clock of each Python process that has this folder on PYTHONPATH by TEST_CLOCK_SHIFT seconds.

Tests, the local AWS and every process that a test starts then agree about the time.
"""

import os
import sys
import time

sys.path.append(os.environ["TEST_CLOCK_PACKAGES"])  # the local AWS has an environment without time-machine
import time_machine

sys.path.remove(os.environ["TEST_CLOCK_PACKAGES"])
shift = float(os.environ["TEST_CLOCK_SHIFT"])
clock = time_machine.travel(time.time() + shift, tick=True).start()
# To the microsecond: a token that one process issued must not come from another's future.
clock.shift(shift - (time.time() - time_machine.escape_hatch.time.time()))
