"""A package of very many files, and readers that take their time with it."""
import os
import random
import socket
import subprocess


MEMBERS = 100_000
BIG = "a-film.bin"


def large_package(folder, members=MEMBERS, big=8_000_000):
    """So many empty files with names as long as real ones, a folder with a first
    page, and one member that fills any buffer on its way. Returns its bytes."""
    long = "a-lesson-of-the-course-on-digital-technology-for-everyone-in-the-county-part"
    made = 0
    while made < members:
        name = os.path.join(folder, f"{long}-{made // 1000:03}")
        os.makedirs(name)
        there = os.open(name, os.O_RDONLY | os.O_DIRECTORY)
        for i in range(1000):
            os.mknod(f"page-with-a-picture-of-the-whole-village-{made + i:06}.txt", 0o644, dir_fd=there)
        os.close(there)
        made += 1000
    with open(os.path.join(name, "index.html"), "w") as f:
        f.write("<p>the last folder</p>")
    data = random.Random(1).randbytes(big)
    with open(os.path.join(folder, BIG), "wb") as f:
        f.write(data)
    return data, os.path.basename(name)


def memory(pid, key):
    """VmRSS and the like, in bytes."""
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(key + ":"))


def peak_of(*command):
    """The most memory a command had, in bytes; it must end well."""
    env = dict(os.environ, ASAN_OPTIONS="quarantine_size_mb=1")
    p = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env)
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    assert p.returncode == 0, command
    return used.ru_maxrss * 1024


def peak_from_here(pid):
    """VmHWM counts anew."""
    with open(f"/proc/{pid}/clear_refs", "w") as f:
        f.write("5")


class SlowReaders:
    """So many that have asked for a path, seen the beginning of the answer, and
    take no more of it before they are told."""

    def __init__(self, port, path, n):
        self.sockets = []
        for _ in range(n):
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            s.settimeout(120)
            s.connect(("127.0.0.1", port))
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            self.sockets.append(s)
        self.begun = [s.recv(1000) for s in self.sockets]

    def finish(self, i):
        """The rest of one answer, with all that came before."""
        parts = [self.begun[i]]
        while True:
            piece = self.sockets[i].recv(1 << 20)
            if not piece:
                return b"".join(parts)
            parts.append(piece)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in self.sockets:
            s.close()
