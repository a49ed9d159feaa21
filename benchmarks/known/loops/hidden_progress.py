"""A loop looks at a flag while it reads on in something that is not watched; the race comes after.

Expected: bug
"""

import io
import threading


class Reader:
    verbose = False
    total = 0

    def run(self, stream):
        while stream.readline():
            if self.verbose:
                print("...")
        self.total = self.total + 1


def main():
    reader = Reader()
    threads = [
        threading.Thread(target=reader.run, args=(io.StringIO("a\nb\nc\n"),)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reader.total == 2


if __name__ == "__main__":
    main()
