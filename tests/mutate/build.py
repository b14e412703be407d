"""build.py: compiles mutants and runs them in the programs that hold them.

How things are compiled and linked is the Makefile's to say: `make -n` is asked
once. A program that does not pull in the mutated file cannot see the mutant,
so each program built is asked by `nm` what it holds.
"""
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import resource
import shlex
import shutil
import signal
import subprocess
import time

SWEEP = ["1", "24", "--minutes", "4", "-q"]  # some three seconds of the simulator
PATIENCE = 5      # times what it takes undamaged; more than that is no end
LEAST_WAIT = 20   # seconds, on a busy machine
MEMORY, FILE = 4 << 30, 256 << 20  # bytes; a mutant may run wild
# what reads beyond a table ends there, as it would under `make asan`
BOUNDS = ["-fsanitize=bounds", "-fsanitize-undefined-trap-on-error"]


@dataclasses.dataclass
class Program:
    """A unit test or the simulator."""
    name: str
    path: str
    link: list            # the command that links it
    arguments: list
    symbols: set          # what is in it
    wanted: set           # what its own objects ask for by name
    seconds: float = 0.0  # one run of it, undamaged
    runs: dict = dataclasses.field(default_factory=dict)  # {file: {function: times it ran}}

    def reaches(self, file, function):
        """Whether it runs function, as far as can be told."""
        return self.runs.get(file, {}).get(function, 1) > 0


