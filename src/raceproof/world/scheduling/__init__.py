"""The scheduler in layers, each on the one before: what it knows (`state`, `loop_knowledge`), who
goes on next (`choice`), what happens (`events`), who waits for what (`loops`, `waits`).  The top
one is in `scheduler.py` next door.
"""
