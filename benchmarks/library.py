"""How long it takes to list model files: 200 small ones, the first time, the second, and in a program started anew.

    python -m benchmarks.library [--files 200 --words 32000]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from benchmarks import random_model
from samantha import settings
from samantha.models import library

LISTING = (
    "import time; begun = time.perf_counter(); from samantha.models import library; found = library.models();"
    " print(time.perf_counter() - begun, len(found))"
)


def make(folder: Path, files: int, words: int) -> None:
    """Different models of one size in folders of ten: the hardest case for recognising copies."""
    first = folder / "model-000.gguf"
    random_model.write(first, layers=1, width=128, words=words)
    with first.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
    for number in range(1, files):
        target = folder / f"publisher-{number // 10}" / f"model-{number:03}.gguf"
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(first, target)
        with target.open("r+b") as file:
            file.seek(size - 8)
            file.write(number.to_bytes(8, "little"))


def timed() -> tuple[float, int]:
    begun = time.perf_counter()
    found = library.models()
    return time.perf_counter() - begun, len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=200)
    parser.add_argument("--words", type=int, default=32000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SAMANTHA_HOME"] = str(Path(folder) / "home")
        models = Path(folder) / "models"
        models.mkdir()
        make(models, arguments.files, arguments.words)
        settings.save(msgspec.structs.replace(settings.load(), model_folders=(str(models),)))
        print(f"{arguments.files} files, {sum(path.stat().st_size for path in models.rglob('*.gguf')) / 1e6:.0f} MB")
        for label in ("first listing", "second listing", "third listing"):
            seconds, found = timed()
            print(f"{label:32} {seconds:.3f} s, {found} models")
        command = [sys.executable, "-c", LISTING]
        anew = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        print(f"{'in a program started anew':32} {float(anew[0]):.3f} s, {anew[1]} models")
        watch = library.Watch()
        watch.models()
        begun = time.perf_counter()
        watch.changed()
        print(f"{'a look whether anything changed':32} {time.perf_counter() - begun:.3f} s")


if __name__ == "__main__":
    main()
