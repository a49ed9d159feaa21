"""The holder of the lock waits for the one who asks for it with a timeout, again and again.

Expected: bug
"""

import threading

lock = threading.Lock()
done = threading.Event()


def ask():
    while not lock.acquire(timeout=0.1):
        pass
    lock.release()
    done.set()


def main():
    with lock:
        thread = threading.Thread(target=ask)
        thread.start()
        done.wait()
    thread.join()


if __name__ == "__main__":
    main()
