"""The lean end of the worker: hands a command to a warm process instead of starting a Python of its own.

An interpreter that imports the contracts costs about 100 ms of CPU; a build of 1,000 environments would start
thousands. This client imports no Python module (``python -I -S``, built-in and C modules only), finds the worker of
this project (``awm_lib.worker``), starts one if there is none, passes on its arguments, directory, environment and
open stdin, stdout and stderr, waits for the exit code, and exits with it.

What it does is the same as running ``python -m awm_lib <command>``, and where the worker cannot be had (switched off
by ``AWM_WORKER=0``, no unix sockets, a directory that is not ours) it does exactly that.

One worker is shared only by commands that would have started the same interpreter in the same surroundings: the name
of its socket is a digest of these (``identity``). That the worker's code is what is on disk is checked by the worker
itself before every command: it answers ``STALE`` otherwise, and the next one is started here.
"""

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

try:
    import _socket
except ImportError:
    _socket = None  # type: ignore[assignment]

# The exchange, over one connection per command:
#   client -> worker   8 bytes (the length of the request), with three file descriptors; then the request
#   worker -> client   STALE: ask another worker;  or  STARTED, then EXIT and the exit code in one byte
STALE = b"R"
STARTED = b"S"
EXIT = b"X"
LISTENER = 3  # the descriptor on which the worker's process finds its listening socket

ATTEMPTS = 4
WORKER_DIED = 70  # EX_SOFTWARE: the command had started and its outcome is unknown
# Variables that the interpreter, or a batch system that owns this process, read before any of our code runs.
ENVIRONMENT = (
    b"PYTHON",
    b"LANG",
    b"LC_",
    b"TZ",
    b"SLURM_JOB_ID",
    b"PBS_JOBID",
    b"LSB_JOBID",
    b"JOB_ID",
    b"VIRTUAL_ENV",
)

PACKAGE = __file__.rpartition("/")[0]


def main(arguments: list[str]) -> "NoReturn":
    """Run one command in the worker, or in place of this process where there is none; does not return."""
    if posix.environ.get(b"AWM_WORKER") == b"0":
        become(arguments)
    try:
        code = ask(arguments)
    except KeyboardInterrupt:
        code = 130
    if code is None:
        become(arguments)
    posix._exit(code)


def become(arguments: list[str]) -> "NoReturn":
    """Replace this process by a plain ``python -m awm_lib``: the same command without the worker."""
    posix.execv(sys.executable, [sys.executable, "-P", PACKAGE, *arguments])


def ask(
    arguments: list[str],
    environment: "dict[bytes, bytes]" = posix.environ,
    files: tuple[int, int, int] = (0, 1, 2),
    umask: int | None = None,
) -> int | None:
    """The exit code of the command as the worker ran it; None if no worker can be had and nothing was started.

    ``files`` become its stdin, stdout and stderr. A process of several threads gives its ``umask``: asking sets it.
    """
    if not hasattr(_socket, "AF_UNIX") or not hasattr(_socket, "SCM_RIGHTS"):
        return None
    directory = private_directory(environment)
    if directory is None:
        return None
    path = directory + b"/" + identity(environment)
    if len(path) > 96:  # a socket's address is limited to 104 bytes on some systems, with its temporary suffix
        return None
    request = encode(arguments, environment, current_umask() if umask is None else umask)
    for _ in range(ATTEMPTS):
        connection = connect(path) or start(path, environment)
        if connection is None:
            return None
        code = converse(connection, request, files)
        connection.close()
        if code is not None:
            return code
    return None


