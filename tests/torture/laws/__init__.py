"""The laws of every public function, in one table."""

from torture.laws import bench, critic, model, plan, settings, tokenize
from torture.laws.law import Law

LAWS = [
    *tokenize.LAWS,
    *model.LAWS,
    *plan.LAWS,
    *critic.LAWS,
    *settings.LAWS,
    *bench.LAWS,
]

__all__ = ["LAWS", "Law"]
