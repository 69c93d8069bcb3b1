from concurrent.futures import ThreadPoolExecutor, as_completed


def square(n):
    if n == 3:
        raise ValueError("no threes")
    return n * n


with ThreadPoolExecutor(max_workers=4) as pool:
    futures = {pool.submit(square, n): n for n in range(5)}
    results = {}
    for future in as_completed(futures):
        try:
            results[futures[future]] = future.result()
        except ValueError as error:
            results[futures[future]] = str(error)
print(sorted(results.items()))
