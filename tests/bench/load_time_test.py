#!/usr/bin/env python3
"""load_time.py on commands whose times are known, and on ones that fail."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).with_name("load_time.py")


class LoadTimeTest(unittest.TestCase):
    def run_script(self, *commands, caches="cold,warm"):
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder, "a model")
            model.write_bytes(b"x" * 100000)
            arguments = [sys.executable, str(SCRIPT), "--model", str(model), "--runs", "3", "--caches", caches]
            for command in commands:
                arguments += ["--command", command]
            return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False)

    def test_tells_medians_of_each_command_and_cache(self):
        result = self.run_script("slow=sh -c 'sleep 0.3; cat \"$0\"; sleep 0.2' {model}", "quick=cat {model}")
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = {" ".join(line.split()[:2]): line.split()[2:] for line in result.stdout.splitlines()[1:]}
        self.assertEqual(set(lines), {"cold slow", "cold quick", "warm slow", "warm quick"})
        for name in ("cold slow", "warm slow"):  # until the first byte, not until the end
            self.assertGreaterEqual(float(lines[name][0]), 0.3)
            self.assertGreater(float(lines[name][-1]), 0)  # VmHWM
        self.assertLess(float(lines["warm quick"][0]), float(lines["warm slow"][0]))

    def test_a_command_that_fails_or_says_nothing_is_an_error(self):
        for command in ("a=sh -c 'echo x; exit 3'", "a=true"):
            result = self.run_script(command, caches="warm")
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("exit code", result.stderr)


if __name__ == "__main__":
    unittest.main()
