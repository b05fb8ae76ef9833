"""Reports which credentials botocore chooses in each test case, and serves the fake AWS endpoints for these cases.

Prints the port of the fake AWS, then, for each line of JSON on stdin, the access key id that botocore chose, `none`, or `error: NAME`.
Each access key id that the fake AWS returns names its source, so that the id shows which source was chosen.
"""

import base64
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import botocore.loaders
import botocore.session

ENDS = "2099-01-01T00:00:00Z"


class Aws(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Buffers each response into one packet. Otherwise every response waits for a TCP acknowledgement.
    wbufsize = -1

    def log_message(self, *_):
        pass

    def answer(self, text, kind="application/json", status=200):
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_PUT(self):
        self.answer("session", "text/plain")

    def do_GET(self):
        url = urlsplit(self.path)
        issued = {"SecretAccessKey": "s", "Token": "t", "Expiration": ENDS}
        if url.path == "/container":
            self.answer(json.dumps({"AccessKeyId": "CONTAINER", **issued}))
        elif url.path == "/federation/credentials":
            asked = parse_qs(url.query)
            token = self.headers["x-amz-sso_bearer_token"]
            key = f"SSO-{token}-{asked['account_id'][0]}-{asked['role_name'][0]}"
            self.answer(json.dumps({"roleCredentials": {
                "accessKeyId": key, "secretAccessKey": "s", "sessionToken": "t", "expiration": 4070908800000}}))
        elif url.path.endswith("/iam/security-credentials/"):
            self.answer("role", "text/plain")
        elif url.path.endswith("/iam/security-credentials/role"):
            self.answer(json.dumps({"Code": "Success", "AccessKeyId": "INSTANCE", **issued}))
        else:
            self.answer("", "text/plain", 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        asked = {name: values[0] for name, values in parse_qs(body).items()}
        action, role = asked["Action"], asked["RoleArn"].rsplit("/", 1)[1]
        if action == "AssumeRole":
            caller = self.headers["Authorization"].split("Credential=")[1].split("/")[0]
        else:
            payload = asked["WebIdentityToken"].split(".")[1]
            payload += "=" * (-len(payload) % 4)
            caller = json.loads(base64.urlsafe_b64decode(payload))["sub"]
        shown = [f"{caller}-{role}"]
        shown += [asked[name] for name in ("ExternalId", "DurationSeconds") if name in asked]
        self.answer(f"""<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>
<AssumedRoleUser><AssumedRoleId>A:s</AssumedRoleId><Arn>arn:aws:sts::111122223333:assumed-role/{role}/s</Arn></AssumedRoleUser>
<Credentials><AccessKeyId>{"-".join(shown)}</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
<SessionToken>t</SessionToken><Expiration>{ENDS}</Expiration></Credentials>
</{action}Result><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>""", "text/xml")


LOADER = botocore.loaders.create_loader()


def chosen(case):
    os.environ.clear()
    os.environ.update(case["environment"])
    try:
        session = botocore.session.Session(profile=case["profile"])
        session.register_component("data_loader", LOADER)
        credentials = session.get_credentials()
        return credentials.get_frozen_credentials().access_key if credentials else "none"
    except Exception as error:
        return f"error: {type(error).__name__}"


server = ThreadingHTTPServer(("127.0.0.1", 0), Aws)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
for line in sys.stdin:
    print(chosen(json.loads(line)), flush=True)
