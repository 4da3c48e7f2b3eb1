"""Opens report.html in a real browser: report_page_test.py BIN_FOLDER [--keep FOLDER]

Predictions are made up, `lora-eval report` makes the page, headless Chromium opens it at desktop and phone width, light
and dark. The page must not log, ask for anything else, run a script, or be wider than its window. --keep leaves pages
and screenshots in a folder. Skipped (exit code 77) where there is no Chromium.
"""
import argparse
import base64
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOSTILE = '</pre><script>document.title="owned"</script><img src="http://127.0.0.1:9/x.png" onerror="document.title=\'owned\'">'
GROUPS = "CT1 CT3 CT4 CT6 RAN1 RAN2 RAN3 RAN4 RAN5 RAN_AH1 SA1 SA2 SA3 SA4 SA5 SA6".split()


def predictions(category, part, names, right, seed, rows, constant=None):
    """Lines of predictions.jsonl as a model that is right in about `right` of the rows would leave them."""
    golds, rng = random.Random(part), random.Random(seed)
    for i in range(rows):
        gold = names[int(len(names) * golds.random() ** 1.5)]

        def pick():
            if constant and rng.random() < 0.97:
                return constant
            return gold if rng.random() < right else rng.choice(names)

        selected, predicted, parsed = pick(), pick(), rng.random() > 0.06
        sure = (1.5 if selected == gold else 0.4) + 3 * rng.random()
        samples = [pick() for _ in range(4)]
        voted = max(samples, key=samples.count)
        yield {
            "id": f"{category}/{part} {i}", "split": part, "split_method": "group", "split_seed": 42,
            "parser": "inspect-legacy" if len(names) < 10 else "working-group-official", "group": f"{part} {i // 3}",
            "options": len(names), "gold": gold, "predicted": predicted if parsed else None,
            "correct": parsed and predicted == gold, "parsed": parsed,
            "option_logprobs": [-4 + (sure if name == selected else -rng.random()) for name in names],
            "selected": selected, "selected_by_length": pick(),
            "output": f"ANSWER: {predicted}" if parsed else HOSTILE,
            "rotations": [{"shift": k, "selected": pick(), "predicted": pick(), "output": "x"} for k in (1, 2, 3)],
            "samples": [{"output": s, "predicted": s, "correct": s == gold} for s in samples],
            "voted": voted, "voted_correct": voted == gold,
        }


def write_folder(folder, category, names, subjects):
    folder.mkdir(parents=True)
    for seed, (name, right, constant) in enumerate(subjects):
        with open(folder / f"predictions-{name}.jsonl", "w") as file:
            for part, rows in (("test", 300), ("train", 500)):
                share = min(1, right * 1.4) if part == "train" else right
                for line in predictions(category, part, names, share, seed, rows, constant):
                    file.write(json.dumps(line) + "\n")


def add_cost(folder):
    """What a measurement would leave: the report is then made anew from it and the predictions."""
    path = folder / "report.json"
    report = json.loads(path.read_text())
    report["backbone"] = "smollm2-135m" + HOSTILE
    report["measured"]["settings"] = {"device": "cpu", "precision": "bf16"}
    report["measured"]["digests"] = {"data": "0123456789abcdef" * 4}
    for subject in report["subjects"]:
        subject["cost"] = {
            "queries": 30, "latency_p50_seconds": 0.21, "latency_p95_seconds": 0.34, "first_token_seconds": 0.12,
            "tokens_per_second": 41.5, "peak_memory_bytes": 612000000, "weights_bytes": 269000000,
            "adapter_bytes": 19500000, "cache_bytes": None, "swap_seconds": 0.004, "joules_per_query": None}
    path.write_text(json.dumps(report))


