"""Runs MiniStack on a free loopback port. Prints its URL and runs until stdin closes. The argument is its state:

    {"account": "111122223333", "region": "us-east-1", "roles": ["team/dev"],
     "cluster": {"name": "prod", "accessConfig": {"authenticationMode": "API"}, …}}

DescribeCluster answers with the fields of the cluster, and with MiniStack's own for the rest.
"""

import asyncio
import json
import os
import socket
import sys
import threading

STATE = json.loads(sys.argv[1])
os.environ.update(
    {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": STATE["region"],
        "LOG_LEVEL": "ERROR",
        "MINISTACK_ACCOUNT_ID": STATE["account"],
        "MINISTACK_REGION": STATE["region"],
        "SERVICES": "eks,iam,sts",
    }
)

import botocore.session
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
from ministack.services import eks


def seed(url):
    client = lambda service: botocore.session.Session().create_client(service, endpoint_url=url)
    iam = client("iam")
    for path in STATE["roles"]:
        folder, _, name = f"/{path}".rpartition("/")
        iam.create_role(RoleName=name, Path=f"{folder}/", AssumeRolePolicyDocument="{}")
    cluster = STATE["cluster"]
    role = f"arn:aws:iam::{STATE['account']}:role/cluster"
    access = {**cluster["accessConfig"], "bootstrapClusterCreatorAdminPermissions": False}
    client("eks").create_cluster(name=cluster["name"], accessConfig=access, roleArn=role, resourcesVpcConfig={})
    for _, created in eks._clusters.all_items():
        created.update(cluster)
    print(url, flush=True)
    sys.stdin.read()
    os._exit(0)


listener = socket.create_server(("127.0.0.1", 0))
config = Config()
config.bind = [f"fd://{listener.fileno()}"]
config.loglevel = "ERROR"
url = f"http://127.0.0.1:{listener.getsockname()[1]}"
os.environ["GATEWAY_PORT"] = url.rpartition(":")[2]
threading.Thread(target=seed, args=[url], daemon=True).start()
asyncio.run(serve(app, config))
