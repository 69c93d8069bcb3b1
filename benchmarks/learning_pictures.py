"""Draws the pictures of docs/learning.md: Samantha Tiny answers, and is watched.

python -m benchmarks.learning_pictures [FOLDER]
"""

import contextlib
import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from samantha.chain import engine
from samantha.chain.chain import Chain
from samantha.chain.prompts import escape
from samantha.chain.record import Answer, Record
from samantha.hyperparameters import DEFAULTS, changed
from samantha.learning import pictures
from samantha.learning.vocabulary import visible
from samantha.models.model import GenerateRequest, Loading, LoadOptions, Message, Model, Token
from samantha.models.residency import Residency
from samantha.traces import TokenTrace

FOLDER = Path(__file__).parent.parent / "docs" / "images" / "learning"
STORY = "Write a short story about a fox."
MOON = "Tell me about the moon."
SO_FAR = "The moon lights the quiet road. The moon lights the river. The moon"
OFF: dict[str, Any] = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "min_p": 0.0}
"""Every sampler switched off: what the model itself says."""

SHOWN = 10

PANELS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "temperature": [
        ("temperature 0.5", {"temperature": 0.5}), ("temperature 1", {}), ("temperature 1.5", {"temperature": 1.5}),
        ("temperature 3", {"temperature": 3.0}),
    ],
    "top-k": [("top_k 3", {"top_k": 3}), ("top_k 6", {"top_k": 6})],
    "top-p": [("top_p 0.6", {"top_p": 0.6}), ("top_p 0.8", {"top_p": 0.8})],
    "min-p": [("min_p 0.1", {"min_p": 0.1}), ("min_p 0.04", {"min_p": 0.04})],
    "typical-p": [("typical_p 0.1", {"typical_p": 0.1}), ("typical_p 0.9", {"typical_p": 0.9})],
    "tail-free": [("tfs_z 0.9", {"tfs_z": 0.9}), ("tfs_z 0.99", {"tfs_z": 0.99})],
}  # fmt: skip
PENALTIES: list[tuple[str, dict[str, Any]]] = [
    ("repeat_penalty 1.3", {"repeat_penalty": 1.3}), ("presence_penalty 1", {"presence_penalty": 1.0}),
    ("frequency_penalty 1", {"frequency_penalty": 1.0}),
]  # fmt: skip


def seen(model: Model, prompt: str, so_far: str, values: dict[str, Any]) -> TokenTrace:
    """How the token after `so_far` is chosen with these hyperparameters and all others off."""
    sample = changed(DEFAULTS, {**OFF, "seed": 1, "max_tokens": 1, **values})
    prefix = tuple(number for number, _ in model.tokenize(so_far)) if so_far else ()
    asked = GenerateRequest((sample,), messages=(Message("user", prompt),), trace=100, window=1, prefix=prefix)
    traces = [output.trace for output in model.generate(asked) if isinstance(output, Token)]
    assert traces[0]
    return traces[0]


def panel(model: Model, prompt: str, so_far: str, titled: list[tuple[str, dict[str, Any]]]) -> bytes:
    """The likeliest candidates before any sampler, and with each set of hyperparameters."""
    before = seen(model, prompt, so_far, {})
    shown = [one for one in before.candidates if one.rank <= SHOWN]
    panels: list[tuple[str, list[tuple[str, float | None]]]] = [
        ("the model", [(visible(one.piece), one.probability) for one in shown])
    ]
    for title, values in titled:
        left = {one.id: (one.probability, *one.after)[-1] for one in seen(model, prompt, so_far, values).candidates}
        panels.append((title, [("", left.get(one.id)) for one in shown]))
    return pictures.bars(panels)


def answer(models: Residency, prompt: str, **values: Any) -> Answer:
    """A traced answer of Samantha Tiny."""
    chain = Chain(prompts=escape(prompt), seed=5, hyperparameters=changed(DEFAULTS, values))
    return Record.of(engine.run(chain, models, trace=10)).answers[1, 0]


def drawn(models: Residency) -> Iterator[tuple[str, bytes]]:
    """Every picture with its name."""
    story = answer(models, STORY, temperature=1.0, max_tokens=40)
    yield "answer", pictures.answer(story)
    yield "choice", pictures.choice(answer(models, MOON, temperature=0.7, max_tokens=1).tokens[0])
    for model in models.acquire("tiny", LoadOptions(), lambda: False):
        if isinstance(model, Loading):
            continue
        for name, titled in PANELS.items():
            yield name, panel(model, MOON, "", titled)
        yield "penalties", panel(model, MOON, SO_FAR, PENALTIES)
        models.release(model)


def small(picture: bytes) -> bytes:
    """In few colours."""
    from PIL import Image

    data = io.BytesIO()
    opened = Image.open(io.BytesIO(picture)).convert("RGB")
    opened.quantize(32, dither=Image.Dither.NONE).save(data, "png", optimize=True)
    return data.getvalue()


def main() -> None:
    """Draw them all into a folder, by default where the guide looks for them."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(Residency()) as models:
        for name, picture in drawn(models):
            path = folder / f"{name}.png"
            path.write_bytes(small(picture))
            print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
