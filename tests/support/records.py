# SPDX-License-Identifier: Apache-2.0
"""A reader of records.tkr by docs/records.md alone: Python's standard library, no code of tokperf.
Run as a program it prints the rows of a log as JSON lines."""
import json
import struct
import sys

MAX_PAYLOAD = 16 << 20
MAX_CHUNKS = 1 << 24
RUN, ROWS, CHUNKS, TEXT, PHASE, END, DATASET, STOP = range(1, 9)
CHUNK_TIMES = 63  # the bit of the mask

# field: (name, coding), in the order of their bits
FIELDS = [("ordinal", "varint"), ("draw", "varint"), ("dataset_row", "varint"),
          ("prompt_hash", "u64"), ("phase", "small"), ("worker", "small"), ("url_index", "small"),
          ("turn_index", "small"), ("outcome", "small"), ("flags", "small"),
          ("http_status", "small_signed"), ("retries", "small"), ("start_ns", "time"),
          ("intended_ns", "time"), ("ready_ns", "time"), ("connect_start_ns", "time"),
          ("connect_end_ns", "time"), ("send_start_ns", "time"), ("send_end_ns", "time"),
          ("first_byte_ns", "time"), ("first_token_ns", "time"),
          ("first_output_token_ns", "time"), ("second_token_ns", "time"),
          ("last_token_ns", "time"), ("end_ns", "time"), ("sent_bytes", "varint"),
          ("received_bytes", "varint"), ("text_bytes", "varint"), ("chunk_count", "small"),
          ("coalesced_count", "small"), ("input_tokens_asked", "count"),
          ("output_tokens_asked", "count"), ("first_chunk_tokens", "count"),
          ("prompt_tokens", "count"), ("completion_tokens", "count"), ("total_tokens", "count"),
          ("reasoning_tokens", "count"), ("prompt_cache_read_tokens", "count"),
          ("prompt_cache_write_tokens", "count"), ("prompt_cache_miss_tokens", "count"),
          ("prompt_audio_tokens", "count"), ("completion_audio_tokens", "count"),
          ("accepted_prediction_tokens", "count"), ("rejected_prediction_tokens", "count"),
          ("tool_use_prompt_tokens", "count"), ("prompt_audio_ms", "count"),
          ("reserved_46", "count"), ("reserved_47", "count"), ("reserved_48", "count"),
          ("finish_reason", "text"), ("error_type", "text"), ("error_message", "text"),
          ("read_delay_ns", "varint"), ("write_count", "small"), ("read_count", "small"),
          ("kept_bytes", "varint"), ("counted_input", "count"), ("counted_output", "count"),
          ("counted_reasoning", "count"), ("tls_start_ns", "time"), ("retry_after_s", "varint"),
          ("last_byte_ns", "time")]
DEFAULTS = {"count": -1, "text": ""}
LIMITS = {"finish_reason": 23, "error_type": 63, "error_message": 255}
OUTCOMES = [None, "ok", "http_error", "connect_error", "tls_error", "no_response", "timeout",
            "truncated", "stream_error", "parse_error", "empty", "client_error", "cancelled"]


class Damage(Exception):
    """The bytes break a rule of docs/records.md."""


def make_crc_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82f63b78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = make_crc_table()


def crc32c(data, crc=0):
    crc ^= 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


class Reader:
    """Numbers out of bytes."""

    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def take(self, size):
        if self.end - self.at < size:
            raise Damage("a value passes its end")
        self.at += size
        return self.data[self.at - size:self.at]

    def unsigned(self, size):
        return int.from_bytes(self.take(size), "little")

    def varint(self, bits=64):
        value = shift = 0
        for _ in range(10):
            byte = self.take(1)[0]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                if value >> bits:
                    raise Damage("a number is too large")
                return value
        raise Damage("a varint has more than 10 bytes")

    def zigzag(self, bits=64):
        value = self.varint(bits)
        return value >> 1 ^ -(value & 1)


class Log:
    """What a file holds. rows are dictionaries with a list `chunk_ns`, in the order in which they
    became complete."""

    def __init__(self):
        self.run = None       # JSON of the run header
        self.rows = []
        self.phases = []      # JSON notes
        self.session_ids = []
        self.stop = None
        self.end = None       # None: the file has no END block
        self.damage = None    # why reading ended before the file did
        self.torn = False     # the file ends inside a block
        self.blocks = []      # (offset, kind, payload length)
        self.pending = {}     # worker: (row, times missing, bytes of texts missing)
        self.sequence = {}    # worker: the number that its next block must have

    def of_phase(self, phase):
        return [row for row in self.rows if row["phase"] == phase]


