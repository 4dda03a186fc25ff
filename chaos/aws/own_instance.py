"""The EC2 instance that this process runs on."""

from __future__ import annotations

from pathlib import Path

ASSET_TAG = Path("/sys/devices/virtual/dmi/id/board_asset_tag")
"""Where Linux shows an instance's id, without a call: EC2 writes it into the firmware's tables.

Source: AWS, "Detect whether a host is an EC2 instance"; Nitro instances only.
"""


def own_instance_id(tag: Path = ASSET_TAG) -> str | None:
    """Its id; None where this is no EC2 instance."""
    try:
        text = tag.read_text().strip()
    except OSError:
        return None
    return text if text.startswith("i-") else None
