import random

random.seed(8)
while True:
    number = random.randint(1, 10)
    print("Drawn:", number)
    if number < 4:
        print("STOP_SAMANTHA")
        break
