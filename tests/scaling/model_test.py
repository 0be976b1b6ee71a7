"""The counts of the scaling model against those of instrumented steps on 1 to 16 ranks.
Usage: model_test.py COUNT_TRAFFIC SOURCE LAUNCHER... (which takes a number of ranks next)
"""
import json
import os
import subprocess
import sys

PROGRAM, SOURCE, LAUNCHER = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3:]
sys.path.insert(0, os.path.join(SOURCE, "scripts", "scaling"))
import model  # noqa: E402

CASES = [(8, "tensor", grid) for grid in ((1, 1, 1), (1, 1, 2), (1, 2, 2), (2, 2, 4))]
CASES += [(8, "boxmg", (1, 1, 2)), (16, "boxmg", (2, 2, 2)), (32, "boxmg", (1, 1, 2)), (25, "boxmg", (2, 2, 2)), (6, "boxmg", (2, 2, 4))]


def measure(case):
    n, method, grid = case
    ranks = grid[0] * grid[1] * grid[2]
    command = [*LAUNCHER, str(ranks), PROGRAM, str(n), method, *map(str, grid)]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=100, text=True).stdout
    return json.loads(out.splitlines()[-1])


def main():
    wrong = []
    for case in CASES:
        n, method, grid = case
        found = measure(case)
        said = model.count(n, grid, method, found["iterations"] if method == "boxmg" else 0)
        expected = {"messages": said.messages, "message_bytes": said.message_bytes, "exchanges": said.exchanges,
                    "reductions": said.reductions, "gathers": said.gathers, "gather_bytes": said.gather_bytes, "others": said.requests}
        for name, value in expected.items():
            if found[name] != value:
                wrong.append(f"{method} {n}^3 on {grid}: {name} {found[name]:g}, the model says {value:g} ({found['solver']})")
        # What moves between pencils is less than everything and, for two ranks in a row, at least half.
        if not 0.5 * said.exchange_bytes <= found["exchange_bytes"] <= said.exchange_bytes:
            wrong.append(f"{method} {n}^3 on {grid}: exchange_bytes {found['exchange_bytes']:g} of {said.exchange_bytes:g}")
    print("\n".join(wrong))
    print(f"{len(CASES)} cases, {len(wrong)} differences")
    return 1 if wrong else 0


sys.exit(main())
