"""Which Python is chosen, and when environments are made: with fake Pythons, and in a small project of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localcloud import bootstrap

SOURCE = Path(bootstrap.__file__).parent
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine without any Python: a PATH of two empty directories, an empty home, nothing elsewhere."""
    for name in ("first", "second", "home"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'first'}{os.pathsep}{tmp_path / 'second'}")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.delenv("PYTHON", raising=False)
    monkeypatch.setattr(bootstrap, "PLACES", ("{pyenv}/versions/3.{minor}*/bin/python3",))
    return tmp_path


def executable(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def fake_python(path: Path, version: str, missing: tuple[str, ...] = (), level: str = "final") -> Path:
    answer = json.dumps([[*map(int, version.split(".")), level], str(path), list(missing)])
    return executable(path, f"echo '{answer}'")


def test_the_preferred_version_is_chosen(machine):
    fake_python(machine / "first" / "python3.11", "3.11.9")
    best = fake_python(machine / "first" / "python3.13", "3.13.1")
    fake_python(machine / "first" / "python3", "3.12.1")

    assert bootstrap.choose_python().path == str(best)


def test_a_shim_that_does_not_work_fools_nobody(machine):
    shim = 'echo "pyenv: python3.13: command not found" >&2; exit 127'
    executable(machine / "first" / "python3.13", shim)
    best = fake_python(machine / "second" / "python3.12", "3.12.4")

    assert bootstrap.choose_python().path == str(best)


def test_a_working_one_later_on_the_path_is_found_behind_a_broken_one(machine):
    executable(machine / "first" / "python3.13", "exit 127")
    best = fake_python(machine / "second" / "python3.13", "3.13.2")

    assert bootstrap.choose_python().path == str(best)


def test_the_newest_of_pyenvs_versions_is_found_behind_its_shim(machine):
    executable(machine / "first" / "python3.13", "exit 127")
    fake_python(machine / "home/.pyenv/versions/3.13.9/bin/python3", "3.13.9")
    best = fake_python(machine / "home/.pyenv/versions/3.13.10/bin/python3", "3.13.10")

    assert bootstrap.choose_python().path == str(best)


def test_a_plain_python3_may_be_the_best(machine):
    fake_python(machine / "first" / "python3.11", "3.11.2")
    best = fake_python(machine / "second" / "python3", "3.13.0")

    assert bootstrap.choose_python().path == str(best)


def test_a_newer_python_is_used_where_there_is_no_other(machine):
    newer = fake_python(machine / "first" / "python3", "3.14.1")
    assert bootstrap.choose_python().path == str(newer)

    best = fake_python(machine / "second" / "python3.11", "3.11.2")
    assert bootstrap.choose_python().path == str(best)


@pytest.mark.parametrize("output", ["exit 0", "echo hello", "echo '[]'", "exec sleep 0 && exit 3"])
def test_what_does_not_answer_like_a_python_is_none(machine, output):
    executable(machine / "first" / "python3.13", output)

    with pytest.raises(bootstrap.BootstrapError, match=r"3\.11 or newer.*none that works"):
        bootstrap.choose_python()


def test_a_preview_is_not_chosen(machine):
    fake_python(machine / "first" / "python3.13", "3.13.0", level="candidate")
    best = fake_python(machine / "first" / "python3.12", "3.12.0")

    assert bootstrap.choose_python().path == str(best)


def test_an_old_python_is_told_what_is_needed(machine):
    fake_python(machine / "first" / "python3", "3.9.2")

    with pytest.raises(bootstrap.BootstrapError, match=r"3\.11 or newer.*3\.9\.2"):
        bootstrap.choose_python()


def test_debians_python_without_venv_is_told_the_package(machine):
    fake_python(machine / "first" / "python3.11", "3.11.2", missing=("ensurepip",))

    with pytest.raises(bootstrap.BootstrapError, match=r"ensurepip(.|\n)*apt-get install python3\.11-venv"):
        bootstrap.choose_python()


def test_a_complete_older_one_beats_a_newer_one_that_cannot_make_environments(machine):
    fake_python(machine / "first" / "python3.13", "3.13.5", missing=("ensurepip",))
    best = fake_python(machine / "first" / "python3.12", "3.12.3")

    assert bootstrap.choose_python().path == str(best)


def test_the_variable_python_chooses(machine, monkeypatch):
    fake_python(machine / "first" / "python3.13", "3.13.1")
    wanted = fake_python(machine / "elsewhere", "3.12.1")
    monkeypatch.setenv("PYTHON", str(wanted))
    assert bootstrap.choose_python().path == str(wanted)

    monkeypatch.setenv("PYTHON", str(machine / "nothing"))
    with pytest.raises(bootstrap.BootstrapError, match="PYTHON="):
        bootstrap.choose_python()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with the bootstrap and empty lock files; ``make(...)`` runs it as the Makefile does."""
    root = tmp_path / "project"
    (root / "localcloud").mkdir(parents=True)
    (root / "requirements").mkdir()
    for name in ("bootstrap.sh", "bootstrap.py"):
        shutil.copy(SOURCE / name, root / "localcloud" / name)
    for name in ("web.txt", "lake.txt", "build.txt", "dev.txt", "localaws.txt", "node.txt"):
        (root / "requirements" / name).write_text("# nothing yet\n")
    (root / "package.json").write_text("{}")
    (root / "package-lock.json").write_text("{}")
    executable(tmp_path / "bin" / "npm", f'echo "npm $*" >> "{tmp_path}/npm.log"; mkdir -p node_modules')
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHON", BASE_PYTHON)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return root


def command(project: Path, *arguments: str) -> list[str]:
    return ["sh", str(project / "localcloud" / "bootstrap.sh"), *arguments]


def make(project: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(command(project, *arguments), capture_output=True, text=True, cwd=project)


def interpreter_time(project: Path, venv: str = ".venv") -> int:
    return (project / venv / "pyvenv.cfg").stat().st_mtime_ns


@pytest.mark.long
def test_environments_are_made_once_and_again_when_something_changed(project):
    done = make(project, "run", "-c", "import sys; print(sys.prefix)")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(project / ".venv")
    assert "app packages: done" in done.stderr
    assert "local AWS: done" in done.stderr
    assert "browser assets: done" in done.stderr
    made = interpreter_time(project)

    again = make(project, "run", "-c", "print('up')")
    assert (again.stdout, again.stderr) == ("up\n", "")

    (project / "requirements" / "web.txt").write_text("# changed\n")
    changed = make(project, "run", "-c", "print('up')")
    assert "app packages: done" in changed.stderr
    assert "local AWS" not in changed.stderr
    assert interpreter_time(project) == made

    (project / ".venv" / bootstrap.UNFINISHED).touch()
    (project / ".venv" / bootstrap.STAMP).unlink()
    interrupted = make(project, "run", "-c", "print('up')")
    assert interrupted.stdout == "up\n"
    assert interpreter_time(project) != made


@pytest.mark.long
def test_a_kill_in_the_middle_is_made_good(project):
    process = subprocess.Popen(
        command(project, "run"), cwd=project, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while not (project / ".venv" / bootstrap.UNFINISHED).exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (project / ".venv" / bootstrap.STAMP).exists()

    done = make(project, "run", "-c", "import pip; print('whole')")
    assert done.stdout == "whole\n", done.stderr
    assert not (project / ".venv" / bootstrap.UNFINISHED).exists()


@pytest.mark.long
def test_a_package_that_does_not_match_its_hash_is_not_installed(project):
    (project / "requirements" / "web.txt").write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    done = make(project, "run", "-c", "print('up')")

    assert done.returncode == 1
    assert "app packages failed" in done.stderr
    assert done.stdout == ""
    assert make(project, "run", "-c", "print('up')").returncode == 1


def test_translations_are_ready_when_compiled_after_their_last_change(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    assert bootstrap.translations_ready()
    source = tmp_path / "locale" / "de" / "LC_MESSAGES" / "django.po"
    source.parent.mkdir(parents=True)
    source.touch()
    assert not bootstrap.translations_ready()
    source.with_suffix(".mo").touch()
    assert bootstrap.translations_ready()
    os.utime(source, (time.time() + 60, time.time() + 60))
    assert not bootstrap.translations_ready()
