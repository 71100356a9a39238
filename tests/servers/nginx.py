"""Debian's nginx before a web, with the example of docs/proxy.md."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tests.process.conftest import Stack
from tests.processes import Process, accepts_connections, free_port, python, wait_until
from tests.tools import NGINX

_PAGE = Path(__file__).parents[2] / "docs/proxy.md"
_CONFIGURATION = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


@dataclass(frozen=True)
class Behind:
    """A web of a stack's that nginx serves below a path."""

    stack: Stack
    host: str
    #: Where web itself answers.
    direct: str

    @property
    def url(self) -> str:
        """Where it is for everybody."""
        return f"{self.host}/eva"


def serve_below_a_path(stack: Stack) -> Behind:
    """Start one more web, which believes one proxy, and that proxy; both end with the stack."""
    program = NGINX.needed()
    web_port, port = free_port(), free_port()
    web = stack.start("web-behind", python("web"), EVA01_PORT=str(web_port), EVA01_PROXIES="1")
    web.wait_until_ready(f"http://127.0.0.1:{web_port}/ready")
    folder = stack.folder / "nginx"
    folder.mkdir()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(
            # Else its workers may not read what is root's.
            user="user root;" if os.geteuid() == 0 else "",
            folder=folder,
            server=_example(port, web_port),
        )
    )
    nginx = stack.start("nginx", [program, "-e", "stderr", "-c", str(configuration)])
    wait_until(lambda: _listens(nginx, port), "nginx listens")
    return Behind(stack, f"http://127.0.0.1:{port}", f"http://127.0.0.1:{web_port}")


def _example(port: int, web_port: int) -> str:
    found = re.search(r"```nginx\n(.*?)```", _PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    example = found[1]
    places = {"listen 80;": f"listen 127.0.0.1:{port};", "127.0.0.1:8000": f"127.0.0.1:{web_port}"}
    for said, here in places.items():
        assert example.count(said) == 1
        example = example.replace(said, here)
    return example


def _listens(nginx: Process, port: int) -> bool:
    assert nginx.popen.poll() is None, nginx.output()
    return accepts_connections(port)
