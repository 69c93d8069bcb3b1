"""The tokenizer: byte-level BPE with the GPT-2 pre-tokenizer, learnt from the corpus.

Two habits make copying easy for a small model. A word is split the same way with and without the space before it:
merges with the space come last, so ' Zorvik' is 'Zorvik' with a space fused to its first piece. And no merge holds a
digit, so each digit is a token. Not a general trainer: words are those of the corpus's own alphabet.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from .corpus.conversation import END, START
from .corpus.mixture import documents

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Merge = tuple[str, str]
SPECIAL = ("<|endoftext|>", START, END)
# GPT-2's pattern in the terms of `re`: letters are word characters that are neither digits nor underscores.
PRETOKEN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")


def byte_alphabet() -> dict[int, str]:
    """The printable character that stands for each byte, as in GPT-2."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return {byte: chr(byte) for byte in shown} | {byte: chr(256 + place) for place, byte in enumerate(hidden)}


PATH = Path(__file__).parent / "tokenizer.json"
ALPHABET = byte_alphabet()
SPACE = ALPHABET[ord(" ")]


def in_alphabet(text: str) -> str:
    """A text, each byte as its printable character."""
    return "".join(ALPHABET[byte] for byte in text.encode())


def count_words(text: str, counts: Counter[str], spaced: Counter[str]) -> None:
    """Count pre-tokens without the space before them, and in `spaced` those that had one; numbers are left out."""
    for word in PRETOKEN.findall(text):
        bare = word[1:] if len(word) > 1 and word[0] == " " and not word[1].isspace() else word
        if bare.strip().isdigit():
            continue
        counts[in_alphabet(bare)] += 1
        if bare != word:
            spaced[in_alphabet(bare)] += 1


def merged(word: tuple[str, ...], pair: Merge) -> tuple[str, ...]:
    """The word with each occurrence of the pair joined."""
    result: list[str] = []
    place = 0
    while place < len(word):
        if word[place : place + 2] == pair:
            result.append(word[place] + word[place + 1])
            place += 2
        else:
            result.append(word[place])
            place += 1
    return tuple(result)


def learn_merges(counts: Counter[str], wanted: int) -> tuple[list[Merge], dict[str, tuple[str, ...]]]:
    """The most frequent pairs, one after another; and each word as it is split in the end."""
    words = {word: tuple(word) for word in counts}
    pairs: Counter[Merge] = Counter()
    holders: dict[Merge, set[str]] = {}
    for word, pieces in words.items():
        for pair in pairwise(pieces):
            pairs[pair] += counts[word]
            holders.setdefault(pair, set()).add(word)
    merges: list[Merge] = []
    while len(merges) < wanted:
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        merges.append(best)
        for word in holders.pop(best):
            apply_merge(word, best, words, counts, pairs, holders)
        del pairs[best]
    return merges, words


def apply_merge(
    word: str,
    best: Merge,
    words: dict[str, tuple[str, ...]],
    counts: Counter[str],
    pairs: Counter[Merge],
    holders: dict[Merge, set[str]],
) -> None:
    """Join a pair in one word and bring the counts of its pairs up to date."""
    before, after = words[word], merged(words[word], best)
    for pair in pairwise(before):
        pairs[pair] -= counts[word]
    for pair in pairwise(after):
        pairs[pair] += counts[word]
        holders.setdefault(pair, set()).add(word)
    words[word] = after


def space_merges(words: dict[str, tuple[str, ...]], spaced: Counter[str]) -> list[Merge]:
    """A merge with the space for each piece that begins enough words which have one before them."""
    first: Counter[str] = Counter()
    for word, count in spaced.items():
        first[words[word][0]] += count
    return [(SPACE, piece) for piece, count in first.most_common() if count >= 5]


def learn(seed: int, sample_count: int, inner_merges: int) -> dict[str, object]:
    """The vocabulary and merges for a sample of the corpus."""
    counts: Counter[str] = Counter()
    spaced: Counter[str] = Counter()
    stream = documents(seed)
    for _ in range(sample_count):
        for text, _answer in next(stream):
            count_words(re.sub(r"<\|im_(?:start|end)\|>", "", text), counts, spaced)
    common = Counter({word: count for word, count in counts.items() if count > 1})
    merges, words = learn_merges(common, inner_merges)
    merges += space_merges(words, Counter({word: count for word, count in spaced.items() if word in words}))
    pieces = list(dict.fromkeys([*ALPHABET.values(), *(a + b for a, b in merges)]))
    return {"tokens": [*pieces, *SPECIAL], "merges": [f"{a} {b}" for a, b in merges]}


def spaced_twins(path: Path = PATH) -> list[tuple[int, int]]:
    """Token numbers of each piece and of the same piece with a space before it."""
    numbers = {token: number for number, token in enumerate(json.loads(path.read_text(encoding="utf-8"))["tokens"])}
    return [
        (numbers[token[1:]], number) for token, number in numbers.items() if token[0] == SPACE and token[1:] in numbers
    ]


def load(path: Path = PATH) -> Tokenizer:
    """The tokenizer as the `tokenizers` library runs it: the same splitting as llama.cpp's `gpt-2`."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    data = json.loads(path.read_text(encoding="utf-8"))
    vocabulary = {token: number for number, token in enumerate(data["tokens"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[tuple(merge.split(" ")) for merge in data["merges"]]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    return tokenizer


def write(path: Path = PATH, seed: int = 0, sample_count: int = 40_000, inner_merges: int = 1300) -> None:
    """Learn and save the tokenizer."""
    path.write_text(json.dumps(learn(seed, sample_count, inner_merges), ensure_ascii=False, indent=0), encoding="utf-8")


class PlainEncoder:
    """The same splitting in plain Python, without a library: slow, to check other implementations against."""

    def __init__(self, path: Path = PATH) -> None:
        data = json.loads(path.read_text(encoding="utf-8"))
        self.numbers = {token: number for number, token in enumerate(data["tokens"])}
        self.ranks = {tuple(merge.split(" ")): rank for rank, merge in enumerate(data["merges"])}

    def split(self, word: str) -> list[str]:
        """One pre-token into pieces: the merge learnt first goes first."""
        pieces = list(in_alphabet(word))
        while len(pieces) > 1:
            ranked = [(self.ranks.get(pair, len(self.ranks)), place) for place, pair in enumerate(pairwise(pieces))]
            rank, place = min(ranked)
            if rank == len(self.ranks):
                break
            pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]
        return pieces

    def encode(self, text: str) -> list[int]:
        """Token numbers of a text with special tokens in it."""
        numbers: list[int] = []
        for part in re.split("(" + "|".join(map(re.escape, SPECIAL)) + ")", text):
            if part in SPECIAL:
                numbers.append(self.numbers[part])
            else:
                numbers += [self.numbers[piece] for word in PRETOKEN.findall(part) for piece in self.split(word)]
        return numbers
