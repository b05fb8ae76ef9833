"""Puts a cluster and roles into a running fakecloud, and forwards requests to it from a free loopback port. Prints the URL of this
port, and runs until stdin closes. The arguments are fakecloud's HOST:PORT and the state, as in ministack_server.py.

DescribeCluster answers with the fields of the cluster, except the authentication mode, and with fakecloud's own for the rest. An
access entry of type EC2_LINUX gets the username and group that EKS gives it; fakecloud describes it like one of type STANDARD.
"""

import http.client
import json
import os
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import botocore.session

BACKEND, STATE = sys.argv[1], json.loads(sys.argv[2])
CLUSTER = STATE["cluster"]
NODE = {"username": "system:node:{{EC2PrivateDNSName}}", "kubernetesGroups": ["system:nodes"]}
OVERRIDDEN = {name: value for name, value in CLUSTER.items() if name != "accessConfig"}


class Forwarded(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        backend = http.client.HTTPConnection(BACKEND)
        backend.request(self.command, self.path, body, dict(self.headers))
        answer = backend.getresponse()
        content = answer.read()
        if self.command == "GET" and re.fullmatch(r"/clusters/[^/?]+", self.path) and answer.status == 200:
            described = json.loads(content)
            described["cluster"].update(OVERRIDDEN)
            content = json.dumps(described).encode()
        if self.command == "GET" and "/access-entries/" in self.path and answer.status == 200:
            described = json.loads(content)
            if described.get("accessEntry", {}).get("type") == "EC2_LINUX":
                described["accessEntry"].update(NODE)
            content = json.dumps(described).encode()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = forward

    def log_message(self, *_):
        pass


def client(service):
    keys = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "x"}
    session = botocore.session.Session()
    return session.create_client(service, STATE["region"], endpoint_url=f"http://{BACKEND}", **keys)


for path in STATE["roles"]:
    folder, _, name = f"/{path}".rpartition("/")
    client("iam").create_role(RoleName=name, Path=f"{folder}/", AssumeRolePolicyDocument="{}")
role = f"arn:aws:iam::{STATE['account']}:role/cluster"
client("eks").create_cluster(name=CLUSTER["name"], accessConfig=CLUSTER["accessConfig"], roleArn=role, resourcesVpcConfig={})
server = ThreadingHTTPServer(("127.0.0.1", 0), Forwarded)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
sys.stdin.read()
os._exit(0)
