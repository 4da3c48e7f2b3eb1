"""Both notebooks run to their end, by nbconvert, on a small recorded sweep (tests/reference/recorded: ranks 2, 4 and 8 on the embedded sample)."""
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "tests" / "reference" / "recorded"

try:
    import matplotlib  # noqa: F401
    import nbformat
    import pandas  # noqa: F401
    from nbconvert.preprocessors import CellExecutionError, ExecutePreprocessor
except ImportError as error:
    print(f"SKIP: {error}; tools/setup.sh --reference installs it")
    sys.exit(77)


def run(name, wanted):
    """`wanted`: texts that outputs must hold, and the number of pictures."""
    texts, pictures = wanted
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    if any(cell.get("outputs") for cell in notebook.cells):
        return f"{name} was saved with outputs"
    try:
        ExecutePreprocessor(timeout=300).preprocess(notebook, {"metadata": {"path": str(ROOT / "notebooks")}})
    except CellExecutionError as error:
        return f"{name}: {error}"
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in outputs)
    found = sum("image/png" in output.get("data", {}) for output in outputs)
    missing = [text for text in texts if text not in shown]
    if missing or found != pictures:
        return f"{name}: {found} pictures, {pictures} wanted; not shown: {missing}"
    return ""


def main():
    os.environ["TELORA_SWEEP"] = str(RECORDED)
    os.environ["TELORA_RUN"] = str(RECORDED / "runs" / "r4")
    failures = [text for text in (run("rank_ablation.ipynb", (["rank 2", "not distinguishable"], 3)),
                                  run("first_adapter.ipynb", (["3gpp-tsg", "generated pass@1", "RAN1"], 1))) if text]
    print("\n".join(f"FAIL: {failure}" for failure in failures) or "2 notebooks ran")
    sys.exit(bool(failures))


main()
