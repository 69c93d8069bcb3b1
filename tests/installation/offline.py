"""A checkout that install.py can install without internet: the real installer over tiny packages."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.installation import tiny_backend

ROOT = Path(__file__).parents[2]
PROGRAM = "import sys\n\ndef main():\n    print('samantha', *sys.argv[1:])\n    return 3 if 'fail' in sys.argv else 0\n"


class Checkout:
    """A folder with install.py, its scripts, lock files for tiny packages, and the environment to run them in."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder = place / "a checkout"
        self.index = place / "index"
        self.cache = place / "cache"
        self.variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(place),
            "XDG_CACHE_HOME": str(self.cache),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": self.index.as_uri(),
            "SAMANTHA_LLAMA_WHEELS": "",
        }
        if not self.folder.exists():
            self.index.mkdir(parents=True)
            tiny_backend.write_wheel(self.index, "pebble", "1.0", {"pebble.py": "WEIGHT = 1\n"})
            tiny_backend.write_archive(self.index, "llama_cpp_python", "9.9.9")
            self.folder.mkdir()
            self._write_files()

    def _write_files(self) -> None:
        own = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "installation", self.folder / "installation", ignore=own)
        for name in ("install.py", "install_samantha.sh", "open_samantha.sh"):
            shutil.copy(ROOT / name, self.folder)
        shutil.copy(tiny_backend.__file__, self.folder / "backend.py")
        self.write("pyproject.toml", tiny_backend.pyproject("samantha", "1.0"))
        self.write("samantha_program.py", PROGRAM)
        self.write("requirements.txt", f"pebble==1.0 --hash=sha256:{self.digest('pebble-1.0-py3-none-any.whl')}\n")
        llama = f"llama-cpp-python==9.9.9 \\\n    --hash=sha256:{self.digest('llama_cpp_python-9.9.9.tar.gz')}\n"
        self.write("requirements-install.txt", f"{llama}uv==0.0.0 \\\n    --hash=sha256:{'0' * 64}\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def forget(self, step: str, instead: str = "") -> None:
        """Take a step out of the record, as if it had not been done, or had ended in another way."""
        path = self.folder / ".venv" / "installed.json"
        record = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**record, step: instead}), "utf-8")

    def digest(self, name: str) -> str:
        return hashlib.sha256((self.index / name).read_bytes()).hexdigest()

    def start(self, *command: str) -> "subprocess.Popen[str]":
        """Start a command in the folder, in a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command in the folder to its end."""
        process = self.start(*command)
        output, errors = process.communicate()
        return subprocess.CompletedProcess(command, process.returncode, output, errors)

    def install(self, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run install.py with the Python of these tests."""
        return self.run(sys.executable, "install.py", *options)

    def python(self, code: str, environment: str = ".venv") -> str:
        """What a line of code prints in the installed environment."""
        return self.run(str(self.folder / environment / "bin" / "python"), "-c", code).stdout.strip()
