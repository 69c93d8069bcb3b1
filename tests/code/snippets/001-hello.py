print("Hello, world!")
name = "Samantha"
for i in range(3):
    print(f"{i + 1}. Hello, {name}!")
