import multiprocessing as mp


def cube(x):
    return x**3


if __name__ == "__main__":
    with mp.Pool(processes=2) as pool:
        print(pool.map(cube, range(8)))
        print(pool.starmap(pow, [(2, 3), (3, 2)]))
    queue = mp.Queue()
    process = mp.Process(target=queue.put, args=("from the child",))
    process.start()
    print(queue.get())
    process.join()
    print("exit code", process.exitcode)
