"""A server process that is quick to come: a copy of this one, which has imported everything and nothing more.

Run as a program. For each line that it reads, it forks a process that does what `python -m app.cli serve` does, writes
that process's id, waits for its end, and writes `ended`. Python takes seconds of the processor to import the
application, and a test that kills the server twenty times would spend most of its time on that.
"""

import os
import sys
import threading

from app.cli import app


def main() -> None:
    """Serve until the input ends."""
    assert threading.active_count() == 1, "a copy of a process has none of its threads"
    for _ in sys.stdin:
        child = os.fork()
        if not child:
            os.dup2(2, 1)  # What it prints goes where its log goes.
            app(["serve"])  # Raises SystemExit.
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)
        sys.stdout.write("ended\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
