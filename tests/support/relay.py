#!/usr/bin/python3
"""A TCP relay on loopback that can be cut, for tests of links that break.

    relay.py [--listen PORT] --to PORT [--rate BYTES] [--control SOCKET]
    relay.py --tell SOCKET COMMAND

Prints "ready PORT", then a word for every command it has carried out. Commands
are lines on standard input, or on the control socket, which answers each:

    cut      close every connection, refuse new ones
    hold     let nothing through, close nothing: a link gone silent
    restore  as at the start
    carried  answers with the bytes that went through so far, both ways

--rate limits each direction of all connections together, in bytes per second.
Ends at SIGTERM and, without --control, when standard input does.
"""
import argparse
import asyncio
import signal
import socket
import sys
import time


class Relay:
    def __init__(self, to, rate):
        self.to = to
        self.rate = rate
        self.open = set()
        self.accepting = True
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.due = {"up": 0.0, "down": 0.0}
        self.carried = 0

    async def wait_turn(self, way, n):
        if not self.rate:
            return
        now = time.monotonic()
        self.due[way] = max(self.due[way], now) + n / self.rate
        # a little may run ahead, so that timers of a millisecond are no limit
        if self.due[way] - now > 0.01:
            await asyncio.sleep(self.due[way] - now)

    async def pump(self, reader, writer, way):
        try:
            while data := await reader.read(65536):
                await self.wait_turn(way, len(data))
                await self.flowing.wait()
                writer.write(data)
                self.carried += len(data)
                await writer.drain()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def serve(self, reader, writer):
        if not self.accepting:
            writer.transport.abort()
            return
        try:
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, up_writer)
        self.open.add(pair)
        await asyncio.gather(
            self.pump(reader, up_writer, "up"), self.pump(up_reader, writer, "down")
        )
        self.open.discard(pair)

    def command(self, word):
        if word == "cut":
            self.accepting = False
            for pair in list(self.open):
                for w in pair:
                    w.transport.abort()
        elif word == "hold":
            self.flowing.clear()
        elif word == "restore":
            self.accepting = True
            self.flowing.set()
        elif word == "carried":
            word = str(self.carried)
        else:
            word = "unknown command " + word
        print(word, flush=True)
        return word

    async def answer(self, reader, writer):
        while line := await reader.readline():
            writer.write(self.command(line.decode().strip()).encode() + b"\n")
            await writer.drain()
        writer.close()


def tell(path, word):
    with socket.socket(socket.AF_UNIX) as s:
        s.connect(path)
        s.sendall(word.encode() + b"\n")
        answer = s.makefile().readline().strip()
    return 0 if answer == word else 1


async def main(a):
    relay = Relay(a.to, a.rate)
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, done.set)
    loop.add_signal_handler(signal.SIGINT, done.set)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", a.listen)
    if a.control:
        await asyncio.start_unix_server(relay.answer, a.control)
    else:

        def readable():
            line = sys.stdin.readline()
            if line:
                relay.command(line.strip())
            else:
                done.set()

        loop.add_reader(sys.stdin.fileno(), readable)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await done.wait()
    server.close()
    relay.command("cut")


p = argparse.ArgumentParser()
p.add_argument("--listen", type=int, default=0)
p.add_argument("--to", type=int)
p.add_argument("--rate", type=float, default=0)
p.add_argument("--control")
p.add_argument("--tell", nargs=2)
args = p.parse_args()
if args.tell:
    sys.exit(tell(*args.tell))
try:
    asyncio.run(main(args))
except BrokenPipeError:
    pass
