"""An EKS stand-in that validates every request and response against botocore's service model and verifies signatures.

The argument is a folder. The server reads its state from world.json in that folder on every request, and writes it back
after a call that changed it:

    {"keys": {"AKIA…": {"secret": "…", "token": null}},
     "clusters": {"prod": {"arn": "…", "status": "ACTIVE", …}},
     "entries": {"prod": [{"principalArn": "…", "type": "STANDARD", …, "policies": [{"policyArn": "…", …}]}]},
     "nodegroups": {"prod": ["workers", {"nodegroupName": "ng-1", "nodeRole": "…", …}]},
     "profiles": {"prod": [{"fargateProfileName": "fp-1", "podExecutionRoleArn": "…", …}]},
     "denied": {"DescribeCluster": "User: … is not authorized to perform: …"},
     "allowed": ["AKIA…"],
     "strangers": true,
     "page": 2,
     "faults": [{"operation": "CreateAccessEntry", "fault": "lose", "skip": 1, "times": 2}]}

"denied" operations are denied to all keys except "allowed" ones. With "strangers", requests signed with unlisted keys are accepted without
verification. A cluster exists only in the region of its ARN. An access entry or node group with "gone" is listed, but describing it fails as if it was deleted.
eks_access_entries.py has the calls on access entries, and more of the state.

A fault affects "times" requests (by default 1) of its operation, of every operation that writes ("*") or of every operation
("all"), after "skip" requests. The faults in its "then" follow it. "throttle" refuses the request, "drop" closes the connection, "lose" carries the call out and closes the connection,
"hold" carries the call out and answers nothing for "seconds", "stall" answers nothing for "seconds" and does not carry it out,
"delay" creates the file "delayed" and waits for "seconds" before the call, "refuse" answers with "code", "message" and "status". "first" first carries out "calls", as another client would:
[["UpdateAccessEntry", {"clusterName": "prod", …}]].

Prints its URL and runs until stdin closes. Appends a line for each request to requests.jsonl.
"""

import json
import os
import re
import sys
import threading
import time
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator

sys.dont_write_bytecode = True

from eks_access_entries import CALLS, LISTS, Refusal, call, cluster_of  # noqa: E402

FOLDER = Path(sys.argv[1])
MODEL = botocore.session.Session().get_service_model("eks")
LOCK = threading.Lock()


def operations():
    for name in MODEL.operation_names:
        operation = MODEL.operation_model(name)
        path = operation.http["requestUri"]
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))
        yield operation, operation.http["method"], re.compile(pattern + "$")


OPERATIONS = list(operations())


def parse_request(method, path, query, body):
    """Returns the operation and its input, with the names of the model."""
    for operation, expected, pattern in OPERATIONS:
        match = pattern.match(path)
        if method != expected or not match:
            continue
        shape, given = operation.input_shape, {}
        queries = parse_qs(query, keep_blank_values=True, strict_parsing=bool(query))
        fields = json.loads(body) if body else {}
        for name, member in shape.members.items():
            place = member.serialization.get("location")
            key = member.serialization.get("name", name)
            if place == "uri":
                given[name] = unquote(match[key])
            elif place == "querystring" and key in queries:
                values = queries.pop(key)
                given[name] = convert(member, values if member.type_name == "list" else values[0])
            elif place is None and key in fields:
                given[name] = fields.pop(key)
        if queries or fields:
            raise Refusal("InvalidParameterException", f"the model has no {[*queries, *fields]}")
        report = ParamValidator().validate(given, shape)
        problems = [report.generate_report()] if report.has_errors() else invalid_texts(shape, given)
        if problems:
            raise Refusal("InvalidParameterException", problems[0])
        return operation, given
    raise Refusal("UnknownOperationException", f"{method} {path} is not an EKS operation", 404)


