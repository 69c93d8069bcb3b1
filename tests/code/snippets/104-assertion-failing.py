def average(values):
    assert len(values) > 0, "the list is empty"
    return sum(values) / len(values)


print(average([1, 2, 3]))
print(average([]))
