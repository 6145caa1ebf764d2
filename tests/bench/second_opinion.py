"""The catalogue of rules beside the independent checker, on as many invented plans as one likes.

`python -m tests.bench.second_opinion FIRST LAST` compares the cases of these numbers and prints those that differ; a
case has about seven launches on a day, so that 0 to 150000 are a million placements. Goes on where it was left when
called with the next numbers.
"""

import sys

from tests.unit.launch.rules.test_second_opinion import compare

REPORT_EVERY = 10_000


def main(first: int, last: int) -> int:
    """Compare; the exit code says whether any case differs."""
    differing = 0
    for seed in range(first, last):
        ours, theirs = compare(seed)
        if ours != theirs:
            differing += 1
            print(f"{seed}: {sorted(ours - theirs)} by the catalogue alone, {sorted(theirs - ours)} by the checker")
        if (seed + 1 - first) % REPORT_EVERY == 0:
            print(f"{seed + 1 - first} cases compared, {differing} differ", file=sys.stderr)
    print(f"{last - first} cases compared, {differing} differ")
    return min(differing, 1)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
