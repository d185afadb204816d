"""A noised server of one's own for notebooks and checks: bin/noised in a temporary directory."""
import atexit
import json
import os
import pathlib
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARROW = "application/vnd.apache.arrow.stream"


class Refused(Exception):
    """The server's problem document."""


def call(url, key, method, path, body=None, kind="application/json", accept="application/json", **query):
    """Make one HTTP call and return (body bytes, headers)."""
    if body is not None and not isinstance(body, bytes):
        body = json.dumps(body).encode()
    if query:
        path += "?" + urllib.parse.urlencode(query)
    headers = {"Authorization": f"Bearer {key}", "Accept": accept}
    if body is not None:
        headers["Content-Type"] = kind
    request = urllib.request.Request(url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.read(), response.headers
    except urllib.error.HTTPError as e:
        raise Refused(json.loads(e.read())) from None


class Server:
    """Starts on a free port; use it in a with statement, or call close()."""

    def __init__(self):
        self.temp = tempfile.TemporaryDirectory(prefix="noised-notebook-")
        program, data = ROOT / "bin" / "noised", os.path.join(self.temp.name, "data")
        made = subprocess.run([program, "init", "--data-dir", data, "--format", "json"], check=True, capture_output=True)
        self.operator = json.loads(made.stdout)["operator_key"]
        self.process = subprocess.Popen(
            [program, "serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--log-level", "warn"],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the server did not start")
        self.url = line.split()[-1]
        atexit.register(self.close)

    def close(self):
        atexit.unregister(self.close)
        self.process.terminate()
        self.process.wait(timeout=180)
        self.process.stdout.close()
        self.temp.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
