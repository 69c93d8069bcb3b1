"""The embedded llama.cpp backend, through its C API. The only room that imports llama_cpp; it lives in the worker."""
