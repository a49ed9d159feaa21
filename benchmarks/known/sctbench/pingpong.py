"""A player is taken away while it is being called.

Expected: bug
"""

import threading


def run(*bodies):
    threads = [threading.Thread(target=body) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class Player:
    def __init__(self):
        self.count = 0

    def hit(self):
        self.count += 1


class Game:
    def __init__(self):
        self.player = Player()

    def ping(self):
        if self.player is not None:
            self.player.hit()

    def stop(self):
        self.player = None


def main():
    game = Game()
    run(game.ping, game.ping, game.stop)


if __name__ == "__main__":
    main()
