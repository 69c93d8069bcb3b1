"""The embedded llama.cpp backend, through its C API. The only room that imports llama_cpp; lives in the worker process."""
