"""A lock-free stack in an array: a cell comes back while another thread still has its number.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


N = 3


class Atomic:
    def __init__(self, value):
        self.lock = threading.Lock()
        self.value = value

    def load(self):
        return self.value

    def store(self, value):
        with self.lock:
            self.value = value

    def exchange(self, value):
        with self.lock:
            before, self.value = self.value, value
            return before

    def compare_exchange(self, expected, value):
        with self.lock:
            if self.value != expected:
                return False
            self.value = value
            return True

    def add(self, number):
        with self.lock:
            self.value += number


class SafeStack:
    def __init__(self):
        self.next = [Atomic(i + 1) for i in range(N - 1)] + [Atomic(-1)]
        self.head = Atomic(0)
        self.count = Atomic(N)

    def pop(self):
        while self.count.load() > 1:
            first = self.head.load()
            following = self.next[first].exchange(-1)
            if following >= 0:
                if self.head.compare_exchange(first, following):
                    self.count.add(-1)
                    return first
                self.next[first].exchange(following)
        return -1

    def push(self, index):
        while True:
            first = self.head.load()
            self.next[index].store(first)
            if self.head.compare_exchange(first, index):
                self.count.add(1)
                return


def main():
    stack = SafeStack()
    owner = [None] * N

    def work(me):
        def body():
            for _ in range(2):
                index = stack.pop()
                if index < 0:
                    continue
                owner[index] = me
                assert owner[index] == me, f"cell {index} belongs to two"
                stack.push(index)

        return body

    run(*[work(me) for me in range(3)])


if __name__ == "__main__":
    main()
