"""What counts as a secret, and what only looks like one.

The samples are put together from parts, so that no scanner takes this file for a leak.
"""

import base64
import json

import pytest

from policy.guardrails.secret_shapes import DEEPEST, secret_in, secret_noun

MIXED = "kT9vQ2xLm4Zp7RwB" * 3
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
JWT = ".".join(["eyJ" + "hbGciOiJIUzI1NiJ9", "eyJ" + "zdWIiOiJqb2JzIn0", "c2lnbmF0dXJl"])
PEM = "-----BEGIN {}-----\nMIIEowIBAAKCAQEA"

BY_SHAPE = {
    "an AWS access key": ["AKIA" + "IOSFODNN7EXAMPLE", "id=ASIA" + "IOSFODNN7EXAMPLE;"],
    "a private key": [
        PEM.format("RSA PRIVATE KEY"),
        PEM.format("PRIVATE KEY"),
        PEM.format("ENCRYPTED PRIVATE KEY"),
        PEM.format("PGP PRIVATE KEY BLOCK"),
        base64.b64encode(PEM.format("EC PRIVATE KEY").encode()).decode(),
        "AGE-SECRET-KEY-" + "1QQPQQZZQ" * 3,
    ],
    "a signed token (JWT)": [JWT],
    "an authorization header": ["Bearer " + "a1b2c3d4" * 3, "basic " + "dXNlcjpwYXNzd29yZDEy"],
    "a GitHub token": ["gh" + "p_" + "a1B2" * 9, "github" + "_pat_" + "a1B2" * 9],
    "a GitLab token": ["gl" + "pat-" + "a1B2" * 5],
    "a Slack token": ["xox" + "b-" + "1234567890-abc"],
    "a webhook address": [
        "https://hooks.slack.com/" + "services/T0/B0/x1",
        "https://discord.com/api/" + "webhooks/123/" + "a1B2" * 5,
    ],
    "a Stripe key": ["sk" + "_live_" + "a1B2" * 4],
    "a Google API key": ["AI" + "za" + "a1B2-" * 7],
    "a SendGrid key": ["SG" + "." + "a1B2" * 4 + "." + "a1B2" * 8],
    "a key of an AI service": ["sk" + "-proj-" + "a1B2" * 6, "sk" + "-" + "a1B2" * 6],
    "a package registry token": ["npm" + "_" + "a1B2" * 9, "pypi" + "-AgE" + "a1B2" * 4, "dckr" + "_pat_" + "a1B2" * 5],
    "a Hugging Face token": ["hf" + "_" + "aBcDeF" * 5],
    "a Pulumi token": ["pul" + "-" + "a1" * 20],
    "a Vault token": ["hv" + "s." + "a1B2" * 5],
    "a storage key": ["AccountName=jobs;AccountKey=" + "a1B2" * 10 + "=="],
    "an address with a password in it": [
        "postgres://jobs:hunter2@db.example.org/jobs",
        "redis://:hunter2@cache:6379",
        "https://user:p%40ss@example.org",
        "amqps://user:pa:ss@example.org/vhost",
    ],
    "a random text, as keys and tokens are": [MIXED, AWS_SECRET, MIXED[:32]],
}


