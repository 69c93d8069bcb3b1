"""Models on servers: a real one (`python -m llama_cpp.server`), and small ones that misbehave."""
