"""A small event store: streams of events in PostgreSQL, over HTTP.

    GET  /health          whether the database answers
    GET  /streams/NAME    the events of a stream, oldest first
    POST /streams/NAME    appends the body, which is JSON, as an event
"""

import json
import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg2

TABLE = """CREATE TABLE IF NOT EXISTS events (
    id bigserial PRIMARY KEY, stream text NOT NULL, body jsonb NOT NULL)"""


def query(sql, *values):
    connection = psycopg2.connect("")
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql, values)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            query("SELECT 1")
            return self.answer(200, {"status": "ok"})
        stream = self.stream()
        if stream is None:
            return self.answer(404, {"error": "not found"})
        rows = query("SELECT body FROM events WHERE stream = %s ORDER BY id", stream)
        return self.answer(200, [body for (body,) in rows])

    def do_POST(self):
        stream = self.stream()
        if stream is None:
            return self.answer(404, {"error": "not found"})
        try:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        except ValueError:
            return self.answer(400, {"error": "an event is JSON"})
        query("INSERT INTO events (stream, body) VALUES (%s, %s)", stream, json.dumps(body))
        return self.answer(201, body)

    def stream(self):
        prefix = "/streams/"
        return self.path[len(prefix):] if self.path.startswith(prefix) else None

    def answer(self, status, value):
        text = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *words):
        if os.environ.get("EVENT_STORE_LOG_LEVEL") == "debug":
            super().log_message(*words)


# The first process of a container ends only if it says so itself.
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
query(TABLE)
ThreadingHTTPServer(("", int(os.environ["EVENT_STORE_PORT"])), Handler).serve_forever()
