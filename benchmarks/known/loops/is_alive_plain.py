"""`while thread.is_alive(): pass`

Expected: ok
"""

import threading

results = []


def main():
    thread = threading.Thread(target=results.append, args=(1,))
    thread.start()
    while thread.is_alive():
        pass
    assert results == [1]


if __name__ == "__main__":
    main()