def converse(connection: "_socket.socket", request: bytes, files: tuple[int, int, int]) -> int | None:
    """Send the request and wait. None: the worker refused it, or went away before it began."""
    descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in files)
    try:
        connection.sendmsg([len(request).to_bytes(8, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
        connection.sendall(request)
        reply = connection.recv(1)
    except OSError:
        return None
    if reply != STARTED:
        return None
    outcome = wait(connection)
    if outcome:
        return outcome[0]
    posix.write(files[2], b"error: the worker that ran this command was killed before the command ended\n")
    posix.write(files[2], b"  run it again; AWM_WORKER=0 runs every command in a process of its own\n")
    return WORKER_DIED


def wait(connection: "_socket.socket") -> bytes:
    """The exit code in one byte, or nothing if the worker is gone.

    An interrupt (Ctrl-C) asks the worker to interrupt the command, and waits for it to end: nothing is written any more
    once this process is gone. A second one does not wait.
    """
    try:
        return receive(connection)
    except KeyboardInterrupt:
        connection.shutdown(_socket.SHUT_WR)
        return receive(connection) or b"\x82"


def receive(connection: "_socket.socket") -> bytes:
    try:
        return connection.recv(1) and connection.recv(1)
    except OSError:
        return b""


def current_umask() -> int:
    """This process's umask."""
    umask = posix.umask(0o077)
    posix.umask(umask)
    return umask


def encode(arguments: list[str], environment: "dict[bytes, bytes]", umask: int) -> bytes:
    """The request: umask, directory, number of arguments, arguments, environment; NUL between them."""
    fields = [b"%d" % umask, posix.getcwdb(), b"%d" % len(arguments)]
    fields += [word.encode(sys.getfilesystemencoding(), "surrogateescape") for word in arguments]
    fields += [name + b"=" + value for name, value in environment.items()]
    return b"\0".join(fields)


def private_directory(environment: "dict[bytes, bytes]") -> bytes | None:
    """A directory that only this user can enter, made if missing; None if there is none that is safe."""
    owner = posix.getuid()
    places = [environment.get(b"XDG_RUNTIME_DIR"), environment.get(b"TMPDIR"), b"/tmp"]
    for place in places:
        if not place:
            continue
        path = place.rstrip(b"/") + b"/awm-%d" % owner
        try:
            posix.mkdir(path, 0o700)
        except OSError:
            pass  # it is there already, or cannot be: the next lines tell
        try:
            status = posix.lstat(path)
        except OSError:
            continue
        if status.st_mode & 0o170077 == 0o040000 and status.st_uid == owner:
            return path
    return None


def identity(environment: "dict[bytes, bytes]") -> bytes:
    """A name for everything that makes two commands' interpreters differ, apart from the code itself."""
    parts = [PACKAGE.encode(), sys.executable.encode(), sys.version.encode()]
    parts += sorted(name + b"=" + value for name, value in environment.items() if name.startswith(ENVIRONMENT))
    try:  # containers that share a directory do not share files; limits and priority are inherited
        parts.append(posix.readlink(b"/proc/self/ns/mnt"))
        with open("/proc/self/limits", "rb", buffering=0) as limits:
            parts.append(limits.read(8192))
        parts.append(repr(sorted(posix.sched_getaffinity(0))).encode())
    except (OSError, AttributeError):
        pass  # not Linux
    parts.append(b"%d" % posix.getpriority(0, 0))
    return digest(b"\0".join(parts)) + b".sock"


def digest(data: bytes) -> bytes:
    """A short hexadecimal name of some bytes (the built-in module: ``hashlib`` costs 7 ms to import)."""
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return blake2b(data, digest_size=8).hexdigest().encode()


def connect(path: bytes) -> "_socket.socket | None":
    """A connection to the worker at this path, or None if nobody listens there."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError:
        connection.close()
        return None
    return connection


def start(path: bytes, environment: "dict[bytes, bytes]") -> "_socket.socket | None":
    """Start the worker, exactly one however many clients try, and connect to it.

    The listening socket is made here, under a lock, and inherited by the worker: when the lock is free again, clients
    can connect, and wait in the queue while the worker still imports. None if it cannot be started.
    """
    import fcntl

    try:
        lock = posix.open(directory_of(path) + b"/start.lock", posix.O_RDWR | posix.O_CREAT | posix.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        connection = connect(path)  # another client may have started it while this one waited
        if connection is not None:
            return connection
        listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        temporary = path + b".new"
        try:
            posix.unlink(temporary)
        except FileNotFoundError:
            pass
        listener.bind(temporary)
        listener.listen(512)
        posix.rename(temporary, path)
        spawn(listener.fileno(), path, environment)
        listener.close()
        return connect(path)
    except OSError:
        return None
    finally:
        posix.close(lock)


def directory_of(path: bytes) -> bytes:
    return path.rpartition(b"/")[0]


def spawn(listener: int, path: bytes, environment: "dict[bytes, bytes]") -> None:
    """Start the worker's process, in a session of its own, with the listening socket as descriptor ``LISTENER``."""
    log = path[:-5] + b".log"
    actions = [
        (posix.POSIX_SPAWN_OPEN, 0, b"/dev/null", posix.O_RDONLY, 0),
        (posix.POSIX_SPAWN_OPEN, 1, log, posix.O_WRONLY | posix.O_CREAT | posix.O_TRUNC, 0o600),
        (posix.POSIX_SPAWN_DUP2, 1, 2),
        (posix.POSIX_SPAWN_DUP2, listener, LISTENER),
    ]
    posix.set_inheritable(listener, True)  # dup2 leaves it closed on exec if the number is the same already
    command = [sys.executable.encode(), b"-P", PACKAGE.encode() + b"/worker.py", path]
    posix.posix_spawn(sys.executable, command, environment, file_actions=actions)
