"""Reads the config and credentials files of each folder with botocore, and prints one line of JSON per folder."""

import json
import os
import sys

import botocore.session
from botocore.exceptions import ConfigParseError

for folder in sys.argv[1:]:
    os.environ["AWS_CONFIG_FILE"] = os.path.join(folder, "config")
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.path.join(folder, "credentials")
    try:
        config = botocore.session.get_session().full_config
        kept = {key: config.get(key, {}) for key in ("profiles", "sso_sessions", "services")}
        print(json.dumps(kept))
    except ConfigParseError:
        print("null")
