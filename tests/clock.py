"""Runs pytest at moments that break date code, in time zones far from UTC and in the locale C.

Each run begins some seconds before its moment, so that tests run before, at and after it.
"""

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import time_machine

from tests.environment import SHIFTED

LEAD = timedelta(seconds=15)  # the first tests start after about ten
# In Kiritimati (UTC+14) it is tomorrow for most of UTC's day, in Los Angeles (UTC-8) it is still yesterday.
RUNS = {
    "midnight at the end of a year": ("2026-12-31T23:59:59+00:00", "Pacific/Kiritimati"),
    "the end of a month, local time": ("2027-04-30T23:59:59-07:00", "America/Los_Angeles"),
    "a leap day": ("2028-02-29T12:00:00+00:00", "Pacific/Kiritimati"),
    "clocks go forward": ("2027-03-28T00:59:59+00:00", "Europe/Berlin"),
    "clocks go back": ("2027-10-31T00:59:59+00:00", "Europe/Berlin"),
}


def run(moment: str, zone: str, arguments: list[str]) -> int:
    """Run pytest from `LEAD` before `moment` (ISO 8601) on; return its exit code."""
    shift = (datetime.fromisoformat(moment) - LEAD).timestamp() - time.time()
    environment = {
        **os.environ,
        "TEST_CLOCK_SHIFT": f"{shift:.3f}",
        "TEST_CLOCK_PACKAGES": str(Path(time_machine.__file__).parent.parent),
        "TEST_TIME_ZONE": zone,
        "TZ": zone,
        "LC_ALL": "C",
        "PYTHONPATH": str(SHIFTED),
    }
    # time-machine is a pytest plugin as well, and pytest warns that it did not import it first.
    command = [sys.executable, "-m", "pytest", "-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments]
    return subprocess.run(command, env=environment, check=False).returncode


def main() -> int:
    """Run pytest at each moment; return how many runs failed."""
    failed = []
    for name, (moment, zone) in RUNS.items():
        print(f"== {name}: {moment}, {zone}", flush=True)
        if run(moment, zone, sys.argv[1:]):
            failed.append(name)
    if failed:
        print(f"failed at: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