def bound_children():
    """Limits that every program started from here on inherits."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))


def names(paths, *options):
    """The names nm finds in objects or programs."""
    out = subprocess.run(["nm", "-P", *options, *paths], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in out.splitlines() if " " in line}


def run(command, cwd, seconds, log=subprocess.DEVNULL, env=None):
    """None if it ends well in time, given how long it takes undamaged; else what became of it."""
    cpu = int(PATIENCE * seconds) + 1
    with subprocess.Popen(command, cwd=cwd, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                          env=env, start_new_session=True) as child:
        with contextlib.suppress(OSError):  # it may have ended
            resource.prlimit(child.pid, resource.RLIMIT_CPU, (cpu, cpu))
        try:
            status = child.wait(max(LEAST_WAIT, 2 * PATIENCE * seconds))
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            return "waits"
        except BaseException:
            os.killpg(child.pid, signal.SIGKILL)
            raise
    if status in (-signal.SIGKILL, -signal.SIGXCPU):
        return "does not end"
    if status < 0:
        return "ends by " + signal.Signals(-status).name
    return f"ends with {status}" if status else None


class Tree:
    """The tree as it is built, and a scratch folder of one room's mutants."""

    def __init__(self, root, room):
        self.root = pathlib.Path(root).resolve()
        self.scratch = self.root / os.environ.get("BUILD", "build") / "mutate" / room.replace("/", "-")
        self.files = sorted(str(p.relative_to(self.root)) for p in (self.root / room).glob("*.c"))
        self.commands, self.compilers = [], {}
        self.originals, self.counted, self.exports = {}, {}, {}

    def ask_make(self):
        """Every command line of the build, as lists of words."""
        quiet = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        given = [f"{k}={os.environ[k]}" for k in ("CC", "BUILD", "V") if os.environ.get(k)]
        command = [os.environ.get("MAKE", "make"), "-n", "-B", *given, "unit-build", "sim-build"]
        out = subprocess.run(command, cwd=self.root, env=quiet, capture_output=True, text=True,
                             check=True).stdout.replace("\\\n", " ")
        parts = (part for line in out.splitlines() for part in re.split(r";|&&", line) if " -o " in part)
        return [shlex.split(part.strip().lstrip("@")) for part in parts]

    def compiler(self, file):
        """(the command that compiles a text in place of file, the object that it replaces)"""
        command = next((c for c in self.commands if "-c" in c and file in c), None)
        if command is None:
            raise SystemExit(f"make compiles no {file}")
        original = command[command.index("-o") + 1]
        dropped = re.compile(r"-g|-M.*|-W(?![lap],).*")
        kept = [w for w in command if not dropped.fullmatch(w) and w not in ("-o", original, "-c", file)]
        return [*kept, "-w", *BOUNDS, "-iquote", os.path.dirname(file), "-x", "c", "-c", "-"], original

    def compile(self, file, text, out, *options):
        """Whether text compiles in place of file. Line numbers and names in assertions stay."""
        command, _ = self.compilers[file]
        done = subprocess.run([*command, *options, "-o", str(out)], cwd=self.root, capture_output=True,
                              input=f'#line 1 "{file}"\n{text}', text=True, check=False)
        return done.returncode == 0

    def prepare(self):
        """Asks make, and compiles the files as they are: as mutants are, and so that they count what runs."""
        self.scratch.joinpath("counted").mkdir(parents=True, exist_ok=True)
        self.commands = self.ask_make()
        self.compilers = {f: self.compiler(f) for f in self.files}
        for f in self.files:
            text = (self.root / f).read_text(encoding="utf-8")
            name = pathlib.Path(f).stem + ".o"
            self.originals[f], self.counted[f] = self.scratch / name, self.scratch / "counted" / name
            if not (self.compile(f, text, self.originals[f]) and
                    self.compile(f, text, self.counted[f], "--coverage")):
                raise SystemExit(f"{f} does not compile as its mutants would be")
            self.exports[f] = names([self.originals[f]], "-g", "--defined-only")

    def programs(self):
        """Unit tests and the simulator, those that hold something of this room."""
        defined = set().union(*self.exports.values())
        found = []
        for command in self.commands:
            path = command[command.index("-o") + 1]
            name = os.path.basename(path)
            if "-c" in command or not (name.startswith("u_") or name == "simulate"):
                continue
            own = [w for w in command if w.endswith(".o")]
            program = Program(name, path, command, SWEEP if name == "simulate" else [],
                              names([self.root / path], "--defined-only"),
                              names([self.root / o for o in own], "--undefined-only"))
            if defined & program.symbols:
                found.append(program)
        return found

    def link(self, program, objects, out, *options):
        """Links program with objects, {source: object}, in place of the true ones; says what is wrong."""
        command = [*program.link, *options]
        command[command.index("-o") + 1] = str(out)
        for file, mine in objects.items():
            theirs = self.compilers[file][1]
            if theirs in command:
                command[command.index(theirs)] = str(mine)
            else:  # before the archives: what is there is not looked for in them
                first = next(i for i, w in enumerate(command) if w.endswith(".a"))
                command.insert(first, str(mine))
        done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False)
        return None if done.returncode == 0 else "does not link: " + done.stderr[-400:]

    def measure(self, program):
        """Runs program undamaged: for how long, and what of the room it runs. None, or what is wrong."""
        out = self.scratch / program.name
        counts = self.scratch / "counted" / program.name
        shutil.rmtree(counts, ignore_errors=True)
        counts.mkdir()
        holds = {f: o for f, o in self.counted.items() if self.exports[f] & program.symbols}
        wrong = self.link(program, holds, out, "--coverage")
        if wrong is None:
            begin = time.monotonic()
            wrong = run([str(out), *program.arguments], self.root, 60,
                        env={**os.environ, "GCOV_PREFIX": str(counts), "GCOV_PREFIX_STRIP": "99"})
            program.seconds = time.monotonic() - begin
            program.runs = {f: self.read_counts(o, counts) for f, o in holds.items()}
        out.unlink(missing_ok=True)
        return wrong

    def read_counts(self, counted, folder):
        """{function: times it ran}; empty where the compiler does not say."""
        data = folder / (counted.stem + ".gcda")
        if not data.exists() or not shutil.which("gcov"):
            return {}
        shutil.copy(counted.with_suffix(".gcno"), folder)
        out = subprocess.run(["gcov", "--json-format", "-t", data.name], cwd=folder, capture_output=True,
                             check=False).stdout
        files = json.loads(out)["files"] if out.startswith(b"{") else []
        return {f["name"]: f["execution_count"] for file in files for f in file["functions"]}
