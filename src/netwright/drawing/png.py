"""The one writer of PNG without a package: the format is the pixels, compressed by zlib."""

from __future__ import annotations

import base64
import struct
import zlib


def png_address(size: tuple[int, int, int], pixels: bytes) -> str:
    """The address of a PNG that holds itself: `size` is (h, w, c), c 1 or 3; bytes by rows."""
    height, width, channels = size
    stride = width * channels
    rows = (b"\0" + pixels[i * stride : (i + 1) * stride] for i in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if channels == 3 else 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"".join(rows))), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
    return f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}"
