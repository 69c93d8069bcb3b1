"""Samantha: a local-first workbench that chains prompts and GGUF models. Importing it loads nothing heavy."""

__version__ = "0.1.0"
