"""Who the gateway is for Amazon: keys, profiles and roles, from `moto` and from servers of our own.

Bedrock here signs every request once more with botocore and compares.
"""

import json

import anthropic
import boto3
import moto.server
import openai
import pytest
from amazon import REGION, bedrock, role_server
from conftest import eventually
from loopback import KEY, gateway, serve

HELLO = [{"role": "user", "content": "Hello, Zürich"}]
# What a path has to encode, and the signature twice.
MODELS = [
    "meta.llama3-1-8b-instruct-v1:0",
    "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/a1b2",
]
NO_ROLES = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def aws():
    with bedrock() as it:
        yield it


@pytest.fixture(scope="module")
def moto_url():
    server = moto.server.ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def moto_client(url, service):
    return boto3.client(
        service, region_name=REGION, endpoint_url=url, aws_access_key_id="test", aws_secret_access_key="test")


def provider(aws, **settings):
    return {"type": "bedrock", "base_url": aws.url, "settings": {"region": REGION} | settings}


def client(running):
    return openai.OpenAI(base_url=running.url + "/v1", api_key=KEY, max_retries=0, timeout=60)


def ask(running, model=MODELS[0]):
    with client(running) as it:
        return it.chat.completions.create(model=f"cloud/{model}", messages=HELLO).choices[0].message.content


def refused(running):
    with client(running) as it, pytest.raises(openai.APIStatusError) as caught:
        it.chat.completions.create(model=f"cloud/{MODELS[0]}", messages=HELLO)
    return caught.value


def assert_asks(running, aws, key):
    """Everything a client may ask is signed by `key`: other paths, other bodies, whole and streamed."""
    for model in MODELS:
        assert ask(running, model) == "Signed well."
    with client(running) as it:
        chunks = list(it.chat.completions.create(model=f"cloud/{MODELS[0]}", messages=HELLO, stream=True))
    assert "".join(each.choices[0].delta.content or "" for each in chunks if each.choices) == "Signed well."
    with anthropic.Anthropic(base_url=running.url, api_key=KEY, max_retries=0, timeout=60) as it:
        reply = it.messages.create(
            model="cloud/anthropic.claude-sonnet-4-5-20250929-v1:0", max_tokens=10, messages=HELLO)
    assert reply.content[0].text == "Signed well."
    assert aws.asked == [
        (MODELS[0], "converse"), (MODELS[1], "converse"), (MODELS[0], "converse-stream"),
        ("anthropic.claude-sonnet-4-5-20250929-v1:0", "invoke")]
    assert aws.askers == [key] * 4 and not aws.refused


def test_keys_in_configuration(aws, moto_url, tmp_path):
    iam = moto_client(moto_url, "iam")
    iam.create_user(UserName="in-configuration")
    made = iam.create_access_key(UserName="in-configuration")["AccessKey"]
    key, secret = made["AccessKeyId"], made["SecretAccessKey"]
    aws.keys[key] = (secret, None)
    settings = provider(aws, access_key_id=key, secret_access_key={"env": "MY_SECRET"})
    # What Amazon's own variables say is not asked where the file has keys.
    with gateway(tmp_path, settings, NO_ROLES | {"MY_SECRET": secret}) as running:
        assert_asks(running, aws, key)


@pytest.mark.parametrize("place", ["environment", "settings"])
def test_session_token(aws, moto_url, tmp_path, place):
    lent = moto_client(moto_url, "sts").assume_role(
        RoleArn="arn:aws:iam::123456789012:role/tests", RoleSessionName="needletail")["Credentials"]
    key, secret, token = lent["AccessKeyId"], lent["SecretAccessKey"], lent["SessionToken"]
    aws.keys[key] = (secret, token)
    variables = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}
    settings = {}
    if place == "settings":
        settings = {name.removeprefix("AWS_").lower(): {"env": "MY_" + name} for name in variables}
        variables = {"MY_" + name: value for name, value in variables.items()}
    with gateway(tmp_path, provider(aws, **settings), NO_ROLES | variables) as running:
        assert_asks(running, aws, key)


