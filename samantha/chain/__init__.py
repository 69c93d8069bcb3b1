"""Chains: what a run executes, the grammar of its prompts, its files, and the engine that runs it."""
