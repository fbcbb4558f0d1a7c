"""The local AWS: ministack 1.5.33 with its holes closed, on one loopback port.

Run as ``python -m localcloud.aws`` with the interpreter of ``.venv-aws`` and the repository root as the
working directory. ``LOCAL_DIR`` says where state lives (under ``LOCAL_DIR/aws``), ``LOCAL_AWS_PORT`` which
port of 127.0.0.1 to serve on. Every other module here closes one hole of that ministack version and says which.
"""