class TestShapes:
    @pytest.mark.parametrize(
        ("kind", "value"), [(kind, value) for kind, values in BY_SHAPE.items() for value in values]
    )
    def test_value_tells_whatever_its_name(self, kind: str, value: str):
        assert secret_in("SETTING", value) == kind
        assert secret_in("SETTING", f"  {value}\n") == kind
        assert secret_in("SETTING", json.dumps({"a": [{"b": value}]})) == kind

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "   ",
            "hello world",
            "eu-central-1",
            "slipway-dev-wordcount-results-1a2b3c4",
            "SlipwayDevWordcountTriggerFunctionRole1a",
            "Slipway-Dev-WordCount-Results-And-Inputs-1a2B3c4",
            "MyVeryLongFunctionNameForProcessing2024DataSets",
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com/jobs@sha256:" + "0a" * 32,
            "0a" * 32,
            "d41d8cd98f00b204e9800998ecf8427e",
            "sha256-" + MIXED[:43] + "=",
            "arn:aws:secretsmanager:eu-central-1:123456789012:secret:prod/db-AbCdEf",
            "11111111-2222-3333-4444-555555555555",
            "https://example.org/path?query=1&page=2",
            "https://user@example.org/",
            "postgres://jobs:${DB_PASSWORD}@db/jobs",
            "postgres://jobs:<password>@db/jobs",
            "postgres://jobs:****@db/jobs",
            "docker://jobs:1.2@sha256:0a1b",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN PUBLIC KEY-----",
            "AKIA",
            "XAKIAIOSFODNN7EXAMPLE",
            "bearer of good news, twenty letters",
            "task-management-for-2024-and-later",
            '{"retries": 3, "region": "eu-central-1", "debug": true, "none": null}',
            "[1, 2",
            base64.b64encode(b"a plain sentence about nothing").decode(),
            "1,2;3=4&5",
            "LOG_LEVEL=debug REGION=eu-central-1",
        ],
    )
    def test_harmless_value_passes(self, value: str):
        assert secret_in("SETTING", value) is None

    @pytest.mark.parametrize(
        "name", ["CODE_SHA256", "CONTENT_HASH", "USER_POOL_ID", "PUBLIC_KEY", "RECAPTCHA_SITE_KEY"]
    )
    def test_random_value_of_a_public_thing_passes(self, name: str):
        assert secret_in(name, MIXED) is None

    def test_random_value_needs_length_and_each_kind(self):
        assert secret_in("SETTING", MIXED[:31]) is None
        assert secret_in("SETTING", MIXED.lower()) is None
        assert secret_in("SETTING", MIXED.upper()) is None
        assert secret_in("SETTING", "kTvQxLmZpRwB" * 3) is None
        assert secret_in("SETTING", (MIXED * 3)[:128]) is not None
        assert secret_in("SETTING", (MIXED * 3)[:129]) is None
        assert secret_in("SETTING", "-".join(["kT9vQ2xL"] * 5)) is None


