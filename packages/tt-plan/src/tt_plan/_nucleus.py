"""Sample from the nucleus of the distribution."""

from tt_plan._draw import ALMOST_ONE
from tt_plan._interface import Sampler
from tt_plan._tail_cut import tail_cut


def nucleus(mass: float) -> Sampler:
    """Make a sampler of the fewest likeliest tokens that reach `mass` together.

    Holtzman et al. 2020, arXiv 1904.09751. Tokens as likely as the last one taken are
    taken too. Raises ValueError unless 0 < mass <= 1.
    """
    if not 0.0 < mass <= 1.0:
        raise ValueError(
            f"nucleus keeps a mass in (0, 1], but got {mass}; 1 samples from all tokens"
        )
    return tail_cut(min(1.0 - mass, ALMOST_ONE))
