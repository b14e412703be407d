"""What deploy/TROUBLE tells a county's officer: its words are the program's, its commands exist."""
import os
import re
import unittest

from tree import ROOT, guantong, guantongd, run

GUIDES = ("TROUBLE.md", "TROUBLE.zh-CN.md")


def guide(name):
    with open(os.path.join(ROOT, "deploy", name)) as f:
        return f.read()


def words():
    """All sentences of the tables, both languages."""
    folder = os.path.join(ROOT, "daemon/words")
    text = ""
    for name in sorted(os.listdir(folder)):
        if name.endswith(".def"):
            with open(os.path.join(folder, name)) as f:
                text += f.read()
    return re.sub(r'"\s*"', "", text)


def helped(*command):
    """The help of a command; None: there is none."""
    p = run([guantong(), *command, "--help"], ok=False)
    return p.stdout if p.returncode == 0 else None


class Guide(unittest.TestCase):
    def test_both_languages_have_the_same_rows(self):
        rows = [[re.findall("`([^`]*)`", line)[:1] for line in guide(g).splitlines() if line.startswith("| ")] for g in GUIDES]
        self.assertEqual(*rows)
        self.assertGreater(len(rows[0]), 20)

    def test_what_is_quoted_is_said(self):
        said = words()
        for g in GUIDES:
            quoted = [q for q in re.findall("“([^”]*)”", guide(g)) if q != "…"]
            self.assertGreater(len(quoted), 20)
            for q in quoted:
                self.assertIn(q, said, g)

    def test_each_command_exists_with_its_options(self):
        for g in GUIDES:
            for text in set(re.findall(r"`(?:sudo -u guantong )?(guantongd? [^`]*)`", guide(g))):
                program, *args = text.split()
                if program == "guantongd":
                    known = run([guantongd(), "--help"])
                else:
                    if args[:1] == ["-C"]:
                        args = args[2:]
                    command = []
                    for word in args:
                        if word.startswith("-") or helped(*command, word) is None or len(command) == 3:
                            break
                        command.append(word)
                    known = helped(*command) if command else None
                    self.assertTrue(known and command, text)
                for option in re.findall(r"(?<= )--?[a-zA-Z-]+", " " + " ".join(args)):
                    self.assertIn(option, known, text)


if __name__ == "__main__":
    unittest.main()
