import multiprocessing


class Task:
    def __init__(self, n):
        self.n = n


def run(task):
    return task.n * 2


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        print(pool.map(run, [Task(1), Task(2)]))
