"""The settings of a deployment: a stage's file in `infra/stages`, with what CDK's context replaces; validated."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
STAGE_FILES = ROOT / "infra" / "stages"
STAGES = ("dev", "prod")
ENGINES = ("embedded", "glue")
ARCHITECTURES = ("arm64", "x86_64")
PYTHON = "3.13"  # of all our functions
METRICS_NAMESPACE = "TodoInsights"
COMPUTE_MINUTES = {"embedded": 5, "glue": 60}
# What the gateway of a new account takes: requests a second, and requests at once.
MAX_RATE, MAX_BURST = 10_000, 5_000
MAX_ORIGINS = 20
WORKER_TYPES = ("G.1X", "G.2X", "G.4X", "G.8X")
MAX_WORKERS, MAX_JOB_MINUTES = 299, 480

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d")
_SUFFIX = re.compile(r"(-[a-z0-9]+)*")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_HOST = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_ORIGIN = re.compile(r"https://[a-z0-9.-]+(:\d{1,5})?|http://(localhost|127\.0\.0\.1)(:\d{1,5})?")
_TAG = re.compile(r"[\w .:/=+@-]{1,256}")
_CERTIFICATE = re.compile(r"arn:aws[a-z-]*:acm:us-east-1:\d{12}:certificate/[\w-]+")
_WEB_ACL = re.compile(r"arn:aws[a-z-]*:wafv2:us-east-1:\d{12}:global/webacl/[\w-]+/[\w-]+")


class SettingsError(ValueError):
    """A setting is not allowed; the message names it, and the file or the context it comes from."""


@dataclass(frozen=True, slots=True)
class Domain:
    """The site's own domain: exists outside of the stacks, which only refer to it.

    Parameters
    ----------
    name
        Host name; empty if the site has the address that AWS gives it.
    certificate_arn
        Its certificate in us-east-1.
    web_acl_arn
        Web ACL in front of the site, in us-east-1; empty for none.
    """

    name: str = ""
    certificate_arn: str = ""
    web_acl_arn: str = ""

    def __post_init__(self) -> None:
        _matches("name", self.name, _HOST, "a host name such as todo.example.com", empty=True)
        wanted = "the ARN of a certificate in us-east-1"
        _matches("certificate_arn", self.certificate_arn, _CERTIFICATE, wanted, empty=True)
        wanted = "the ARN of a global web ACL in us-east-1"
        _matches("web_acl_arn", self.web_acl_arn, _WEB_ACL, wanted, empty=True)
        if bool(self.name) != bool(self.certificate_arn):
            raise SettingsError("name and certificate_arn need each other: set both or neither")


@dataclass(frozen=True, slots=True)
class Throttle:
    """What the gateway lets through: `rate` requests a second, and `burst` at once."""

    rate: int = 100
    burst: int = 200

    def __post_init__(self) -> None:
        _within("rate", self.rate, MAX_RATE)
        _within("burst", self.burst, MAX_BURST)


@dataclass(frozen=True, slots=True)
class Jobs:
    """Size of each Glue job: `workers` of a `worker_type`, and the `minutes` after which it is stopped."""

    worker_type: str = "G.1X"
    workers: int = 2
    minutes: int = 60

    def __post_init__(self) -> None:
        _one_of("worker_type", self.worker_type, WORKER_TYPES)
        _within("workers", self.workers, MAX_WORKERS, lowest=2)
        _within("minutes", self.minutes, MAX_JOB_MINUTES)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one deployment.

    Parameters
    ----------
    stage
        `dev` or `prod`.
    region
        AWS region of the stacks.
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
    sender
        Address that mail comes from, its domain verified in SES in `region`; Cognito sends a few mails a day without.
    snap_start
        Whether Lambda starts the web function from a snapshot, which costs money around the clock.
    domain
        The site's own domain and what protects it.
    cors_origins
        Origins other than the site's own whose pages may call the API.
    throttle
        What the gateway lets through.
    jobs
        How large the lake's jobs on Glue are.
    protect
        Keep table, buckets, pool and key when a stack is removed.
    build
        Folder of the packages that `infra.lake_layer` and `infra.web_package` build.
    require_packages
        Fail the synthesis if a package is missing or out of date, instead of using a placeholder.
    """

    stage: str
    region: str = "us-east-1"
    suffix: str = ""
    engine: str = "embedded"
    architecture: str = "arm64"
    owner: str = "todo-team"
    cost_center: str = "todo"
    alert_email: str = ""
    sender: str = ""
    snap_start: bool = False
    domain: Domain = field(default_factory=Domain)
    cors_origins: tuple[str, ...] = ()
    throttle: Throttle = field(default_factory=Throttle)
    jobs: Jobs = field(default_factory=Jobs)
    protect: bool = True
    build: Path = ROOT / "build"
    require_packages: bool = False

    def __post_init__(self) -> None:
        _one_of("stage", self.stage, STAGES)
        _matches("region", self.region, _REGION, "a region such as eu-central-1")
        _matches("suffix", self.suffix, _SUFFIX, "small letters and digits after a hyphen", empty=True)
        if len(self.suffix) > 12:
            raise SettingsError(f"suffix must have at most 12 characters, not {len(self.suffix)}")
        _one_of("engine", self.engine, ENGINES)
        _one_of("architecture", self.architecture, ARCHITECTURES)
        for name in ("owner", "cost_center"):
            _matches(name, getattr(self, name), _TAG, "up to 256 letters, digits, spaces and _.:/=+-@")
        for name in ("alert_email", "sender"):
            _matches(name, getattr(self, name), _EMAIL, "an e-mail address", empty=True)
        for name in ("snap_start", "protect", "require_packages"):
            if not isinstance(getattr(self, name), bool):
                raise SettingsError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if not isinstance(self.cors_origins, tuple) or len(self.cors_origins) > MAX_ORIGINS:
            raise SettingsError(f"cors_origins must be a list of at most {MAX_ORIGINS} origins")
        for origin in self.cors_origins:
            _matches("cors_origins", origin, _ORIGIN, "origins such as https://app.example.com")

    @property
    def web_function(self) -> str:
        """Name that Zappa gives the web function and its API: project name and stage."""
        return f"todo-{self.stage}"

    @property
    def sender_domain(self) -> str:
        """Domain of the sender, which SES must have verified."""
        return self.sender.rpartition("@")[2]

    @property
    def lake_every_minutes(self) -> int:
        """Minutes between two scheduled runs of the lake."""
        return COMPUTE_MINUTES[self.engine]

    @property
    def run_minutes(self) -> int:
        """Minutes after which a run of the lake is stopped; on Glue both jobs run in turn, and wait to start."""
        return 60 + 2 * self.jobs.minutes if self.engine == "glue" else 45

    @property
    def identity(self) -> dict[str, str]:
        """Tags by which the resources of this stage are found in an account and region."""
        return {"Project": "todo-with-insights", "Environment": self.stage}

    @property
    def tags(self) -> dict[str, str]:
        """Tags of every resource."""
        return {**self.identity, "Owner": self.owner, "CostCenter": self.cost_center}

    def name(self, base: str) -> str:
        """Physical name of a resource."""
        return f"{base}{self.suffix}"

    def stack_name(self, stack: str) -> str:
        """Name of a stack in CloudFormation, for example `todo-dev-DataStack`."""
        return f"todo-{self.stage}-{stack}"


