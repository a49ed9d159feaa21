"""A few tries with pauses, after which it gives up; the pauses are long.

Expected: ok
"""

import threading
import time


class Service:
    def __init__(self):
        self.up = False

    def start(self):
        self.up = True

    def connect(self):
        if not self.up:
            raise ConnectionError("not yet")
        return "connected"


def connect(service):
    for attempt in range(5):
        try:
            return service.connect()
        except ConnectionError:
            if attempt == 4:
                raise
            time.sleep(2**attempt)


def main():
    service = Service()
    thread = threading.Thread(target=service.start)
    thread.start()
    assert connect(service) == "connected"
    thread.join()


if __name__ == "__main__":
    main()
