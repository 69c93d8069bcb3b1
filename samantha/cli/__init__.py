"""The command line: one file per group of commands, each imported when its command is given."""