class Browser:
    """Chromium, driven over its debugging pipe (file descriptors 3 and 4, JSON ended by a zero byte)."""

    def __init__(self, program, profile):
        read_end, self.out = os.pipe()
        self.into, write_end = os.pipe()

        def plumb():
            os.dup2(read_end, 100), os.dup2(write_end, 101)
            os.dup2(100, 3), os.dup2(101, 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run",
             f"--user-data-dir={profile}", "--disable-background-networking", "about:blank"],
            preexec_fn=plumb, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(read_end), os.close(write_end)
        self.buffer, self.number, self.events, self.session = b"", 0, [], None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def read(self):
        while b"\0" not in self.buffer:
            data = os.read(self.into, 1 << 16)
            if not data:
                sys.exit("Chromium ended early")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    sys.exit(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def open(self, url):
        self.events.clear()
        self.call("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.read())

    def value(self, expression):
        return self.call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")

    def view(self, width, height, dark):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)

    def shoot(self, path):
        picture = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))

    def close(self):
        self.process.terminate()
        self.process.wait()


def check(browser, page, width, dark, faults):
    browser.view(width, 900, dark)
    browser.open(page.as_uri())

    def expect(good, what):
        if not good:
            faults.append(f"{page.parent.name} at {width} px{', dark' if dark else ''}: {what}")

    for event in browser.events:
        method, params = event.get("method"), event.get("params", {})
        expect(method not in ("Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown"), f"logged {params}")
        if method == "Network.requestWillBeSent":
            url = params["request"]["url"]
            expect(url == page.as_uri() or url.startswith("data:"), f"asked for {url}")
    browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    scroll = browser.value("document.documentElement.scrollWidth")
    expect(scroll <= width, f"is {scroll} px wide")
    expect(browser.value("document.scripts.length") == 0, "has a script")
    expect(browser.value("document.images.length") == 0, "has an image")
    expect(browser.value("document.title") != "owned", "ran hostile text")
    expect(browser.value("document.querySelectorAll('svg').length") > 10, "lacks its drawings")
    expect(browser.value("[...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label'))"),
           "has a drawing without a label")
    expect(browser.value(
        "[...document.querySelectorAll('svg.plot')].every(s => s.getBoundingClientRect().height > 50)"), "has an empty drawing")
    low = browser.value("""(() => {
      const rgb = c => c.match(/[\\d.]+/g).slice(0, 3).map(v => (v /= 255, v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4));
      const light = c => { const [r, g, b] = rgb(c); return .2126 * r + .7152 * g + .0722 * b; };
      const back = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor;
                          if (!/, 0\\)$/.test(c)) return c; } return 'rgb(255, 255, 255)'; };
      let worst = 99;
      for (const e of document.querySelectorAll('p, td, th, small, h1, h2, h3, figcaption, li, pre, code')) {
        const a = light(getComputedStyle(e).color), b = light(back(e));
        worst = Math.min(worst, (Math.max(a, b) + .05) / (Math.min(a, b) + .05));
      }
      return worst; })()""")
    expect(low >= 4.5, f"has text of contrast {low:.2f}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bin", type=Path)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("skipped: no Chromium here; apt-get install chromium")
        return 77
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        folder = (options.keep or Path(scratch) / "pages").resolve()
        write_folder(folder / "letters", "oran-bench", list("ABCD"),
                     [("base", 0.1, None), ("good", 0.5, None), ("always-a", 0.2, "A")])
        write_folder(folder / "groups", "3gpp-tsg", GROUPS, [("base", 0.05, None), ("good", 0.6, None)])
        faults, browser = [], Browser(chromium, Path(scratch) / "profile")
        for pages in ("letters", "groups"):
            report = [str(options.bin / "lora-eval"), "report", str(folder / pages)]
            subprocess.run(report, check=True, stdout=subprocess.DEVNULL)
            add_cost(folder / pages)
            subprocess.run(report, check=True, stdout=subprocess.DEVNULL)
            for width, dark in ((1280, False), (1280, True), (390, False), (390, True)):
                check(browser, folder / pages / "report.html", width, dark, faults)
                if options.keep:
                    browser.shoot(folder / f"{pages}-{width}{'-dark' if dark else ''}.png")
        browser.close()
    print("\n".join(faults) or "4 views of 2 pages: nothing logged, nothing asked for, no overflow")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
