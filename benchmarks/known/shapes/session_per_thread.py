"""One session in each thread, by `threading.local`.

Expected: ok
"""

import threading

local = threading.local()


class Session:
    def __init__(self):
        self.count = 0


def session():
    if not hasattr(local, "session"):
        local.session = Session()
    return local.session


def main():
    totals = []

    def work():
        for _ in range(3):
            session().count += 1
        totals.append(session().count)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals == [3, 3]


if __name__ == "__main__":
    main()
