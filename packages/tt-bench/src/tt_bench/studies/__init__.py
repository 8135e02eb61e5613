"""Questions asked of trained models: how far they see, where they look, goals."""

from tt_bench.studies.attention import AttentionSettings, study_attention
from tt_bench.studies.attention_picture import draw_attention
from tt_bench.studies.goals import GoalSettings, study_goals
from tt_bench.studies.goals_picture import draw_goals
from tt_bench.studies.horizon import HorizonSettings, study_horizon
from tt_bench.studies.horizon_picture import draw_horizon, error_ratios
from tt_bench.studies.imitation import (
    by_likelihood,
    compare_imitators,
    draw_imitation,
    imitating,
)
from tt_bench.studies.maze_plans import draw_plans
from tt_bench.studies.maze_values import Agreement, check_values

__all__ = [
    "Agreement",
    "AttentionSettings",
    "GoalSettings",
    "HorizonSettings",
    "by_likelihood",
    "check_values",
    "compare_imitators",
    "draw_attention",
    "draw_goals",
    "draw_horizon",
    "draw_imitation",
    "draw_plans",
    "error_ratios",
    "imitating",
    "study_attention",
    "study_goals",
    "study_horizon",
]
