"""A judge on 127.0.0.1 that speaks OpenAI's protocol, counts its calls and misbehaves on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], str | bytes]
"""Status, headers and body."""


class FakeEndpoint:
    """Answers every call by ``script``'s next entry; when it has run out, by what the schema asks for.

    An entry is a whole ``Answer`` or a function of the request that gives one.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.script: list[Answer | Callable[[dict[str, Any]], Answer]] = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.requests.append(request | {"path": self.path})
                endpoint.keys.append(self.headers.get("Authorization"))
                entry = endpoint.script.pop(0) if endpoint.script else well
                status, headers, body = entry(request) if callable(entry) else entry
                raw = body.encode() if isinstance(body, str) else body
                try:
                    self.send_response(status)
                    for name, value in ({"Content-Type": "application/json"} | headers).items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(raw)))
                    self.end_headers()
                    self.wfile.write(raw)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the caller was killed while it waited

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def calls(self) -> int:
        return len(self.requests)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def completion(
    text: str | None, *, finish: str = "stop", refusal: str | None = None, usage: bool = True
) -> Answer:
    body: dict[str, Any] = {
        "id": "x",
        "object": "chat.completion",
        "created": 0,
        "model": "fake",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": text, "refusal": refusal},
            }
        ],
    }
    if usage:
        body["usage"] = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}
    return 200, {}, json.dumps(body)


def error(status: int, message: str, *, code: str | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, json.dumps({"error": {"message": message, "type": "x", "code": code}})


def well(request: dict[str, Any]) -> Answer:
    """Everything reaches its last status at turn 2, if there is one."""
    schema = request["response_format"]["json_schema"]["schema"]
    turn = schema["$defs"]["turn"]["enum"][:2][-1]
    answer = {}
    for key, reference in schema["properties"].items():
        kind = schema["$defs"][reference["$ref"].rsplit("/", 1)[1]]
        status = kind["properties"]["changes"]["items"]["properties"]["status"]["enum"][-1]
        answer[key] = {"evidence": f"turn {turn}", "changes": [{"turn": turn, "status": status}]}
    return completion(json.dumps(answer))


def saying(**changes: list[tuple[int, str]]) -> Answer:
    """An answer with these changes, by key."""
    return completion(
        json.dumps(
            {
                key: {"evidence": "", "changes": [{"turn": turn, "status": status} for turn, status in given]}
                for key, given in changes.items()
            }
        )
    )
