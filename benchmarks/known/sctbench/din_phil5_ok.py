"""Five philosophers, one of whom takes the right fork first.

Expected: ok
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
        first, second = sorted((i, (i + 1) % N))

        def body():
            with forks[first]:
                with forks[second]:
                    pass

        return body

    run(*[philosopher(i) for i in range(N)])


if __name__ == "__main__":
    main()
