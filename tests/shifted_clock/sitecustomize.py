"""Shifts the clock of each Python process that has this folder on PYTHONPATH by TEST_CLOCK_SHIFT seconds.

Tests, the local AWS and every process that a test starts then agree about the time.
"""

import os
import sys
import time

sys.path.append(os.environ["TEST_CLOCK_PACKAGES"])  # the local AWS has an environment without time-machine
import time_machine

sys.path.remove(os.environ["TEST_CLOCK_PACKAGES"])
time_machine.travel(time.time() + float(os.environ["TEST_CLOCK_SHIFT"]), tick=True).start()
