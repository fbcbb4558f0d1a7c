"""``make run``: the whole product on this machine, from the local AWS to the site, until Ctrl-C."""

import fcntl
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from localcloud import ports
from localcloud.console import Console, Step
from localcloud.end_with_parent import end_with_parent
from localcloud.environment import client_variables, shell_without_aws, write_env_file
from localcloud.files import sync_tree, write_atomically
from localcloud.provision import ProvisionError, provision
from localcloud.readiness import assets_fingerprint, lake_caught_up, status_of
from localcloud.roles import credentials
from localcloud.settings import ROOT, SettingError, Settings, read_settings
from localcloud.supervisor import Child, Program, Supervisor
from tasks.demo.state import Manifest

AWS, CAPTURE, LAKE, WEB, DEMO, ASSETS = "local-aws", "capture", "lake", "web", "demo", "static"
LOGS = "logs"
WARM = "warm"
# Programs that act in their deployed role; the others are tools of whoever owns the account.
ROLES = {WEB: "web", WARM: "web", CAPTURE: "capture", LAKE: "lake", LOGS: "log-subscription"}
STOP_ORDER = [[WEB, WARM, DEMO, ASSETS], [LAKE, CAPTURE, LOGS], [AWS]]
OK, BROKEN = 200, 500
START_SECONDS = 120.0
LOOK_SECONDS = 0.05
LAKE_PATIENCE_SECONDS = 90.0


class StartError(RuntimeError):
    """A part did not start; the message names it and shows the end of its log."""


class Interrupted(Exception):  # noqa: N818  a request, not an error
    """The user asked to stop during the start."""


class Runner:
    """One running copy of the product; setting ``stop`` ends it."""

    def __init__(self, settings: Settings, console: Console, stop: threading.Event) -> None:
        self.settings, self.console, self.stop = settings, console, stop
        self.supervisor = Supervisor(settings.directory / "logs", console.say)
        self.variables: dict[str, str] = {}

    def run(self) -> None:
        """Start everything, keep it running until told to stop, stop everything."""
        try:
            self.start()
            while not self.stop.wait(0.3):
                self.supervisor.restart_ended()
        except Interrupted:
            pass
        finally:
            self.shut_down()

    def start(self) -> None:
        """Start all parts in the order of their dependencies, and print the address."""
        self.local_aws()
        self.static_files()
        self.program(CAPTURE, ["-m", "localcloud.capture"])
        self.lake()
        self.program(LOGS, ["-m", "localcloud.log_subscription"])
        self.site()
        if self.settings.demo:
            self.demo()
        self.program(WARM, ["manage.py", "warm_insights", "--watch"])
        self.console.say(banner(self.settings, self.variables["DEMO_PASSWORD"]))

    def local_aws(self) -> None:
        """Start the local AWS and create the product's resources in it."""
        settings = self.settings
        environment = {
            **os.environ,
            "LOCAL_DIR": str(settings.directory),
            "LOCAL_AWS_PORT": str(settings.aws_port),
        }
        command = [str(ROOT / ".venv-aws" / "bin" / "python"), "-m", "localcloud.aws"]
        with self.console.step("local AWS") as step:
            child = self.supervisor.start(Program(AWS, command, environment))
            self.wait(step, child, lambda: status_of(f"{settings.aws_url}/_ministack/ready") == OK)
            self.variables = client_variables(settings, provision(settings.aws_url, settings.directory))
        write_env_file(settings, self.variables)

    def static_files(self) -> None:
        """Collect the site's static files if a source of them has changed."""
        stamp, fingerprint = self.settings.directory / "static.stamp", assets_fingerprint(ROOT)
        if stamp.exists() and stamp.read_text() == fingerprint:
            return
        self.task("static files", ASSETS, ["manage.py", "collectstatic", "--noinput", "--clear"])
        if self.settings.durable:
            sync_tree(self.settings.directory / "static")
        write_atomically(stamp, fingerprint)

    def lake(self) -> None:
        """Remove the working files of a killed predecessor and start the lake jobs."""
        work = self.settings.directory / "lake"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        self.program(LAKE, ["-m", "etl.run", "--watch"])

    def site(self) -> None:
        """Start the web server and wait until it answers."""
        with self.console.step("site") as step:
            child = self.program(
                WEB,
                ["-m", "gunicorn", "-c", "python:localcloud.gunicorn_conf", "todo_site.wsgi:application"],
            )
            self.wait(step, child, lambda: self.site_healthy(child))

    def site_healthy(self, web: Child) -> bool:
        """Return whether the site is healthy; raise StartError for an error 500 or above, which will not go away."""
        status = status_of(f"{self.settings.app_url}/api/health")
        if status >= BROKEN:
            raise StartError(f"\n  The site answers {status}. The end of {web.log}:\n{web.log_tail()}")
        return status == OK

    def demo(self) -> None:
        """Load the demo workspace if no earlier start has, and wait until the lake has caught up."""
        manifest = Manifest.read(self.settings.directory / "demo.json")
        if manifest and manifest.loaded:
            return
        self.console.say(f"  The site is up at {self.settings.app_url}; loading its demo workspace.")
        try:
            self.task("demo workspace", DEMO, ["manage.py", "load_demo"])
        except StartError as error:
            self.console.say(f"{error}\n  The demo workspace is incomplete; the next start will try again.")
            return
        with self.console.step("insights", done="up to date") as step:
            caught_up = lake_caught_up(self.settings.directory, self.variables)
            self.wait_until(
                step, lambda: next(caught_up) or step.seconds > LAKE_PATIENCE_SECONDS, "catching up"
            )

    def task(self, title: str, name: str, arguments: list[str]) -> None:
        """Run a program to its end and show the last line of its output; raise StartError if it fails."""
        child = Child(self.python_program(name, arguments), self.supervisor.logs)
        with self.console.step(title, done="done") as step:
            try:
                while not child.wait(LOOK_SECONDS):
                    self.look(step, child.log_tail(1).strip()[-60:])
            finally:
                child.kill()
            if child.process.returncode != 0:
                raise StartError(
                    f"\n  {title} {child.how_it_ended()}. The end of {child.log}:\n{child.log_tail()}"
                )

    def program(self, name: str, arguments: list[str]) -> Child:
        """Start a Python program in the app's environment and keep it running."""
        return self.supervisor.start(self.python_program(name, arguments))

    def python_program(self, name: str, arguments: list[str]) -> Program:
        """Return a Python program in the app's environment with this copy's variables, and its role's credentials."""
        environment = {
            **os.environ,
            **self.variables,
            **(credentials(ROLES[name]) if name in ROLES else {}),
            "PORT": str(self.settings.port),
            "LAKE_WORK_DIR": str(self.settings.directory / "lake"),
        }
        return Program(name, [sys.executable, *arguments], environment)

    def wait(self, step: Step, child: Child, ready: Callable[[], bool]) -> None:
        """Wait until ``ready``; raise StartError if the program ends before or takes too long."""

        def ready_or_failed() -> bool:
            if child.ended or step.seconds > START_SECONDS:
                happened = child.how_it_ended() if child.ended else "is not ready"
                raise StartError(f"\n  {step.name} {happened}. The end of {child.log}:\n{child.log_tail()}")
            return ready()

        self.wait_until(step, ready_or_failed)

    def wait_until(self, step: Step, done: Callable[[], object], detail: str = "") -> None:
        """Call ``done`` until it is true and show the step; raise Interrupted if told to stop."""
        while not done():
            self.look(step, detail)
            if self.stop.wait(LOOK_SECONDS):
                raise Interrupted

    def look(self, step: Step, detail: str) -> None:
        """Show the step and restart ended programs; raise Interrupted if told to stop."""
        step.tick(detail)
        if step.name not in {"local AWS", "site"}:  # the steps of these two report their end
            self.supervisor.restart_ended()
        if self.stop.is_set():
            raise Interrupted

    def shut_down(self) -> None:
        """Stop everything, the site first and the local AWS last."""
        self.console.say("Stopping ...")
        self.supervisor.stop(STOP_ORDER)
        self.console.say(f"Stopped. The data is kept in {shown(self.settings.directory)}.")


