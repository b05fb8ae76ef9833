"""Validates the JSON documents in the list on stdin against a JSON schema. Prints a list with the error of each, or null."""

import json
import sys

import fastjsonschema

with open(sys.argv[1], encoding="utf-8") as file:
    schema = json.load(file)
# `...]?$`: an unmatched bracket, which JavaScript accepts and Python does not. awsauth sets no language.
for part in ["run", "toolComponent"]:
    del schema["definitions"][part]["properties"]["language"]["pattern"]
validate = fastjsonschema.compile(schema)


def error(document):
    try:
        validate(document)
    except fastjsonschema.JsonSchemaException as invalid:
        return str(invalid)
    return None


print(json.dumps([error(document) for document in json.load(sys.stdin)]))
