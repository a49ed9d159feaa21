"""The same, asked in the other order.

Expected: ok
"""

import queue
import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main():
    loaded = queue.Queue()
    out = []

    class Stage:
        finished = False

    def load():
        loaded.put("image")
        Stage.finished = True

    def rank():
        while True:
            finished = Stage.finished
            if loaded.empty():
                if finished:
                    return
                continue
            out.append(loaded.get())

    run(load, rank)
    assert out == ["image"], out


if __name__ == "__main__":
    main()
