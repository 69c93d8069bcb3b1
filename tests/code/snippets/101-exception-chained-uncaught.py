def load(path):
    try:
        with open(path) as f:
            return f.read()
    except FileNotFoundError as error:
        raise RuntimeError(f"configuration {path!r} is missing") from error


print("loading")
load("settings.ini")
