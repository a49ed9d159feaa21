"""The mended twin of `bounded_semaphore.py`."""

import threading

seats = threading.BoundedSemaphore(1)


def visit():
    seats.acquire()
    try:
        print("inside")
    finally:
        seats.release()


thread = threading.Thread(target=visit)
thread.start()
thread.join()
