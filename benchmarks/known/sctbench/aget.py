"""A download is interrupted after a worker has written data, and before it has counted them.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Download:
    def __init__(self):
        self.data = []
        self.written = 0
        self.saved = None


def main():
    download = Download()

    def worker():
        for chunk in (b"ab", b"cd"):
            download.data.append(chunk)
            download.written += len(chunk)

    def save_on_signal():
        written = download.written
        download.saved = (written, sum(map(len, download.data)))

    run(worker, save_on_signal)
    written, present = download.saved
    assert written == present, download.saved


if __name__ == "__main__":
    main()
