"""moto's AWS with one EKS cluster for each argument, REGION/NAME. Prints its URL and lives until stdin ends."""

import logging
import sys

import boto3
from moto.server import ThreadedMotoServer

logging.disable()
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"
for cluster in sys.argv[1:]:
    region, name = cluster.split("/")
    eks = boto3.client(
        "eks",
        region_name=region,
        endpoint_url=url,
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="x",
    )
    eks.create_cluster(
        name=name,
        roleArn="arn:aws:iam::123456789012:role/eks",
        resourcesVpcConfig={"subnetIds": ["subnet-0"]},
    )
print(url, flush=True)
sys.stdin.read()
server.stop()
