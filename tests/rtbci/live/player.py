"""A headset that is not ours: mne-lsl's player, which streams a file in volts, in a circle."""

import sys
import time

from mne_lsl.player import PlayerLSL

with PlayerLSL(sys.argv[1], chunk_size=10, name=sys.argv[2]):
    time.sleep(60)