def invalid_texts(shape, value):
    """Returns the strings that the model's values and patterns do not allow. botocore does not check these."""
    if shape.type_name == "structure":
        unknown = [f"the model has no {name}" for name in value if name not in shape.members]
        known = [invalid_texts(shape.members[name], value[name]) for name in value if name in shape.members]
        return unknown + sum(known, [])
    if shape.type_name == "list":
        return sum([invalid_texts(shape.member, item) for item in value], [])
    if shape.type_name == "map":
        texts = [*[(shape.key, key) for key in value], *[(shape.value, item) for item in value.values()]]
        return sum([invalid_texts(*text) for text in texts], [])
    values, pattern = shape.metadata.get("enum"), shape.metadata.get("pattern")
    if values and value not in values:
        return [f"{value!r} is not one of {values}"]
    if pattern and not re.search(pattern, value):
        return [f"{value!r} does not match {pattern}"]
    return []


def convert(member, value):
    return int(value) if member.type_name == "integer" else value


def verify(world, request, region):
    """Recomputes the signature over the headers that the request lists as signed."""
    given = request.headers.get("Authorization", "")
    parts = re.match(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/eks/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(\w+)$",
        given,
    )
    if not parts:
        raise Refusal("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    key, _, region, names, signature = parts.groups()
    world["key"], world["region"] = key, region
    known = world["keys"].get(key)
    if not known and world.get("strangers"):
        return region
    token = request.headers.get("X-Amz-Security-Token")
    if not known or known.get("token") != token:
        raise Refusal("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
    headers = {name: request.headers[name] for name in names.split(";")}
    signed = AWSRequest(request.command, f"http://{request.headers['Host']}{request.path}", headers, request.body)
    signed.context["timestamp"] = request.headers["X-Amz-Date"]
    auth = SigV4Auth(Credentials(key, known["secret"]), "eks", region)
    to_sign = auth.string_to_sign(signed, auth.canonical_request(signed))
    if auth.signature(to_sign, signed) != signature:
        raise Refusal("InvalidSignatureException", "The request signature we calculated does not match the signature you provided.", 403)
    return region


def groups_of(world, given):
    """Returns the node groups. A group given only by name has no other fields."""
    groups = world.get("nodegroups", {}).get(given["clusterName"], [])
    return [group if isinstance(group, dict) else {"nodegroupName": group} for group in groups]


def profiles_of(world, given):
    return world.get("profiles", {}).get(given["clusterName"], [])


def page(world, given, field, items):
    size = min(given.get("maxResults", 100), world.get("page", 100))
    start = int(given.get("nextToken", 0))
    answer = {field: items[start : start + size]}
    if start + size < len(items):
        answer["nextToken"] = str(start + size)
    return answer


def answer(world, operation, given):
    if operation == "ListClusters":
        return page(world, given, "clusters", sorted(world.get("clusters", {})))
    if operation == "ListNodegroups":
        cluster_of(world, given["clusterName"])
        return page(world, given, "nodegroups", [group["nodegroupName"] for group in groups_of(world, given)])
    if operation == "DescribeNodegroup":
        cluster_of(world, given["clusterName"])
        for group in groups_of(world, given):
            if group["nodegroupName"] == given["nodegroupName"] and not group.get("gone"):
                return {"nodegroup": {"clusterName": given["clusterName"], **group}}
        raise Refusal("ResourceNotFoundException", f"No node group found for name: {given['nodegroupName']}.", 404)
    if operation == "ListFargateProfiles":
        cluster_of(world, given["clusterName"])
        names = [profile["fargateProfileName"] for profile in profiles_of(world, given)]
        return page(world, given, "fargateProfileNames", names)
    if operation == "DescribeFargateProfile":
        cluster_of(world, given["clusterName"])
        for profile in profiles_of(world, given):
            if profile["fargateProfileName"] == given["fargateProfileName"]:
                return {"fargateProfile": {"clusterName": given["clusterName"], **profile}}
        raise Refusal("ResourceNotFoundException", "No Fargate Profile found with name.", 404)
    if operation in LISTS:
        return LISTS[operation](world, given, lambda field, items: page(world, given, field, items))
    if operation in CALLS:
        return call(world, operation, given)
    raise Refusal("UnknownOperationException", f"the stand-in has no {operation}", 404)


def check(operation, answered):
    """Checks a response against the model, which must know every field."""
    report = ParamValidator().validate(answered, operation.output_shape)
    if report.has_errors():
        raise AssertionError(report.generate_report())
    unknown = set(answered) - set(operation.output_shape.members)
    assert not unknown, unknown


def fault_of(world, operation):
    """Returns the fault of this request, and counts the request."""
    for fault in world.get("faults", []):
        groups = ["all"] if operation.http["method"] == "GET" else ["all", "*"]
        if fault["operation"] not in [operation.name, *groups]:
            continue
        if fault.get("skip", 0) > 0:
            fault["skip"] -= 1
        elif fault.get("times", 1) > 0:
            fault["times"] = fault.get("times", 1) - 1
            if fault["times"] == 0:
                world["faults"] += fault.pop("then", [])
            return fault
    return {"fault": None}


def carry_out(world, operation, given, fault):
    """Returns the answer, or None if the client gets none."""
    if fault["fault"] == "throttle":
        raise Refusal("ThrottlingException", "Rate exceeded", 429)
    if fault["fault"] == "refuse":
        raise Refusal(fault["code"], fault["message"], fault.get("status", 400))
    if fault["fault"] in ("drop", "stall"):
        return None
    for name, input in fault.get("calls", []):
        answer(world, name, input)
    answered = answer(world, operation.name, given)
    check(operation, answered)
    return None if fault["fault"] in ("lose", "hold") else answered


class Eks(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with LOCK:
            self.hold = 0
            status, headers, answered = self.answer()
        time.sleep(self.hold)
        if answered is None:
            self.close_connection = True
            return
        body = json.dumps(answered, default=seconds).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        try:
            self.end_headers()
            self.wfile.write(body)
        except BrokenPipeError:  # the client was interrupted
            self.close_connection = True

    def answer(self):
        text = (FOLDER / "world.json").read_text()
        world = json.loads(text)
        url = urlsplit(self.path)
        record = {"method": self.command, "path": self.path}
        status, headers, answered = 200, {}, None
        try:
            record["region"] = verify(world, self, None)
            operation, given = parse_request(self.command, url.path, url.query, self.body)
            record["operation"], record["given"] = operation.name, given
            if operation.name in world.get("denied", {}) and world["key"] not in world.get("allowed", []):
                raise Refusal("AccessDeniedException", world["denied"][operation.name], 403)
            fault = fault_of(world, operation)
            record["fault"] = fault["fault"]
            if fault["fault"] == "delay":
                own = {name: world[name] for name in ("key", "region") if name in world}
                self.save(world, text)
                (FOLDER / "delayed").touch()
                time.sleep(fault["seconds"])
                # Other requests may have changed the state meanwhile.
                text = (FOLDER / "world.json").read_text()
                world = {**json.loads(text), **own}
            answered = carry_out(world, operation, given, fault)
            self.hold = fault.get("seconds", 0)
        except Refusal as refusal:
            status, headers, answered = refusal.status, {"x-amzn-ErrorType": refusal.code}, {"message": str(refusal)}
            record["refused"] = refusal.code
        except Exception as error:  # an error in the test or in this server
            status, answered = 500, {"message": repr(error)}
            record["broken"] = repr(error)
        with (FOLDER / "requests.jsonl").open("a") as log:
            log.write(json.dumps(record) + "\n")
        self.save(world, text)
        return status, headers, answered

    def save(self, world, text):
        """Writes the state back if the call changed it."""
        for key in ("key", "region"):
            world.pop(key, None)
        if world != json.loads(text):
            changed = FOLDER / "world.changed"
            changed.write_text(json.dumps(world))
            os.replace(changed, FOLDER / "world.json")

    do_GET = do_POST = do_PUT = do_DELETE = handle_one

    def log_message(self, *_):
        pass


def seconds(value):
    assert isinstance(value, datetime), value
    return value.timestamp()


server = ThreadingHTTPServer(("127.0.0.1", 0), Eks)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
sys.stdin.read()
