"""The mended twin of `two_writers_of_a_pair.py`."""

import threading


class Point:
    def __init__(self):
        self.position = (0, 0)

    def move_to(self, x, y):
        self.position = (x, y)


point = Point()
threads = [threading.Thread(target=point.move_to, args=(n, n)) for n in (1, 2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
x, y = point.position
assert x == y, point.position
