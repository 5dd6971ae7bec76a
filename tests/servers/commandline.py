"""capd's command line as an operator has it: two outputs and an exit code."""

import contextlib
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from capd.cli import code

_LONGEST_S = 60


@dataclass(frozen=True)
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()

    def json(self):
        """Return the whole of standard output as JSON; nothing else may be there."""
        return json.loads(self.out)

    def records(self) -> list[dict[str, object]]:
        """Return standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Capd:
    """capd in a folder of its own."""

    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    said: list[Said] = field(default_factory=list)  # everything, to search for secrets

    def environment(self) -> dict[str, str]:
        """Return what a command sees: nothing of the caller's own capd."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("CAPD_")}
        return {**kept, "PYTHONWARNINGS": "error", "TZ": "UTC", **self.env}

    def __call__(self, *arguments: str) -> Said:
        """Run a command here, in this process: a second less each than in one of its own."""
        out, err, before = io.StringIO(), io.StringIO(), dict(os.environ)
        with contextlib.chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            try:
                os.environ.clear()
                os.environ.update(self.environment())
                ended = code(arguments)
            finally:
                os.environ.clear()
                os.environ.update(before)
        return self._noted(Said(ended, out.getvalue(), err.getvalue()))

    def process(self, *arguments: str) -> Said:
        """Run a command in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "capd", *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LONGEST_S,
            check=False,
        )
        return self._noted(Said(done.returncode, done.stdout, done.stderr))

    def _noted(self, said: Said) -> Said:
        self.said.append(said)
        assert "Traceback" not in said.err, said.err
        return said

    def ok(self, *arguments: str) -> Said:
        """Run, and expect it done without a word on standard error."""
        said = self(*arguments)
        assert (said.code, said.err) == (0, ""), said
        return said

    def background(self, *arguments: str) -> subprocess.Popen[str]:
        """Start, and leave running; the caller ends it."""
        return subprocess.Popen(
            [sys.executable, "-m", "capd", *arguments],
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
