"""A proxy to an API server that can fail each request that writes.

The arguments are a folder, a certificate and its key for the proxy, the URL of the API server, and the file with its CA
certificate. The server reads faults.json in that folder on every request that writes, and writes it back:

    {"fault": "hold", "skip": 1, "times": 1}

The fault affects "times" requests after "skip" requests. "stall" answers nothing, "hold" forwards the request and answers
nothing, "drop" closes the connection, "lose" forwards the request and closes the connection, "throttle" refuses the
request, and "first" forwards the request twice, the first time as another client would.

Prints its URL and runs until stdin closes. Appends a line for each request that writes to requests.jsonl.
"""

import http.client
import json
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

FOLDER = Path(sys.argv[1])
CERTIFICATE, KEY, SERVER, CA = sys.argv[2:]
TRUSTED = ssl.create_default_context(cafile=CA)
LOCK = threading.Lock()
THROTTLED = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "TooManyRequests", "code": 429}


def writes(method, path):
    """Returns whether a request changes an object."""
    return method != "GET" and "dryRun=" not in path and "/apis/auth" not in path


def fault_of():
    """Returns the fault of this request, and counts the request."""
    file = FOLDER / "faults.json"
    fault = json.loads(file.read_text()) if file.exists() else {"times": 0}
    if fault["times"] == 0:
        return None
    key = "skip" if fault["skip"] > 0 else "times"
    fault[key] -= 1
    file.write_text(json.dumps(fault))
    return fault["fault"] if key == "times" else None


def forward(request, body):
    server = http.client.HTTPSConnection(urlsplit(SERVER).netloc, context=TRUSTED)
    headers = {name: value for name, value in request.headers.items() if name.lower() != "connection"}
    server.request(request.command, request.path, body, headers)
    answer = server.getresponse()
    return answer.status, answer.getheader("Content-Type"), answer.getheader("Content-Encoding"), answer.read()


class Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault, is_write = None, writes(self.command, self.path)
        if is_write:
            with LOCK:
                fault = fault_of()
        answer = None
        if fault == "throttle":
            answer = 429, "application/json", None, json.dumps(THROTTLED).encode()
        elif fault not in ("stall", "drop"):
            if fault == "first":
                forward(self, body)
            answer = forward(self, body)
        if is_write:
            record = {"method": self.command, "path": urlsplit(self.path).path, "fault": fault, "status": answer and answer[0]}
            with LOCK, (FOLDER / "requests.jsonl").open("a") as log:
                log.write(json.dumps(record) + "\n")
        if fault in ("stall", "hold"):
            time.sleep(120)
        if fault in ("stall", "hold", "drop", "lose"):
            self.close_connection = True
            return
        status, kind, encoding, content = answer
        self.send_response(status)
        if fault == "throttle":
            self.send_header("Retry-After", "1")
        for name, value in [("Content-Type", kind), ("Content-Encoding", encoding), ("Content-Length", str(len(content)))]:
            if value:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):  # the client was killed
        pass


server = Server(("127.0.0.1", 0), Proxy)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"https://127.0.0.1:{server.server_port}", flush=True)
sys.stdin.read()
