"""Processes that a test started, by what /proc says of them."""
import pathlib


def descendants(pid):
    found, frontier = [], [pid]
    while frontier:
        for task in pathlib.Path(f"/proc/{frontier.pop()}/task").glob("*/children"):
            try:
                below = [int(child) for child in task.read_text().split()]
            except OSError:
                continue
            found += below
            frontier += below
    return found


def is_gone(pid):
    """Ended, whether its parent has taken note of it or not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True
