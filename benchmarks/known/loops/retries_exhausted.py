"""Nothing comes, and the loop gives up after a hundred tries, as it should.

Expected: ok
"""

import threading


def main():
    gate = threading.Event()
    ready = []

    def work():
        gate.wait()
        ready.append(1)

    thread = threading.Thread(target=work)
    thread.start()
    tries = 0
    while not ready:
        tries += 1
        if tries > 100:
            break
    gate.set()
    thread.join()
    assert tries == 101 and ready


if __name__ == "__main__":
    main()