class TestNames:
    @pytest.mark.parametrize(
        ("name", "noun"),
        [
            ("PASSWORD", "password"),
            ("DB_PASSWORD", "password"),
            ("dbPassword", "password"),
            ("DBPassword", "password"),
            ("db-passwd", "passwd"),
            ("dbpassword", "password"),
            ("spring.datasource.password", "password"),
            ("PASSWORD_PROD", "password"),
            ("PASSWORD_2", "password"),
            ("DB_PWD", "pwd"),
            ("SMTP_PASS", "pass"),
            ("CLIENT_SECRET", "secret"),
            ("SECRET_KEY_BASE", "secret key"),
            ("API_KEY", "api key"),
            ("API_KEYS", "api key"),
            ("apiKey", "api key"),
            ("APIKEY", "apikey"),
            ("AWS_SECRET_ACCESS_KEY", "access key"),
            ("GITHUB_TOKEN", "token"),
            ("GITHUBTOKEN", "token"),
            ("TOKEN_V2", "token"),
            ("GCP_CREDENTIALS", "credentials"),
            ("SSH_PRIVATE_KEY_BASE64", "private key"),
        ],
    )
    def test_name_of_a_secret(self, name: str, noun: str):
        assert secret_noun(name) == noun
        assert secret_in(name, "hunter2!") == f"a value whose name says {noun}"

    @pytest.mark.parametrize(
        "name",
        [
            "",
            "1",
            "PWD",
            "KEY",
            "PASSWORD_POLICY_ARN",
            "PASSWORD_MIN_LENGTH",
            "DB_SECRET_ARN",
            "DB_SECRET_NAME",
            "SECRETS_MANAGER_ENDPOINT",
            "TOKEN_URL",
            "TOKEN_TTL_SECONDS",
            "MAX_TOKENS",
            "TOKENIZER",
            "API_KEY_HEADER",
            "AWS_ACCESS_KEY_ID",
            "PARTITION_KEY",
            "S3_KEY",
            "PUBLIC_KEY",
            "PRIMARY_KEY",
            "CREDENTIALS_FILE",
            "SECRETARY",
            "BYPASS",
            "KEYBOARD",
        ],
    )
    def test_name_of_something_else(self, name: str):
        assert secret_noun(name) is None
        assert secret_in(name, "hunter2!") is None

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PASSWORD", ""),
            ("PASSWORD", "true"),
            ("PASSWORD", "None"),
            ("PASSWORD", "arn:aws:ssm:eu-central-1:123456789012:parameter/db/password"),
            ("PASSWORD", "{{resolve:secretsmanager:prod/db}}"),
            ("PASSWORD", "${DB_PASSWORD}"),
            ("PASSWORD", "$DB_PASSWORD"),
            ("PASSWORD", "%DB_PASSWORD%"),
            ("PASSWORD", "<your password>"),
            ("PASSWORD", "Ref::password"),
            ("PASSWORD", "ssm:/prod/db/password"),
            ("PASSWORD", "op://vault/item/field"),
            ("PASSWORD", "********"),
            ("PASSWORD", "/run/secrets/db"),
            ("TOKEN", "https://auth.example.org/token"),
            ("TOKEN", "prod/api/token"),
            ("TOKEN", "3600"),
            ("TOKEN", "-1.5"),
            ("SECRET", "./secrets/key.pem"),
            ("ENCRYPTION_KEY", "11111111-2222-3333-4444-555555555555"),
            ("ENCRYPTION_KEY", "alias/jobs"),
            ("STORAGE_KEY", "documents"),
            ("SESSION_KEY", "session-id"),
        ],
    )
    def test_value_that_cannot_be_the_secret_passes(self, name: str, value: str):
        assert secret_in(name, value) is None

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PASSWORD", "123456"),
            ("PASSWORD", "prod/db/password"),
            ("PASSWORD", "a/kT9vQ2xLm4Zp"),
            ("PASSWORD", "/kT9vQ2xLm4Zp"),
            ("PASSWORD", "$2b$12$abcdefghijklm"),
            ("TOKEN", "11111111-2222-3333-4444-555555555555"),
            ("TOKEN", "kT9vQ2xLm4Zp/kT9vQ2xLm4Zp"),
            ("API_KEY", "11111111-2222-3333-4444-555555555555"),
            ("API_KEY", "a1b2"),
            ("API_KEY", "0a" * 16),
            ("SECRET", "sesame"),
        ],
    )
    def test_value_that_can_be_the_secret_is_found(self, name: str, value: str):
        assert secret_in(name, value) is not None


class TestInside:
    @pytest.mark.parametrize(
        "value",
        [
            '{"user": "jobs", "password": "hunter2!"}',
            '[{"db": {"Password": "hunter2!"}}]',
            '{"password": 123456}',
            '{"passwords": ["hunter2!"]}',
            "Server=db;User=jobs;Password=hunter2!;",
            "host=db user=jobs password='hunter2!'",
            "https://example.org/?user=jobs&api_key=a1b2c3",
            "--retries=3 --db-password=hunter2!",
            "-Dspring.datasource.password=hunter2!",
            "export DB_PASSWORD=hunter2! && run",
            base64.b64encode(b'{"password": "hunter2!"}').decode(),
        ],
    )
    def test_secret_inside_another_text_is_found(self, value: str):
        assert secret_in("SETTING", value) is not None

    def test_document_that_is_no_json_is_read_as_text(self):
        assert secret_in("SETTING", '{"password" password=hunter2!') is not None

    def test_depth_is_bounded(self):
        nested = "[" * 5000 + "]" * 5000
        assert secret_in("SETTING", nested) is None
        assert secret_in("SETTING", "password=hunter2!", DEEPEST) is None
        assert secret_in("PASSWORD", "hunter2!", DEEPEST) is not None
        assert secret_in("PASSWORD", "hunter2!", DEEPEST + 1) is None

    def test_deep_document_ends(self):
        value: object = "hunter2!"
        for _ in range(100):
            value = {"password": value}
        assert secret_in("SETTING", json.dumps(value)) is None
