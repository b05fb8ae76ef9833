"""EKS's calls on access entries and on the authentication mode.

The rules are those of the user guide: https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
A message with a link is AWS's answer as the linked thread quotes it. A message under `unquoted` is not AWS's: no answer of
that case is public.

These keys of the state are for tests; each is optional:

    {"principals": {"arn:aws:iam::…:role/team/dev": {"id": "AROA…", "createdAt": 1700000000}},
     "visible_after": 0.5,
     "quota": 3000,
     "idempotent": false,
     "update": {"polls": 2, "settles": 1, "result": "Successful"},
     "made_by_update": {"prod": [{"principalArn": "…", …}]}}

With "principals", only these principals exist, and an entry is bound to the id that its principal had when it was created.
A new entry exists for other calls only after "visible_after" seconds. Without "idempotent", a clientRequestToken that is
sent again returns the first answer. An update is in progress for "polls" calls of DescribeUpdate or DescribeCluster, and
the cluster is UPDATING for "settles" further calls of DescribeCluster. An update to a mode that reads access entries adds
those in "made_by_update".
"""

import re
import time
import uuid

MODES = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"]
# https://docs.aws.amazon.com/eks/latest/userguide/creating-access-entries.html
RESERVED = ["system:", "eks:", "aws:", "amazon:", "iam:"]
TYPES = ["STANDARD", "EC2_LINUX", "EC2_WINDOWS", "FARGATE_LINUX", "EC2", "HYBRID_LINUX", "HYPERPOD_LINUX"]
# A part of the list, which grows. https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
POLICIES = [
    "AmazonEKSAdminPolicy",
    "AmazonEKSAdminViewPolicy",
    "AmazonEKSAutoNodePolicy",
    "AmazonEKSClusterAdminPolicy",
    "AmazonEKSEditPolicy",
    "AmazonEKSViewPolicy",
]
# Keys of an entry in the state that EKS does not return.
INTERNAL = ["policies", "gone", "principalId", "visibleAt"]


class Refusal(Exception):
    def __init__(self, code, message, status=400):
        super().__init__(message)
        self.code, self.status = code, status


def parameter(message):
    return Refusal("InvalidParameterException", message)


def unquoted(message):
    return Refusal("InvalidParameterException", message)


def cluster_of(world, name):
    cluster = world.get("clusters", {}).get(name)
    region = world.get("region")
    if not cluster or (region and cluster["arn"].split(":")[3] != region):
        raise Refusal("ResourceNotFoundException", f"No cluster found for name: {name}.", 404)
    return {"name": name, **cluster}


def mode_of(world, name):
    return cluster_of(world, name).get("accessConfig", {}).get("authenticationMode", "CONFIG_MAP")


def entries_of(world, name):
    """Returns the cluster's entries, which no call returns while the mode does not read them."""
    if mode_of(world, name) == "CONFIG_MAP":
        # https://github.com/aws-ia/terraform-aws-eks-blueprints/issues/1877
        raise Refusal(
            "InvalidRequestException",
            "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
        )
    return world.setdefault("entries", {}).setdefault(name, [])


def is_visible(entry):
    return not entry.get("gone") and entry.get("visibleAt", 0) <= time.time()


def entry_of(world, given):
    for entry in entries_of(world, given["clusterName"]):
        if entry["principalArn"] == given["principalArn"] and is_visible(entry):
            return entry
    # https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3024
    raise Refusal(
        "ResourceNotFoundException",
        "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'.",
        404,
    )


def own_entry(world, given):
    """Returns the entry for a call that changes it."""
    entry = entry_of(world, given)
    if ":role/aws-service-role/" in entry["principalArn"]:
        raise service_linked()
    return entry


def shown(name, entry):
    return {"clusterName": name, **{key: value for key, value in entry.items() if key not in INTERNAL}}


def service_linked():
    # https://github.com/hashicorp/terraform-provider-aws/issues/36447
    return parameter(
        "The caller is not allowed to modify access entries with a principalArn value of a Service Linked Role"
    )


