"""The environment variables that tests see: those of the machine, and known values.

A shell may hold a real AWS account, the settings of a running copy (``. .local/env``), a time zone or a locale. A test
must pass with any of them, so only the names below are taken from the shell.
"""

import os
import time
from pathlib import Path

# The machine: where programs and temporary files are, how to install packages, whether this is CI.
MACHINE = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "COLUMNS", "TMPDIR", "TEMP", "TMP", "DISPLAY"),
    *("CI", "GITHUB_ACTIONS", "JAVA_HOME", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("REQUESTS_CA_BUNDLE", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"),
}
MACHINE_PREFIXES = ("PYTEST_XDIST_", "PIP_", "UV_", "XDG_", "PLAYWRIGHT_", "npm_config_")
# Options of a run.
OPTIONS = {
    *("FUZZ_SECONDS", "FUZZ_EXAMPLES", "FUZZ_INPUTS", "PARITY_EVENTS", "SCREENSHOTS", "ADAPTER_PYTHON"),
    *("TEST_CLOCK_SHIFT", "TEST_CLOCK_PACKAGES", "TEST_TIME_ZONE", "CHROMIUM", "WHOLE"),
}
KNOWN = {
    "TZ": "UTC",
    "LC_ALL": "C.UTF-8",
    "NO_PROXY": "127.0.0.1,localhost",
    "no_proxy": "127.0.0.1,localhost",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}
SHIFTED = Path(__file__).resolve().parent / "shifted_clock"


def clean() -> None:
    """Remove every variable that is neither the machine's nor an option, and set the known ones."""
    for name in list(os.environ):
        if name not in MACHINE | OPTIONS and not name.startswith(MACHINE_PREFIXES):
            del os.environ[name]
    os.environ.update(KNOWN)
    if "TEST_CLOCK_SHIFT" in os.environ:
        os.environ["PYTHONPATH"] = str(SHIFTED)
    use_time_zone()


def use_time_zone() -> None:
    """Set this process's time zone: UTC, or the one that `make test-clock` wants."""
    os.environ["TZ"] = os.environ.get("TEST_TIME_ZONE", KNOWN["TZ"])
    time.tzset()
