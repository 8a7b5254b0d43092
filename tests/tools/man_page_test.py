"""The manual page of pillarbox(8) and --help name the same commands, and the same options for each."""

import os
import re
import subprocess
import unittest
from pathlib import Path

PROGRAM = Path(os.environ["PILLARBOX_PROGRAM"])
PAGE = Path(__file__).resolve().parent.parent.parent / "man" / "pillarbox.8"
COMMON = {"-C", "--help", "--version"}


def help_text(*words):
    done = subprocess.run([PROGRAM, *words, "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0 and not done.stderr, done
    return done.stdout.decode()


def section(text, title):
    return re.search(rf"^{title}:\n(.*?)(\n\n|\Z)", text, re.M | re.S).group(1)


def commands():
    return [re.split(r"  +", line.strip())[0] for line in section(help_text(), "Commands").splitlines()]


def options_of_help(text):
    found = set()
    for line in section(text, "Options").splitlines():
        match = re.match(r"  (-\S.*?)(  |$)", line)
        if match:
            found.update(word.split()[0] for word in match.group(1).split(", "))
    return found


def options_of_lines(lines):
    return {"-" + match.group(1).replace("\\-", "-") for line in lines
            if (match := re.match(r"\.It Fl (\S+)", line))}


def read_page():
    """Options of the description, and of each command."""
    common, by_command, current, in_commands = [], {}, None, False
    for line in PAGE.read_text().splitlines():
        if line.startswith(".Sh "):
            in_commands, current = line == ".Sh COMMANDS", None
        elif in_commands and line.startswith(".Ss "):
            current = line[4:]
            by_command[current] = []
        elif current is not None:
            by_command[current].append(line)
        else:
            common.append(line)
    return options_of_lines(common), {name: options_of_lines(lines) for name, lines in by_command.items()}


class ManPage(unittest.TestCase):
    def test_it_has_the_commands_of_help_in_its_order(self):
        self.assertEqual(list(read_page()[1]), commands())

    def test_each_command_has_the_options_of_its_help(self):
        common, by_command = read_page()
        self.assertEqual(common, COMMON)
        for command in commands():
            with self.subTest(command):
                self.assertEqual(by_command[command] | COMMON, options_of_help(help_text(*command.split())))

    def test_help_has_a_usage_an_example_and_the_exit_status(self):
        for command in commands():
            with self.subTest(command):
                text = help_text(*command.split())
                self.assertTrue(text.startswith(f"usage: pillarbox [-C FILE] {command}"), text)
                self.assertIn("\nExamples:\n", text)
                self.assertIn("\nExit status: ", text)
                self.assertLessEqual(max(map(len, text.splitlines())), 100)

    def test_help_of_a_group_lists_its_commands_only(self):
        for group in {command.split()[0] for command in commands() if " " in command}:
            listed = section(help_text(group), "Commands").splitlines()
            self.assertEqual([re.split(r"  +", line.strip())[0] for line in listed],
                             [command for command in commands() if command.startswith(group + " ")])


if __name__ == "__main__":
    unittest.main()
