#!/usr/bin/python3
"""start.py --pid FILE --log FILE -- COMMAND...: starts a daemon, returns once it
has said READY=1 (as to systemd), and leaves it running."""
import argparse
import os
import select
import socket
import subprocess
import sys
import tempfile


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--pid", required=True)
    p.add_argument("--log", required=True)
    p.add_argument("--timeout", type=float, default=30)
    p.add_argument("command", nargs="+")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="gt-ready-") as tmp, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(os.path.join(tmp, "s"))
        env = dict(os.environ, NOTIFY_SOCKET=os.path.join(tmp, "s"))
        with open(a.log, "ab") as log:
            d = subprocess.Popen(a.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)
        with open(a.pid, "w") as f:
            f.write(f"{d.pid}\n")
        fd = os.pidfd_open(d.pid)
        while True:
            r = select.select([s, fd], [], [], a.timeout)[0]
            if s in r and b"READY=1" in s.recv(4096):
                d.returncode = 0  # not ours to wait for
                return 0
            if fd in r or not r:
                why = f"ended with {d.wait()}" if fd in r else "is not ready"
                print(f"{' '.join(a.command)} {why}; its log:", file=sys.stderr)
                with open(a.log, errors="replace") as f:
                    sys.stderr.writelines(f.readlines()[-20:])
                return 1


sys.exit(main())
