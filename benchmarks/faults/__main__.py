"""The fault harness: traffic under faults, then the log and the records compared with the client's account.

python -m benchmarks.faults --runs 200 --seed 1 --json faults.json
"""

import argparse
import signal
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.faults.run import Case, Run, perform, schedule

_COUNTS: Final = ("traffic", "accepted", "found", "doubled", "repeats")
_HEAD: Final = ("fault", "runs", *_COUNTS, "recovery s: median", "longest", "failed")


def table(runs: Sequence[Run]) -> str:
    """A line for each fault, in Markdown."""
    groups: dict[str, list[Run]] = {}
    for one in runs:
        groups.setdefault(f"{one.fault} ({one.kind})", []).append(one)
    lines = [_HEAD, ("---",) * len(_HEAD), *(_line(name, some) for name, some in groups.items())]
    return "\n".join("| " + " | ".join(line) + " |" for line in [*lines, _line("all", runs)])


def _line(name: str, runs: Sequence[Run]) -> tuple[str, ...]:
    recoveries = [one.recovery for one in runs] or [0.0]
    sums = [str(sum(getattr(one, field) for one in runs)) for field in _COUNTS]
    times = [f"{statistics.median(recoveries):.1f}", f"{max(recoveries):.1f}"]
    return name, str(len(runs)), *sums, *times, str(sum(bool(one.failures) for one in runs))


def told(made: Run) -> str:
    """One run in one line."""
    counts = f"{made.traffic} sent, {made.accepted} answered, {made.found} found, {made.repeats} repeats"
    what = "ok" if not made.failures else f"FAILED {made.failures[:6]}"
    name = f"{made.kind}: {made.fault}{'' if made.passed else ' (not passed)'}"
    return f"{made.number:4d} {name}: {made.seconds:.1f} s, recovery {made.recovery:.1f} s, {counts} {what}"


def main() -> None:
    """The command."""
    options = _options()
    signal.signal(signal.SIGTERM, _stop)
    done = _done(options.json, options.seed)
    for made in perform(_left(options, done), options.seed):
        done.append(made)
        print(told(made), flush=True)
        if options.json:
            options.json.write_bytes(msgspec.json.format(msgspec.json.encode(done)))
    print(table(done))
    failed = [one.number for one in done if one.failures]
    if failed:
        sys.exit(f"{len(failed)} of {len(done)} runs failed: {failed}")


def _stop(*_: object) -> None:
    """Ends the command once, so that no process is left behind."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit("stopped")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.faults", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="faults whose kind or name has one of these in it (a,b)")
    parser.add_argument("--json", type=Path, default=None, help="where results are kept, and continued from")
    return parser.parse_args()


def _done(path: Path | None, seed: int) -> list[Run]:
    if path is None or not path.exists():
        return []
    return [one for one in msgspec.json.decode(path.read_bytes(), type=list[Run]) if one.seed == seed]


def _left(options: argparse.Namespace, done: Sequence[Run]) -> list[Case]:
    known, wanted = {one.number for one in done}, options.only.split(",")
    cases = [case for case in schedule(options.runs) if case.number not in known]
    return [case for case in cases if any(word in f"{case.kind} {case.fault}" for word in wanted)]


if __name__ == "__main__":
    main()
