"""Seven philosophers eat inside one atomic section; the last to finish reaches the error.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


N = 7


def main():
    forks = [threading.Lock() for _ in range(N)]
    table = threading.Lock()
    finished = [0]

    def philosopher(i):
        def body():
            with table:
                with forks[(i + 1) % N]:
                    with forks[i]:
                        pass
            finished[0] += 1
            assert finished[0] != N, "everybody has eaten"

        return body

    run(*[philosopher(i) for i in range(N)])


if __name__ == "__main__":
    main()
