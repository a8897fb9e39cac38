"""Bedrock as the cloud tests need it: checks who asks, as Amazon does, and answers."""

import binascii
import contextlib
import datetime
import json
import re
import struct
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
from loopback import serve

REGION = "eu-west-1"
FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, "
    r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})")
DATE = "%Y%m%dT%H%M%SZ"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def refusal(kind, words):
    return 403, {"x-amzn-errortype": kind}, {"message": words}


def frame(event, payload):
    """One message of `application/vnd.amazon.eventstream`."""
    headers = b"".join(
        bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value)) + value.encode()
        for name, value in {
            ":event-type": event, ":content-type": "application/json", ":message-type": "event"}.items())
    body = json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    start = prelude + struct.pack(">I", binascii.crc32(prelude)) + headers + body
    return start + struct.pack(">I", binascii.crc32(start))


class Bedrock:
    """Accepts the signatures of the keys in `keys`: id to (secret, session token or None)."""

    def __init__(self):
        self.url = None
        self.keys = {}
        self.expired = set()
        # The ids of the keys whose requests were answered.
        self.askers = []
        # Model and operation of each of these.
        self.asked = []
        self.refused = []

    def answer(self, request):
        path = re.fullmatch(r"/model/([^/]+)/([a-z-]+)", request.path)
        if request.method != "POST" or not path:
            return 404, {"x-amzn-errortype": "UnknownOperationException"}, {}
        fault = self.fault(request)
        if fault:
            self.refused.append(fault[1]["x-amzn-errortype"])
            return fault
        self.askers.append(FORM.match(request.headers["authorization"])[1])
        self.asked.append((urllib.parse.unquote(path[1]), path[2]))
        usage = {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}
        match path[2]:
            case "converse":
                message = {"role": "assistant", "content": [{"text": "Signed well."}]}
                return 200, {}, {
                    "output": {"message": message}, "stopReason": "end_turn", "usage": usage,
                    "metrics": {"latencyMs": 1}}
            case "converse-stream":
                return 200, {"content-type": "application/vnd.amazon.eventstream"}, b"".join([
                    frame("messageStart", {"role": "assistant"}),
                    frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Signed "}}),
                    frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "well."}}),
                    frame("contentBlockStop", {"contentBlockIndex": 0}),
                    frame("messageStop", {"stopReason": "end_turn"}),
                    frame("metadata", {"usage": usage, "metrics": {"latencyMs": 1}}),
                ])
            case "invoke":
                return 200, {}, {
                    "id": "msg_1", "type": "message", "role": "assistant", "model": "claude",
                    "content": [{"type": "text", "text": "Signed well."}], "stop_reason": "end_turn",
                    "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2}}
            case _:
                return 404, {"x-amzn-errortype": "UnknownOperationException"}, {}

    def fault(self, request):
        """What is wrong with a request's signature: botocore signs it once more, and the two must be equal."""
        form = FORM.fullmatch(request.headers.get("authorization", ""))
        if not form:
            return refusal("MissingAuthenticationTokenException", "Missing Authentication Token")
        key, day, region, service, names, signature = form.groups()
        if key not in self.keys:
            return refusal(
                "UnrecognizedClientException", f"The security token of {key} included in the request is invalid.")
        secret, token = self.keys[key]
        date = request.headers.get("x-amz-date", "")
        if (region, service) != (REGION, "bedrock") or not date.startswith(day):
            return refusal("InvalidSignatureException", "Credential should be scoped to another region or day.")
        age = now() - datetime.datetime.strptime(date, DATE).replace(tzinfo=datetime.timezone.utc)
        if abs(age) > datetime.timedelta(minutes=5):
            return refusal("InvalidSignatureException", "Signature not yet current, or expired.")
        names = names.split(";")
        demanded = ["content-type", "host", "x-amz-date"] + ["x-amz-security-token"] * (token is not None)
        if any(name not in names for name in demanded) or request.headers.get("x-amz-security-token") != token:
            return refusal("InvalidSignatureException", f"These headers must be signed: {demanded}")
        copy = botocore.awsrequest.AWSRequest(
            method=request.method, url=f"http://{request.headers['host']}{request.path}", data=request.body,
            headers={name: request.headers[name] for name in names})
        copy.context["timestamp"] = date
        signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token), service, region)
        if signature != signer.signature(signer.string_to_sign(copy, signer.canonical_request(copy)), copy):
            return refusal("InvalidSignatureException", "The request signature we calculated does not match.")
        if key in self.expired:
            return refusal("ExpiredTokenException", "The security token included in the request is expired")
        return None


@contextlib.contextmanager
def bedrock():
    it = Bedrock()
    with serve(it.answer) as url:
        it.url = url
        yield it


class RoleServer:
    """Lends the keys of a role as containers get them: each fetch gets new ones, that Bedrock then knows."""

    def __init__(self, bedrock, token):
        self.bedrock = bedrock
        self.token = token
        # How long keys are good for, in seconds.
        self.lifetime = 3600
        self.fetches = 0
        self.url = None

    def answer(self, request):
        if request.headers.get("authorization") != self.token:
            return 401, {}, {"code": "AccessDenied", "message": "not the container's token"}
        self.fetches += 1
        return 200, {}, self.lend()

    def lend(self):
        key, secret, token = (f"{name}{self.fetches}" for name in ["ASIAROLE", "role-secret-", "role/token+"])
        self.bedrock.keys[key] = (secret, token)
        end = now() + datetime.timedelta(seconds=self.lifetime)
        return {
            "RoleArn": "arn:aws:iam::123456789012:role/tests", "AccessKeyId": key, "SecretAccessKey": secret,
            "Token": token, "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")}


@contextlib.contextmanager
def role_server(bedrock, token):
    it = RoleServer(bedrock, token)
    with serve(it.answer) as url:
        it.url = url + "/v2/credentials/role?of=tests"
        yield it
