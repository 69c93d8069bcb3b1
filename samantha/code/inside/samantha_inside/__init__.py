"""The inside of the code environment: runs one block of code as a fresh `__main__` and keeps what it shows."""
