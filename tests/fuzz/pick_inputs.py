#!/usr/bin/env python3
"""Picks the inputs that together reach the most code: pick_inputs.py CONTROL COUNT FOLDER copies them there.

CONTROL is the -merge_control_file of a libFuzzer merge: paths, and for each input all edges that it reaches (FT lines of a set cover merge). Greedy: always the
input with the most edges that none before it reached, the smaller one of two.
"""
import shutil
import sys
from pathlib import Path


def read_control(path):
    """Path and edges of every input. The file: how many paths, how many of them are the first corpus, the paths, then the runs."""
    lines = Path(path).read_text().splitlines()
    paths = lines[2:2 + int(lines[0])]
    edges = {}
    for line in lines[2 + len(paths):]:
        kind, index, *numbers = line.split()
        if kind == "FT":
            edges[paths[int(index)]] = set(numbers)
    return edges


def main():
    edges = read_control(sys.argv[1])
    folder = Path(sys.argv[3])
    reached = set()
    for _ in range(int(sys.argv[2])):
        best = max(edges, key=lambda path: (len(edges[path] - reached), -Path(path).stat().st_size, path))
        if not edges[best] - reached:
            break
        reached |= edges.pop(best)
        shutil.copy(best, folder)
    print(f"{folder}: {len(list(folder.iterdir()))} inputs, {len(reached)} edges of {len(reached.union(*edges.values()))}")


main()
