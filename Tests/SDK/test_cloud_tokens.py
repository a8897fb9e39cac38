"""Who the gateway is for Google and Microsoft: tokens from servers of our own, which check what is shown to them."""

import base64
import json
import re
import subprocess
import time
import urllib.parse

import openai
import pytest
from conftest import BINARY, eventually
from ports import free_ports
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from loopback import KEY, configuration, environment_of, gateway, serve

HELLO = [{"role": "user", "content": "Hello"}]
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
EMAIL = "needletail@tests.iam.gserviceaccount.com"


def ask(running, model):
    with openai.OpenAI(base_url=running.url + "/v1", api_key=KEY, max_retries=0, timeout=60) as it:
        return it.chat.completions.create(model=f"cloud/{model}", messages=HELLO).choices[0].message.content


def stream(running, model):
    with openai.OpenAI(base_url=running.url + "/v1", api_key=KEY, max_retries=0, timeout=60) as it:
        chunks = list(it.chat.completions.create(model=f"cloud/{model}", messages=HELLO, stream=True))
    return "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)


def assert_refused(running, model, *secrets):
    """The client hears that it is not its fault, the operator which provider it is, and nobody a secret."""
    with pytest.raises(openai.APIStatusError) as caught:
        ask(running, model)
    error = caught.value
    assert (error.status_code, error.code) == (500, "provider_authentication_failed")
    words = error.response.text + str(error.response.headers)
    log = running.log('"error_type":"credential_rejected"')
    assert '"error_type":"credential_rejected"' in log and '"provider":"cloud"' in log
    for word in ["cloud", "google", "azure", "microsoft", "entra", "invalid_", "UNAUTHENTICATED", *secrets]:
        assert word.lower() not in words.lower()
    for secret in secrets:
        assert secret not in log


