"""A loop that looks at one setting over and over works, it does not wait; the race comes after.

Expected: bug
"""

import threading


class Settings:
    limit = 50


def main():
    settings = Settings()
    count = 0

    def work():
        nonlocal count
        small = 0
        for number in range(100):
            if number > settings.limit:
                break
            small += 1
        count += 1

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count == 2


if __name__ == "__main__":
    main()