@pytest.mark.parametrize("profile", ["default", "team"])
def test_profile(aws, tmp_path, profile):
    aws.keys |= {"AKIDEFAULT": ("default+secret/", None), "AKIATEAM": ("team+secret/=", "team//token==")}
    folder = tmp_path / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = AKIDEFAULT\naws_secret_access_key = default+secret/\n\n"
        "# the team's\n[team]\naws_access_key_id=AKIATEAM\naws_secret_access_key=team+secret/=\n"
        "aws_session_token = team//token==\n")
    it = provider(aws)
    if profile != "default":
        # The region stands in the other file.
        (folder / "config").write_text(f"[default]\nregion = nowhere-1\n[profile team]\nregion = {REGION}\n")
        it["settings"] = {"profile": profile}
    with gateway(tmp_path, it, NO_ROLES) as running:
        assert_asks(running, aws, "AKIDEFAULT" if profile == "default" else "AKIATEAM")


def test_profile_and_files_by_environment(aws, tmp_path):
    aws.keys["AKIAELSEWHERE"] = ("else", None)
    file = tmp_path / "keys.ini"
    file.write_text("[ci]\naws_access_key_id = AKIAELSEWHERE\naws_secret_access_key = else\n")
    variables = {"AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_PROFILE": "ci", "AWS_REGION": REGION}
    it = provider(aws) | {"settings": {}}
    with gateway(tmp_path, it, NO_ROLES | variables) as running:
        assert ask(running) == "Signed well."
    assert aws.askers == ["AKIAELSEWHERE"]


def test_machine_role_of_moto(aws, moto_url, tmp_path):
    aws.keys["test-key"] = ("test-secret-key", "test-session-token")
    variables = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": moto_url}
    with gateway(tmp_path, provider(aws), variables) as running:
        assert_asks(running, aws, "test-key")


def test_machine_role_wants_a_session(aws, tmp_path):
    """Moto does not look at the token of version 2; this server does."""
    aws.keys["ASIAMACHINE"] = ("machine", "machine-token")
    asked = []

    def metadata(request):
        asked.append((request.method, request.path))
        match request.method, request.path:
            case "PUT", "/latest/api/token":
                seconds = int(request.headers.get("x-aws-ec2-metadata-token-ttl-seconds", 0))
                return (200, {}, b"a-session==") if 1 <= seconds <= 21600 else (400, {}, b"")
            case "GET", _ if request.headers.get("x-aws-ec2-metadata-token") != "a-session==":
                return 401, {}, b""
            case "GET", "/latest/meta-data/iam/security-credentials/":
                return 200, {"content-type": "text/plain"}, b"the-role\n"
            case "GET", "/latest/meta-data/iam/security-credentials/the-role":
                return 200, {"content-type": "text/plain"}, json.dumps({
                    "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": "ASIAMACHINE",
                    "SecretAccessKey": "machine", "Token": "machine-token",
                    "LastUpdated": "2026-01-01T00:00:00Z", "Expiration": "2099-01-01T00:00:00Z"}).encode()
            case _:
                return 404, {}, b""

    with serve(metadata) as url:
        with gateway(tmp_path, provider(aws), {"AWS_EC2_METADATA_SERVICE_ENDPOINT": url}) as running:
            assert_asks(running, aws, "ASIAMACHINE")
    # Once, and not for every request.
    assert [method for method, _ in asked] == ["PUT", "GET", "GET"]


def test_container_role(aws, tmp_path):
    with role_server(aws, "Bearer of-the-container") as role:
        variables = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": role.url,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "Bearer of-the-container"}
        with gateway(tmp_path, provider(aws), NO_ROLES | variables) as running:
            assert_asks(running, aws, "ASIAROLE1")
        assert role.fetches == 1


