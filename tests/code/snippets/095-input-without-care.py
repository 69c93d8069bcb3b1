print("Number guessing game")
guess = int(input("Your guess: "))
print("You guessed", guess)
