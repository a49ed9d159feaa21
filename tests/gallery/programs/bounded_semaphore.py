"""RP307: released twice, and this semaphore says so."""

import threading

seats = threading.BoundedSemaphore(1)


def visit():
    seats.acquire()
    try:
        print("inside")
    finally:
        seats.release()
    seats.release()


thread = threading.Thread(target=visit)
thread.start()
thread.join()
