"""The laws of every public function, in one table."""

from torture.laws import actions, bench, critic, model, plan, settings, tokenize
from torture.laws.law import Law

LAWS = [
    *tokenize.LAWS,
    *model.LAWS,
    *plan.LAWS,
    *actions.LAWS,
    *critic.LAWS,
    *settings.LAWS,
    *bench.LAWS,
]

RECORDS = "holds what it is given and checks nothing; who reads it does"
TYPES = "says what others must be like"
CONSTANTS = "is never called"
FORMULAS = "is a formula of tensors, which checks as little as torch's own operators"
HELD = "is drawn and read under another name"

LAWLESS = {
    **dict.fromkeys(
        (
            *("tt_model.Epoch", "tt_model.Progress", "tt_plan.Outcome", "tt_plan.Plan"),
            *(
                "tt_plan.FunctionEvaluator",
                "tt_critic.CriticUpdate",
                "tt_critic.Losses",
            ),
            *("tt_critic.Optimizers", "tt_critic.Progress", "tt_bench.D4rlEntry"),
            *("tt_bench.Evaluation", "tt_bench.Event", "tt_bench.Published"),
            *("tt_bench.Row", "tt_bench.Source", "tt_bench.Step", "tt_bench.Run"),
            *("tt_bench.MinariNotes", "tt_critic.log_progress"),
            *("tt_plan.ActionPlan", "tt_plan.Sequences"),
        ),
        RECORDS,
    ),
    **dict.fromkeys(
        (
            *("tt_model.State", "tt_plan.Evaluator", "tt_plan.Sampler"),
            *("tt_plan.SequenceModel", "tt_bench.Advance", "tt_bench.Agent"),
            *("tt_bench.Notify", "tt_bench.Planned", "tt_bench.Planner"),
            *("tt_bench.Tokenizer", "tt_plan.DynamicsModel", "tt_plan.Proposal"),
            "tt_plan.Tokenizer",
        ),
        TYPES,
    ),
    **dict.fromkeys(
        (
            *("tt_critic.ANTMAZE", "tt_critic.LOCOMOTION", "tt_bench.METHODS"),
            *("tt_bench.REFERENCE_RETURNS", "tt_bench.SOURCES"),
        ),
        CONSTANTS,
    ),
    **dict.fromkeys(
        (
            *("tt_critic.advantage_weights", "tt_critic.bellman_loss"),
            *("tt_critic.bellman_target", "tt_critic.descend", "tt_critic.TwinQ"),
            *("tt_critic.expectile_loss", "tt_critic.gaussian_log_probability"),
            *("tt_critic.policy_loss", "tt_critic.polyak_update"),
            *("tt_critic.GaussianPolicy", "tt_bench.ClonedPolicy"),
        ),
        FORMULAS,
    ),
    **dict.fromkeys(
        (
            *("tt_model.Sequences", "tt_critic.Batch", "tt_critic.Transitions"),
            *("tt_bench.RunResult", "tt_bench.Experiment", "tt_bench.Dataset"),
        ),
        HELD,
    ),
}
"""Public names that have no law of their own, and why not."""

__all__ = ["LAWLESS", "LAWS", "Law"]
