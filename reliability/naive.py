"""Calls in, answers in their order out, one by one and without a limit: the overload's control.

What many small servers are: whatever arrives waits, however long that takes.

python -m reliability.naive CALLS_PER_SECOND
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time

__all__ = ["command", "main"]

_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
_LARGEST = 1 << 20


def command(per_second: float) -> list[str]:
    """What `reliability.server.serving` starts in place of `stadion up`."""
    return [sys.executable, "-m", "reliability.naive", str(per_second)]


async def serve(per_second: float) -> None:
    """Until SIGTERM."""
    free_at = 0.0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal free_at
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = head.lower().partition(b"\r\ncontent-length: ")[2].partition(b"\r")[0]
                await reader.readexactly(int(size or 0))
                free_at = max(time.monotonic(), free_at) + 1 / per_second
                await asyncio.sleep(free_at - time.monotonic())
                writer.write(_ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=4096, limit=_LARGEST)
    port = server.sockets[0].getsockname()[1]
    sys.stdout.write(json.dumps({"predictions": f"http://127.0.0.1:{port}"}) + "\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()


def main() -> None:
    """One argument: how many calls it answers in a second."""
    asyncio.run(serve(float(sys.argv[1])))


if __name__ == "__main__":
    main()
