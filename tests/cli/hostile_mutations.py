"""The ways in which a timeline can be made hostile, field by field of the format.

each() lists mutations of a sound file: every field of SQLite's header and of each kind of page, every
cell of every table, what only who knows the format reaches (a chunk's header and columns, a frame's
rows, with checksums and hashes made good by make_hostile), and the schema. The same in every run.
"""
import random
import shutil
import sqlite3
import struct
import subprocess

# What a reader can know:
LOG = "log"          # bytes of the log that a checksum or the chain spans: each answer must tell
PROVED = "proved"    # `verify` must tell
FORGED = "forged"    # made good by somebody who can compute hashes: nothing can tell

INTEGERS = (0, 1, -1, 2, 127, 128, 255, 65536, 2**31 - 1, 2**31, 2**32, 10**15, 1_795_521_600_000_000,
            2**62, 2**63 - 1, -2**63)
WORDS = (0, 1, 2, 127, 255, 256, 4095, 4096, 32767, 65535, 2**31 - 1, 2**32 - 1)
LOG_TABLES = ("frame", "keyframe", "chunk")


class Mutation:
    """`apply` alters the copy at a path; `tells` is what a reader can know of it."""

    def __init__(self, name, tells, apply):
        self.name, self.tells, self.apply = name, tells, apply


def overwrite(offset, content):
    def apply(path):
        with open(path, "r+b") as file:
            file.seek(offset)
            file.write(content)
    return apply


def sql(*statements):
    """Statements that may be refused, with all that protects the schema off."""
    def apply(path):
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("PRAGMA writable_schema = ON")
        for statement, *values in statements:
            try:
                db.execute(statement, values)
            except (sqlite3.Error, UnicodeError):
                pass
        db.close()
    return apply


def as_bytes(size, number):
    return (number % (1 << 8 * size)).to_bytes(size, "big")


# --- SQLite's own pages -------------------------------------------------------------------------

HEADER_FIELDS = (
    ("magic", 0, 16), ("page_size", 16, 2), ("write_version", 18, 1), ("read_version", 19, 1),
    ("reserved", 20, 1), ("max_fraction", 21, 1), ("min_fraction", 22, 1), ("leaf_fraction", 23, 1),
    ("changes", 24, 4), ("pages", 28, 4), ("first_free", 32, 4), ("free_pages", 36, 4),
    ("schema_cookie", 40, 4), ("schema_format", 44, 4), ("cache_size", 48, 4), ("largest_root", 52, 4),
    ("encoding", 56, 4), ("user_version", 60, 4), ("vacuum", 64, 4), ("application_id", 68, 4),
    ("expansion", 72, 20), ("valid_for", 92, 4), ("version", 96, 4))


def header_fields(_content):
    for name, offset, size in HEADER_FIELDS:
        for value in WORDS if size <= 4 else (0, 2**(8 * size) - 1):
            yield Mutation(f"header.{name}={value % (1 << 8 * size)}", PROVED,
                           overwrite(offset, as_bytes(size, value)))


def varint_at(content, place):
    for end in range(place, min(place + 9, len(content))):
        if content[end] < 128:
            return end + 1 - place
    return 9


PAGE_FIELDS = (("type", 0, 1), ("first_freeblock", 1, 2), ("cells", 3, 2), ("content", 5, 2),
               ("fragmented", 7, 1))


