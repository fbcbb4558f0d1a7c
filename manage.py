#!/usr/bin/env python
"""The command line: ``manage.py <command>`` runs with the settings of ``todo_site``."""

import os
import sys


def main() -> int:
    """Run the command named on the command line; return its status."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todo_site.settings")
    from todo_site.management.utility import execute

    return execute(sys.argv)


if __name__ == "__main__":
    sys.exit(main())
