"""Runs moto's AWS server. Prints its URL and runs until stdin closes. Each argument is an EKS cluster (REGION/NAME) or the contents of IAM:

    {"account": "111122223333", "roles": {"team/ci": {…trust policy…}}, "policies": {"ci": {…policy…}},
     "users": ["eng/bob"], "profiles": {"workers": "ci"}, "denied": ["list_roles"]}

and of EC2 and Auto Scaling in us-east-1, whose instances have ids that the second line of the output maps from their names:

    {"instances": {"a": {"profile": "workers", "tags": {"kubernetes.io/cluster/prod": "owned"}, "windows": true}},
     "templates": {"t": "workers"}, "configurations": {"c": "workers"},
     "groups": {"g": {"template": "t", "tags": {…}}, "h": {"configuration": "c", "tags": {…}}},
     "refused": ["DescribeInstances"], "page": 2}

and of CloudWatch Logs in us-east-1, with the lines of each stream and their times in milliseconds, and the reported size of each
stream:

    {"logs": {"/aws/eks/prod/cluster": {"retention": 30, "stored": 1048576, "streams": {"authenticator-1": [[1790000000000, "…"]]}}}}

A request to EC2, Auto Scaling or CloudWatch Logs is refused if it has a parameter that botocore's model does not know, or if it is signed for
another service. With "page", a page of their answers has that many items at most.
"""

import io
import json
import logging
import os
import re
import sys
from urllib.parse import parse_qsl, urlencode

WORLD = [json.loads(argument) for argument in sys.argv[1:] if argument.startswith("{")]
for world in WORLD:
    os.environ["MOTO_ACCOUNT_ID"] = world["account"]

import boto3
import botocore.session
import botocore.validate
from moto.core.responses import ActionResult
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.iam.responses import IamResponse
from moto.logs.models import logs_backends
from moto.moto_server import threaded_moto_server
from moto.server import ThreadedMotoServer

KEYS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "x"}

SESSION = botocore.session.Session()
REFUSED = [action for world in WORLD for action in world.get("refused", [])]
PAGE = min([world["page"] for world in WORLD if "page" in world], default=None)


