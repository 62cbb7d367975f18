#!/usr/bin/env python3
"""A wide-area network between two network namespaces of this machine: real IP packets cross two TUN devices in user space,
with delay, jitter, loss (independent or in Gilbert-Elliott bursts), a rate cap with a bounded queue, and outages. Each
direction has dice, and if wanted figures, of its own. Needs root on Linux.

usage: emulator.py NAME                makes the namespaces NAME-a (10.77.0.1) and NAME-b (10.77.0.2)

Commands are lines on stdin; answers are lines of JSON on stdout. The end of stdin, SIGINT or SIGTERM removes everything.

    set KEY VALUE         changes one figure (KEYS below) of both directions; holds for packets that come from now on
    set SIDE KEY VALUE    the same for what side a, or b, sends
    seed NUMBER           throws the dice anew: the n-th packet of a direction meets the same fate after the same seed
    outage MS             every packet that comes within the next MS milliseconds is lost
    counters              answers {"event": "counters", "a": {...}, "b": {...}} and counts from zero again; "a" is what side a sent

The first answer is {"event": "ready", ...}; a command that makes no sense is answered by {"event": "refused", ...}.
"""

from __future__ import annotations

import fcntl
import gc
import heapq
import json
import os
import random
import select
import signal
import struct
import subprocess
import sys
import time
from array import array
from dataclasses import dataclass, field
from typing import NoReturn

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
ADDRESS = {"a": "10.77.0.1", "b": "10.77.0.2"}
OTHER = {"a": "b", "b": "a"}
PACKET_BYTES_MAX = 65_535
# Packets taken from one device before the other has its turn.
READ_AT_ONCE = 64
# Packets under way at a time; more is a flood, and memory has an end.
UNDER_WAY_MAX = 100_000
# An emulator that is late by more than this was kept from working: its figures are noise.
LATE_S = 0.005
# A queue that was never shorter within so long a time is no burst: it stands.
STANDING_S = 0.1
# Of a direction, between two askings; an hour of packets.
QUEUES_MAX = 1_000_000

UDP = 17

# One-way milliseconds, per cent, packets in a row, 1 or 0, kilobits a second (0: no cap), milliseconds of queue before the cap, and the one
# port that UDP may come from or go to (0: any), as behind a firewall.
KEYS = {
    "delayMs": 0.0,
    "jitterMs": 0.0,
    "lossPercent": 0.0,
    "burstPackets": 1.0,
    "reorder": 0.0,
    "rateKbit": 0.0,
    "queueMs": 300.0,
    "udpPort": 0.0,
}


@dataclass
class Direction:
    """What one side sends: dice, the state of its burst and its queue, and what has been counted."""

    dice: random.Random
    is_in_burst: bool = False
    arrives_last: float = 0.0
    queue_free_at: float = 0.0
    figures: dict[str, float] = field(default_factory=lambda: dict(KEYS))
    counted: dict[str, float] = field(default_factory=dict)
    # The queue before the cap that each packet met, in ms; and the shortest within each time of STANDING_S, by its number.
    queues: array[float] = field(default_factory=lambda: array("d"))
    shortest: dict[int, float] = field(default_factory=dict)

    def zero(self) -> None:
        self.counted = {"packets": 0, "bytes": 0, "lost": 0, "lostInOutage": 0, "lostInQueue": 0, "queueMsMax": 0.0, "delivered": 0, "late": 0}
        self.queues = array("d")
        self.shortest = {}

    def queued(self, queue_ms: float, now: float) -> None:
        self.counted["queueMsMax"] = max(self.counted["queueMsMax"], queue_ms)
        if len(self.queues) < QUEUES_MAX:
            self.queues.append(queue_ms)
        period = int(now / STANDING_S)
        self.shortest[period] = min(self.shortest.get(period, queue_ms), queue_ms)

    def counters(self) -> dict[str, float]:
        """What was counted, with the queue that half and 95 % of packets did not exceed, and the same 95 % of standing queues."""
        queues, standing = sorted(self.queues), sorted(self.shortest.values())
        return {
            **self.counted,
            "queueMsP50": share_of(queues, 0.5),
            "queueMsP95": share_of(queues, 0.95),
            "queueMsStanding": share_of(standing, 0.95),
        }


