import traceback


class ValidationError(Exception):
    def __init__(self, field, message):
        super().__init__(f"{field}: {message}")
        self.field = field


def check(age):
    if age < 0:
        raise ValidationError("age", "must not be negative")
    return age


for value in (5, -1, "x"):
    try:
        print("ok", check(value))
    except ValidationError as error:
        print("invalid", error, error.field)
    except TypeError as error:
        print("wrong type", error)
        print(traceback.format_exc().splitlines()[-1])
    else:
        print("no error")
    finally:
        print("next")
