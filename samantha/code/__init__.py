"""Running generated code. Foundation holds the port only; blocks, environment and sandboxed runner are their own issue."""
