"""Sends what schemathesis makes of the admin API's own OpenAPI document: whatever comes, nothing fails with 5xx, and
everything is answered with a status that the document has."""

import os
import pathlib
import subprocess

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from conftest import BINARY, wait_for
from ports import free_ports

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
            wait_for(f"http://127.0.0.1:{api}/health", process, folder / "log")
            yield f"http://127.0.0.1:{admin}"
            assert process.poll() is None, pathlib.Path(folder / "log").read_text()[-2000:]
        finally:
            process.terminate()
            process.wait(20)


def test_no_operation_fails(admin_url):
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    schema = schemathesis.openapi.from_url(admin_url + "/admin/v1/openapi.json", headers=headers)
    failures = []
    operations = [operation.ok() for operation in schema.get_all_operations()]
    # A stream of events has no end to wait for.
    operations = [operation for operation in operations if not operation.path.endswith("/requests/tail")]
    assert len(operations) > 60
    for operation in operations:

        @given(case=operation.as_strategy())
        @settings(
            max_examples=12, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck))
        def check(case):
            reply = case.call(base_url=admin_url, headers=headers, timeout=60)
            assert reply.status_code < 500 and reply.status_code != 401, f"{reply.status_code} {reply.text[:300]}"

        try:
            check()
        except AssertionError as error:
            failures.append(f"{operation.label}: {error}")
    assert not failures, "\n".join(failures)