def check_groups(groups):
    for group in groups:
        if group.startswith("system:"):
            # https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2915
            raise parameter(f"The kubernetes group name {group} is invalid, it cannot start with system:")


def check_username(username):
    for prefix in RESERVED:
        if username.startswith(prefix) and not username.startswith("arn:"):
            # https://github.com/aws-ia/terraform-aws-eks-blueprints/issues/2004
            raise parameter(f"The username must not begin with {prefix}")
    before, found, _ = username.partition("{{SessionName")
    if found and ":" not in before:
        raise unquoted("The username must have a colon before {{SessionName}}")


def default_username(arn, kind):
    if kind in ("EC2_LINUX", "EC2_WINDOWS", "EC2"):
        return "system:node:{{EC2PrivateDNSName}}"
    if kind != "STANDARD":
        return "system:node:{{SessionName}}"
    _, partition, _, _, account, resource = arn.split(":", 5)
    if resource.startswith("user/"):
        return arn
    return f"arn:{partition}:sts::{account}:assumed-role/{resource.rsplit('/', 1)[1]}/{{{{SessionName}}}}"


def check_principal(world, arn, kind, account):
    if not re.fullmatch(r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/[\x21-\x7e]+", arn):
        # https://github.com/aws-samples/appmod-blueprints/pull/319
        raise parameter("The principalArn parameter format is not valid")
    if ":role/aws-service-role/" in arn:
        raise service_linked()
    if kind != "STANDARD" and (arn.split(":")[4] != account or ":role/" not in arn):
        raise unquoted(f"A principal of type {kind} must be a role of the cluster's account")
    if "principals" in world and arn not in world["principals"]:
        # Also if the path is missing: https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2969
        raise parameter("The specified principalArn is invalid: invalid principal.")


def create_access_entry(world, given):
    name, arn, kind = given["clusterName"], given["principalArn"], given.get("type") or "STANDARD"
    entries = entries_of(world, name)
    partition, region, account = re.match(r"arn:([^:]+):eks:([^:]+):([^:]+)", cluster_of(world, name)["arn"]).groups()
    if kind not in TYPES:
        raise unquoted(f"The type {kind} is not valid")
    check_principal(world, arn, kind, account)
    if any(entry["principalArn"] == arn and not entry.get("gone") for entry in entries):
        # https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2968
        raise Refusal(
            "ResourceInUseException", "The specified access entry resource is already in use on this cluster.", 409
        )
    username, groups = given.get("username"), given.get("kubernetesGroups", [])
    if kind != "STANDARD" and (username or groups):
        raise unquoted(f"An access entry of type {kind} can't have a username or groups")
    check_groups(groups)
    check_username(username or "")
    if len(entries) >= world.get("quota", 3000):
        raise Refusal(
            "ResourceLimitExceededException",
            f"You've reached your quota of {world.get('quota', 3000)} access entries for this cluster.",
        )
    now = time.time()
    kinds = arn.split(":", 5)[5].split("/")
    entry = {
        "principalArn": arn,
        "type": kind,
        "username": username or default_username(arn, kind),
        "kubernetesGroups": groups if kind == "STANDARD" else ["system:nodes"],
        "tags": given.get("tags", {}),
        "accessEntryArn": f"arn:{partition}:eks:{region}:{account}:access-entry/{name}/{kinds[0]}/"
        f"{arn.split(':')[4]}/{kinds[-1]}/{uuid.uuid4()}",
        "createdAt": now,
        "modifiedAt": now,
        "visibleAt": now + world.get("visible_after", 0),
        "policies": [],
    }
    if not entry["tags"]:
        del entry["tags"]
    if "principals" in world:
        entry["principalId"] = world["principals"][arn]["id"]
    entries.append(entry)
    return {"accessEntry": shown(name, entry)}


def describe_access_entry(world, given):
    return {"accessEntry": shown(given["clusterName"], entry_of(world, given))}


def update_access_entry(world, given):
    entry = own_entry(world, given)
    if entry.get("type", "STANDARD") != "STANDARD" and ("username" in given or "kubernetesGroups" in given):
        # Terraform's provider sends the username of a node entry back, which EKS refuses with this text:
        # https://github.com/aws-ia/terraform-aws-eks-blueprints/issues/2004
        check_username(given.get("username", entry["username"]))
        raise unquoted("The username and groups of this access entry can't be changed")
    check_groups(given.get("kubernetesGroups", []))
    if "username" in given:
        check_username(given["username"])
        entry["username"] = given["username"] or default_username(entry["principalArn"], entry["type"])
    if "kubernetesGroups" in given:
        entry["kubernetesGroups"] = given["kubernetesGroups"]
    entry["modifiedAt"] = time.time()
    return {"accessEntry": shown(given["clusterName"], entry)}


def delete_access_entry(world, given):
    entry = own_entry(world, given)
    entries_of(world, given["clusterName"]).remove(entry)
    return {}


def tag_resource(world, given):
    for entries in world.get("entries", {}).values():
        for entry in entries:
            if entry.get("accessEntryArn") == given["resourceArn"]:
                entry["tags"] = {**entry.get("tags", {}), **given["tags"]}
                return {}
    raise unquoted(f"There is no resource {given['resourceArn']}")


def list_access_entries(world, given, page):
    policy_arn = given.get("associatedPolicyArn")
    names = [
        entry["principalArn"]
        for entry in entries_of(world, given["clusterName"])
        if entry.get("visibleAt", 0) <= time.time()
        and (not policy_arn or policy_arn in [policy["policyArn"] for policy in entry.get("policies", [])])
    ]
    return page("accessEntries", names)


def policies_of(world, name):
    partition = cluster_of(world, name)["arn"].split(":")[1] if name else "aws"
    return {f"arn:{partition}:eks::aws:cluster-access-policy/{policy}": policy for policy in POLICIES}


def list_access_policies(world, given, page):
    partition = "aws-cn" if world["region"].startswith("cn-") else "aws"
    policies = [{"name": name, "arn": f"arn:{partition}:eks::aws:cluster-access-policy/{name}"} for name in POLICIES]
    return page("accessPolicies", policies)


def associate_access_policy(world, given):
    entry, arn, scope = own_entry(world, given), given["policyArn"], given["accessScope"]
    is_auto_node = entry.get("type") == "EC2" and arn.endswith("/AmazonEKSAutoNodePolicy")
    if entry.get("type", "STANDARD") != "STANDARD" and not is_auto_node:
        # https://github.com/aws-controllers-k8s/community/issues/2144
        raise Refusal(
            "InvalidRequestException",
            'This operation can only be performed on Access Entries with a type of "STANDARD".',
        )
    if arn not in policies_of(world, given["clusterName"]):
        raise unquoted(f"The policyArn {arn} is not an access policy")
    if (scope.get("type") == "namespace") != bool(scope.get("namespaces")):
        raise unquoted("Only an access scope of type namespace has namespaces")
    now = time.time()
    scope = {"type": scope["type"], "namespaces": scope.get("namespaces", [])}
    policy = {"policyArn": arn, "accessScope": scope, "associatedAt": now, "modifiedAt": now}
    others = [other for other in entry.get("policies", []) if other["policyArn"] != arn]
    entry["policies"] = [*others, policy]
    return {
        "clusterName": given["clusterName"],
        "principalArn": given["principalArn"],
        "associatedAccessPolicy": policy,
    }


def disassociate_access_policy(world, given):
    entry = own_entry(world, given)
    left = [policy for policy in entry.get("policies", []) if policy["policyArn"] != given["policyArn"]]
    if len(left) == len(entry.get("policies", [])):
        raise Refusal("ResourceNotFoundException", "The access policy is not associated with the access entry.", 404)
    entry["policies"] = left
    return {}


def list_associated_access_policies(world, given, page):
    found = page("associatedAccessPolicies", entry_of(world, given).get("policies", []))
    return {"clusterName": given["clusterName"], "principalArn": given["principalArn"], **found}


def advance(world, name):
    """Continues an update by one call. Returns whether the cluster is still updating."""
    for update in world.get("updates", {}).get(name, []):
        if update["status"] != "InProgress":
            continue
        update["polls"] -= 1
        if update["polls"] >= 0:
            return True
        update["status"] = world.get("update", {}).get("result", "Successful")
        if update["status"] == "Successful":
            world["clusters"][name].setdefault("accessConfig", {})["authenticationMode"] = update["mode"]
            made = world.get("made_by_update", {}).pop(name, [])
            entries = world.setdefault("entries", {}).setdefault(name, [])
            now = time.time()
            entries.extend({"createdAt": now, "modifiedAt": now, **entry} for entry in made)
        world.setdefault("settling", {})[name] = world.get("update", {}).get("settles", 0)
    return False


def describe_cluster(world, given):
    name = given["name"]
    cluster = cluster_of(world, name)
    settling = world.get("settling", {})
    if advance(world, name):
        cluster["status"] = "UPDATING"
    elif settling.get(name, 0) > 0:
        settling[name] -= 1
        cluster["status"] = "UPDATING"
    else:
        cluster = cluster_of(world, name)
    return {"cluster": cluster}


def update_cluster_config(world, given):
    name, to = given["name"], given.get("accessConfig", {}).get("authenticationMode")
    before = mode_of(world, name)
    if not to:
        raise AssertionError("the stand-in updates only accessConfig")
    updates = world.setdefault("updates", {}).setdefault(name, [])
    for update in updates:
        if update["status"] == "InProgress":
            # https://github.com/aws/aws-cdk/issues/33452
            raise Refusal(
                "ResourceInUseException",
                f"Cannot AccessConfigUpdate because cluster {name} currently has update {update['id']} in progress",
                409,
            )
    if MODES.index(to) != MODES.index(before) + 1:
        # https://github.com/pulumi/pulumi-eks/issues/1493 and https://github.com/aws/aws-cdk/issues/31032
        raise parameter(f"Unsupported authentication mode update from {before} to {to}")
    update = {
        "id": str(uuid.uuid4()),
        "status": "InProgress",
        "type": "AccessConfigUpdate",
        "params": [{"type": "AuthenticationMode", "value": f'"{to}"'}],
        "createdAt": time.time(),
        "errors": [],
        "polls": world.get("update", {}).get("polls", 0),
        "mode": to,
    }
    updates.append(update)
    return {"update": shown_update(update)}


def shown_update(update):
    return {key: value for key, value in update.items() if key not in ("polls", "mode")}


def describe_update(world, given):
    cluster_of(world, given["name"])
    advance(world, given["name"])
    for update in world.get("updates", {}).get(given["name"], []):
        if update["id"] == given["updateId"]:
            return {"update": shown_update(update)}
    raise Refusal("ResourceNotFoundException", f"No update found for ID: {given['updateId']}", 404)


CALLS = {
    "CreateAccessEntry": create_access_entry,
    "DescribeAccessEntry": describe_access_entry,
    "UpdateAccessEntry": update_access_entry,
    "DeleteAccessEntry": delete_access_entry,
    "AssociateAccessPolicy": associate_access_policy,
    "DisassociateAccessPolicy": disassociate_access_policy,
    "TagResource": tag_resource,
    "DescribeCluster": describe_cluster,
    "UpdateClusterConfig": update_cluster_config,
    "DescribeUpdate": describe_update,
}
LISTS = {
    "ListAccessEntries": list_access_entries,
    "ListAccessPolicies": list_access_policies,
    "ListAssociatedAccessPolicies": list_associated_access_policies,
}


def call(world, operation, given):
    """Carries out a call that is not a list. One with a known token is not carried out a second time."""
    token = given.get("clientRequestToken")
    answers = world.setdefault("tokens", {}) if world.get("idempotent", True) else {}
    if token in answers:
        return answers[token]
    answer = CALLS[operation](world, given)
    if token:
        answers[token] = answer
    return answer
