"""Five philosophers who take the left fork first.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


N = 5


def main():
    forks = [threading.Lock() for _ in range(N)]

    def philosopher(i):
        def body():
            with forks[i]:
                with forks[(i + 1) % N]:
                    pass

        return body

    run(*[philosopher(i) for i in range(N)])


if __name__ == "__main__":
    main()
