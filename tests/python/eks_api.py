"""An EKS stand-in that validates every request and response against botocore's service model and verifies signatures.

The argument is a folder. The server reads its state from world.json in that folder on every request:

    {"keys": {"AKIA…": {"secret": "…", "token": null}},
     "clusters": {"prod": {"arn": "…", "status": "ACTIVE", …}},
     "entries": {"prod": [{"principalArn": "…", "type": "STANDARD", …, "policies": [{"policyArn": "…", …}]}]},
     "nodegroups": {"prod": ["workers", {"nodegroupName": "ng-1", "nodeRole": "…", …}]},
     "profiles": {"prod": [{"fargateProfileName": "fp-1", "podExecutionRoleArn": "…", …}]},
     "denied": {"DescribeCluster": "User: … is not authorized to perform: …"},
     "allowed": ["AKIA…"],
     "strangers": true,
     "page": 2}

"denied" operations are denied to all keys except "allowed" ones. With "strangers", requests signed with unlisted keys are accepted without
verification. A cluster exists only in the region of its ARN. An access entry or node group with "gone" is listed, but describing it fails as if it was deleted.

Prints its URL and runs until stdin closes. Appends a line for each request to requests.jsonl.
"""

import json
import re
import sys
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.validate import ParamValidator

FOLDER = Path(sys.argv[1])
MODEL = botocore.session.Session().get_service_model("eks")
LOCK = threading.Lock()


class Refusal(Exception):
    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.status = code, status


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
        if report.has_errors():
            raise Refusal("InvalidParameterException", report.generate_report())
        return operation, given
    raise Refusal("UnknownOperationException", f"{method} {path} is not an EKS operation", 404)


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


def cluster_of(world, name):
    cluster = world.get("clusters", {}).get(name)
    if not cluster or cluster["arn"].split(":")[3] != world["region"]:
        raise Refusal("ResourceNotFoundException", f"No cluster found for name: {name}.", 404)
    return {"name": name, **cluster}


def entry_of(world, given):
    cluster_of(world, given["clusterName"])
    for entry in world.get("entries", {}).get(given["clusterName"], []):
        if entry["principalArn"] == given["principalArn"] and not entry.get("gone"):
            return {"clusterName": given["clusterName"], **entry}
    raise Refusal(
        "ResourceNotFoundException",
        f"The specified principalArn could not be found: {given['principalArn']}",
        404,
    )


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
    if operation == "DescribeCluster":
        return {"cluster": cluster_of(world, given["name"])}
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
    if operation == "ListAccessEntries":
        mode = cluster_of(world, given["clusterName"]).get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP")
        if mode == "CONFIG_MAP":
            raise Refusal(
                "InvalidRequestException",
                "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
            )
        entries = world.get("entries", {}).get(given["clusterName"], [])
        policy_arn = given.get("associatedPolicyArn")
        names = [
            entry["principalArn"]
            for entry in entries
            if not policy_arn or policy_arn in [policy["policyArn"] for policy in entry.get("policies", [])]
        ]
        return page(world, given, "accessEntries", names)
    if operation == "DescribeAccessEntry":
        entry = dict(entry_of(world, given))
        entry.pop("policies", None)
        return {"accessEntry": entry}
    if operation == "ListAssociatedAccessPolicies":
        entry = entry_of(world, given)
        found = page(world, given, "associatedAccessPolicies", entry.get("policies", []))
        return {"clusterName": given["clusterName"], "principalArn": entry["principalArn"], **found}
    raise Refusal("UnknownOperationException", f"the stand-in has no {operation}", 404)


def check(operation, answered):
    """Checks a response against the model, which must know every field."""
    report = ParamValidator().validate(answered, operation.output_shape)
    if report.has_errors():
        raise AssertionError(report.generate_report())
    unknown = set(answered) - set(operation.output_shape.members)
    assert not unknown, unknown


class Eks(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        world = json.loads((FOLDER / "world.json").read_text())
        url = urlsplit(self.path)
        record = {"method": self.command, "path": self.path}
        try:
            record["region"] = verify(world, self, None)
            operation, given = parse_request(self.command, url.path, url.query, self.body)
            record["operation"] = operation.name
            if operation.name in world.get("denied", {}) and world["key"] not in world.get("allowed", []):
                raise Refusal("AccessDeniedException", world["denied"][operation.name], 403)
            answered = answer(world, operation.name, given)
            check(operation, answered)
            status, headers = 200, {}
        except Refusal as refusal:
            status, headers, answered = refusal.status, {"x-amzn-ErrorType": refusal.code}, {"message": str(refusal)}
            record["refused"] = refusal.code
        except Exception as error:  # an error in the test or in this server
            status, headers, answered = 500, {}, {"message": repr(error)}
            record["broken"] = repr(error)
        with LOCK, (FOLDER / "requests.jsonl").open("a") as log:
            log.write(json.dumps(record) + "\n")
        body = json.dumps(answered, default=seconds).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("x-amzn-RequestId", "00000000-0000-0000-0000-000000000000")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

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
