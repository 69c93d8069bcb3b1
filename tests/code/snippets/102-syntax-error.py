def broken(:
    return 1


print("this is never printed")
