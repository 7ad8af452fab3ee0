"""A headless Chromium driven over a pipe by the DevTools protocol: pointers, touches, keys."""

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# The browser reads commands from file 3 and writes answers to file 4.
START = """
import os, sys
for number, given in zip((3, 4), sys.argv[1:]):
    os.dup2(int(given), number)
os.execv(sys.argv[3], sys.argv[3:])
"""
SECONDS = 60
NAMED = {"Shift": 8}  # bits of modifier keys
CODES = {"ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40, "Tab": 9, "End": 35}


def _high(descriptor):
    """The same file under a number that is not 3 or 4."""
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return copy


@contextmanager
def browser(folder):
    """A running browser with its profile in ``folder``."""
    ours, theirs = [[_high(end) for end in os.pipe()] for _ in range(2)]
    command = [sys.executable, "-c", START, str(ours[0]), str(theirs[1]), BROWSER, *FLAGS]
    command += ["--remote-debugging-pipe", f"--user-data-dir={folder}/profile", "about:blank"]
    silent = subprocess.DEVNULL
    process = subprocess.Popen(command, pass_fds=(ours[0], theirs[1]), stdout=silent, stderr=silent)
    os.close(ours[0])
    os.close(theirs[1])
    found = Browser(writes=ours[1], reads=theirs[0])
    try:
        yield found
    finally:
        found.call("Browser.close")
        process.wait(SECONDS)
        os.close(ours[1])
        os.close(theirs[0])


class Browser:
    """Commands go out and answers come in as JSON texts that end with a zero byte."""

    def __init__(self, writes, reads):
        self.writes, self.reads = writes, reads
        self.numbers, self.rest, self.events = itertools.count(1), b"", []

    def call(self, method, session=None, **params):
        """The result of a command; what happens meanwhile is added to ``events``."""
        wanted = next(self.numbers)
        message = {"id": wanted, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.writes, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read()
            if answer.get("id") == wanted:
                assert "error" not in answer, (method, answer["error"])
                return answer["result"]
            self.events.append(answer)

    def _read(self):
        end = time.monotonic() + SECONDS
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.reads], [], [], max(0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            found = os.read(self.reads, 1 << 20)
            assert found, "the browser has ended"
            self.rest += found
        first, _, self.rest = self.rest.partition(b"\0")
        return json.loads(first)

    def open(self, address, width, height, *, touch=False):
        """A new tab with the page at ``address`` in a window of that size, loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session, target)
        for part in ("Page", "Runtime", "Network", "Log"):
            tab.call(f"{part}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch}
        tab.call("Emulation.setDeviceMetricsOverride", **size)
        tab.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        tab.call("Page.navigate", url=address)
        tab.wait("document.readyState === 'complete'")
        return tab


class Tab:
    """One page of a browser."""

    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def ask(self, expression):
        """The value of a JavaScript expression, promises awaited."""
        how = {"returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition):
        """Wait until a JavaScript condition is true."""
        end = time.monotonic() + SECONDS
        while not self.ask(condition):
            assert time.monotonic() < end, f"never: {condition}"
            time.sleep(0.05)

    def mouse(self, x, y, *, click=False):
        """Move the pointer there; with ``click`` press and release its button."""
        kinds = ["mouseMoved", *(["mousePressed", "mouseReleased"] if click else [])]
        for kind in kinds:
            button = {"button": "left", "clickCount": 1} if kind != "mouseMoved" else {}
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def touch(self, *points):
        """Put a finger down, draw it over the points and lift it."""
        for number, (x, y) in enumerate(points):
            kind = "touchMove" if number else "touchStart"
            self.call("Input.dispatchTouchEvent", type=kind, touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def key(self, name, *, shift=False):
        """Press and release a key."""
        for kind in ("rawKeyDown", "keyUp"):
            how = {"modifiers": NAMED["Shift"] * shift, "windowsVirtualKeyCode": CODES[name]}
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, **how)

    def type(self, text):
        """Insert text where the focus is."""
        self.call("Input.insertText", text=text)

    def screenshot(self, path, *, whole=True):
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def complaints(self):
        """Errors and warnings of scripts and of the page so far, but for that on reading pixels
        back, which only tests do."""
        kinds = ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded")
        found = [each for each in self._events() if each["method"] in kinds]
        return [each for each in found if "willReadFrequently" not in json.dumps(each)]

    def requests(self):
        """Addresses asked for so far."""
        events = [e for e in self._events() if e["method"] == "Network.requestWillBeSent"]
        return [each["params"]["request"]["url"] for each in events]

    def _events(self):
        return [each for each in self.browser.events if each.get("sessionId") == self.session]