def test_expired_role_is_renewed(aws, tmp_path):
    """Keys that are good for eleven seconds are not used for the last ten; the token's file is read each time."""
    token = tmp_path / "token"
    token.write_text("first\n")
    with role_server(aws, "first") as role:
        role.lifetime = 11
        variables = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": role.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token)}
        with gateway(tmp_path, provider(aws), NO_ROLES | variables) as running:
            assert ask(running) == "Signed well."
            token.write_text("second\n")
            role.token, role.lifetime = "second", 3600

            def is_renewed():
                assert ask(running) == "Signed well."
                return role.fetches == 2

            assert eventually(is_renewed, 10)
            aws.expired.add("ASIAROLE1")
            assert ask(running) == "Signed well."
            assert role.fetches == 2
    assert aws.askers[0] == "ASIAROLE1" and aws.askers[-1] == "ASIAROLE2"
    assert not aws.refused


def test_refused_role_is_fetched_again(aws, tmp_path):
    """Keys that end before their time cost one request, not an hour."""
    with role_server(aws, None) as role:
        variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": role.url}
        with gateway(tmp_path, provider(aws), NO_ROLES | variables) as running:
            assert ask(running) == "Signed well."
            aws.expired.add("ASIAROLE1")
            assert refused(running).code == "provider_authentication_failed"
            assert ask(running) == "Signed well."
        assert role.fetches == 2
    assert aws.refused == ["ExpiredTokenException"]


def assert_tells_nothing(error, running, *secrets):
    """The client hears that it is not its fault, the operator which provider it is, and nobody a secret."""
    assert error.status_code == 500
    assert (error.code, error.type) == ("provider_authentication_failed", "server_error")
    words = error.response.text + str(error.response.headers)
    for word in [*secrets, "AKIA", "ASIA", "security token", "cloud", "bedrock", "signature", "Exception"]:
        assert word.lower() not in words.lower()
    log = running.log('"error_type":"credential_rejected"')
    assert '"error_type":"credential_rejected"' in log and '"provider":"cloud"' in log
    for secret in secrets:
        assert secret not in log


@pytest.mark.parametrize("kind", ["unknown", "secret", "token", "expired"])
def test_wrong_keys(aws, tmp_path, kind):
    aws.keys["AKIAWRONG"] = ("the-right-secret", "the-right-token")
    match kind:
        case "unknown": aws.keys.clear()
        case "expired": aws.expired.add("AKIAWRONG")
    secret = "a-wrong-secret" if kind == "secret" else "the-right-secret"
    token = "a-wrong-token" if kind == "token" else "the-right-token"
    variables = {"AWS_ACCESS_KEY_ID": "AKIAWRONG", "AWS_SECRET_ACCESS_KEY": secret, "AWS_SESSION_TOKEN": token}
    with gateway(tmp_path, provider(aws), NO_ROLES | variables) as running:
        assert_tells_nothing(refused(running), running, secret, token)
    assert len(aws.refused) == 1 and not aws.askers
    expected = {"unknown": "UnrecognizedClientException", "expired": "ExpiredTokenException"}
    assert aws.refused == [expected.get(kind, "InvalidSignatureException")]


def test_container_refuses(aws, tmp_path):
    with role_server(aws, "another") as role:
        variables = {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": role.url, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "not-the-token"}
        with gateway(tmp_path, provider(aws), NO_ROLES | variables) as running:
            assert_tells_nothing(refused(running), running, "not-the-token")
        assert role.fetches == 0
    assert not aws.askers and not aws.refused


def test_nothing_to_sign_with(aws, tmp_path):
    with gateway(tmp_path, provider(aws), NO_ROLES) as running:
        assert_tells_nothing(refused(running), running)
        assert "No AWS credentials" in running.log("No AWS credentials")
    assert not aws.askers and not aws.refused
