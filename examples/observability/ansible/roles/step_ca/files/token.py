#!/usr/bin/python3
"""What step-ca wants to see before it signs a request: a token that the key of its provisioner has signed, good once
and for some minutes. Uses no more than python3-minimal and openssl.

token.py key FILE                                   what the settings must know of a key, as JSON
token.py sign FILE PROVISIONER AUDIENCE NAME SAN…   a token for a certificate of NAME with these names
"""

import base64
import hashlib
import os
import re
import subprocess
import sys
import time


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def openssl(*arguments, given=b""):
    return subprocess.run(["openssl", *arguments], input=given, stdout=subprocess.PIPE, check=True).stdout


def public(file):
    """The two coordinates of a P-256 key, and the thumbprint by which it is called (RFC 7638)."""
    point = openssl("pkey", "-in", file, "-pubout", "-outform", "DER")[-64:]
    x, y = encoded(point[:32]), encoded(point[32:])
    named = '{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}' % (x, y)
    return x, y, encoded(hashlib.sha256(named.encode()).digest())


def signature(text, file):
    """OpenSSL gives two numbers in DER; a token wants them with 32 bytes each."""
    der = openssl("dgst", "-sha256", "-sign", file, given=text.encode())
    end = 4 + der[3]
    numbers = [der[4:end], der[end + 2:]]
    return b"".join(number.lstrip(b"\0").rjust(32, b"\0") for number in numbers)


def token(file, provisioner, audience, name, *names):
    for text in (provisioner, audience, name, *names):
        if not re.fullmatch(r"[A-Za-z0-9.:/_*-]+", text):
            sys.exit("`%s` is no name" % text)
    now = int(time.time())
    header = '{"alg":"ES256","kid":"%s","typ":"JWT"}' % public(file)[2]
    claims = '{"aud":"%s","iss":"%s","sub":"%s","sans":[%s],"jti":"%s","iat":%d,"nbf":%d,"exp":%d}' % (
        audience, provisioner, name, ",".join('"%s"' % one for one in names), os.urandom(16).hex(),
        now, now - 60, now + 300)
    text = encoded(header.encode()) + "." + encoded(claims.encode())
    return text + "." + encoded(signature(text, file))


if sys.argv[1:2] == ["key"]:
    print('{"x":"%s","y":"%s","kid":"%s"}' % public(sys.argv[2]))
elif sys.argv[1:2] == ["sign"] and len(sys.argv) > 5:
    print(token(*sys.argv[2:]))
else:
    sys.exit(__doc__)
