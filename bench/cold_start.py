"""First request in a new process, and package size: the packaged app, an empty Django app, and FastAPI with Mangum.

`make bench BENCH=cold_start`, or `.venv-infra/bin/python -m bench.cold_start [--rounds 9]`. It builds the package. All
applications are packaged in the same way (locked or current wheels for this processor, unchecked bytecode). Each
process imports its handler and gets one event of API Gateway, for one of five requests: health, sign-in page, own tasks
without a token, with one that is refused, and with a valid one, for which a stub on this machine answers for AWS. The
applications take turns, so that a busy machine slows all of them; the figures are medians, and the ratio is the result.
The other two applications answer the same addresses with constants.

Modules are counted once the handler is imported, which is when SnapStart takes its snapshot, and again after the
answer. The rows "from a snapshot" are of a process that imported everything, as it does when Lambda starts it for
SnapStart: their times leave out all until then, but reading a snapshot is not measured.

`--instructions` counts instructions instead, once for each: valgrind (Debian's package of that name) runs the process,
and the count does not depend on how busy the machine is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.offline import SIGN, ZAPPA_SETTINGS, Aws, event
from infra.prebuild import compile_folders
from infra.rehearsal import PROCESSORS
from infra.settings import ROOT, Settings
from infra.web_package import COLLECT_ENVIRONMENT, HANDLER_PACKAGES, WebBuild, prune, size

# Path and bearer token of each request; VALID stands for a valid token.
VALID = "valid"
REQUESTS = {
    "health": ("/health", ""),
    "sign-in page": ("/login/", ""),
    "own tasks, no token": ("/api/v1/tasks", ""),
    "own tasks, a refused token": ("/api/v1/tasks", "x"),
    "own tasks, a valid token": ("/api/v1/tasks", VALID),
}
SNAPSHOT = "from a snapshot"
BUDGET = 2.2
FILES = {
    "django": {
        "site.py": """
from django.http import HttpResponse, JsonResponse
from django.urls import path
SECRET_KEY, ROOT_URLCONF, ALLOWED_HOSTS, MIDDLEWARE, INSTALLED_APPS = "x", "site_", ["*"], [], []
urlpatterns = [
    path("health", lambda request: JsonResponse({"status": "healthy"})),
    path("login/", lambda request: HttpResponse("<form></form>")),
    path("api/v1/tasks", lambda request: JsonResponse({"status": 401}, status=401)),
]
""",
        "wsgi.py": """
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
""",
    },
    "fastapi": {
        "handler.py": """
from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse, JSONResponse
from mangum import Mangum
app = FastAPI()
@app.get("/health")
async def health() -> dict: return {"status": "healthy"}
@app.get("/login/")
async def login() -> HTMLResponse: return HTMLResponse("<form></form>")
@app.get("/api/v1/tasks")
async def tasks() -> JSONResponse: return JSONResponse({"status": 401}, status_code=401)
lambda_handler = Mangum(app, lifespan="off")
""",
    },
}
DJANGO = ("--no-deps", "django", *HANDLER_PACKAGES, "boto3", "asgiref", "sqlparse", "botocore", "jmespath")
PACKAGES = {
    "django": (*DJANGO, "python-dateutil", "six", "s3transfer", "urllib3"),
    "fastapi": ("fastapi", "mangum", "boto3"),
}
WORKER = """
import json, sys, time
started = time.perf_counter(), time.process_time()
import handler
imported = time.perf_counter(), time.process_time()
before = len(sys.modules)
class Context: aws_request_id = "1"; function_name = "todo"; invoked_function_arn = ""
status = handler.lambda_handler(json.loads(sys.argv[1]), Context())["statusCode"]
begun = imported if sys.argv[2] else (started[0], 0)
print("\\n" + json.dumps({"status": status, "answer": time.perf_counter() - begun[0],
    "processor": time.process_time() - begun[1], "before": before, "by": len(sys.modules) - before}))