def pages(content):
    """Some pages of each kind: each field of their headers, and of their first and last cells."""
    size = struct.unpack(">H", content[16:18])[0]
    seen = {}
    for number in range(len(content) // size):
        base = number * size
        begin = base + (100 if number == 0 else 0)
        kind = content[begin]
        if kind not in (2, 5, 10, 13) or seen.get(kind, 0) >= 6:
            continue
        seen[kind] = seen.get(kind, 0) + 1
        name = f"page{number + 1}"
        for field, offset, length in PAGE_FIELDS:
            for value in WORDS[:10]:
                yield Mutation(f"{name}.{field}={value}", PROVED,
                               overwrite(begin + offset, as_bytes(length, value)))
        head = 12 if kind in (2, 5) else 8
        if head == 12:
            for value in (0, 1, number + 1, number + 2, 2**31, 2**32 - 1):
                yield Mutation(f"{name}.right={value}", PROVED,
                               overwrite(begin + 8, as_bytes(4, value)))
        cells = struct.unpack(">H", content[begin + 3:begin + 5])[0]
        for cell in sorted({0, cells // 2, cells - 1} if cells else ()):
            pointer = begin + head + 2 * cell
            for value in (0, 8, 4095, 65535):
                yield Mutation(f"{name}.cell{cell}.pointer={value}", PROVED,
                               overwrite(pointer, as_bytes(2, value)))
            place = base + struct.unpack(">H", content[pointer:pointer + 2])[0]
            yield from cell_bytes(content, f"{name}.cell{cell}", place, kind)


def cell_bytes(content, name, place, kind):
    if kind in (2, 5):
        for value in (0, 1, 2**31):
            yield Mutation(f"{name}.left={value}", PROVED, overwrite(place, as_bytes(4, value)))
        place += 4
    for field in ("payload", "row", "record"):
        length = varint_at(content, place)
        for what, value in (("ff", b"\xff" * length), ("0", b"\x80" * (length - 1) + b"\0"),
                            ("+1", bytes([*content[place:place + length - 1],
                                          (content[place + length - 1] + 1) % 128]))):
            yield Mutation(f"{name}.{field}={what}", PROVED, overwrite(place, value))
        place += length
    for serial in range(6):
        for value in (0, 1, 6, 7, 9, 10, 11, 12, 13, 127, 255):
            yield Mutation(f"{name}.serial{serial}={value}", PROVED,
                           overwrite(place + serial, bytes([value])))


def file_ends(content):
    for part in range(0, 16):
        size = len(content) * part // 16
        yield Mutation(f"file.cut={size}", PROVED, lambda path, size=size: _resize(path, size))
    for more in (1, 4096, 1 << 20):
        yield Mutation(f"file.longer={more}", PROVED,
                       lambda path, size=len(content) + more: _resize(path, size))


def _resize(path, size):
    with open(path, "r+b") as file:
        file.truncate(size)


# --- rows ---------------------------------------------------------------------------------------

def reader(path):
    """Texts need not be UTF-8, and stay what they are."""
    db = sqlite3.connect(path)
    db.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    return db


def tables_of(db):
    return [name for name, in db.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY 1")]


def chosen_rows(db, table):
    """The first, the middle and the last: their number, and what finds them."""
    keys = [name for name, in db.execute(f"SELECT name FROM pragma_table_info('{table}') WHERE pk")]
    values = ", ".join(f"hex({key})" for key in keys)
    rows = db.execute(f"SELECT {values} FROM {table} ORDER BY {', '.join(keys)}").fetchall()
    for number in sorted({0, len(rows) // 2, len(rows) - 1}) if rows else ():
        yield number, " AND ".join(f"hex({key}) = '{value}'" for key, value in zip(keys, rows[number]))


def tells_of(table, column):
    """Keys, times and bytes of the log are spanned by the chain; the rest is derived from it."""
    return LOG if table in LOG_TABLES and column in ("data", "body") else PROVED


def cells(path):
    db = reader(path)
    for table in tables_of(db):
        for row, where in chosen_rows(db, table):
            for _, column, kind, *_ in db.execute(f"PRAGMA table_info({table})").fetchall():
                before, = db.execute(f"SELECT {column} FROM {table} WHERE {where}").fetchone()
                for what, value in values_like(before, kind):
                    yield Mutation(f"{table}[{row}].{column}={what}", tells_of(table, column),
                                   sql((f"UPDATE {table} SET {column} = ? WHERE {where}", value)))
                for what, value in (("NULL", None), ("text", "x" * 40), ("real", -1e300),
                                    ("blob", b"\xff" * 9), ("integer", 7)):
                    yield Mutation(f"{table}[{row}].{column}:{what}", PROVED,
                                   wrong_type(table, column, where, value))
    db.close()


def wrong_type(table, column, where, value):
    """A value the table's declaration forbids: the declaration is loosened for as long."""
    def apply(path):
        db = sqlite3.connect(path, isolation_level=None)
        was, = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
        change = "UPDATE sqlite_schema SET sql = ? WHERE name = ?"
        loose = was.replace("STRICT", "").replace("NOT NULL", "").replace("INTEGER PRIMARY KEY", "\0")
        loose = loose.replace("INTEGER", "").replace("BLOB", "").replace("TEXT", "")
        loose = loose.replace("\0", "INTEGER PRIMARY KEY")
        db.execute("PRAGMA writable_schema = ON")
        db.execute(change, (loose, table))
        db.close()
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value,))
        except (sqlite3.Error, UnicodeError):
            pass
        db.execute("PRAGMA writable_schema = ON")
        db.execute(change, (was, table))
        db.close()
    return apply


def values_like(before, kind):
    if kind == "INTEGER":
        near = [before + 1, before - 1, before * 2] if isinstance(before, int) else []
        return [(value, value) for value in (*INTEGERS, *near) if -2**63 <= value < 2**63]
    if kind == "TEXT":
        texts = ("", "x" * 1_000_000, "\x1b[31m", "'; DROP TABLE frame; --", "<script>", "=1+1",
                 "\u202e", "a\0b")
        return [(repr(text[:12]), text) for text in texts]
    content = before or b""
    shapes = [("empty", b""), ("half", content[:len(content) // 2]), ("cut", content[:-1]),
              ("longer", content + b"\0"), ("twice", content + content), ("zeros", bytes(len(content))),
              ("ones", b"\xff" * len(content)), ("large", bytes(1 << 20)),
              ("turned", content[1:] + content[:1])]
    # Headers are dense: each byte of theirs. Of what is longer, some.
    step = max(1, len(content) // 40)
    for place in range(0, len(content), step):
        for bit in (0x01, 0x80):
            shapes.append((f"byte{place}^{bit}", content[:place] + bytes([content[place] ^ bit]) +
                           content[place + 1:]))
    return shapes


def is_last_written(db, table, where):
    """A frame behind all others: without it the file is what a recorder leaves that is killed a tick
    earlier, and nothing can tell the two apart."""
    return table == "frame" and db.execute(
        f"SELECT 1 FROM frame WHERE ({where}) AND sequence = (SELECT max(sequence) FROM frame)"
        " AND sequence > (SELECT ifnull(max(sequence), 0) FROM keyframe)").fetchone() is not None


def whole_rows(path):
    db = reader(path)
    for table in tables_of(db):
        tells = LOG if table in ("frame", "chunk") else PROVED
        key = [name for name, in db.execute(
            f"SELECT name FROM pragma_table_info('{table}') WHERE pk AND type = 'INTEGER'")]
        for row, where in chosen_rows(db, table):
            delete = sql((f"DELETE FROM {table} WHERE {where}",))
            if not is_last_written(db, table, where):
                yield Mutation(f"{table}[{row}] gone", tells, delete)
            for to in ("0", "-1", "{0} + 1", "{0} - 1", "4611686018427387904", str(-2**63)):
                if len(key) == 1:
                    value = to.format(key[0])
                    yield Mutation(f"{table}[{row}] is {to}", PROVED, sql(
                        (f"UPDATE OR REPLACE {table} SET {key[0]} = {value} WHERE {where}",)))
        yield Mutation(f"{table} empty", tells, sql((f"DELETE FROM {table}",)))
        if table not in LOG_TABLES and len(key) == 1:
            columns = [name for _, name, *_ in db.execute(f"PRAGMA table_info({table})")]
            copied = ", ".join("n.value + 100000" if name == key[0] else f"t.{name}"
                               for name in columns)
            yield Mutation(f"{table} a hundred thousand times", PROVED, sql(
                (f"WITH n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n LIMIT 100000)"
                 f" INSERT OR IGNORE INTO {table} SELECT {copied} FROM n,"
                 f" (SELECT * FROM {table} LIMIT 1) t",)))
    db.close()


# --- what only who knows the format reaches -----------------------------------------------------

def in_the_format(sound, make_hostile):
    """Numbers of chunk headers, of columns, of frames; checksums and hashes made good."""
    def one(where, row, field, how, value):
        command = [make_hostile, "--one", sound, None, where, row, field, how, value]
        def apply(path):
            subprocess.run([str(path if word is None else word) for word in command], check=True,
                           timeout=60)
        return Mutation(f"format {where}.{row}.{field} {how}:{value}", FORGED, apply)

    for row in (0, 1, 4):
        for field in range(700):
            for liar in (0, 1, 5, 14, 24) if row == 0 else (24,):
                yield one(2, row, field, 1, liar)
    for row in (0, 1, 4):
        for field in range(160):
            for how, value in ((1, 24), (6, 0), (11, 14), (2, 3)):
                yield one(4, row, field, how, value)
            for how in range(5):
                yield one(5, row, field, how, 7 + (0xff << 32))
    for row in (0, 1):
        for field in range(64 * 11):
            yield one(7, row, field, 6, 24)
            yield one(7, row, field, 1, 23 + 25 * row)
        for place in range(0, 400, 3):
            yield one(6, row, 1, 1, place + (0xff << 32))
            yield one(6, row, 0, 3, place + (1 << 32))


# --- the schema ---------------------------------------------------------------------------------

def schema(path):
    db = sqlite3.connect(path)
    objects = db.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    for kind, name, text in objects:
        yield Mutation(f"{name} dropped", PROVED, sql((f"DROP {kind} {name}",)))
        yield Mutation(f"{name} forgotten", PROVED,
                       sql(("DELETE FROM sqlite_schema WHERE name = ?", name)))
        for what, page in (("0", 0), ("1", 1), ("2", 2), ("last", 2**31 - 1), ("-1", -1)):
            yield Mutation(f"{name}.root={what}", PROVED, sql(
                ("UPDATE sqlite_schema SET rootpage = ? WHERE name = ?", page, name)))
        for what, other in (("nonsense", "CREATE nonsense"), ("empty", ""), ("NULL", None),
                            ("loose", text.replace("STRICT", "")),
                            ("view", f"CREATE VIEW {name} AS SELECT 1"),
                            ("more", text.replace(" (", " (more INTEGER, ", 1)),
                            ("without", text + " , WITHOUT ROWID"),
                            ("virtual", f"CREATE VIRTUAL TABLE {name} USING fts5(x)")):
            yield Mutation(f"{name}.sql={what}", PROVED, sql(
                ("UPDATE sqlite_schema SET sql = ? WHERE name = ?", other, name)))
        yield Mutation(f"{name}.type=view", PROVED, sql(
            ("UPDATE sqlite_schema SET type = 'view' WHERE name = ?", name)))
        if kind != "table":
            continue
        yield Mutation(f"{name} renamed", PROVED, sql((f"ALTER TABLE {name} RENAME TO other",)))
        yield Mutation(f"{name} is a view of itself", PROVED, sql(
            (f"ALTER TABLE {name} RENAME TO other",), (f"CREATE VIEW {name} AS SELECT * FROM other",)))
        yield Mutation(f"{name} is a view without end", PROVED, sql(
            (f"DROP TABLE {name}",),
            (f"CREATE VIEW {name} AS WITH n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
             f" SELECT x FROM n",)))
        yield Mutation(f"{name} has a trigger", PROVED, sql(
            (f"CREATE TRIGGER t_{name} AFTER INSERT ON {name} BEGIN SELECT load_extension('x'); END",)))
        yield Mutation(f"{name} has another index", PROVED, sql(
            (f"CREATE INDEX i_{name} ON {name} (abs(random()))",)))
    for table in ("connections", "sockets", "samples", "frames", "dns", "transitions"):
        yield Mutation(f"a table in front of {table}", PROVED,
                       sql((f"CREATE TABLE {table} (opened_us, program)",)))
        yield Mutation(f"a view in front of {table}", PROVED,
                       sql((f"CREATE VIEW {table} AS SELECT 1 AS program",)))
    db.close()


def at_random(sound, make_hostile, content, seed):
    """Without end: a few fields at once, or bytes of the file."""
    number = random.Random(seed)
    for count in range(1 << 30):
        if count % 3 == 2:
            places = [(number.randrange(len(content)), number.randrange(256))
                      for _ in range(1 << number.randrange(8))]
            def apply(path, places=places):
                with open(path, "r+b") as file:
                    for place, value in places:
                        file.seek(place)
                        file.write(bytes([value]))
            yield Mutation(f"bytes {seed}.{count}", PROVED, apply)
            continue
        word = [str(n) for n in (number.randrange(8), number.randrange(256), number.randrange(65536),
                                 number.randrange(256), number.getrandbits(64))]
        yield Mutation(f"random {seed}.{count}: {' '.join(word)}", FORGED,
                       lambda path, word=word: subprocess.run(
                           [make_hostile, "--one", sound, str(path), *word], check=True, timeout=60))


def each(sound, make_hostile):
    """All of `sound`, in an order that mixes them."""
    with open(sound, "rb") as file:
        content = file.read()
    found = [*header_fields(content), *pages(content), *file_ends(content), *cells(sound),
             *whole_rows(sound), *schema(sound), *in_the_format(sound, make_hostile)]
    random.Random(1).shuffle(found)
    # Each field once, then each once more.
    times = {}
    turns = []
    for mutation in found:
        field = mutation.name.split("=")[0].split(":")[0].split("^")[0].split(" is ")[0]
        field = field.rsplit(" ", 1)[0] if field.startswith("format") else field
        times[field] = times.get(field, 0) + 1
        turns.append((times[field], len(turns), mutation))
    return [mutation for _, _, mutation in sorted(turns, key=lambda turn: turn[:2])]


def write(mutation, sound, path):
    shutil.copyfile(sound, path)
    mutation.apply(path)
