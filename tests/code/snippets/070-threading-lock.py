import threading
import time

counter = 0
lock = threading.Lock()


def work(times):
    global counter
    for _ in range(times):
        with lock:
            counter += 1


threads = [threading.Thread(target=work, args=(1000,)) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("Counter:", counter)


def late():
    time.sleep(0.1)
    print("the main thread has ended, this one not yet")


threading.Thread(target=late).start()
print("end of the main thread")
