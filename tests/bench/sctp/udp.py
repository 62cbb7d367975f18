#!/usr/bin/env python3
"""The ideal beside SCTP: datagrams without congestion control, over the same emulated network.

usage: udp.py receive PORT              prints 'ready'; at the end of stdin a line of JSON: [[made at, arrived at], ...] in ms since 1970
       udp.py send HOST PORT BYTES RATE SECONDS
"""

from __future__ import annotations

import json
import select
import socket
import struct
import sys
import time

# A datagram begins with the time at which its state was made.
HEADER = struct.Struct("!d")


def receive(port: int) -> None:
    arrived: list[tuple[float, float]] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as inbox:
        inbox.bind(("0.0.0.0", port))
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([inbox, sys.stdin], [], [])
            if inbox in ready:
                packet = inbox.recv(65_535)
                arrived.append((HEADER.unpack_from(packet)[0], time.time() * 1000))
            elif sys.stdin in ready:
                break
    print(json.dumps(arrived), flush=True)


def send(host: str, port: int, size: int, rate: float, seconds: float) -> None:
    padding = bytes(size - HEADER.size)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outbox:
        start = time.perf_counter()
        for n in range(int(rate * seconds)):
            time.sleep(max(0.0, start + n / rate - time.perf_counter()))
            outbox.sendto(HEADER.pack(time.time() * 1000) + padding, (host, port))


def main() -> int:
    match sys.argv[1:]:
        case ["receive", port]:
            receive(int(port))
        case ["send", host, port, size, rate, seconds]:
            send(host, int(port), int(size), float(rate), float(seconds))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
