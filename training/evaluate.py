"""Measure the GGUF as llama.cpp runs it, on prompts that training never saw, and write the table of results.

Every ability with a right answer is asked at temperature 0; those of free text also at temperature 1. Code is run by a
plain interpreter (`--python`, with NumPy, pandas and Matplotlib). Nothing is trained here and no prompt is special.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from llama_cpp import Llama

from .corpus.coding import code_of
from .corpus.conversation import Sample, ask, render_prompt
from .corpus.mixture import EVALUATED, held_out_samples
from .tokenizer import PlainEncoder

ROOT = Path(__file__).parent.parent
MODEL = ROOT / "samantha" / "models" / "tiny" / "samantha-tiny.gguf"
SEED = 20_261_121  # of the evaluation alone; training uses others
FREE = ("sentences", "paragraphs", "persona", "stories", "continue", "refine", "refine a story")
SAMPLERS: dict[str, dict[str, Any]] = {
    "all candidates": {"top_k": 0, "top_p": 1.0, "min_p": 0.0},
    "the program's default samplers": {"top_k": 40, "top_p": 0.95, "min_p": 0.05},
}
STORY_PROMPT = "Write a short story about a fox"


@dataclass(frozen=True)
class Answer:
    """What the model said, and whether it ended by itself."""

    text: str
    ended: bool
    tokens: int


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    ability: str
    temperature: float
    samplers: str
    asked: int
    right: int
    ended: int


def load(path: Path, threads: int) -> Llama:
    """The model, as the program would load it."""
    return Llama(str(path), n_ctx=2048, n_threads=threads, n_threads_batch=threads, verbose=False)


def answer(model: Llama, prompt: str, temperature: float, samplers: str = "all candidates", seed: int = 1) -> Answer:
    """One answer to a rendered prompt."""
    tokens = model.tokenize(prompt.encode(), add_bos=False, special=True)
    settings = SAMPLERS[samplers]
    result: Any = model.create_completion(
        tokens, max_tokens=700, temperature=temperature, seed=seed, repeat_penalty=1.0, **settings
    )
    choice = result["choices"][0]
    return Answer(choice["text"], choice["finish_reason"] == "stop", result["usage"]["completion_tokens"])


def run_programs(python: str, pairs: list[tuple[Sample, Answer]]) -> list[bool]:
    """Which answers hold programs that do what was asked."""
    items = [{"code": code_of(given.text), "check": sample.code_check} for sample, given in pairs]
    if not items:
        return []
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, str(ROOT / "training" / "run_answers.py")],
            input=json.dumps(items),
            capture_output=True,
            text=True,
            cwd=folder,
            check=True,
        )
    verdicts: list[bool] = json.loads(done.stdout.splitlines()[-1])
    return verdicts


def judge_answers(python: str, pairs: list[tuple[Sample, Answer]]) -> list[bool]:
    """Which answers are right, by running them where they are code and by the generator's checker otherwise."""
    verdicts = [sample.check(given.text.strip()) for sample, given in pairs]
    programs = [place for place, (sample, _) in enumerate(pairs) if sample.code_check is not None]
    for place, right in zip(programs, run_programs(python, [pairs[place] for place in programs]), strict=True):
        verdicts[place] = right
    return verdicts


def measure(
    model: Llama,
    python: str,
    ability: str,
    count: int,
    temperature: float,
    samplers: str,
    failures: list[dict[str, str]],
) -> Row:
    """One ability at one temperature; wrong answers are added to `failures`."""
    samples = list(held_out_samples(ability, count, SEED))
    pairs = [
        (sample, answer(model, render_prompt(sample.turns), temperature, samplers, seed))
        for seed, sample in enumerate(samples, 1)
    ]
    verdicts = judge_answers(python, pairs)
    for (sample, given), right in zip(pairs, verdicts, strict=True):
        if not right:
            failures.append(
                {
                    "ability": ability,
                    "prompt": render_prompt(sample.turns),
                    "answer": given.text,
                    "expected": sample.answer,
                }
            )
    return Row(ability, temperature, samplers, count, sum(verdicts), sum(given.ended for _, given in pairs))


def distinct_2(texts: list[str]) -> float:
    """Different pairs of neighbouring words over all pairs (Li et al., 2016)."""
    pairs = [pair for text in texts for words in [text.lower().split()] for pair in pairwise(words)]
    return len(set(pairs)) / max(1, len(pairs))


