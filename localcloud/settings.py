"""The settings of ``make run``, from environment variables: ports, directory, demo workspace, durability."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localcloud.ports import LOOPBACK

ROOT = Path(__file__).resolve().parent.parent


class SettingError(ValueError):
    """A variable has an invalid value; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The validated settings. ``directory`` is absolute."""

    port: int
    aws_port: int
    directory: Path
    demo: bool
    durable: bool = False

    @property
    def app_url(self) -> str:
        """Address of the site."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def aws_url(self) -> str:
        """Address of the local AWS."""
        return f"http://{LOOPBACK}:{self.aws_port}"

    @property
    def env_file(self) -> Path:
        """Shell file with the variables for other clients."""
        return self.directory / "env"


def read_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read PORT, LOCAL_AWS_PORT, LOCAL_DIR, DEMO and DURABLE; raise SettingError for an invalid value."""
    settings = Settings(
        port=_port(environ, "PORT", 8000),
        aws_port=_port(environ, "LOCAL_AWS_PORT", 4566),
        directory=(ROOT / Path(environ.get("LOCAL_DIR") or ".local").expanduser()).resolve(),
        demo=_switch(environ, "DEMO", "1"),
        durable=_switch(environ, "DURABLE", "0"),
    )
    if settings.port == settings.aws_port:
        raise SettingError(f"PORT and LOCAL_AWS_PORT are both {settings.port}; choose two ports.")
    return settings


def _switch(environ: Mapping[str, str], name: str, default: str) -> bool:
    return (environ.get(name) or default).lower() not in {"0", "no", "false", "off"}


def _port(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 65535:
        raise SettingError(f"{name}={text} is not a port number (1 to 65535).")
    return int(text)