"""


class Contestant:
    """A packaged application: the folders on its path, and its settings."""

    def __init__(self, name: str, folders: list[Path], environment: dict[str, str]) -> None:
        self.name, self.folders, self.environment = name, folders, environment
        self.token = "x"
        self.runs: dict[str, list[dict[str, float]]] = {name: [] for name in REQUESTS}

    def run(self, request: str) -> None:
        """Send one request to a new process, and keep its measurements."""
        done = self._process([sys.executable], request)
        self.runs[request].append(json.loads(done.stdout.strip().splitlines()[-1]))

    def instructions(self, request: str) -> int:
        """Count the instructions of a new process that answers one request."""
        tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        # The interpreter itself, because valgrind does not follow a virtual environment's launcher.
        said = self._process([*tool, os.path.realpath(sys.executable)], request).stderr
        return int(re.findall(r"Collected : (\d+)", said)[0])

    def _process(self, python: list[str], request: str) -> subprocess.CompletedProcess[str]:
        path, token = REQUESTS[request]
        sent = json.dumps(event(path, self.token if token == VALID else token))
        from_snapshot = "yes" if self.name == SNAPSHOT else ""
        paths = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, self.folders))}
        done = subprocess.run(
            [*python, "-S", "-c", WORKER, sent, from_snapshot],
            env={**paths, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", **self.environment},
            cwd=self.folders[0],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{self.name}: {done.stderr[-2000:]}")
        return done

    def median(self, request: str, measurement: str) -> float:
        """Return the median of a measurement of one request."""
        return statistics.median(run[measurement] for run in self.runs[request])

    def mebibytes(self) -> float:
        """Return the unpacked size without Plotly.js, and without the zips that a deployment leaves in its tree."""
        zips = sum(path.stat().st_size for path in self.folders[-2].glob("*.zip"))
        return (size(*self.folders, without="*plotly*") - zips) / 2**20


def products(folder: Path) -> tuple[list[Contestant], Aws]:
    """Return the application as `infra.web_package` builds it, as it is and from a snapshot, and its stub of AWS."""
    tree = WebBuild(Settings("dev").build, PROCESSORS[platform.machine().lower()])
    tree.make(ROOT / ".venv" / "bin" / "python")
    add_handler(folder / "handler", "todo_site.settings", "todo_site.wsgi")
    tree.compile()
    signed = subprocess.run(
        [sys.executable, "-S", "-c", SIGN],
        env={"PYTHONPATH": str(tree.packages)},
        capture_output=True,
        text=True,
        check=True,
    )
    public_key, token = json.loads(signed.stdout)
    aws = Aws(public_key)
    deployed = json.loads((ROOT / "zappa_settings.json").read_text())["base"]["aws_environment_variables"]
    settings = {
        **{name: value for name, value in deployed.items() if "<" not in value},
        **COLLECT_ENVIRONMENT,
        **aws.environment,
        "APP_URL": "https://site.invalid",
        "LOG_LEVEL": "ERROR",
    }
    snapshot = {**settings, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}
    folders = [folder / "handler", tree.app, tree.packages]
    contestants = [Contestant("this app", folders, settings), Contestant(SNAPSHOT, folders, snapshot)]
    for contestant in contestants:
        contestant.token = token
    return contestants, aws


def other(name: str, folder: Path) -> Contestant:
    """Package an application that answers with constants in the same way."""
    app, packages = folder / name / "app", folder / name / "packages"
    app.mkdir(parents=True)
    for file, text in FILES[name].items():
        (app / file.replace("site.py", "site_.py")).write_text(text)
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-compile", f"--target={packages}"]
    subprocess.run([*pip, *PACKAGES[name]], check=True)
    if name == "django":
        add_handler(app, "site_", "wsgi")
    prune(packages)
    compile_folders(app, packages)
    return Contestant(name, [app, packages], {"INSTANTIATE_LAMBDA_HANDLER_ON_IMPORT": "1"})


def add_handler(app: Path, settings: str, module: str) -> None:
    """Add the files that Zappa adds to the zip, for the WSGI application in `module`."""
    import zappa

    app.mkdir(exist_ok=True)
    own = Path(zappa.__file__).parent
    shutil.copyfile(own / "handler.py", app / "handler.py")
    (app / "zappa_settings.py").write_text(ZAPPA_SETTINGS % (settings, module))
    compile_folders(app)


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--instructions", action="store_true", help="count instructions, under valgrind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cold-start-") as folder:
        own, aws = products(Path(folder))
        contestants = [*own, other("django", Path(folder)), other("fastapi", Path(folder))]
        if options.instructions:
            count([each for each in contestants if each.name != SNAPSHOT])
            return
        for _ in range(options.rounds + 1):
            for request in REQUESTS:
                for contestant in contestants:
                    contestant.run(request)
        aws.stop()
        report(contestants, options.rounds)


def count(contestants: list[Contestant]) -> None:
    """Print instructions, in millions, and their ratios."""
    print("| first request | | million instructions | ratio |\n|---|---|---:|---:|")
    for request in REQUESTS:
        counts = {each.name: each.instructions(request) / 1e6 for each in contestants}
        for name, found in counts.items():
            print(f"| {request} | {name} | {found:,.0f} | {found / counts['django']:.2f} |", flush=True)


def report(contestants: list[Contestant], rounds: int) -> None:
    """Print sizes, times and modules, without the first round, which only fills the file cache."""
    for contestant in contestants:
        print(f"{contestant.name}: {contestant.mebibytes():.1f} MiB unpacked, without Plotly.js")
        for runs in contestant.runs.values():
            del runs[0]
    django = next(contestant for contestant in contestants if contestant.name == "django")
    titles = [
        "first request",
        f"medians of {rounds}",
        "status",
        "answer (ms)",
        "ratio",
        "processor (ms)",
        "ratio",
    ]
    titles += ["modules before", "by it"]
    print(f"\n| {' | '.join(titles)} |")
    print("|---" * len(titles) + "|")
    for request in REQUESTS:
        for each in contestants:
            cells = [request, each.name, str(each.runs[request][0]["status"])]
            for what in ("answer", "processor"):
                time = each.median(request, what)
                cells += [f"{time * 1000:.0f}", f"{time / django.median(request, what):.2f}"]
            cells += [f"{each.median(request, what):.0f}" for what in ("before", "by")]
            print(f"| {' | '.join(cells)} |")
    own = contestants[0]
    most = max(own.median(request, "processor") / django.median(request, "processor") for request in REQUESTS)
    print(f"\nThe largest ratio of processor time is {most:.2f}; the budget is {BUDGET}.")


if __name__ == "__main__":
    main()