# Settings that belong to one run of the CDK app, not to a stage.
_OF_A_RUN = {"stage", "protect", "build", "require_packages"}
_OF_A_STAGE = tuple(each.name for each in fields(Settings) if each.name not in _OF_A_RUN)
Table = Domain | Throttle | Jobs
_TABLES: dict[str, type[Table]] = {"domain": Domain, "throttle": Throttle, "jobs": Jobs}
# Settings that context may replace: it is made of strings.
_IN_CONTEXT = tuple(name for name in _OF_A_STAGE if name not in (*_TABLES, "cors_origins"))
_FLAGS = ("snap_start", "protect", "require_packages")


def from_context(get: Callable[[str], Any]) -> Settings:
    """Read the settings of the stage `stage` (dev), from its file and what context replaces.

    Parameters
    ----------
    get
        Returns a context value or None. Values from the command line (`-c stage=prod`) are strings. `stage_files` names
        another folder of the stages' files.

    Raises
    ------
    SettingsError
        If a value is not allowed, or a key is unknown.
    """
    stage = str(get("stage") or "dev")
    _one_of("stage", stage, STAGES)
    values = read_file(Path(get("stage_files") or STAGE_FILES) / f"{stage}.toml")
    for name in (*_IN_CONTEXT, *_OF_A_RUN - {"stage"}):
        given = get(name)
        if given is not None:
            values[name] = _flag(name, given) if name in _FLAGS else str(given)
    if "build" in values:
        values["build"] = Path(values["build"])
    return Settings(stage=stage, **values)


def of_stage(stage: str, context: Mapping[str, str] | None = None) -> Settings:
    """Return the settings of a stage, with values of CDK's context. Raises SettingsError."""
    return from_context({**(context or {}), "stage": stage}.get)


def read_file(path: Path) -> dict[str, Any]:
    """Return the values of a stage's file as arguments of `Settings`.

    Raises
    ------
    SettingsError
        If it is missing, is no TOML, has an unknown key or a value that is not allowed; the message names file and key.
    """
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
    try:
        found = tomllib.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{shown}: {error}") from error
    try:
        _known(found, _OF_A_STAGE)
        for name, kind in _TABLES.items():
            if name in found:
                found[name] = _table(name, found[name], kind)
        if isinstance(found.get("cors_origins"), list):
            found["cors_origins"] = tuple(found["cors_origins"])
        Settings(stage=STAGES[0], **found)
    except SettingsError as error:
        raise SettingsError(f"{shown}: {error}") from error
    return found


def _table(name: str, values: Any, kind: type[Table]) -> Table:
    if not isinstance(values, dict):
        raise SettingsError(f"{name} must be a table, [{name}]")
    try:
        _known(values, tuple(each.name for each in fields(kind)))
        return kind(**values)
    except SettingsError as error:
        raise SettingsError(f"{name}: {error}") from error


def _known(values: Mapping[str, Any], names: Iterable[str]) -> None:
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise SettingsError(f"unknown: {', '.join(unknown)}; there are {', '.join(names)}")


def _one_of(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise SettingsError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")


def _matches(name: str, value: Any, shape: re.Pattern[str], wanted: str, *, empty: bool = False) -> None:
    if empty and value == "":
        return
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise SettingsError(f"{name} must be {wanted}, not {value!r}")


def _within(name: str, value: Any, highest: int, *, lowest: int = 1) -> None:
    if type(value) is not int or not lowest <= value <= highest:
        raise SettingsError(f"{name} must be a whole number from {lowest} to {highest}, not {value!r}")


def _flag(name: str, value: Any) -> bool:
    text = str(value).lower()
    _one_of(name, text, ("true", "false"))
    return text == "true"