def read_field(reader, name, coding, time):
    if coding == "varint":
        return reader.varint()
    if coding == "small":
        return reader.varint(32)
    if coding == "u64":
        return reader.unsigned(8)
    if coding == "small_signed":
        return reader.zigzag(32)
    if coding == "count":
        return reader.zigzag()
    if coding == "time":
        return (time + reader.zigzag()) % 2 ** 64
    size = reader.varint()
    if size > LIMITS[name]:
        raise Damage("a text is longer than its bound")
    return reader.take(size).decode("utf-8", "replace")


def read_row(reader, previous_start):
    """One row without its chunk times, and whether there are some."""
    size = reader.unsigned(2)
    fields = Reader(reader.data, reader.at, reader.at + size)
    reader.take(size)
    mask = fields.unsigned(8)
    row, time = {}, previous_start
    for bit, (name, coding) in enumerate(FIELDS):
        if mask >> bit & 1:
            row[name] = read_field(fields, name, coding, time)
            time = row[name] if coding == "time" else time
        else:
            row[name] = DEFAULTS.get(coding, 0)
    row["chunk_ns"] = []
    return row, bool(mask >> CHUNK_TIMES & 1)


def take_rest(log, reader, worker, row, missing, unread_bytes):
    """Chunk times, then kept texts, up to the end of the payload; the row is complete when nothing
    of it is missing."""
    time = row["chunk_ns"][-1] if row["chunk_ns"] else row["start_ns"]
    while missing and reader.at < reader.end:
        time = (time + reader.varint()) % 2 ** 64
        row["chunk_ns"].append(time)
        missing -= 1
    if not missing:
        unread_bytes -= len(reader.take(min(unread_bytes, reader.end - reader.at)))
    if missing or unread_bytes:
        log.pending[worker] = (row, missing, unread_bytes)
    else:
        log.pending.pop(worker, None)
        log.rows.append(row)


def read_rows_block(log, kind, payload):
    reader = Reader(payload)
    worker, sequence = reader.unsigned(4), reader.unsigned(4)
    if worker >= 4096 or sequence != log.sequence.get(worker, 0):
        raise Damage(f"block {sequence} of worker {worker} is not the expected one")
    log.sequence[worker] = sequence + 1
    if (kind == CHUNKS) != (worker in log.pending):
        raise Damage("CHUNKS where there is no unfinished row, or ROWS where there is one")
    if kind == CHUNKS:
        take_rest(log, reader, worker, *log.pending[worker])
        if reader.at != reader.end:
            raise Damage("something behind the end of a row")
        return
    start = 0
    while reader.at < reader.end:
        if worker in log.pending:
            raise Damage("a row behind an unfinished one")
        row, has_times = read_row(reader, start)
        start = row["start_ns"]
        count = min(row["chunk_count"], MAX_CHUNKS) if has_times else 0
        take_rest(log, reader, worker, row, count, row["kept_bytes"])


def read_block(log, kind, payload):
    if kind in (ROWS, CHUNKS):
        read_rows_block(log, kind, payload)
    elif kind == RUN:
        log.run = json.loads(payload)
    elif kind == PHASE:
        log.phases.append(json.loads(payload))
    elif kind == DATASET:
        log.session_ids += json.loads(payload)
    elif kind == STOP:
        log.stop = json.loads(payload)
    elif kind == END:
        log.end = json.loads(payload)


def parse(data, rows=None, sums=True):
    """rows: where rows are appended to, for a log too long to be kept. sums: whether the checksums
    are looked at, which takes this language a second for 5 MB."""
    log, at = Log(), 0
    log.rows = [] if rows is None else rows
    try:
        while at < len(data):
            if len(data) - at < 16:
                break
            magic, kind, version, size, crc = struct.unpack_from("<4sHHII", data, at)
            if magic != b"TKRB" or size > MAX_PAYLOAD:
                raise Damage(f"no block at offset {at}")
            if len(data) - at - 16 < size:
                break
            payload = data[at + 16:at + 16 + size]
            if sums and crc32c(payload, crc32c(data[at + 4:at + 12])) != crc:
                raise Damage(f"wrong checksum of the block at offset {at}")
            if log.end is not None and kind != STOP:
                raise Damage(f"a block behind the end at offset {at}")
            if version == 1:
                read_block(log, kind, payload)
            log.blocks.append((at, kind, size))
            at += 16 + size
    except (Damage, ValueError) as why:
        log.damage = str(why)
    log.torn = log.damage is None and at < len(data)
    return log


def read(path, rows=None, sums=True):
    with open(path, "rb") as file:
        return parse(file.read(), rows, sums)


def main():
    assert crc32c(b"123456789") == 0xe3069283
    log = read(sys.argv[1])
    for row in log.rows:
        print(json.dumps(row))
    if log.damage:
        print(f"damage: {log.damage}", file=sys.stderr)


if __name__ == "__main__":
    main()
