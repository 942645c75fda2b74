"""disk.py HOW SOURCE PLACE COMMAND…: runs a command while PLACE is a file system (FUSE) with SOURCE as its only file, below its
own name (and as N~NAME again, a file of its own), whose reads go as HOW says. Exits as the command; 99 when no file system can be mounted. Run it in a mount namespace
of its own.
   fine            each page is there
   after=SECONDS   each page comes that late
   error=N         the page of byte N is bad: EIO
   silent=N        the page of byte N never comes
   gone=N          when it is asked for, the disk is pulled out
   cut=N           the file ends at byte N, though its size said otherwise
   stuck=N:COUNT   the page of byte N never comes, and when COUNT readers (1) wait for it, somebody presses Ctrl-C; 98 when the
                   command goes on for more than five seconds then
   deaf            opening the file is not answered before Ctrl-C, which is pressed then"""
import ctypes
import errno
import os
import signal
import stat
import struct
import subprocess
import sys
import threading
import time

# linux/fuse.h: opcodes, and the structs that go with them.
LOOKUP, FORGET, GETATTR, OPEN, READ, STATFS, RELEASE, FLUSH, INIT, OPENDIR, RELEASEDIR, INTERRUPT, BATCH_FORGET = (
    1, 2, 3, 14, 15, 17, 18, 25, 26, 27, 29, 36, 42)
IN, OUT = struct.Struct("<IIQQIIIHH"), struct.Struct("<IiQ")
ATTR, READ_IN = struct.Struct("<6Q10I"), struct.Struct("<QQI")
MAJOR, MINOR, BUFFER, PAGE = 7, 31, 1 << 18, 4096
ROOT, FILE = 1, 2  # and up from there
SECONDS = 5  # a busy machine takes one or two


class Disk:
    command = pressed = None
    stuck = 0

    def __init__(self, how, source, place):
        self.how, _, number = how.partition("=")
        number, _, count = number.partition(":")
        self.number, self.count = float(number or 0), int(count or 1)
        self.name = os.path.basename(source).encode()
        self.file = os.open(source, os.O_RDONLY)
        self.stat = os.fstat(self.file)
        self.fd = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fd},rootmode=40000,user_id=0,group_id=0,max_read={PAGE}"
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"ckptlint-faults", place.encode(), b"fuse", 0, options.encode()):
            raise OSError(ctypes.get_errno(), "mount")

    def attributes(self, node):
        mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o444
        size, when = (0 if node == ROOT else self.stat.st_size), int(self.stat.st_mtime)
        return ATTR.pack(node, size, size // 512 + 1, when, when, when, 0, 0, 0, mode, 1, 0, 0, 0, PAGE, 0)

    def page(self, offset, size):
        """Bytes, an errno, or None for no answer."""
        hit = offset <= self.number < offset + size
        if self.how == "after":
            time.sleep(self.number)
        if self.how == "gone" and hit:
            os.close(self.fd)
        self.stuck += hit
        if self.how == "stuck" and hit and self.stuck == self.count:
            self.press()
        if self.how in ("silent", "gone", "stuck") and hit:
            return None
        if self.how == "error" and hit:
            return errno.EIO
        if self.how == "cut":
            size = max(0, min(size, int(self.number) - offset))
        return os.pread(self.file, size, offset)

    def answer(self, opcode, node, body):
        if opcode == INIT:
            return struct.pack("<4I2H2I2H8I", MAJOR, MINOR, 0, 0, 1, 1, PAGE, 1, 1, 0, *[0] * 8)
        if opcode == LOOKUP:
            number, _, name = body.rstrip(b"\0").rpartition(b"~")
            node = FILE + int(number or 0)
            return struct.pack("<4Q2I", node, 0, 3600, 3600, 0, 0) + self.attributes(node) if name == self.name else errno.ENOENT
        if opcode == GETATTR:
            return struct.pack("<QII", 3600, 0, 0) + self.attributes(node)
        if opcode == OPEN and self.how == "deaf":
            self.press()
            return None
        if opcode in (OPEN, OPENDIR):
            return struct.pack("<QII", 0, 0, 0)
        if opcode == READ:
            return self.page(*READ_IN.unpack_from(body)[1:])
        if opcode == STATFS:
            return struct.pack("<5Q10I", *[0] * 5, PAGE, 255, PAGE, *[0] * 7)
        return b"" if opcode in (FLUSH, RELEASE, RELEASEDIR) else errno.ENOSYS

    def press(self):
        self.pressed = time.monotonic()
        self.command.send_signal(signal.SIGINT)

    def serve(self):
        while True:
            try:
                request = os.read(self.fd, BUFFER)
            except OSError:
                return
            _, opcode, unique, node, *_ = IN.unpack_from(request)
            if opcode in (FORGET, BATCH_FORGET):
                continue
            if opcode == INTERRUPT and self.how == "deaf":
                unique, given = struct.unpack_from("<Q", request, IN.size)[0], errno.EINTR
            else:
                given = None if opcode == INTERRUPT else self.answer(opcode, node, request[IN.size:])
            if given is None:
                continue
            error, data = (0, given) if isinstance(given, bytes) else (-given, b"")
            try:
                os.write(self.fd, OUT.pack(OUT.size + len(data), error, unique) + data)
            except OSError:
                continue  # nobody waits for it any more


def main():
    how, source, place, *command = sys.argv[1:]
    try:
        disk = Disk(how, source, place)
    except OSError:
        return 99
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # whatever the shell that started this made of it
    disk.command = subprocess.Popen(command)
    threading.Thread(target=disk.serve, daemon=True).start()
    code = disk.command.wait()
    return 98 if disk.pressed and time.monotonic() - disk.pressed > SECONDS else code


if __name__ == "__main__":
    sys.exit(main())
