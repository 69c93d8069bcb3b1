"""A build backend that needs no other package, and the little wheels and archives of an index without internet.

It is copied as `backend.py` into the projects that the tests install. Where a file `gate` is named by the variable
`TINY_GATE`, a build waits until that file is there, so that a test can end it in the middle.
"""

import os
import tarfile
import time
import zipfile
from pathlib import Path


def write_wheel(folder, name, version, files, scripts=""):
    """Write a wheel of text files; returns its file name."""
    wheel = f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    entries = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tiny\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{scripts}\n",
    }
    entries[f"{info}/RECORD"] = (
        "".join(f"{entry},,{len(text)}\n" for entry, text in entries.items()) + f"{info}/RECORD,,\n"
    )
    with zipfile.ZipFile(Path(folder) / wheel, "w") as archive:
        for entry, text in entries.items():
            archive.writestr(zipfile.ZipInfo(entry), text)
    return wheel


def write_archive(folder, name, version):
    """Write a source archive that builds with this backend; returns its path."""
    path = Path(folder) / f"{name}-{version}.tar.gz"
    source = Path(folder) / f"{name}-{version}"
    source.mkdir()
    (source / "backend.py").write_text(Path(__file__).read_text("utf-8"), "utf-8")
    (source / "pyproject.toml").write_text(pyproject(name, version), "utf-8")
    (source / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
    with tarfile.open(path, "w:gz") as archive:
        archive.add(source, source.name)
    return path


def pyproject(name, version):
    """The pyproject.toml of a project that this backend builds."""
    system = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    return f'{system}[project]\nname = "{name}"\nversion = "{version}"\n'


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """The hook that pip and uv call for an editable install, in the project's folder."""
    return write_wheel(
        wheel_directory, "samantha", "1.0", {"samantha.pth": str(Path.cwd())}, "samantha = samantha_program:main"
    )


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """The hook that pip and uv call for a wheel: prints what ninja would, and waits at the gate."""
    print("[1/4] Building CXX object one.o", flush=True)
    gate = os.environ.get("TINY_GATE")
    if gate:
        Path(gate).with_suffix(".pid").write_text(str(os.getpid()), "utf-8")
        while not Path(gate).exists():
            time.sleep(0.05)
    print("[3/4] Building CXX object three.o", flush=True)
    return write_wheel(wheel_directory, "llama_cpp_python", "9.9.9", llama("built"))


def llama(origin, load="pass"):
    """The files of a package that loads as llama_cpp does, or does not."""
    return {
        "llama_cpp/__init__.py": f"ORIGIN = {origin!r}\n",
        "llama_cpp/llama_cpp.py": f"def llama_backend_init():\n    {load}\n",
    }
