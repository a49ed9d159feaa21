"""Between `empty()` and `get_nowait()` another consumer takes the item.

Expected: bug
"""

import queue
import threading


def main():
    items = queue.Queue()

    def consume():
        while items.empty():
            pass
        items.get_nowait()

    threads = [threading.Thread(target=consume) for _ in range(2)]
    for thread in threads:
        thread.start()
    items.put(1)
    items.put(2)
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
