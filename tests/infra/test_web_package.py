"""What goes into the web function's package, and what does not."""

import ast
import gettext
import importlib.util
import json
import marshal
import re
import sys

import pytest

from infra import prebuild, web_package


def write(folder, *names, text=""):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_pruning_keeps_only_files_that_requests_use(tmp_path):
    kept = [
        "botocore/data/dynamodb/s.json",
        "botocore/data/endpoints.json",
        "django/conf/locale/de/x.mo",
        "zappa/wsgi.py",
    ]
    gone = [
        "botocore/data/ec2/s.json",
        "django/conf/locale/fr/x.mo",
        "django/contrib/admin/static/a.css",
        "gunicorn/app.py",
        "zappa/cli.py",
        "boto3/__pycache__/x.pyc",
        "ninja/stub.pyi",
    ]
    write(tmp_path, *kept, *gone)
    web_package.prune(tmp_path)
    assert left(tmp_path) == sorted(kept)


def test_translations_are_compiled(tmp_path):
    tree = web_package.WebBuild(tmp_path, "arm64")
    catalogue = tree.app / "locale" / "de" / "LC_MESSAGES" / "django.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_text('msgid ""\nmsgstr "Language: de\\n"\n\nmsgid "Tea"\nmsgstr "Tee"\n')
    tree._translations(web_package.ROOT / ".venv" / "bin" / "python")
    with catalogue.with_suffix(".mo").open("rb") as compiled:
        assert gettext.GNUTranslations(compiled).gettext("Tea") == "Tee"


def test_every_service_that_pages_call_is_in_the_package():
    called = set()
    for folder in ("todo_site/operations", "identity", "insights"):
        for path in (web_package.ROOT / folder).rglob("*.py"):
            called |= set(re.findall(r'client\("([a-z0-9-]+)"', path.read_text()))
    assert "cloudwatch" in called
    assert called <= set(web_package.SERVICES)


def test_modules_of_a_checkout_stay_out_of_the_package(tmp_path):
    tree = web_package.WebBuild(tmp_path, "arm64")
    tree._product()
    packed = {path.name for path in tree.app.rglob("*")}
    present = {path.name for path in (web_package.ROOT / "todo_site").rglob("*")}
    assert "urls.py" in packed
    assert set(web_package.CHECKOUT_ONLY) == present & set(web_package.CHECKOUT_ONLY)
    assert not packed & set(web_package.CHECKOUT_ONLY)


def test_catalogues_are_compiled_the_same_at_any_time(tmp_path):
    made = []
    for name in ("one", "two"):
        tree = web_package.WebBuild(tmp_path / name, "arm64")
        tree._product()
        tree._translations(web_package.ROOT / ".venv" / "bin" / "python")
        made.append((tree.app / "locale/de/LC_MESSAGES/django.mo").read_bytes())
    assert made[0] == made[1]
    assert b"POT-Creation-Date: 2000-01-01" in made[0]
    assert b"Aufgabe" in made[0]


def test_static_files_stay_under_the_names_that_pages_link_to(tmp_path):
    names = {"css/a.css": "css/a.123.css", "robots.txt": "robots.txt"}
    (tmp_path / "staticfiles.json").write_text(json.dumps({"paths": names}))
    write(tmp_path, "css/a.css", "css/a.css.gz", "css/a.123.css", "css/a.123.css.gz", "robots.txt")
    web_package.keep_hashed(tmp_path)
    assert left(tmp_path) == ["css/a.123.css", "css/a.123.css.gz", "robots.txt", "staticfiles.json"]


def test_the_handler_is_installed_from_the_deployments_lock(tmp_path):
    tree = web_package.WebBuild(tmp_path, "arm64")
    tree.folder.mkdir()
    text = tree._handler_lock().read_text()
    pinned = [line.partition("==")[0] for line in text.splitlines() if "==" in line]
    assert sorted(pinned) == sorted(web_package.HANDLER_PACKAGES)
    assert text.count("--hash=sha256:") >= len(pinned)


def test_bytecode_is_valid_whatever_time_its_source_has(tmp_path):
    """Zappa gives every file the same time; flags 1 say: hash-based, never checked."""
    write(tmp_path, "module.py", text="value = 1\n")
    prebuild.compile_folders(tmp_path)
    code = (tmp_path / "__pycache__" / f"module.{sys.implementation.cache_tag}.pyc").read_bytes()
    assert code[:4] == importlib.util.MAGIC_NUMBER
    assert int.from_bytes(code[4:8], "little") == 1
    assert marshal.loads(code[16:]).co_filename == "module.py", "the same in every checkout"


def test_a_working_copy_is_never_compiled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(prebuild.NotABuildTreeError):
        prebuild.compile_bytecode()


def test_the_site_knows_which_answers_zappa_sends_as_text():
    """It works out from them how large an answer is for Lambda; Django is not installed here, so its file is read."""
    from zappa.utilities import DEFAULT_TEXT_MIMETYPES

    module = ast.parse((web_package.ROOT / "web" / "answers.py").read_text())
    (value,) = (
        node.value
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "TEXT_TYPES"
    )
    base = json.loads((web_package.ROOT / "zappa_settings.json").read_text())["base"]
    assert ast.literal_eval(value) == (*DEFAULT_TEXT_MIMETYPES, *base["additional_text_mimetypes"])
