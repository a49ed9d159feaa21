"""RP303: after the exception the loop comes round, and the lock is still held."""

import threading

lock = threading.Lock()
numbers = []


def collect(texts):
    for text in texts:
        try:
            lock.acquire()
            numbers.append(int(text))
            lock.release()
        except ValueError:
            print("not a number:", text)


thread = threading.Thread(target=collect, args=(["1", "x", "2"],))
thread.start()
thread.join()
