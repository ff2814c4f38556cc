# SPDX-License-Identifier: LGPL-2.1-or-later
"""A volume's contents through a stream, up and down, by hand: messages as long
as libvirt's clients make them, so that only what serves them differs.
"""
import socket
import struct
import time

POOL = '''<pool type="dir"><name>bench</name>
<target><path>/run/bench</path></target></pool>'''
VOLUME = '''<volume><name>v</name><capacity>{size}</capacity>
<target><format type="raw"/></target></volume>'''

OPEN, POOL_CREATE, VOL_CREATE, UPLOAD, DOWNLOAD, AUTH_LIST = \
    1, 76, 93, 208, 209, 66
CALL, STREAM = 0, 3
OK, ERROR, CONTINUE = 0, 1, 2
HEAD = 28
PIECE = 262120          # VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX
POOL_BUILD = 1          # VIR_STORAGE_POOL_CREATE_WITH_BUILD
FILLING = b'v'
SILENCE_S = 60


def text(string):
    data = string.encode()
    return struct.pack('>I', len(data)) + data + bytes(-len(data) % 4)


def word(value):
    return struct.pack('>I', value)


class Client:
    """One connection; the stream's messages bear its call's serial."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SILENCE_S)
        self.sock.connect(path)
        self.serial = 0
        self.buffer = memoryview(bytearray(PIECE + HEAD))
        self.call(AUTH_LIST)
        self.call(OPEN, word(1) + text('storage:///system') + word(0))

    def message(self, proc, payload, kind, status):
        return struct.pack('>IIIiiIi', HEAD + len(payload), 0x20008086, 1,
                           proc, kind, self.serial, status) + payload

    def fill(self, start, end):
        while start < end:
            n = self.sock.recv_into(self.buffer[start:end])
            if n == 0:
                raise RuntimeError('the server closed the connection')
            start += n

    def take(self):
        """One message: its status, and how long its payload is."""
        self.fill(0, HEAD)
        length, _, _, _, _, _, status = struct.unpack('>IIIiiIi',
                                                      self.buffer[:HEAD])
        if length > len(self.buffer):
            raise RuntimeError(f'a message of {length} bytes')
        self.fill(HEAD, length)
        if status == ERROR:
            raise RuntimeError(bytes(self.buffer[HEAD:length]))
        return status, length - HEAD

    def call(self, proc, payload=b''):
        self.serial += 1
        self.sock.sendall(self.message(proc, payload, CALL, OK))
        _, length = self.take()
        return bytes(self.buffer[HEAD:HEAD + length])

    def upload(self, volume, size):
        self.call(UPLOAD, volume + struct.pack('>QQI', 0, size, 0))
        piece = self.message(UPLOAD, FILLING * PIECE, STREAM, CONTINUE)
        left = size
        while left >= PIECE:
            self.sock.sendall(piece)
            left -= PIECE
        self.sock.sendall(self.message(UPLOAD, FILLING * left, STREAM,
                                       CONTINUE))
        self.sock.sendall(self.message(UPLOAD, b'', STREAM, OK))
        if self.take() != (OK, 0):
            raise RuntimeError('the upload does not end')

    def download(self, volume, size):
        self.call(DOWNLOAD, volume + struct.pack('>QQI', 0, size, 0))
        length = None
        while length != 0:
            _, length = self.take()
            size -= length
            if length and self.buffer[HEAD] != FILLING[0]:
                raise RuntimeError('the download is not what was uploaded')
        if size:
            raise RuntimeError(f'the download lacks {size} bytes')
        self.sock.sendall(self.message(DOWNLOAD, b'', STREAM, OK))
        self.take()

    def make(self, size):
        """A volume, as calls name it."""
        pool = self.call(POOL_CREATE, text(POOL) + word(POOL_BUILD))
        return self.call(VOL_CREATE, pool + text(VOLUME.format(size=size))
                         + word(0))


def mb_s(work, *args, size):
    start = time.monotonic()
    work(*args, size)
    return size / 1e6 / (time.monotonic() - start)


def measure(path, size):
    """Both ways; the first upload is not counted, which makes the file."""
    client = Client(path)
    volume = client.make(size)
    client.upload(volume, size)
    up = mb_s(client.upload, volume, size=size)
    down = mb_s(client.download, volume, size=size)
    client.sock.close()
    return {'up_mb_s': up, 'down_mb_s': down}