class Tokens:
    """What the token servers have given out, and the upstream therefore accepts."""

    def __init__(self):
        self.lifetime = 3600
        self.given = []
        self.ended = set()
        self.used = []
        self.refused = 0

    def give(self):
        self.given.append(f"token-{len(self.given) + 1}.of-the-tests")
        return 200, {}, {"access_token": self.given[-1], "expires_in": self.lifetime, "token_type": "Bearer"}

    def accepts(self, request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token not in self.given or token in self.ended:
            self.refused += 1
            return False
        self.used.append(token)
        return True


@pytest.fixture
def tokens():
    return Tokens()


# Google


@pytest.fixture
def vertex(tokens):
    """Gemini on Vertex AI, for those with a token."""
    paths = []

    def answer(request):
        if not tokens.accepts(request):
            return 401, {}, {"error": {
                "code": 401, "status": "UNAUTHENTICATED",
                "message": "Request had invalid authentication credentials."}}
        paths.append(request.path)
        reply = {
            "candidates": [{
                "content": {"role": "model", "parts": [{"text": "Known well."}]}, "finishReason": "STOP", "index": 0}],
            "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5}}
        if "streamGenerateContent" in request.path:
            return 200, {"content-type": "text/event-stream"}, f"data: {json.dumps(reply)}\r\n\r\n".encode()
        return 200, {}, reply

    with serve(answer) as url:
        yield {"type": "vertex", "base_url": url}
    place = r"/v1/projects/the-project/locations/[a-z0-9-]+/publishers/google/models/gemini-2\.5-flash:"
    assert all(re.fullmatch(place + r"(generateContent|streamGenerateContent\?alt=sse)", path) for path in paths)


@pytest.fixture(scope="module")
def private_key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def account(folder, private_key, token_url, encoding=serialization.PrivateFormat.PKCS8):
    """The file of a service account, as Google writes it."""
    pem = private_key.private_bytes(
        serialization.Encoding.PEM, encoding, serialization.NoEncryption()).decode()
    file = folder / "account.json"
    file.write_text(json.dumps({
        "type": "service_account", "project_id": "the-project", "private_key_id": "key-1", "private_key": pem,
        "client_email": EMAIL, "client_id": "1", "token_uri": token_url}))
    return file


def decoded(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def assertion_fault(request, public_key, url):
    """What is wrong with a request for a token (RFC 7523)."""
    form = urllib.parse.parse_qs(request.body.decode(), strict_parsing=True)
    if request.headers["content-type"] != "application/x-www-form-urlencoded":
        return "content-type"
    if form.get("grant_type") != ["urn:ietf:params:oauth:grant-type:jwt-bearer"]:
        return "grant_type"
    header, claims, signature = form["assertion"][0].split(".")
    try:
        public_key.verify(decoded(signature), f"{header}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return "signature"
    if json.loads(decoded(header)) != {"alg": "RS256", "typ": "JWT", "kid": "key-1"}:
        return "header"
    claims = json.loads(decoded(claims))
    if (claims["iss"], claims["scope"], claims["aud"]) != (EMAIL, SCOPE, url):
        return "claims"
    if abs(claims["iat"] - time.time()) > 60 or not 0 < claims["exp"] - claims["iat"] <= 3600:
        return "times"
    return None


def google_tokens(tokens, public_key):
    faults = []

    def answer(request):
        url = f"http://{request.headers['host']}{request.path}"
        fault = assertion_fault(request, public_key, url)
        faults.append(fault)
        if fault:
            return 400, {}, {"error": "invalid_grant", "error_description": f"Invalid JWT: {fault}"}
        return tokens.give()

    return faults, serve(answer)


@pytest.mark.parametrize("place", ["settings", "environment"])
@pytest.mark.parametrize("encoding", ["PKCS8", "TraditionalOpenSSL"])
def test_service_account(vertex, tokens, private_key, tmp_path, place, encoding):
    faults, server = google_tokens(tokens, private_key.public_key())
    with server as url:
        file = account(tmp_path, private_key, url + "/token", getattr(serialization.PrivateFormat, encoding))
        variables = {}
        if place == "settings":
            vertex["settings"] = {"credentials": str(file), "location": "us-east5"}
        else:
            variables = {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "GOOGLE_CLOUD_LOCATION": "europe-west4"}
        with gateway(tmp_path, vertex, variables) as running:
            assert ask(running, "gemini-2.5-flash") == "Known well."
            assert stream(running, "gemini-2.5-flash") == "Known well."
    # One token for both.
    assert faults == [None] and tokens.used == tokens.given * 2


def test_service_account_tokens_are_renewed(vertex, tokens, private_key, tmp_path):
    """One that is good for eleven seconds is not used for the last ten; one that is refused is not used again."""
    faults, server = google_tokens(tokens, private_key.public_key())
    tokens.lifetime = 11
    with server as url:
        file = account(tmp_path, private_key, url + "/token")
        vertex["settings"] = {"credentials": str(file)}
        with gateway(tmp_path, vertex, {}) as running:
            assert ask(running, "gemini-2.5-flash") == "Known well."
            tokens.lifetime = 3600

            def is_renewed():
                assert ask(running, "gemini-2.5-flash") == "Known well."
                return len(tokens.given) == 2

            assert eventually(is_renewed, 10)
            assert tokens.refused == 0
            tokens.ended.add(tokens.given[-1])
            assert_refused(running, "gemini-2.5-flash", *tokens.given)
            assert ask(running, "gemini-2.5-flash") == "Known well."
    assert faults == [None] * 3 and tokens.used[-1] == tokens.given[2]


def test_service_account_with_another_key(vertex, tokens, private_key, tmp_path):
    another = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    faults, server = google_tokens(tokens, another.public_key())
    with server as url:
        file = account(tmp_path, private_key, url + "/token")
        vertex["settings"] = {"credentials": str(file)}
        with gateway(tmp_path, vertex, {}) as running:
            assert_refused(running, "gemini-2.5-flash", EMAIL)
            assert "Invalid JWT" in running.log("Invalid JWT")
    assert faults == ["signature"] and not tokens.used and not tokens.refused


def test_metadata_server(vertex, tokens, tmp_path):
    def answer(request):
        if request.headers.get("metadata-flavor") != "Google":
            return 403, {}, b"Missing Metadata-Flavor:Google header."
        if (request.method, request.path) != ("GET", "/computeMetadata/v1/instance/service-accounts/default/token"):
            return 404, {}, b""
        return tokens.give()

    with serve(answer) as url:
        vertex["settings"] = {"project": "the-project"}
        with gateway(tmp_path, vertex, {"GCE_METADATA_HOST": url.removeprefix("http://")}) as running:
            assert ask(running, "gemini-2.5-flash") == "Known well."
            assert stream(running, "gemini-2.5-flash") == "Known well."
    assert tokens.used == tokens.given * 2


# Microsoft


@pytest.fixture
def azure(tokens):
    """A resource of Azure OpenAI that takes tokens and no keys."""

    def answer(request):
        if "api-key" in request.headers or not tokens.accepts(request):
            return 401, {}, {"error": {"code": "401", "message": "Unauthorized. Access token is missing or invalid."}}
        if not re.fullmatch(r"/openai/deployments/my-gpt/chat/completions\?api-version=[0-9-]+", request.path):
            return 404, {}, {"error": {"code": "404", "message": "Resource not found"}}
        message = {"role": "assistant", "content": "Known well."}
        return 200, {}, {
            "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt",
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}}

    with serve(answer) as url:
        yield {"type": "azure", "base_url": url}


FORM = {
    "grant_type": "client_credentials", "client_id": "an-application", "client_secret": "s~cret+of/it&",
    "scope": "https://cognitiveservices.azure.com/.default"}


def entra(tokens, forms):
    def answer(request):
        form = dict(urllib.parse.parse_qsl(request.body.decode(), strict_parsing=True))
        forms.append(form)
        if request.method != "POST" or request.path != "/the-tenant/oauth2/v2.0/token" or form != FORM:
            words = "AADSTS7000215: Invalid client secret provided."
            return 401, {}, {"error": "invalid_client", "error_description": words, "error_codes": [7000215]}
        return tokens.give()

    return serve(answer)


@pytest.mark.parametrize("place", ["settings", "environment"])
def test_entra(azure, tokens, tmp_path, place):
    forms = []
    with entra(tokens, forms) as url:
        variables = {
            "AZURE_TENANT_ID": "the-tenant", "AZURE_CLIENT_ID": FORM["client_id"],
            "AZURE_CLIENT_SECRET": FORM["client_secret"], "AZURE_AUTHORITY_HOST": url + "/"}
        if place == "settings":
            azure["settings"] = {
                "tenant_id": "the-tenant", "client_id": FORM["client_id"], "client_secret": {"env": "MY_SECRET"},
                "authority": url}
            variables = {"MY_SECRET": FORM["client_secret"]}
        with gateway(tmp_path, azure, variables) as running:
            assert ask(running, "my-gpt") == "Known well."
            assert ask(running, "my-gpt") == "Known well."
            tokens.ended.add(tokens.given[0])
            assert_refused(running, "my-gpt", *tokens.given)
            assert ask(running, "my-gpt") == "Known well."
    assert forms == [FORM] * 2 and tokens.used == [tokens.given[0]] * 2 + [tokens.given[1]]


def test_entra_with_a_wrong_secret(azure, tokens, tmp_path):
    forms = []
    with entra(tokens, forms) as url:
        azure["settings"] = {
            "tenant_id": "the-tenant", "client_id": FORM["client_id"], "client_secret": {"env": "MY_SECRET"},
            "authority": url}
        with gateway(tmp_path, azure, {"MY_SECRET": "an-old-secret"}) as running:
            assert_refused(running, "my-gpt", "an-old-secret")
            assert "AADSTS7000215" in running.log("AADSTS7000215")
    assert len(forms) == 1 and not tokens.used and not tokens.refused


# Before anything is asked


@pytest.mark.parametrize("provider, named", [
    ({"type": "vertex", "settings": {"credentials": "/nowhere/account.json"}}, "account.json"),
    ({"type": "bedrock"}, "region"),
])
def test_check_names_what_lacks(tmp_path, provider, named):
    file = tmp_path / "needletail.yaml"
    file.write_text(configuration(*free_ports(2), provider))
    done = subprocess.run(
        [BINARY, "check", str(file)], cwd=tmp_path, env=environment_of(tmp_path, {}), capture_output=True, text=True,
        timeout=30)
    assert done.returncode == 1
    assert f"{file}:1:" in done.stdout and named in done.stdout