def check_parameter(protocol, shape, parts):
    """Fails if the model does not know a parameter, whose name is split at its dots."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            if protocol == "ec2":
                wire = member.serialization.get("queryName", wire[0].upper() + wire[1:])
            if parts[:1] == [wire]:
                return check_parameter(protocol, member, parts[1:])
        raise ValueError(f"{shape.name} has no {parts}")
    if shape.type_name == "list":
        if protocol != "ec2" and not shape.serialization.get("flattened"):
            assert parts[0] == shape.member.serialization.get("name", "member"), parts
            parts = parts[1:]
        assert parts[0].isdigit(), parts
        return check_parameter(protocol, shape.member, parts[1:])
    assert not parts, parts


class Checked(threaded_moto_server.DomainDispatcherApplication):
    """Checks requests to EC2, Auto Scaling and CloudWatch Logs before moto answers them."""

    def __call__(self, environ, start_response):
        scope = re.search(r"/(ec2|autoscaling|logs)/aws4_request", environ.get("HTTP_AUTHORIZATION", ""))
        own = environ.get("HTTP_USER_AGENT", "").startswith("Boto3")
        if not scope or own:
            return super().__call__(environ, start_response)
        service = scope[1]
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
        if service == "logs":
            return self.logs(environ, body, start_response)
        form = dict(parse_qsl(body, strict_parsing=True))
        model = SESSION.get_service_model(service)
        try:
            assert form["Version"] == model.api_version, form
            operation = model.operation_model(form["Action"])
            for name in form.keys() - {"Action", "Version"}:
                check_parameter(model.metadata["protocol"], operation.input_shape, name.split("."))
        except Exception as error:
            return self.refuse(service, "InvalidParameter", repr(error), start_response)
        if form["Action"] in REFUSED:
            code = {"ec2": "UnauthorizedOperation", "autoscaling": "AccessDenied"}[service]
            message = f"User: arn:aws:iam::111122223333:user/x is not authorized to perform: {service}:{form['Action']}"
            return self.refuse(service, code, message, start_response)
        if PAGE:
            form.update({name: str(PAGE) for name in ("MaxResults", "MaxRecords") if name in form})
        body = urlencode(form).encode()
        environ.update({"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
        return super().__call__(environ, start_response)

    def logs(self, environ, body, start_response):
        model = SESSION.get_service_model("logs")
        prefix, action = environ["HTTP_X_AMZ_TARGET"].split(".")
        parameters = json.loads(body)
        try:
            assert prefix == model.metadata["targetPrefix"], prefix
            assert environ["CONTENT_TYPE"] == "application/x-amz-json-" + model.metadata["jsonVersion"]
            shape = model.operation_model(action).input_shape
            assert not parameters.keys() - shape.members.keys(), parameters
            botocore.validate.validate_parameters(parameters, shape)
            code, message = "AccessDeniedException", f"User: arn:aws:iam::111122223333:user/x is not authorized to perform: logs:{action}"
        except Exception as error:
            code, message = "InvalidParameterException", repr(error)
        if code == "InvalidParameterException" or action in REFUSED:
            error = json.dumps({"__type": code, "message": message}).encode()
            start_response("400 Bad Request", [("Content-Type", environ["CONTENT_TYPE"]), ("Content-Length", str(len(error)))])
            return [error]
        if PAGE and "limit" in parameters:
            parameters["limit"] = PAGE
        body = json.dumps(parameters).encode()
        environ.update({"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
        return super().__call__(environ, start_response)

    def refuse(self, service, code, message, start_response):
        """Answers with an error in the format of the service."""
        detail = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
        body = {
            "ec2": f"<Response><Errors>{detail}</Errors><RequestID>r</RequestID></Response>",
            "autoscaling": f"<ErrorResponse>{detail}<RequestId>r</RequestId></ErrorResponse>",
        }[service].encode()
        start_response("403 Forbidden", [("Content-Type", "text/xml"), ("Content-Length", str(len(body)))])
        return [body]


logging.disable()
threaded_moto_server.DomainDispatcherApplication = Checked
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


def tags_of(object):
    return [{"Key": key, "Value": value} for key, value in object.get("tags", {}).items()]


def start_instances(world):
    """Starts the instances, and returns their ids by name."""
    ec2 = boto3.client("ec2", region_name="us-east-1", endpoint_url=url, **KEYS)
    images = ec2.describe_images()["Images"]
    windows = next(image["ImageId"] for image in images if image.get("Platform") == "windows")
    linux = next(image["ImageId"] for image in images if image.get("Platform") != "windows")
    ids = {}
    for name, instance in world.get("instances", {}).items():
        more = {"IamInstanceProfile": {"Name": instance["profile"]}} if instance.get("profile") else {}
        if tags_of(instance):
            more["TagSpecifications"] = [{"ResourceType": "instance", "Tags": tags_of(instance)}]
        image = windows if instance.get("windows") else linux
        started = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, **more)
        ids[name] = started["Instances"][0]["InstanceId"]
    for name, profile in world.get("templates", {}).items():
        data = {"ImageId": linux, **({"IamInstanceProfile": {"Name": profile}} if profile else {})}
        ec2.create_launch_template(LaunchTemplateName=name, LaunchTemplateData=data)
    scaling = boto3.client("autoscaling", region_name="us-east-1", endpoint_url=url, **KEYS)
    for name, profile in world.get("configurations", {}).items():
        scaling.create_launch_configuration(
            LaunchConfigurationName=name, ImageId=linux, InstanceType="t3.small", IamInstanceProfile=profile
        )
    for name, group in world.get("groups", {}).items():
        launch = {"LaunchConfigurationName": group["configuration"]} if "configuration" in group else {}
        if "template" in group:
            launch = {"LaunchTemplate": {"LaunchTemplateName": group["template"], "Version": "$Latest"}}
        scaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=3,
            DesiredCapacity=0,
            AvailabilityZones=["us-east-1a"],
            Tags=tags_of(group),
            **launch,
        )
    return ids


INSTANCES = {}
for world in WORLD:
    if world.keys() & {"instances", "templates", "configurations"}:
        INSTANCES.update(start_instances(world))
    for group, log in world.get("logs", {}).items():
        logs = boto3.client("logs", region_name="us-east-1", endpoint_url=url, **KEYS)
        logs.create_log_group(logGroupName=group)
        if "retention" in log:
            logs.put_retention_policy(logGroupName=group, retentionInDays=log["retention"])
        for stream, lines in log["streams"].items():
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            events = [{"timestamp": time, "message": message} for time, message in sorted(lines)]
            if events:
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
            if "stored" in log:
                groups = logs_backends[world["account"]]["us-east-1"].groups
                groups[group].streams[stream].stored_bytes = log["stored"]
print(url, flush=True)
print(json.dumps(INSTANCES), flush=True)
sys.stdin.read()
server.stop()
