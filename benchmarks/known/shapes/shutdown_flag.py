"""Workers take jobs until there is one that says stop, one for each.

Expected: ok
"""

import queue
import threading


def main():
    jobs = queue.Queue()
    done = []

    def work():
        while True:
            job = jobs.get()
            if job is None:
                return
            done.append(job)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for job in (1, 2):
        jobs.put(job)
    for _ in threads:
        jobs.put(None)
    for thread in threads:
        thread.join()
    assert sorted(done) == [1, 2]


if __name__ == "__main__":
    main()
