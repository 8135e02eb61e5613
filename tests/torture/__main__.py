"""Run the campaign: `python -m torture`, from the folder of the tests."""

import sys

from torture.calls import CALLS
from torture.campaign import main
from torture.commands import COMMANDS
from torture.damage import DAMAGE
from torture.kills import KILLS
from torture.place import prepared

if __name__ == "__main__":
    with prepared():
        sys.exit(main([CALLS, COMMANDS, DAMAGE, KILLS]))
