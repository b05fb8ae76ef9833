"""Reads HCL from stdin and prints its blocks and attributes as JSON. Texts keep their quotes and escapes."""

import json
import sys

import hcl2

print(json.dumps(hcl2.loads(sys.stdin.read())))
