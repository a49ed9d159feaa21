"""Three tries without a pause: the other may not have come that far.

Expected: bug
"""

import threading


class Service:
    up = False


def main():
    service = Service()

    def start():
        service.up = True

    thread = threading.Thread(target=start)
    thread.start()
    for _ in range(3):
        if service.up:
            break
    assert service.up
    thread.join()


if __name__ == "__main__":
    main()