class Emulator:
    def __init__(self, name: str) -> None:
        self.name = name
        self.device: dict[str, int] = {}
        self.direction = {side: Direction(random.Random(side)) for side in "ab"}
        for direction in self.direction.values():
            direction.zero()
        self.outage_ends_at = 0.0
        self.under_way: list[tuple[float, int, str, bytes]] = []
        self.taken = 0

    def open(self) -> None:
        for side in "ab":
            namespace, device = f"{self.name}-{side}", f"{self.name}{side}"
            run("ip", "netns", "add", namespace)
            self.device[side] = open_tun(device)
            run("ip", "link", "set", device, "netns", namespace)
            run("ip", "-n", namespace, "addr", "add", ADDRESS[side], "peer", ADDRESS[OTHER[side]], "dev", device)
            run("ip", "-n", namespace, "link", "set", device, "mtu", "1500", "up")
            run("ip", "-n", namespace, "link", "set", "lo", "up")
            run("ip", "-n", namespace, "route", "add", "default", "dev", device)

    def close(self) -> None:
        for side in "ab":
            subprocess.run(("ip", "netns", "del", f"{self.name}-{side}"), check=False, capture_output=True)
        for fd in self.device.values():
            os.close(fd)

    def run(self) -> None:
        """Until stdin ends. One select over both devices and stdin; its timeout is the next packet's arrival."""
        commands = b""
        stdin = sys.stdin.fileno()
        while True:
            self.deliver()
            wait = max(0.0, self.under_way[0][0] - time.perf_counter()) if self.under_way else None
            ready, _, _ = select.select([*self.device.values(), stdin], [], [], wait)
            for side, fd in self.device.items():
                if fd in ready:
                    self.take(side)
            if stdin in ready:
                read = os.read(stdin, 4096)
                if not read:
                    return
                *lines, commands = (commands + read).split(b"\n")
                for line in lines:
                    self.obey(line.decode().split())

    def deliver(self) -> None:
        now = time.perf_counter()
        while self.under_way and self.under_way[0][0] <= now:
            at, _, source, packet = heapq.heappop(self.under_way)
            counted = self.direction[source].counted
            counted["delivered"] += 1
            counted["late"] += now - at > LATE_S
            try:
                os.write(self.device[OTHER[source]], packet)
            except OSError:
                counted["lost"] += 1

    def take(self, side: str) -> None:
        now = time.perf_counter()
        for _ in range(READ_AT_ONCE):
            try:
                packet = os.read(self.device[side], PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            if is_walled(packet, int(self.direction[side].figures["udpPort"])):
                self.direction[side].counted["lost"] += 1
                continue
            arrives_at = self.fate(self.direction[side], len(packet), now)
            if arrives_at is not None and len(self.under_way) < UNDER_WAY_MAX:
                self.taken += 1
                heapq.heappush(self.under_way, (arrives_at, self.taken, side, packet))

    def fate(self, direction: Direction, size: int, now: float) -> float | None:
        """When a packet arrives, or None if it is lost: first the queue before the cap, then the wire."""
        figures, counted, dice = direction.figures, direction.counted, direction.dice
        counted["packets"] += 1
        counted["bytes"] += size
        leaves_at = now
        if figures["rateKbit"] > 0:
            free_at = max(direction.queue_free_at, now)
            queue_ms = (free_at - now) * 1000
            direction.queued(queue_ms, now)
            if queue_ms > figures["queueMs"]:
                counted["lostInQueue"] += 1
                return None
            leaves_at = direction.queue_free_at = free_at + size * 8 / (figures["rateKbit"] * 1000)
        # The dice are thrown for every packet, lost or not, so that an outage does not shift the fates that follow.
        chance, jitter = dice.random(), dice.gauss(0.0, 1.0)
        if self.is_lost(direction, chance):
            counted["lost"] += 1
            return None
        if now < self.outage_ends_at:
            counted["lostInOutage"] += 1
            return None
        at = leaves_at + max(0.0, figures["delayMs"] + jitter * figures["jitterMs"]) / 1000
        if not figures["reorder"]:
            at = max(at, direction.arrives_last)
        direction.arrives_last = at
        return at

    def is_lost(self, direction: Direction, chance: float) -> bool:
        """Gilbert-Elliott with a bad state that loses everything: bursts of `burstPackets` on average, `lossPercent` of all packets."""
        loss, length = direction.figures["lossPercent"] / 100, max(1.0, direction.figures["burstPackets"])
        if length == 1.0:
            return chance < loss
        leaves = 1 / length
        enters = loss * leaves / max(1e-9, 1 - loss)
        direction.is_in_burst = chance >= leaves if direction.is_in_burst else chance < enters
        return direction.is_in_burst

    def obey(self, words: list[str]) -> None:
        match words:
            case ["set", key, value] if key in KEYS and is_figure(value):
                for direction in self.direction.values():
                    direction.figures[key] = float(value)
            case ["set", ("a" | "b") as side, key, value] if key in KEYS and is_figure(value):
                self.direction[side].figures[key] = float(value)
            case ["seed", number] if number.isdigit():
                for side, direction in self.direction.items():
                    direction.dice.seed(f"{number} {side}")
                    direction.is_in_burst = False
            case ["outage", ms] if is_figure(ms):
                self.outage_ends_at = time.perf_counter() + float(ms) / 1000
            case ["counters"]:
                answer("counters", **{side: direction.counters() for side, direction in self.direction.items()})
                for direction in self.direction.values():
                    direction.zero()
            case _:
                answer("refused", command=" ".join(words))


def is_walled(packet: bytes, port: int) -> bool:
    """Whether it is UDP over IPv4 (or IPv6, which nobody here needs) that has nothing to do with the one port."""
    if port == 0:
        return False
    if packet[0] >> 4 != 4:
        return packet[6] == UDP
    at = (packet[0] & 15) * 4
    return packet[9] == UDP and port not in struct.unpack_from("!HH", packet, at)


def is_figure(text: str) -> bool:
    try:
        return 0 <= float(text) < 1e9
    except ValueError:
        return False


def share_of(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def answer(event: str, **more: object) -> None:
    print(json.dumps({"event": event, **more}), flush=True)


def run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def open_tun(name: str) -> int:
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].isalnum() or len(sys.argv[1]) > 14:
        print(__doc__, file=sys.stderr)
        return 2

    def leave(*_: object) -> NoReturn:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, leave)
    emulator = Emulator(sys.argv[1])
    try:
        emulator.open()
        # Packets must leave on time even while browsers keep all cores busy; and a collection of garbage takes milliseconds.
        os.nice(-10)
        gc.collect()
        gc.freeze()
        answer("ready", a=ADDRESS["a"], b=ADDRESS["b"])
        emulator.run()
    except OSError as error:
        answer("failed", why=str(error))
        return 1
    finally:
        emulator.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
