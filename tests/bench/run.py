"""run.py BENCH [--quick] [--store]: runs the benchmarks, compares, reports. Called by scripts/bench."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time

import report

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RAW = os.path.join(ROOT, "out", "bench")
RESULTS = os.path.join(ROOT, "tests", "bench", "results")
QUICK = r"^(flow/(taylor_green_128|channel_128)/k4|tensor/(symmetric|any)_128|boxmg/(constant|drop)_64|sweep/conv.*taylor)"
CHANGED = 0.10  # what a comparison calls a difference


def machine():
    """What a figure depends on: processor, cores, compiler."""
    fields = {}
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.partition(":")
            fields.setdefault(key.strip(), value.strip())
    cores = len(os.sched_getaffinity(0))
    compiler = subprocess.run(["c++", "-dumpfullversion"], capture_output=True, text=True, check=False).stdout.strip()
    name = fields.get("model name", os.uname().machine)
    kind = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    kind += f"-{fields.get('cpu family', '0')}-{fields.get('model', '0')}-{cores}cores"
    return {"class": kind, "processor": name, "cores": cores, "compiler": compiler,
            "family and model": f"{fields.get('cpu family')}, {fields.get('model')}"}


def commit():
    text = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True,
                          check=False).stdout.strip()
    return text or "unknown"


def command(bench, ranks):
    if ranks == 1:
        return [bench]
    mpirun = shutil.which("mpirun.openmpi") or shutil.which("mpirun")
    return [mpirun, "-n", str(ranks), bench]


def names(bench, pattern):
    listing = subprocess.run([bench, "--benchmark_list_tests=true", f"--benchmark_filter={pattern}"],
                             capture_output=True, text=True, check=False)
    return [line for line in listing.stdout.splitlines() if "/" in line]


def call(bench, ranks, pattern, repetitions, raw):
    """One process (or one per rank); its JSON, kept in `raw`."""
    arguments = command(bench, ranks) + [f"--benchmark_filter={pattern}", f"--benchmark_repetitions={repetitions}",
                                         f"--benchmark_out={raw}", "--benchmark_display_aggregates_only=true"]
    with open(raw + ".log", "w", encoding="utf-8") as log:
        code = subprocess.run(arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                              timeout=1800, check=False).returncode
    if code != 0:
        with open(raw + ".log", encoding="utf-8") as log:
            sys.exit(f"run.py: {' '.join(arguments)} ended with {code}:\n" + log.read()[-3000:])
    with open(raw, encoding="utf-8") as file:
        return json.load(file)["benchmarks"]


def distil(entries, ranks, results):
    """Medians (and minima) over the repetitions of every counter."""
    by_name = {}
    for entry in entries:
        if entry.get("run_type") == "iteration":
            by_name.setdefault(re.sub(r"/iterations:.*", "", entry["name"]), []).append(entry)
    standard = {"name", "run_name", "run_type", "family_index", "per_family_instance_index", "repetitions",
                "repetition_index", "threads", "iterations", "real_time", "cpu_time", "time_unit"}
    for name, runs in by_name.items():
        result = {}
        for key in runs[0]:
            if key in standard:
                continue
            values = [run[key] for run in runs if isinstance(run.get(key), (int, float))]
            if values:
                result[key] = float(f"{statistics.median(values):.4g}")
        if len(runs) > 1 and "ns" in result:
            result["ns_min"] = float(f"{min(run['ns'] for run in runs):.4g}")
            result["ns_max"] = float(f"{max(run['ns'] for run in runs):.4g}")
        results.setdefault(name, {})[str(ranks)] = result


def measure(bench, quick, cores):
    os.makedirs(RAW, exist_ok=True)
    results = {}
    repetitions = 3 if quick else 5
    for ranks in (1, 2):
        if ranks > max(cores, 1):
            continue
        print(f"bench: {ranks} rank{'s' if ranks > 1 else ''} ...", flush=True)
        pattern = QUICK if quick else "-^memory/"
        distil(call(bench, ranks, pattern, repetitions, os.path.join(RAW, f"ranks{ranks}.json")), ranks, results)
    if not quick:  # each in a process of its own
        for number, name in enumerate(names(bench, "^memory/")):
            distil(call(bench, 1, f"^{name}$", 1, os.path.join(RAW, f"memory{number}.json")), 1, results)
    return results


def compare(stored, run):
    """Lines for what is slower or faster than what is stored, by time and by triad-equivalent bytes."""
    lines = []
    for name, by_ranks in run["results"].items():
        for ranks, new in by_ranks.items():
            old = stored["results"].get(name, {}).get(ranks)
            if not old or "ns" not in new or "ns" not in old:
                continue
            time_ratio, byte_ratio = new["ns"] / old["ns"], new["bytes"] / old["bytes"]
            if max(time_ratio, byte_ratio) > 1 + CHANGED or min(time_ratio, byte_ratio) < 1 - CHANGED:
                lines.append(f"  {name} on {ranks}: {old['ns']:.4g} -> {new['ns']:.4g} ns (x {time_ratio:.2f}),"
                             f" triad-equivalent bytes x {byte_ratio:.2f}")
    return lines


def main():
    bench, options = sys.argv[1], set(sys.argv[2:])
    quick = "--quick" in options
    begin, load = time.time(), os.getloadavg()[0]
    facts = machine()
    print(f"bench: machine class {facts['class']}, load {load:.2f} before the start", flush=True)
    results = measure(bench, quick, facts["cores"])
    run = {"machine": facts, "commit": commit(), "date": time.strftime("%Y-%m-%d"), "load_before": round(load, 2),
           "seconds": round(time.time() - begin), "results": results}
    path = os.path.join(RESULTS, facts["class"] + ".json")
    stored = None
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            stored = json.load(file)
    report.print_table(run)
    if stored:
        changes = compare(stored, run)
        print(f"bench: against {os.path.relpath(path, ROOT)} (commit {stored['commit']}, {stored['date']}, load"
              f" {stored['load_before']}): " + ("no figure differs by more than 10 %" if not changes else ""))
        print("\n".join(changes))
    else:
        print(f"bench: nothing is stored for class {facts['class']} yet")
    with open(os.path.join(RAW, "run.json"), "w", encoding="utf-8") as file:
        json.dump(run, file, indent=1)
    if quick:
        return
    if not stored or "--store" in options:
        os.makedirs(RESULTS, exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(run, file, indent=1)
            file.write("\n")
    print("\n".join(report.sections(report.Run(run), ROOT)))
    report.write(run, ROOT)
    print(f"bench: wrote docs/performance.md and docs/images/performance.png after {time.time() - begin:.0f} s")


if __name__ == "__main__":
    main()
