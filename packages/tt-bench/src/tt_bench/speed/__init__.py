"""Operations timed beside a reference and a floor of the same machine."""

from tt_bench.speed.critic import measure_critic
from tt_bench.speed.growth import measure_growth, tabulate_growth
from tt_bench.speed.machine import Peaks, matmul_peak, measure_peaks
from tt_bench.speed.plan import measure_plans
from tt_bench.speed.record import Measurement
from tt_bench.speed.seeds import measure_seeds
from tt_bench.speed.table import tabulate_speed
from tt_bench.speed.tokenizer import measure_tokenizer
from tt_bench.speed.train import measure_training

__all__ = [
    "Measurement",
    "Peaks",
    "matmul_peak",
    "measure_critic",
    "measure_growth",
    "measure_peaks",
    "measure_plans",
    "measure_seeds",
    "measure_tokenizer",
    "measure_training",
    "tabulate_growth",
    "tabulate_speed",
]
