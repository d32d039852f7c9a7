"""The way of one decision: `flow` reads, computes, answers; `lately` and `replays` know what was said before."""
