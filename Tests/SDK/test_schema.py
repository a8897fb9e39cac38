"""Sends what schemathesis makes of the admin API's own OpenAPI document: whatever comes, nothing fails with 5xx, and
everything is answered with a status that the document has."""

import os
import pathlib
import subprocess

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from conftest import BINARY, free_ports, wait_for

CONFIGURATION = """
listen: {{ api: 127.0.0.1:{api}, admin: 127.0.0.1:{admin} }}
providers: {{ mock: {{ type: mock, delay: 0s }} }}
models: {{ chat: {{ targets: [mock/a] }} }}
keys: [ {{ name: sdk, key: {{ env: SDK_KEY }} }} ]
budgets: [ {{ name: all, limit: 5.00, per: day }} ]
admin: {{ key: {{ env: SDK_ADMIN_KEY }} }}
"""
ADMIN_KEY = "admin-key-of-the-sdk-tests"


@pytest.fixture(scope="module")
def admin_url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schema")
    api, admin = free_ports(2)
    (folder / "needletail.yaml").write_text(CONFIGURATION.format(api=api, admin=admin))
    environment = os.environ | {
        "SDK_KEY": "nt-key-of-the-schema-test", "SDK_ADMIN_KEY": ADMIN_KEY, "NEEDLETAIL_MASTER_KEY": "ab" * 32,
    }
    with open(folder / "log", "w") as log:
        process = subprocess.Popen(
            [BINARY, "serve"], cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{api}/health", process)
            yield f"http://127.0.0.1:{admin}"
            assert process.poll() is None, pathlib.Path(folder / "log").read_text()[-2000:]
        finally:
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def admin_schema(admin_url):
    return schemathesis.openapi.from_url(
        admin_url + "/admin/v1/openapi.json", headers={"Authorization": f"Bearer {ADMIN_KEY}"})


schema = schemathesis.pytest.from_fixture("admin_schema")


@schema.parametrize()
@settings(
    max_examples=12, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck))
def test_no_operation_fails(case, admin_url):
    reply = case.call(base_url=admin_url, headers={"Authorization": f"Bearer {ADMIN_KEY}"}, timeout=60)
    assert reply.status_code < 500, reply.text
    assert reply.status_code != 401
