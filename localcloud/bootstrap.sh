#!/bin/sh
# Starts bootstrap.py with the first Python that starts at all; bootstrap.py then chooses the right one.
here=$(dirname "$0")
for candidate in python3.13 python3.12 python3.11 python3 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9]*/bin/python3 \
    /usr/local/bin/python3 /opt/homebrew/bin/python3 /usr/bin/python3; do
    if "$candidate" -I -c 'import sys; sys.exit(sys.version_info < (3, 8))' >/dev/null 2>&1; then
        exec "$candidate" -I "$here/bootstrap.py" "$@"
    fi
done
echo "No working Python was found. Install Python 3.13 (3.11 or newer works) and run make again." >&2
exit 1
