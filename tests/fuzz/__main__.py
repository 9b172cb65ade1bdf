"""``python -m tests.fuzz SECONDS [TARGET]...``: every target for so long, one after the other; fails on a finding.

``build/fuzz`` keeps what was found out from run to run, and inputs that break something.
"""

import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
WORK = Path("build/fuzz")


def main(seconds: int, names: list[str]) -> int:
    """Run, report; the number of targets with a finding."""
    failed = []
    for name in names or [target.__name__ for target in TARGETS]:
        folder = WORK / name
        folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "tests.fuzz.fuzz", name, f"-max_total_time={seconds}", "-max_len=8192"]
        limits = ["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1", f"-artifact_prefix={WORK}/{name}-"]
        done = subprocess.run(
            [*command, *limits, folder, CORPUS / name], capture_output=True, text=True, errors="replace", check=False
        )
        executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
        covered = re.findall(r"cov: (\d+)", done.stderr)
        print(f"{name:20} {int(executed[1]) if executed else 0:>12,} inputs, {covered[-1] if covered else 0:>5} edges")
        sys.stdout.flush()
        if done.returncode != 0:
            failed.append(name)
            print("\n".join(done.stderr.splitlines()[-40:]))
    print(f"{len(failed)} of {len(names or TARGETS)} targets with a finding", *failed)
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