def banner(settings: Settings, password: str) -> str:
    """Return the text for the user once everything runs."""
    return f"""
  Todo with Insights    {settings.app_url}

  Sign in as            person@example.com     a person with tasks
                        manager@example.com    sees the insights too
                        admin@example.com      administers
  Password              {password}

  Data and logs         {shown(settings.directory)}
  For other clients     . {shown(settings.env_file)}
  Stop                  Ctrl-C
"""


def shown(path: Path) -> str:
    """Return ``path`` relative to the project's directory if it is in there."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


@contextmanager
def sole_use(directory: Path) -> Iterator[None]:
    """Lock LOCAL_DIR until this process ends; raise StartError if another copy has locked it."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (directory / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise StartError(
                f"Another copy (process {lock.read().strip() or 'unknown'}) is running in {shown(directory)}.\n"
                "Stop it, or give this one a directory and ports of its own:\n"
                "  make run LOCAL_DIR=.local-2 PORT=8010 LOCAL_AWS_PORT=4576"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def stop_on_signals(stop: threading.Event) -> None:
    """Set ``stop`` on Ctrl-C, SIGTERM or a closed terminal."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    if os.environ.get("STOP_WITH_PARENT") and sys.platform == "linux":
        end_with_parent(signal.SIGTERM, os.getppid())


def run(console: Console) -> None:
    """Run one copy of the product as the environment variables say."""
    settings = read_settings()
    os.umask(0o077)  # only the owner may read LOCAL_DIR
    variables = shell_without_aws()
    os.environ.clear()
    os.environ.update({**variables, "DURABLE": "1" if settings.durable else "0"})
    stop = threading.Event()
    stop_on_signals(stop)
    with sole_use(settings.directory):
        ports.require_free(settings.port, "PORT")
        ports.require_free(settings.aws_port, "LOCAL_AWS_PORT")
        if settings.durable:
            sync_tree(settings.directory)  # runs without DURABLE may have left it to the system
        Runner(settings, console, stop).run()


def main() -> None:
    """Run until stopped; an error ends with a message and status 1."""
    console = Console()
    begun = time.monotonic()
    try:
        run(console)
    except (StartError, SettingError, ports.PortTaken, ProvisionError, ClientError, BotoCoreError) as error:
        console.say(f"\n{error}\nEverything has been stopped ({time.monotonic() - begun:.0f} s).")
        sys.exit(1)


if __name__ == "__main__":
    main()
