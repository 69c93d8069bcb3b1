"""The run store: everything that happened in every run."""
