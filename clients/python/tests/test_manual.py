"""The programs in the manual's pages about Python are run."""

from __future__ import annotations

import asyncio
import importlib
import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import ROOT, Server

import steward_redis


def programs(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs/python" / page).read_text(), re.DOTALL)


@pytest.fixture(autouse=True)
def world(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for modules, and a server at the address that the pages take."""
    server.client.flushall()
    monkeypatch.setenv("REDIS_URL", server.url)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.split(".")[0] in ("app", "shop"):
            del sys.modules[name]


def test_no_page_is_forgotten() -> None:
    texts = {str(page.relative_to(ROOT / "docs")): page.read_text() for page in (ROOT / "docs").rglob("*.md")}
    ours = re.compile(r"```python\n(?:(?!```).)*steward_redis", re.DOTALL)
    here = [f"python/{page}.md" for page in ("celery", "django", "fastapi", "flask", "index")]
    # The first one needs a cluster: test_deployments.py.
    assert sorted(page for page, text in texts.items() if ours.search(text)) == ["guides/several-machines.md", *here]


def put(folder: Path, name: str, text: str, server: Server) -> Any:
    (folder / f"{name}.py").write_text(text.replace("redis://localhost", server.url))
    return importlib.import_module(name)


def test_the_first_page(world: Path, server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    app, use, *others = programs("index.md")
    module = put(world, "app", app, server)
    with module.s.worker(concurrency=2):
        exec(use, {})
    assert capsys.readouterr().out == "sent 'hi' to ann\n"
    assert len(others) == 4
    for text in others:
        exec(text, {})


def test_the_page_for_those_who_know_celery(world: Path, server: Server) -> None:
    celery, ours = programs("celery.md")
    compile(celery, "celery", "exec")
    module = put(world, "shop", ours, server)
    with module.s.worker(concurrency=4):
        assert module.use().result(60) == 450


def test_the_page_for_django(world: Path, server: Server) -> None:
    tasks, worker, view = programs("django.md")
    (world / "shop").mkdir()
    (world / "shop/__init__.py").touch()
    settings = 'INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]\nSECRET_KEY = "x"\n'
    settings += f'DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "{world}/db"}}}}\n'
    (world / "shop/settings.py").write_text(settings)
    (world / "shop/tasks.py").write_text(tasks)
    (world / "shop/worker.py").write_text(worker)
    app = importlib.import_module("shop.worker").s
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    user = get_user_model().objects.create(username="ann")
    names: dict[str, Any] = {}
    exec(view, names)
    with app.worker(concurrency=1):
        ids: list[str] = []
        app.hook("before_submit")(lambda kind, id: ids.append(id))
        names["register"](user)
        assert app.job(ids[0]).result(60) is None


def test_the_page_for_flask(world: Path, server: Server) -> None:
    module = put(world, "shop", programs("flask.md")[0], server)
    client = module.app.test_client()
    id = client.post("/reports/monday").get_json()["id"]
    assert client.get(f"/reports/{id}").get_json() == {"state": "ready", "progress": None}
    assert client.get("/reports/none").status_code == 404
    with module.s.worker(concurrency=1):
        module.s.job(id).result(60)
    assert client.get(f"/reports/{id}").get_json() == {"state": "done", "report": "shop: monday"}


def test_the_page_for_fastapi(world: Path, server: Server) -> None:
    module = put(world, "shop", programs("fastapi.md")[0], server)

    async def use() -> object:
        id = (await module.order("monday"))["id"]
        return await module.show(id)

    with module.s.worker(concurrency=2):
        assert asyncio.run(use()) == {"report": "report of monday"}
    assert isinstance(steward_redis, types.ModuleType)
