from concurrent.futures import ProcessPoolExecutor
import math


def is_prime(n):
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))


def main():
    numbers = list(range(100, 140))
    with ProcessPoolExecutor(max_workers=2) as executor:
        for number, prime in zip(numbers, executor.map(is_prime, numbers, chunksize=10)):
            if prime:
                print(number, end=" ")
    print()


if __name__ == "__main__":
    main()
