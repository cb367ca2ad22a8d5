"""Sends one part as a browser does: ``python -m bench.uploader PORT TOKEN BYTES UPLOAD``; zeros, digests true.

Says ``begun``, then ``stored N`` for each acknowledged segment, then ``done``.
"""

from __future__ import annotations

import hashlib
import json
import sys

from websockets.sync.client import connect

from foundation.sealing import SEGMENT_BYTES

FRAME = 256 * 1024
PART = "technical"


def main(port: int, token: str, size: int, upload: str) -> None:
    frame, digests = bytes(FRAME), {}
    headers = {"Authorization": f"Bearer {token}"}
    url = f"ws://127.0.0.1:{port}/uploads/{upload}"
    with connect(url, additional_headers=headers, proxy=None, compression=None) as line:
        print("begun" if "held" in json.loads(line.recv()) else "refused", flush=True)
        for number, at in enumerate(range(0, size, SEGMENT_BYTES)):
            left = min(SEGMENT_BYTES, size - at)
            if left not in digests:
                digests[left] = hashlib.sha256(bytes(left)).hexdigest()
            line.send(json.dumps({"put": {"part": PART, "index": number, "size": left, "sha256": digests[left]}}))
            while left:
                line.send(frame[: min(FRAME, left)])
                left -= min(FRAME, left)
            answer = json.loads(line.recv())
            print(f"stored {number}" if "stored" in answer else json.dumps(answer), flush=True)
    print("done", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4])
