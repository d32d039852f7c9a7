"""What the simulated shop looks like: its marginals beside real shops' ones and the world's own, and how hard it is.

python -m benchmarks.simulated                   about two minutes
python -m benchmarks.simulated --plots FOLDER    with plots
python -m benchmarks.simulated --smoke           shows that it runs; its figures mean little
"""

import shlex
import sys
from argparse import ArgumentParser, Namespace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import polars as pl

from benchmarks.simulated import (
    cost,
    guess,
    plot_marginals,
    plot_response,
    plot_rhythm,
    plot_stages,
    real,
    response,
    rhythm,
    stages,
    summary,
    traffic,
)
from benchmarks.simulated import sales as sold
from benchmarks.simulated import sample as sampling
from benchmarks.simulated.sales import ONLINE_RETAIL, Sales
from benchmarks.simulated.sample import Sample

CUSTOMERS, ITEMS, DAYS, SEED = 4_000, 1_000, 365, 20
_SMOKE: Final = (150, 100, 60)


def main() -> None:
    """Simulates, measures, prints, and draws where that is asked for."""
    options = _options()
    size: tuple[int, int, int] = _SMOKE if options.smoke else (options.customers, options.items, options.days)
    print(f"command   python -m benchmarks.simulated {shlex.join(sys.argv[1:])}".rstrip())
    print(f"versions  numpy {version('numpy')}, polars {version('polars')}, scikit-learn {version('scikit-learn')}")
    print(f"shop      {size[0]:,} customers, {size[1]:,} items, {size[2]} days, seed {options.seed}")
    cost.show(cost.measure(*size, options.seed))
    sample = sampling.make(*size, options.seed)
    _measure(sample, options)
    scores = guess.scores(sample, options.seed)
    guess.show(scores)
    summaries = {options.seed: summary.summary(sample, scores)}
    del sample
    other = sampling.make(*size, options.seed + 1)
    summaries[options.seed + 1] = summary.summary(other, guess.scores(other, options.seed + 1))
    summary.show(summaries)


def _options() -> Namespace:
    parser = ArgumentParser(
        prog="python -m benchmarks.simulated", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--smoke", action="store_true", help="the smallest size, in well under a minute")
    parser.add_argument("--customers", type=int, default=CUSTOMERS, help=f"with an account (default {CUSTOMERS:,})")
    parser.add_argument("--items", type=int, default=ITEMS, help=f"of the catalogue (default {ITEMS:,})")
    parser.add_argument("--days", type=int, default=DAYS, help=f"of the story (default {DAYS})")
    parser.add_argument(
        "--seed", type=int, default=SEED, help=f"of the shop; the next one is shown too (default {SEED})"
    )
    parser.add_argument("--online-retail", type=Path, metavar="FILE", help="UCI Online Retail, as .csv, .gz or .zst")
    parser.add_argument("--rees46", type=Path, metavar="FILE", help="a REES46 log, as .csv, .gz or .zst")
    parser.add_argument("--plots", type=Path, metavar="DIR", help="where to draw (SVG)")
    return parser.parse_args()


def _measure(sample: Sample, options: Namespace) -> None:
    """Prints what the shop is like, beside the real ones that were given."""
    sales = sold.simulated(sample)
    if options.online_retail:
        sales[ONLINE_RETAIL] = real.online_retail(options.online_retail)
    log = real.rees46(options.rees46) if options.rees46 else None
    traffic.show(sample, log)
    sold.show(sales)
    rhythm.show(sample, sales)
    stages.show(sample)
    response.show(sample)
    if options.plots:
        draw(sample, sales, log, options.plots)


def draw(sample: Sample, sales: Sales, log: pl.DataFrame | None, folder: Path, suffix: str = ".svg") -> None:
    """All plots."""
    plot_marginals.draw(sample, sales, log, folder / f"simulation-marginals{suffix}")
    plot_stages.draw(sample, folder / f"simulation-stages{suffix}")
    plot_response.draw(sample, folder / f"simulation-response{suffix}")
    plot_rhythm.draw(sample, sales, folder / f"simulation-rhythm{suffix}")


if __name__ == "__main__":
    main()
