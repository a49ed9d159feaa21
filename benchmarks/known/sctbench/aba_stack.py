"""A lock-free stack whose nodes are used again: the head is the old one, what follows it is not.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Node:
    def __init__(self, name):
        self.name = name
        self.next = None


class Stack:
    def __init__(self):
        self._swap = threading.Lock()
        self.head = None

    def cas(self, old, new):
        with self._swap:
            if self.head is not old:
                return False
            self.head = new
            return True

    def push(self, node):
        while True:
            node.next = self.head
            if self.cas(node.next, node):
                return

    def pop(self):
        while True:
            node = self.head
            if node is None:
                return None
            following = node.next
            if self.cas(node, following):
                return node


def main():
    stack = Stack()
    a, b = Node("a"), Node("b")
    stack.push(b)
    stack.push(a)
    kept = []

    def slow():
        node = stack.pop()
        if node is not None:
            kept.append(node.name)

    def reuse():
        first = stack.pop()
        second = stack.pop()
        if second is not None:
            kept.append(second.name)
        if first is not None:
            stack.push(first)

    run(slow, reuse)
    while (node := stack.pop()) is not None:
        kept.append(node.name)
    assert sorted(kept) == ["a", "b"], kept


if __name__ == "__main__":
    main()