def variety(model: Llama, samplers: str, count: int = 100) -> float:
    """distinct-2 over answers to one story prompt at temperature 1."""
    prompt = render_prompt(ask(STORY_PROMPT))
    return distinct_2([answer(model, prompt, 1.0, samplers, seed).text for seed in range(1, count + 1)])


def load_milliseconds(path: Path, threads: int) -> float:
    """The median time to load the model, of five loads."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        load(path, threads)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def tokens_per_second(model: Llama) -> float:
    """The speed of stories at temperature 1, the prompt's time included: the median of ten answers."""
    prompt, speeds = render_prompt(ask(STORY_PROMPT)), []
    for seed in range(1, 11):
        started = time.perf_counter()
        given = answer(model, prompt, 1.0, "the program's default samplers", seed)
        speeds.append(given.tokens / (time.perf_counter() - started))
    return statistics.median(speeds)


def same_tokens(model: Llama, count: int) -> int:
    """How many of `count` corpus texts llama.cpp splits exactly as the tokenizer of the training does."""
    encoder, draw, makers = PlainEncoder(), random.Random(SEED), list(EVALUATED.values())
    same = 0
    for _ in range(count):
        sample = draw.choice(makers)(draw)
        text = render_prompt(sample.turns) + sample.answer
        same += model.tokenize(text.encode(), add_bos=False, special=True) == encoder.encode(text)
    return same


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = [
        "| ability | temperature | samplers | asked | right | ended by itself |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        samplers = row.samplers if row.temperature else "-"
        rates = f"{row.right / row.asked:.1%} | {row.ended / row.asked:.1%}"
        lines.append(f"| {row.ability} | {row.temperature:g} | {samplers} | {row.asked} | {rates} |")
    return "\n".join(lines)


def all_rows(model: Llama, arguments: argparse.Namespace, failures: list[dict[str, str]]) -> list[Row]:
    """The whole table."""
    chosen = arguments.abilities or list(EVALUATED)
    rows = [measure(model, arguments.python, name, arguments.count, 0.0, "all candidates", failures) for name in chosen]
    for samplers in SAMPLERS if arguments.warm else ():
        rows += [
            measure(model, arguments.python, name, arguments.count, 1.0, samplers, failures)
            for name in FREE
            if name in chosen
        ]
    return rows


def other_figures(model: Llama, arguments: argparse.Namespace) -> dict[str, float]:
    """Figures that are no rates of right answers."""
    figures: dict[str, float] = {
        "file, MB": arguments.model.stat().st_size / 1e6,
        "load, ms (median of 5)": load_milliseconds(arguments.model, arguments.threads),
        "tokens/s (median of 10 stories)": tokens_per_second(model),
        "corpus texts tokenised as in training, of 3000": same_tokens(model, 3000),
    }
    return figures | {
        f"distinct-2 of 100 stories, temperature 1, {samplers}": variety(model, samplers) for samplers in SAMPLERS
    }


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("abilities", nargs="*", help="only these abilities")
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--count", type=int, default=100, help="prompts of each ability")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that runs the answers' code")
    parser.add_argument("--cold", dest="warm", action="store_false", help="temperature 0 only")
    parser.add_argument("--quick", action="store_true", help="without speed, variety and tokenisation")
    parser.add_argument("--output", type=Path, help="folder for evaluation.md, evaluation.json and failures.json")
    return parser.parse_args()


def main() -> None:
    """Evaluate from the command line."""
    arguments = parse_arguments()
    model = load(arguments.model, arguments.threads)
    failures: list[dict[str, str]] = []
    figures = {} if arguments.quick else other_figures(model, arguments)
    rows = all_rows(model, arguments, failures)
    text = table(rows) + "\n\n" + "\n".join(f"- {name}: {value:.3g}" for name, value in figures.items())
    print(text)
    if arguments.output:
        arguments.output.mkdir(parents=True, exist_ok=True)
        (arguments.output / "evaluation.md").write_text(text + "\n", encoding="utf-8")
        results = {"rows": [asdict(row) for row in rows], "figures": figures}
        (arguments.output / "evaluation.json").write_text(json.dumps(results, indent=1), encoding="utf-8")
        (arguments.output / "failures.json").write_text(
            json.dumps(failures, indent=1, ensure_ascii=False), encoding="utf-8"
        )


if __name__ == "__main__":
    main()
