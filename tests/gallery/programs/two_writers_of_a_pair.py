"""RP107: one coordinate of the one, one of the other."""

import threading


class Point:
    def __init__(self):
        self.x, self.y = 0, 0

    def move_to(self, x, y):
        self.x = x
        self.y = y


point = Point()
threads = [threading.Thread(target=point.move_to, args=(n, n)) for n in (1, 2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert point.x == point.y, (point.x, point.y)
