#!/usr/bin/python3
"""Stands for step-ca: signs requests by its call `POST /1.0/sign`, for who shows a token that the key of the provisioner
in its settings has signed, good now, for these very names, and used once. Needs python3-minimal and openssl."""

import base64
import os
import re
import socket
import ssl
import subprocess
import sys
import time

SETTINGS = open(sys.argv[1]).read()
HOME = "/var/lib/step-ca"
USED = set()


def setting(name):
    return re.search(r'"%s":\s*"([^"]*)"' % name, SETTINGS).group(1)


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl(*arguments, given=b"", check=True):
    return subprocess.run(["openssl", *arguments], input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=check)


def write(name, data):
    path = "%s/%s" % (HOME, name)
    with open(path, "wb") as file:
        file.write(data)
    return path


def number(data):
    data = data.lstrip(b"\0") or b"\0"
    data = b"\0" + data if data[0] > 127 else data
    return bytes([2, len(data)]) + data


def is_signed(text, signature):
    """True if the provisioner's key has signed a text."""
    head = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")
    key = base64.encodebytes(head + decoded(setting("x")) + decoded(setting("y"))).decode()
    key = write("provisioner.pem", ("-----BEGIN PUBLIC KEY-----\n%s-----END PUBLIC KEY-----\n" % key).encode())
    numbers = number(signature[:32]) + number(signature[32:])
    signature = write("signature", bytes([0x30, len(numbers)]) + numbers)
    return openssl("dgst", "-sha256", "-verify", key, "-signature", signature, given=text.encode(), check=False).returncode == 0


def refused(token, names):
    """Why a token does not let these names through; none if it does."""
    head, claims, signature = token.split(".")
    if not is_signed(head + "." + claims, decoded(signature)):
        return "the token is not signed by the provisioner"
    claims = decoded(claims).decode()
    text = lambda name: re.search(r'"%s":"([^"]*)"' % name, claims).group(1)
    when = lambda name: int(re.search(r'"%s":(\d+)' % name, claims).group(1))
    if not when("nbf") <= time.time() < when("exp"):
        return "the token is not good now"
    if text("aud") != "https://localhost/1.0/sign" or text("iss") != "hosts":
        return "the token is for another"
    if set(re.findall(r'"([^"]*)"', re.search(r'"sans":\[([^\]]*)\]', claims).group(1))) != names:
        return "the token is for other names"
    if text("jti") in USED:
        return "the token was used"
    USED.add(text("jti"))
    return None


def sign(body):
    csr = re.search(r'"csr":\s*"((?:[^"\\]|\\.)*)"', body).group(1).replace("\\n", "\n").replace("\\/", "/")
    csr = write("request.csr", csr.encode())
    shown = openssl("req", "-in", csr, "-noout", "-text").stdout.decode()
    names = set(re.findall(r"(?:DNS|IP Address):([^,\s]+)", shown))
    reason = refused(re.search(r'"ott":\s*"([^"]*)"', body).group(1), names)
    if reason:
        return "403 Forbidden", '{"status":403,"message":"%s"}' % reason
    hours = re.search(r'"notAfter":\s*"(\d+)h"', body).group(1)
    certificate = openssl(
        "x509", "-req", "-in", csr, "-CA", setting("crt"), "-CAkey", setting("key"), "-days", str(int(hours) // 24),
        "-copy_extensions", "copy", "-set_serial", "0x" + os.urandom(16).hex()).stdout.decode()
    with open(HOME + "/signed", "a") as file:
        file.write(re.search(r"CN\s*=\s*(\S+)", shown).group(1) + "\n")
    quoted = lambda text: '"%s"' % text.replace("\n", "\\n")
    chain = (quoted(certificate), quoted(open(setting("crt")).read()))
    return "201 Created", '{"crt":%s,"ca":%s,"certChain":[%s,%s]}' % (*chain, *chain)


def answer(stream):
    data = b""
    while b"\r\n\r\n" not in data:
        data += stream.recv(65536)
    head, body = data.split(b"\r\n\r\n", 1)
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    while len(body) < int(length.group(1) if length else 0):
        body += stream.recv(65536)
    asked = head.split(b" ")[:2]
    status, told = "404 Not Found", '{"status":404}'
    if asked == [b"GET", b"/health"]:
        status, told = "200 OK", '{"status":"ok"}'
    if asked == [b"POST", b"/1.0/sign"]:
        status, told = sign(body.decode())
    told = told.encode()
    head = "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
    stream.sendall((head % (status, len(told))).encode() + told)


def own_certificate(context):
    """Its own certificate, of the authority that it is."""
    key, csr = HOME + "/own.key", HOME + "/own.csr"
    names = re.findall(r'"([^"]+)"', re.search(r'"dnsNames":\s*\[([^\]]*)\]', SETTINGS).group(1))
    openssl(
        "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", csr,
        "-subj", "/CN=step-ca", "-addext", "subjectAltName=" + ",".join("DNS:" + name for name in names))
    certificate = openssl(
        "x509", "-req", "-in", csr, "-CA", setting("crt"), "-CAkey", setting("key"), "-days", "1", "-copy_extensions", "copy",
        "-set_serial", "0x" + os.urandom(16).hex()).stdout
    chain = write("own.crt", certificate + open(setting("crt"), "rb").read())
    context.load_cert_chain(chain, key)


def serve():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own_certificate(context)
    listener = socket.create_server(("", int(setting("address").rsplit(":", 1)[1])))
    while True:
        stream, _ = listener.accept()
        try:
            with context.wrap_socket(stream, server_side=True) as stream:
                answer(stream)
        except (OSError, AttributeError, ValueError, subprocess.CalledProcessError) as error:
            print("not answered:", error, file=sys.stderr, flush=True)


serve()
