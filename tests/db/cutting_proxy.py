"""A PostgreSQL server reached through a wire that can be cut at the worst moment."""

import contextlib
import socket
import threading
from typing import Literal


class CuttingProxy:
    """Listens on 127.0.0.1 and hands everything on, until it is told to cut the wire around the next COMMIT.

    `before`: the server never gets the COMMIT. `after`: it carries it out, and its answer is lost. With `for_good`
    nobody can connect again.
    """

    def __init__(self, server_socket: str) -> None:
        self._server_socket = server_socket
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut: Literal["before", "after"] | None = None
        self.for_good = False
        self._unanswered: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no further connections."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._server_socket)
                for target in (self._forth, self._back):
                    threading.Thread(target=target, args=(client, server), daemon=True).start()

    def _forth(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if self.cut and b"COMMIT" in data:
                    if self.for_good:
                        self.close()
                    if self.cut == "before":
                        break
                    self._unanswered.add(client)
                server.sendall(data)
        _hang_up(client, server)

    def _back(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (data := server.recv(65536)) and client not in self._unanswered:
                client.sendall(data)
        _hang_up(client, server)


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
