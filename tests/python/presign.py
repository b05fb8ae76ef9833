"""Presigns requests as `aws eks get-token` does: reads a JSON object per line from stdin, prints a URL per line."""

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
    request = json.loads(line)
    now = datetime.datetime.fromtimestamp(request["now"], datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda: now
    sts = session.create_client(
        "sts",
        region_name=request["region"],
        aws_access_key_id=request["access_key"],
        aws_secret_access_key=request["secret_key"],
        aws_session_token=request["session_token"],
        config=Config(use_fips_endpoint=request["fips"], use_dualstack_endpoint=request["dual_stack"]),
    )
    sts.meta.events.register("provide-client-params.sts.GetCallerIdentity", take)
    sts.meta.events.register("before-sign.sts.GetCallerIdentity", add)
    print(
        sts.generate_presigned_url(
            "get_caller_identity", Params={HEADER: request["cluster"]}, ExpiresIn=60, HttpMethod="GET"
        )
    )
