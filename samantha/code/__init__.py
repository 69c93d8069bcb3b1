"""Running generated code: for now the port only, which the engine speaks to. Nothing here runs code yet."""
