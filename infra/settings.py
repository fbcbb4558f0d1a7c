"""The settings of a deployment, read from CDK context and validated."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("dev", "prod")
ENGINES = ("embedded", "glue")
ARCHITECTURES = ("arm64", "x86_64")
METRICS_NAMESPACE = "TodoInsights"
COMPUTE_MINUTES = {"embedded": 5, "glue": 60}


class SettingsError(ValueError):
    """A context value is not allowed; the message says which."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one deployment.

    Parameters
    ----------
    stage
        `dev` or `prod`.
    suffix
        Appended to every physical name, so that two stages can share one account; empty if a stage has its own.
    engine
        Engine that the lake's state machine runs: `embedded` (Lambda) or `glue` (Spark).
    architecture
        Of our own Lambda functions and their layer: `arm64` or `x86_64`.
    owner, cost_center
        Tags.
    alert_email
        Receives the alarms; nobody does if empty.
    protect
        Keep table, buckets, pool and key when a stack is removed.
    build
        Folder of the packages that `infra.lake_layer` and `infra.web_package` build.
    require_packages
        Fail the synthesis if a package is missing or out of date, instead of using a placeholder.
    """

    stage: str
    suffix: str = ""
    engine: str = "embedded"
    architecture: str = "arm64"
    owner: str = "todo-team"
    cost_center: str = "todo"
    alert_email: str = ""
    protect: bool = True
    build: Path = ROOT / "build"
    require_packages: bool = False

    def __post_init__(self) -> None:
        _one_of("stage", self.stage, STAGES)
        _one_of("engine", self.engine, ENGINES)
        _one_of("architecture", self.architecture, ARCHITECTURES)

    @property
    def web_function(self) -> str:
        """Name that Zappa gives the web function and its API: project name and stage."""
        return f"todo-{self.stage}"

    @property
    def lake_every_minutes(self) -> int:
        """Minutes between two scheduled runs of the lake."""
        return COMPUTE_MINUTES[self.engine]

    @property
    def tags(self) -> dict[str, str]:
        """Tags of every resource."""
        return {
            "Project": "todo-with-insights",
            "Owner": self.owner,
            "Environment": self.stage,
            "CostCenter": self.cost_center,
        }

    def name(self, base: str) -> str:
        """Physical name of a resource."""
        return f"{base}{self.suffix}"

    def stack_name(self, stack: str) -> str:
        """Name of a stack in CloudFormation, for example `todo-dev-DataStack`."""
        return f"todo-{self.stage}-{stack}"


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def from_context(get: Callable[[str], Any]) -> Settings:
    """Read the settings through `get`, which returns a context value or None.

    Context values from the command line (`-c stage=prod`) are strings; missing ones keep their defaults.

    Raises
    ------
    SettingsError
        If a value is not allowed.
    """
    texts = ("suffix", "engine", "architecture", "owner", "cost_center", "alert_email")
    values: dict[str, Any] = {name: str(get(name)) for name in texts if get(name) is not None}
    for name in ("protect", "require_packages"):
        if get(name) is not None:
            values[name] = _flag(name, get(name))
    if get("build") is not None:
        values["build"] = Path(get("build"))
    return Settings(stage=str(get("stage") or "dev"), **values)


def _flag(name: str, value: Any) -> bool:
    text = str(value).lower()
    _one_of(name, text, ("true", "false"))
    return text == "true"
