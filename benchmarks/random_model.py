"""Writes a GGUF of random weights: real size and speed, no sense. For timing and tests of mechanics, never of answers.

    python -m benchmarks.random_model FILE [--layers 12 --width 1024 --vocabulary 32000]
"""

import argparse
import string
from pathlib import Path

import gguf
import numpy as np

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def byte_alphabet() -> list[str]:
    """GPT-2's 256 printable stand-ins for bytes, in byte order."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in plain else chr(next(others)) for byte in range(256)]


def vocabulary(size: int) -> tuple[list[str], list[str]]:
    """Byte tokens, two control tokens and pairs of letters upwards; and the merges that make them."""
    tokens = byte_alphabet()
    merges: list[str] = []
    known = set(tokens)
    letters = list(string.ascii_lowercase)
    roots = ["Ġ" + letter for letter in letters] + [a + b for a in letters for b in letters]
    for root in roots:
        merges.append(f"{root[:-1]} {root[-1]}")
        tokens.append(root)
        known.add(root)
    grown = list(roots)
    while len(tokens) < size - 2:
        root = grown.pop(0)
        for letter in letters:
            if len(tokens) < size - 2 and root + letter not in known:
                merges.append(f"{root} {letter}")
                tokens.append(root + letter)
                known.add(root + letter)
                grown.append(root + letter)
    return [*tokens[: size - 2], "<|im_start|>", "<|im_end|>"], merges


def write(
    path: Path, layers: int = 12, width: int = 1024, words: int = 32000, context: int = 8192, seed: int = 1,
    norm_weight: float = 1.0, template: str = CHATML,
) -> None:  # fmt: skip
    """Write the file: Llama architecture, Q8_0 matrices, GPT-2 style byte-level BPE.

    Args:
        layers, width: the shape; heads are 64 wide (32 where the width is small), four to a key-value head as in models
            of today, feed-forward 2.75 x width. The defaults make 168 million parameters.
        words: tokens in the vocabulary.
        context: trained context window that the file claims, in tokens.
        norm_weight: the weight of all norms; NaN makes a model that computes no numbers.
        template: the chat template.
    """
    random = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    feed_forward = width * 11 // 4 // 32 * 32
    _metadata(writer, layers, width, feed_forward, context, words)
    _vocabulary(writer, words)
    writer.add_chat_template(template)

    def matrix(name: str, rows: int, columns: int) -> None:
        weights = random.standard_normal((rows, columns), dtype=np.float32) * columns**-0.5
        packed = gguf.quants.quantize(weights, gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)

    def norm(name: str) -> None:
        writer.add_tensor(name, np.full(width, norm_weight, np.float32))

    matrix("token_embd.weight", words, width)
    norm("output_norm.weight")
    for layer in range(layers):
        norm(f"blk.{layer}.attn_norm.weight")
        norm(f"blk.{layer}.ffn_norm.weight")
        for name, rows in (("attn_q", width), ("attn_k", width // 4), ("attn_v", width // 4), ("attn_output", width)):
            matrix(f"blk.{layer}.{name}.weight", rows, width)
        matrix(f"blk.{layer}.ffn_gate.weight", feed_forward, width)
        matrix(f"blk.{layer}.ffn_up.weight", feed_forward, width)
        matrix(f"blk.{layer}.ffn_down.weight", width, feed_forward)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _metadata(
    writer: gguf.GGUFWriter, layers: int, width: int, feed_forward: int, context: int, words: int
) -> None:
    head = 64 if width >= 256 else 32
    writer.add_name("Random weights")
    writer.add_block_count(layers)
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(feed_forward)
    writer.add_head_count(width // head)
    writer.add_head_count_kv(width // head // 4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(head)
    writer.add_vocab_size(words)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def _vocabulary(writer: gguf.GGUFWriter, words: int) -> None:
    tokens, merges = vocabulary(words)
    control = gguf.TokenType.CONTROL
    kinds = [control if token.startswith("<|im_") else gguf.TokenType.NORMAL for token in tokens]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(merges)
    writer.add_eos_token_id(words - 1)
    writer.add_add_bos_token(False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--vocabulary", type=int, default=32000)
    arguments = parser.parse_args()
    write(arguments.file, arguments.layers, arguments.width, arguments.vocabulary)
    print(f"{arguments.file}: {arguments.file.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
