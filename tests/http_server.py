#!/usr/bin/env python3
"""A server for tests/data_get_test.c: serves the files of a folder, well or badly, by the first part of the path.

http_server.py FOLDER: prints the port, logs requests to FOLDER/requests, ends when its standard input does.
"""
import http.server
import os
import sys
import threading

folder = sys.argv[1]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        wanted = self.headers.get("Range")
        with open(os.path.join(folder, "requests"), "a") as log:
            log.write(f"{self.path} {wanted}\n")
        _, manner, name = self.path.split("/", 2)
        if manner in ("hop", "loop", "away"):
            self.send_response(302)
            target = {"hop": "/range/" + name, "loop": self.path, "away": "file://" + folder + "/" + name}[manner]
            self.send_header("Location", target)
            self.end_headers()
            return
        path = os.path.join(folder, name)
        if not os.path.isfile(path):
            self.send_error(404)
            return
        with open(path, "rb") as file:
            content = file.read()
        if manner == "wrong":
            content = bytes(255 - byte for byte in content)
        start = 0
        if wanted and manner not in ("plain", "large"):
            start = int(wanted.split("=")[1].rstrip("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            stated = 0 if manner == "liar" else start
            self.send_header("Content-Range", f"bytes {stated}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        body = content[start:]
        if manner == "large":  # no length, and no end of its own
            self.end_headers()
            try:
                for _ in range(4096):
                    self.wfile.write(bytes(65536))
            except ConnectionError:  # the reader has had enough, as it should
                pass
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if manner == "cut" else body)

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
