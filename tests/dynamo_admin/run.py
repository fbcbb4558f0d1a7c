"""Run the adapter's cases with the Django of the interpreter that runs this: ``python -m tests.dynamo_admin.run``."""

import sys
from pathlib import Path

import django
import pytest

from tests.dynamo_admin import project

HERE = Path(__file__).parent

if __name__ == "__main__":
    project.configure()
    print("Django", django.get_version())
    project.create_table()
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:django",
        "-c",
        str(HERE / "cases.ini"),
        "--rootdir",
        str(HERE),
    ]
    sys.exit(pytest.main([*options, *sys.argv[1:], str(HERE / "cases.py")]))
