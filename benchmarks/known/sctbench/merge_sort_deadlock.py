"""Sub-sorters take a token for each child before they start it; two levels use up the tokens.

Expected: bug
"""

import threading


def main():
    tokens = threading.Semaphore(2)

    def sort(data):
        if len(data) <= 1:
            return
        middle = len(data) // 2
        halves = [data[:middle], data[middle:]]

        def child(half):
            with tokens:
                sort(half)

        threads = [threading.Thread(target=child, args=(half,)) for half in halves]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        data[:] = sorted(halves[0] + halves[1])

    data = [4, 3, 2, 1]
    sort(data)
    assert data == [1, 2, 3, 4]


if __name__ == "__main__":
    main()
