"""Two workers wait for the same flag, and the first one to see it takes it away.

Expected: bug
"""

import threading
import time


class Signal:
    raised = False


def main():
    signal = Signal()
    done = []

    def wait(name):
        while not signal.raised:
            time.sleep(0.01)
        signal.raised = False
        done.append(name)

    threads = [threading.Thread(target=wait, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    signal.raised = True
    for thread in threads:
        thread.join()
    assert sorted(done) == ["a", "b"]


if __name__ == "__main__":
    main()
