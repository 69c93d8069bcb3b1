"""Write the trained network as a GGUF file that llama.cpp runs.

In it: Q8_0 matrices, the tokenizer, the chat template, and who made it. Nothing is trained or measured here.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch

from . import tokenizer as bpe
from .corpus.conversation import END, START
from .model import Shape
from .train import CHECKPOINT

MODEL = Path(__file__).parent.parent / "samantha" / "models" / "tiny" / "samantha-tiny.gguf"
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
DESCRIPTION = (
    "A toy for a handful of tasks, trained from scratch on text that its own recipe composes: sentences, stories, "
    "small sums, editing, judging and short Python programs. It knows nothing else."
)
# Our name of a matrix in a block -> llama.cpp's.
NAMES = {
    "attention_norm": "attn_norm",
    "feed_norm": "ffn_norm",
    "query": "attn_q",
    "key": "attn_k",
    "value": "attn_v",
    "output": "attn_output",
    "gate": "ffn_gate",
    "up": "ffn_up",
    "down": "ffn_down",
}
TOP = {"embedding.weight": "token_embd.weight", "norm.weight": "output_norm.weight", "head.weight": "output.weight"}


def tensor_name(name: str) -> str:
    """llama.cpp's name for one of our tensors."""
    if name in TOP:
        return TOP[name]
    _, block, part, _ = name.split(".")
    return f"blk.{block}.{NAMES[part]}.weight"


def add_about(writer: gguf.GGUFWriter) -> None:
    """Who and what the model is."""
    writer.add_name("Samantha Tiny")
    writer.add_author("The Samantha project")
    writer.add_license("MIT")
    writer.add_description(DESCRIPTION)
    writer.add_string(
        "general.source.description",
        "training/ of the Samantha repository: corpus, tokenizer and training in one command",
    )
    writer.add_languages(["en", "pt"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """The sizes llama.cpp needs."""
    writer.add_vocab_size(shape.vocabulary)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.hidden)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads)
    writer.add_layer_norm_rms_eps(shape.epsilon)
    writer.add_rope_dimension_count(shape.width // shape.heads)
    writer.add_rope_freq_base(shape.rope_base)


def add_tokenizer(writer: gguf.GGUFWriter, path: Path) -> None:
    """Vocabulary, merges, special tokens and chat template."""
    data = json.loads(path.read_text(encoding="utf-8"))
    tokens: list[str] = data["tokens"]
    special = {"<|endoftext|>", START, END}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens])
    writer.add_token_merges(data["merges"])
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index(END))
    writer.add_eot_token_id(tokens.index(END))
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(TEMPLATE)


def export(checkpoint: Path = CHECKPOINT, target: Path = MODEL) -> None:
    """Write the file; an interrupted export leaves the old one whole."""
    data = torch.load(checkpoint, weights_only=True, map_location="cpu")
    unfinished = target.with_suffix(".part")
    writer = gguf.GGUFWriter(unfinished, "llama")
    add_about(writer)
    add_shape(writer, Shape(**data["shape"]))
    add_tokenizer(writer, bpe.PATH)
    for name, tensor in data["network"].items():
        values = tensor.float().numpy().astype(np.float32)
        kind = gguf.GGMLQuantizationType.Q8_0 if values.ndim == 2 else gguf.GGMLQuantizationType.F32
        writer.add_tensor(tensor_name(name), gguf.quantize(values, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    unfinished.replace(target)


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, default=CHECKPOINT)
    parser.add_argument("--target", type=Path, default=MODEL)
    arguments = parser.parse_args()
    export(arguments.checkpoint, arguments.target)


if __name__ == "__main__":
    main()
