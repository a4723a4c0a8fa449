"""Many items to a store of training pairs: in worker processes, or on a Ray cluster."""

from mocap.datasets.jobs.run import Item, Outcome, run_items

__all__ = ["Item", "Outcome", "run_items"]
