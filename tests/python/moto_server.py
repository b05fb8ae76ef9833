"""Runs moto's AWS server. Prints its URL and runs until stdin closes. Each argument is an EKS cluster (REGION/NAME) or the contents of IAM:

    {"account": "111122223333", "roles": {"team/ci": {…trust policy…}}, "policies": {"ci": {…policy…}},
     "users": ["eng/bob"], "profiles": {"workers": "ci"}, "denied": ["list_roles"]}
"""

import json
import logging
import os
import sys

WORLD = [json.loads(argument) for argument in sys.argv[1:] if argument.startswith("{")]
for world in WORLD:
    os.environ["MOTO_ACCOUNT_ID"] = world["account"]

import boto3
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.responses import IamResponse
from moto.server import ThreadedMotoServer

KEYS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "x"}

logging.disable()
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"


def simulate(self):
    """Implements SimulatePrincipalPolicy, which moto lacks, with moto's evaluation of the role's inline policies."""
    role = self.backend.get_role(self._get_param("PolicySourceArn").rsplit("/", 1)[1])
    action, resource = self._get_param("ActionNames")[0], self._get_param("ResourceArns")[0]
    results = {IAMPolicy(text).is_action_permitted(action, resource) for text in role.policies.values()}
    decision = "implicitDeny"
    if PermissionResult.PERMITTED in results:
        decision = "allowed"
    if PermissionResult.DENIED in results:
        decision = "explicitDeny"
    result = {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decision}
    return ActionResult({"EvaluationResults": [result], "IsTruncated": False})


def refuse(action):
    """Returns a handler that denies the action to every caller, as AWS does."""
    words = "".join(word.capitalize() for word in action.split("_"))
    message = f"User: arn:aws:iam::111122223333:user/x is not authorized to perform: iam:{words} on resource: *"
    error = f"<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>{message}</Message></Error>"
    body = f'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">{error}<RequestId>r</RequestId></ErrorResponse>'
    return lambda self: (body, {"status": 403})


def split_path(path_and_name):
    path, _, name = f"/{path_and_name}".rpartition("/")
    return path + "/", name


for cluster in sys.argv[1:]:
    if cluster.startswith("{"):
        continue
    region, name = cluster.split("/")
    eks = boto3.client("eks", region_name=region, endpoint_url=url, **KEYS)
    eks.create_cluster(
        name=name,
        roleArn="arn:aws:iam::123456789012:role/eks",
        resourcesVpcConfig={"subnetIds": ["subnet-0"]},
    )
for world in WORLD:
    iam = boto3.client("iam", region_name="us-east-1", endpoint_url=url, **KEYS)
    for role, trust in world.get("roles", {}).items():
        path, name = split_path(role)
        iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps(trust))
    for role, policy in world.get("policies", {}).items():
        iam.put_role_policy(RoleName=role, PolicyName="own", PolicyDocument=json.dumps(policy))
    for user in world.get("users", []):
        path, name = split_path(user)
        iam.create_user(UserName=name, Path=path)
    for profile, role in world.get("profiles", {}).items():
        iam.create_instance_profile(InstanceProfileName=profile)
        iam.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role)
    for action in world.get("denied", []):
        setattr(IamResponse, action, refuse(action))
IamResponse.simulate_principal_policy = simulate
print(url, flush=True)
sys.stdin.read()
server.stop()
