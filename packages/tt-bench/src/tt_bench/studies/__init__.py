"""Questions asked of trained models: values and plans in mazes."""

from tt_bench.studies.maze_plans import draw_plans
from tt_bench.studies.maze_values import Agreement, check_values

__all__ = ["Agreement", "check_values", "draw_plans"]
