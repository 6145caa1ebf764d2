"""`make mutation`: change rules and guards in small ways, one at a time, and see whether a test notices.

No library does it here. mutmut 3 changes no decorated function (all properties) and no module's constant, so no retry
count or limit, leaves no statement out, and cannot be told which kinds of change to make: three thousand mutants of
rules, calendar and tiers, most of them letters of sentences. cosmic-ray writes each mutant into the working tree and
starts Python and all libraries anew for it, three seconds before the first test. This one forks a session that has
everything loaded, which takes some hundredths of a second.

What was found is kept in `.state/mutation*.jsonl`, so that a run that was interrupted or had its `--minutes` goes on
where it was. A mutant that no test can notice, because it is the same program, is defended in ARCHITECTURE.md under
"Mutants that live", a line each that begins with its name as it is printed here, between backticks.
"""

import argparse
import re
import sys

import pytest

from tests.mutation.session import ROOT, Lines, MutationRun, Verdicts
from tests.mutation.targets import TARGETS

DEFENDED = re.compile(r"^- `(.+?)`: (\S.*)$", re.MULTILINE)


def read_defended(page: str) -> dict[str, str]:
    """By name of a mutant why it may live, from the section of ARCHITECTURE.md."""
    _, _, section = page.partition("## Mutants that live\n")
    return dict(DEFENDED.findall(section.partition("\n## ")[0]))


def main() -> int:
    """Print what lives, and how many there were; 1 if any lives that nobody defends."""
    parser = argparse.ArgumentParser(prog="make mutation", description="Mutants of rules and guards.")
    parser.add_argument("paths", nargs="*", help="only modules whose path contains one of these; all if none is given")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after this time; the next run goes on")
    parser.add_argument("--again", action="store_true", help="forget what earlier runs found")
    options = parser.parse_args()
    targets = [one for one in TARGETS if not options.paths or any(path in one.path for path in options.paths)]
    state, seen = ROOT / ".state" / "mutation.jsonl", ROOT / ".state" / "mutation-seen.jsonl"
    for path in (state, seen) if options.again else ():
        path.unlink(missing_ok=True)
    defended = read_defended((ROOT / "ARCHITECTURE.md").read_text())
    run = MutationRun(targets, Verdicts(Lines(state)), Lines(seen), options.minutes * 60, defended)
    tests = sorted({str(ROOT / name) for target in targets for name in target.tests})
    code = pytest.main(["-qq", "-s", "-p", "no:cacheprovider", "--no-header", *tests], plugins=[run])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
        return int(code)
    paths = {target.path for target in targets}
    for name in run.defended:
        if name.partition(" ")[0] in paths and not run.counts["not judged"]:
            print(f"defended, but it does not live: {name}")
    if run.counts["not judged"]:
        print(f"{run.counts['not judged']} not judged yet: run it again")
    print(f"{run.counts['killed']} killed, {run.counts['survived']} survived, {run.counts['defended']} defended")
    return 1 if run.counts["survived"] else 0


if __name__ == "__main__":
    sys.exit(main())
