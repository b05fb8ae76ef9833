"""Signs as `aws eks get-token` does: one JSON object for each line of stdin, one URL for each on stdout."""

import datetime
import json
import sys

import botocore.auth
import botocore.session
from botocore.config import Config

HEADER = "x-k8s-aws-id"


def take(params, context, **_):
    context[HEADER] = params.pop(HEADER)


def add(request, **_):
    request.headers[HEADER] = request.context[HEADER]


session = botocore.session.Session()
for line in sys.stdin:
    asked = json.loads(line)
    now = datetime.datetime.fromtimestamp(asked["now"], datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda: now
    sts = session.create_client(
        "sts",
        region_name=asked["region"],
        aws_access_key_id=asked["access_key"],
        aws_secret_access_key=asked["secret_key"],
        aws_session_token=asked["session_token"],
        config=Config(use_fips_endpoint=asked["fips"], use_dualstack_endpoint=asked["dual_stack"]),
    )
    sts.meta.events.register("provide-client-params.sts.GetCallerIdentity", take)
    sts.meta.events.register("before-sign.sts.GetCallerIdentity", add)
    print(
        sts.generate_presigned_url(
            "get_caller_identity", Params={HEADER: asked["cluster"]}, ExpiresIn=60, HttpMethod="GET"
        )
    )
