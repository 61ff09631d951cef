"""Write XDF files of any streams."""

from __future__ import annotations

import struct
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np


def write_xdf(path: Path, *streams: dict) -> None:
    """Write an XDF of streams with the keys type, units, sfreq, samples and stamps."""

    def chunk(tag: int, content: bytes) -> bytes:
        body = struct.pack("<H", tag) + content
        return b"\x04" + struct.pack("<I", len(body)) + body

    out = b"XDF:" + chunk(1, b"<?xml version='1.0'?><info><version>1.0</version></info>")
    for number, stream in enumerate(streams, start=1):
        text = stream["type"] == "Markers"
        info = Element("info")
        for key, value in {
            "name": stream.get("name", f"stream {number}"),
            "type": stream["type"],
            "channel_count": len(stream["units"]),
            "nominal_srate": stream.get("sfreq", 0),
            "channel_format": "string" if text else "float32",
        }.items():
            SubElement(info, key).text = str(value)
        channels = SubElement(SubElement(info, "desc"), "channels")
        for k, unit in enumerate(stream["units"]):
            channel = SubElement(channels, "channel")
            SubElement(channel, "label").text = f"E{k}"
            if unit is not None:
                SubElement(channel, "unit").text = unit
        index = struct.pack("<I", number)
        out += chunk(2, index + tostring(info))
        content = b"\x04" + struct.pack("<I", len(stream["samples"]))
        for stamp, sample in zip(stream["stamps"], stream["samples"], strict=True):
            content += b"\x08" + struct.pack("<d", stamp)
            if text:
                content += b"\x04" + struct.pack("<I", len(sample)) + sample.encode()
            else:
                content += np.asarray(sample, "<f4").tobytes()
        out += chunk(3, index + content)
        foot = f"<info><sample_count>{len(stream['samples'])}</sample_count></info>"
        out += chunk(6, index + foot.encode())
    path.write_bytes(out)


def eeg_stream(units: list[str | None], n_samples: int = 100, **more: object) -> dict:
    samples = np.arange(n_samples)[:, None] + 1000.0 * np.arange(len(units))
    stamps = 50 + np.arange(n_samples) / 100
    return {
        "type": "EEG",
        "units": units,
        "sfreq": 100,
        "samples": samples,
        "stamps": stamps,
    } | more
