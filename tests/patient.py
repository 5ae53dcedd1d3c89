"""HTTP requests to this machine, with the patience that a busy one needs: httpx itself gives up after five seconds."""

import ssl
from functools import partial

import httpx

SECONDS = 120
"""Waited for nothing but what always comes."""
PLAIN_HTTP = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Without certificates, which each client would load anew in 30 ms of the processor."""

request = partial(httpx.request, timeout=SECONDS, trust_env=False, verify=PLAIN_HTTP)
delete = partial(request, "DELETE")
get = partial(request, "GET")
options = partial(request, "OPTIONS")
post = partial(request, "POST")
put = partial(request, "PUT")
