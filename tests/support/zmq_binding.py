# SPDX-License-Identifier: Apache-2.0
"""What docs/bus.md uses of pyzmq and what tests need beside it, over libzmq itself: a test takes it
for the module `zmq` where pyzmq is not installed. Waits have a deadline, unlike pyzmq's."""
import ctypes
import ctypes.util

SUB, DEALER, XPUB = 2, 5, 9
ROUTING_ID, LINGER, SNDHWM, RCVHWM = 5, 17, 23, 24
ZMQ_SUBSCRIBE, ZMQ_RCVTIMEO, ZMQ_SNDTIMEO = 6, 27, 28
ZMQ_SNDMORE = 2
DEADLINE_MS = 30000
MESSAGE_WORDS = 8  # sizeof(zmq_msg_t), which is aligned

_lib = ctypes.CDLL(ctypes.util.find_library("zmq") or "libzmq.so.5")
_lib.zmq_ctx_new.restype = ctypes.c_void_p
_lib.zmq_socket.restype = ctypes.c_void_p
_lib.zmq_msg_data.restype = ctypes.c_void_p
_lib.zmq_msg_size.restype = ctypes.c_size_t


class _Message(ctypes.Structure):
    _fields_ = [("words", ctypes.c_uint64 * MESSAGE_WORDS)]


class Socket:
    def __init__(self, handle):
        self.handle = ctypes.c_void_p(handle)
        for option in (ZMQ_RCVTIMEO, ZMQ_SNDTIMEO):
            self.setsockopt(option, DEADLINE_MS)

    def set(self, option, value):
        self.check(_lib.zmq_setsockopt(self.handle, option, ctypes.byref(value),
                                       ctypes.c_size_t(ctypes.sizeof(value))))

    @staticmethod
    def check(result):
        if result < 0:
            raise OSError(_lib.zmq_errno())

    def setsockopt(self, option, value):
        """value: int or bytes"""
        self.set(option, ctypes.c_int(value) if isinstance(value, int)
                 else (ctypes.c_char * len(value)).from_buffer_copy(value))

    def subscribe(self, name):
        self.setsockopt(ZMQ_SUBSCRIBE, name)

    def connect(self, address):
        self.check(_lib.zmq_connect(self.handle, address.encode()))

    def bind(self, address):
        self.check(_lib.zmq_bind(self.handle, address.encode()))

    def send_multipart(self, parts):
        for i, part in enumerate(parts):
            flags = ZMQ_SNDMORE if i + 1 < len(parts) else 0
            self.check(_lib.zmq_send(self.handle, part, ctypes.c_size_t(len(part)), flags))

    def close(self, linger=DEADLINE_MS):
        self.setsockopt(LINGER, linger)
        self.check(_lib.zmq_close(self.handle))

    def recv_multipart(self):
        parts, more = [], 1
        while more:
            message = _Message()
            _lib.zmq_msg_init(ctypes.byref(message))
            self.check(_lib.zmq_msg_recv(ctypes.byref(message), self.handle, 0))
            parts.append(ctypes.string_at(_lib.zmq_msg_data(ctypes.byref(message)),
                                          _lib.zmq_msg_size(ctypes.byref(message))))
            more = _lib.zmq_msg_more(ctypes.byref(message))
            _lib.zmq_msg_close(ctypes.byref(message))
        return parts


class Context:
    def __init__(self):
        self.handle = ctypes.c_void_p(_lib.zmq_ctx_new())

    def socket(self, kind):
        return Socket(_lib.zmq_socket(self.handle, kind))

    def term(self):
        """Once every socket is closed; what was sent goes out within their linger."""
        _lib.zmq_ctx_term(self.handle)
