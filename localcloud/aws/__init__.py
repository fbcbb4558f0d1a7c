"""The local AWS: ministack 1.5.33, patched where it differs from AWS, on one loopback port.

Run as ``python -m localcloud.aws`` with the interpreter of ``.venv-aws`` and the repository root as the
working directory. State is kept in ``LOCAL_DIR/aws``; ``LOCAL_AWS_PORT`` is the port of 127.0.0.1.
The other modules each close a hole of that ministack version, which their docstrings describe.
"""
