"""A headset that is not ours: a bare pylsl outlet that pushes a NumPy file."""

import argparse
import sys
import time

import numpy as np
import pylsl

from rtbci.montage.names import SEED_CHANNELS

parser = argparse.ArgumentParser()
parser.add_argument("data")
parser.add_argument("name")
parser.add_argument("--chunk", type=int, default=20)
parser.add_argument("--sfreq", type=float, default=200)
parser.add_argument("--channels", type=int, default=62)
parser.add_argument("--dtype", default="float32")
parser.add_argument("--speed", type=float, default=8)
parser.add_argument("--unit", default="microvolts")
parser.add_argument("--source-id", default="")
parser.add_argument("--disguise", action="store_true")
parser.add_argument("--no-names", action="store_true")
parser.add_argument("--lose", type=float, nargs=2, action="append", default=[])
options = parser.parse_args()

data = np.load(options.data)[: options.channels]
names, units = list(SEED_CHANNELS[: options.channels]), [options.unit] * options.channels
if options.disguise:
    # Lower case with prefixes and old names, shuffled, in volts, between ECG and reference.
    order = np.random.default_rng(1).permutation(len(names))
    old = {"T7": "t3", "T8": "t4", "P7": "t5", "P8": "t6"}
    names = ["EEG " + old.get(names[k], names[k].lower()) for k in order]
    data = data[order] * 1e-6
    ecg = 1e-3 * np.sin(np.arange(data.shape[1]) / 9)
    data = np.vstack([ecg, data, ecg * 0])
    names, units = ["ECG", *names, "A1-A2"], ["millivolts", *["volts"] * len(order), "volts"]

info = pylsl.StreamInfo(
    options.name, "EEG", len(names), options.sfreq, options.dtype, options.source_id
)
if not options.no_names:
    channels = info.desc().append_child("channels")
    for name, unit in zip(names, units, strict=True):
        channel = channels.append_child("channel")
        channel.append_child_value("label", name)
        if unit:
            channel.append_child_value("unit", unit)
outlet = pylsl.StreamOutlet(info)
if not outlet.wait_for_consumers(60):
    sys.exit("nobody came")
samples = np.ascontiguousarray(data.T, options.dtype.replace("double64", "float64"))
stamps = pylsl.local_clock() + np.arange(len(samples)) / options.sfreq / options.speed
for first in range(0, len(samples), options.chunk):
    chunk = slice(first, first + options.chunk)
    late = stamps[chunk][-1] - pylsl.local_clock()
    if late > 0:
        time.sleep(late)
    seconds = first / options.sfreq
    if any(start <= seconds < start + length for start, length in options.lose):
        continue
    outlet.push_chunk(samples[chunk], stamps[chunk].tolist())
time.sleep(2)
