"""What is released: the archive of the source, the wheel that is built from it, and its metadata."""

from __future__ import annotations

import subprocess
import sys
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

from servers import ROOT


def test_the_wheel_has_what_it_needs(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", str(tmp_path)]
    subprocess.run(command, check=True, cwd=ROOT / "clients/python")
    (archive,) = tmp_path.glob("*.tar.gz")
    words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", *words, "--wheel-dir", str(tmp_path), str(archive)]
    subprocess.run(command, check=True)
    (path,) = tmp_path.glob("*.whl")
    with ZipFile(path) as wheel:
        names = set(wheel.namelist())
        folder = next(name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(wheel.read(f"{folder}/METADATA").decode())
        programs = wheel.read(f"{folder}/entry_points.txt").decode()
        assert wheel.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
    source = ROOT / "clients/python/src"
    files = [file for file in source.rglob("*") if file.suffix == ".py" or file.name == "py.typed"]
    assert {str(file.relative_to(source)) for file in files} <= names
    assert not any(name.startswith("tests") for name in names)
    assert programs == "[console_scripts]\nsteward-py = steward_redis.command:main\n"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    assert metadata.get_all("Provides-Extra") == ["valkey"]
    assert metadata.get_payload() == (ROOT / "clients/python/README.md").read_text()
