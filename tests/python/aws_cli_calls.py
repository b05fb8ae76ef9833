"""Runs a shell script with the real AWS CLI against a server that records each request. `kubectl` does nothing.

The first argument is the script, the second a folder for its programs. Prints the requests as a JSON list.
"""

import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

CALLS = []


class Recorder(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        CALLS.append([self.command, self.path, json.loads(body or b"{}")])
        # A waiter of the AWS CLI asks for the status of the cluster.
        answer = json.dumps({"cluster": {"status": "ACTIVE"}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST = do_DELETE = answer

    def log_message(self, *_):
        pass


script, folder = sys.argv[1:]
programs = pathlib.Path(folder)
aws = pathlib.Path(sys.executable).with_name("aws")
(programs / "aws").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{aws}" "$@"\n')
(programs / "kubectl").write_text("#!/bin/sh\n")
for program in ["aws", "kubectl"]:
    (programs / program).chmod(0o755)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
threading.Thread(target=server.serve_forever, daemon=True).start()
environment = {
    "PATH": f"{folder}:/usr/bin:/bin",
    "HOME": folder,
    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "example",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_PAGER": "",
    "LC_ALL": "C.UTF-8",
    "no_proxy": "127.0.0.1",
}
done = subprocess.run(["sh", script], env=environment, stdout=subprocess.DEVNULL)
print(json.dumps(CALLS))
sys.exit(done.returncode)
