"""Signs in to an EKS cluster with access entries: the webhooks of the API server that EKS runs in front of its authenticator.

The arguments are a port, the folder of eks_api.py with the state, the URL of aws-iam-authenticator, the file with its CA
certificate, and the URL of an STS endpoint.

/authenticate is a webhook for tokens. A principal with an access entry becomes its user. For others the real authenticator
answers from aws-auth, unless the authentication mode is API:
https://docs.aws.amazon.com/eks/latest/userguide/migrating-access-entries.html

The state has the private DNS names of instances: {"instances": {"i-…": "ip-10-0-0-1.ec2.internal"}}.

/authorize is a webhook for permissions, which knows the access policy AmazonEKSClusterAdminPolicy with the scope cluster:
https://docs.aws.amazon.com/eks/latest/userguide/access-policies.html
"""

import base64
import json
import re
import ssl
import sys
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

sys.dont_write_bytecode = True

from eks_access_entries import is_visible, mode_of  # noqa: E402

PORT, FOLDER, AUTHENTICATOR, CA, STS = sys.argv[1:]
CLUSTER_ID = "x-k8s-aws-id"


def state():
    """Returns the cluster's name and the state, or None if no EKS API was started."""
    try:
        world = json.loads((Path(FOLDER) / "world.json").read_text())
    except FileNotFoundError:
        return None, {}
    return next(iter(world.get("clusters", {})), None), world


def identity(token, cluster):
    """Returns the caller of a token as STS reports it, or None."""
    try:
        text = base64.urlsafe_b64decode(token.removeprefix("k8s-aws-v1.") + "==").decode()
    except ValueError:
        return None
    url = urlsplit(text)
    headers = {"Host": url.netloc, CLUSTER_ID: cluster, "Accept": "application/json"}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"{STS}/?{url.query}", headers=headers)) as answer:
            return json.load(answer)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
    except urllib.error.HTTPError:
        return None


def canonical(arn):
    """Returns the ARN of a session's role, and the session's name. Role names are unique ignoring case."""
    session = re.fullmatch(r"arn:([^:]+):sts::(\d+):assumed-role/([^/]+)/(.+)", arn)
    if not session:
        return arn, ""
    partition, account, role, name = session.groups()
    return f"arn:{partition}:iam::{account}:role/{role}", name


def entry_of(world, cluster, arn):
    for entry in world.get("entries", {}).get(cluster, []):
        without_path = re.sub(r":role/.*/", ":role/", entry["principalArn"])
        if is_visible(entry) and without_path.lower() == arn.lower():
            return entry
    return None


def user_of(entry, arn, session, caller, instances):
    """Returns the user of an entry, or None if it is bound to another principal of this name."""
    unique_id = caller["UserId"].split(":")[0]
    if entry.get("principalId", unique_id) != unique_id:
        return None
    values = {"SessionName": session.replace("@", "-"), "SessionNameRaw": session, "AccountID": caller["Account"]}
    if "{{EC2PrivateDNSName}}" in entry["username"]:
        if session not in instances:
            return None
        values["EC2PrivateDNSName"] = instances[session]
    username = re.sub(r"\{\{(\w+)\}\}", lambda name: values.get(name[1], name[0]), entry["username"])
    extra = {
        "arn": [caller["Arn"]],
        "canonicalArn": [arn],
        "principalId": [unique_id],
        "sessionName": [session],
    }
    uid = f"aws-iam-authenticator:{caller['Account']}:{unique_id}"
    return {"username": username, "uid": uid, "groups": entry.get("kubernetesGroups", []), "extra": extra}


def authenticate(review):
    cluster, world = state()
    mode = mode_of(world, cluster) if cluster else "CONFIG_MAP"
    if mode == "CONFIG_MAP":
        return forward(review)
    caller = identity(review["spec"]["token"], cluster)
    if not caller:
        return {"authenticated": False}
    arn, session = canonical(caller["Arn"])
    entry = entry_of(world, cluster, arn)
    if entry:
        user = user_of(entry, arn, session, caller, world.get("instances", {}))
        return {"authenticated": True, "user": user} if user else {"authenticated": False}
    return forward(review) if mode == "API_AND_CONFIG_MAP" else {"authenticated": False}


def forward(review):
    request = urllib.request.Request(AUTHENTICATOR, json.dumps(review).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=CA)) as answer:
            return json.load(answer)["status"]
    except urllib.error.HTTPError as error:
        return json.load(error)["status"]


def authorize(review):
    cluster, world = state()
    arns = review["spec"].get("extra", {}).get("canonicalArn", [])
    entry = entry_of(world, cluster, arns[0]) if cluster and arns else None
    for policy in entry.get("policies", []) if entry else []:
        name = policy["policyArn"].rsplit("/", 1)[1]
        if name == "AmazonEKSClusterAdminPolicy" and policy["accessScope"]["type"] == "cluster":
            return {"allowed": True, "reason": f"EKS Access Policy: {name}"}
    return {"allowed": False}


class Webhook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = authorize if urlsplit(self.path).path == "/authorize" else authenticate
        review["status"] = answer(review)
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(PORT)), Webhook).serve_forever()
