-- The tables of a timeline. What a column means is said beside it and kept by SQLite: `.schema` of
-- any client shows it. application_id is the magic ("NtRc"), user_version the format's version;
-- docs/file_format.md tells the bytes of the blobs.
--
-- The log is frame, keyframe and chunk; everything else is derived from it and can be
-- built anew. Times ending in _us are microseconds since 1970 (UTC) by the recorded host's clock.

CREATE TABLE frame (            -- deltas not sealed into a chunk yet
  sequence INTEGER PRIMARY KEY, -- counts all frames of the file, keyframes too, from 1
  wall_us  INTEGER NOT NULL,    -- wall clock of the tick
  boot_us  INTEGER NOT NULL,    -- CLOCK_BOOTTIME of the tick
  hash     BLOB    NOT NULL,    -- chain after this frame: BLAKE2b-256(hash before, header, bytes)
  data     BLOB    NOT NULL     -- the delta (docs/file_format.md, "Frame"), as it is or as zstd
) STRICT;

CREATE TABLE keyframe (             -- the whole state at one tick, where a walk can begin
  sequence       INTEGER PRIMARY KEY,
  wall_us        INTEGER NOT NULL,
  boot_us        INTEGER NOT NULL,
  begins_session INTEGER NOT NULL,  -- 1: the first frame of a session; 0: restates what was there
  previous_hash  BLOB    NOT NULL,  -- chain before this frame
  hash           BLOB    NOT NULL,  -- chain after it
  data           BLOB    NOT NULL   -- as in frame
) STRICT;

CREATE TABLE chunk (                 -- a run of deltas sealed together, column-wise
  first_sequence INTEGER PRIMARY KEY,
  last_sequence  INTEGER NOT NULL,   -- keyframes in between are in their own table
  frames         INTEGER NOT NULL,   -- deltas in it
  least_wall_us  INTEGER NOT NULL,   -- a clock may be set back: of all its frames
  most_wall_us   INTEGER NOT NULL,
  previous_hash  BLOB    NOT NULL,   -- chain before its first frame
  hash           BLOB    NOT NULL,   -- chain after its last frame
  header         BLOB    NOT NULL,   -- what is in it and where: ranges, filters, columns
  body           BLOB    NOT NULL    -- the columns (docs/file_format_chunk.md)
) STRICT;

-- What the log spans, without its bytes: so that to find an instant, and to know that nothing is
-- missing, takes little time in a file of years.
CREATE INDEX keyframe_span ON keyframe (sequence, wall_us);
CREATE INDEX chunk_span ON chunk (first_sequence, last_sequence, frames, least_wall_us,
                                  most_wall_us);

CREATE TABLE pruned (                -- one row, if retention dropped the beginning of the log
  id             INTEGER PRIMARY KEY CHECK (id = 1),
  first_wall_us  INTEGER NOT NULL,   -- wall clock of the first frame ever dropped
  last_wall_us   INTEGER NOT NULL,
  last_sequence  INTEGER NOT NULL,   -- everything up to this frame is gone
  hash           BLOB    NOT NULL    -- chain after it: where the rest ties on
) STRICT;

CREATE TABLE mark (                   -- one row: how far the tables below follow the log
  id               INTEGER PRIMARY KEY CHECK (id = 1),
  sequence         INTEGER NOT NULL,  -- the last frame they know
  hash             BLOB    NOT NULL,  -- chain after it: a log that ends earlier was cut
  next_ids         BLOB    NOT NULL   -- the next free id of each kind, varints
) STRICT;

-- Derived, for netrec's own searches: which chunks can hold an address, a port, a program, a name.
-- A file without them answers the same, and later.

CREATE TABLE search_chunk (           -- the keys of a chunk that is in no group yet
  first_sequence INTEGER PRIMARY KEY, -- of the chunk
  keys           BLOB    NOT NULL     -- docs/file_format.md, "Search index"
) STRICT;

CREATE TABLE search_group (           -- consecutive chunks whose keys are in pages
  number         INTEGER PRIMARY KEY, -- names its pages
  first_sequence INTEGER NOT NULL,    -- of its first chunk
  last_sequence  INTEGER NOT NULL,    -- of its last chunk; nothing in between is missing
  chunks         BLOB    NOT NULL     -- what each of them spans
) STRICT;

CREATE TABLE search_page (            -- a part of the keys of one kind, in ascending order
  id      INTEGER PRIMARY KEY,        -- group * 2^32 + kind * 2^28 + first key
  entries BLOB    NOT NULL            -- keys, and for each the chunks of the group that have it
) STRICT;

-- Derived tables, for any SQLite client -----------------------------------------------------------

CREATE TABLE session (                -- one run of the recorder on one boot
  id              INTEGER PRIMARY KEY,
  first_sequence  INTEGER NOT NULL,   -- its first frame (a keyframe)
  started_us      INTEGER NOT NULL,
  started_boot_us INTEGER NOT NULL,   -- CLOCK_BOOTTIME then
  ended_us        INTEGER,            -- NULL: still running, or killed
  interval_us     INTEGER NOT NULL,   -- time between ticks
  mode            INTEGER NOT NULL,   -- 1 polling, 2 events
  capabilities    INTEGER NOT NULL,   -- the recorder's effective set (capabilities(7))
  pid             INTEGER NOT NULL,   -- of the recorder
  uid             INTEGER NOT NULL,
  host            TEXT,
  boot_id         TEXT,
  machine_id      TEXT,
  kernel          TEXT,
  version         TEXT,               -- netrec's
  arguments       TEXT,               -- the recorder's command line
  time_zone       TEXT,
  limits          TEXT                -- what it could not see
) STRICT;

CREATE TABLE gap (                    -- time not vouched for, and why
  id                INTEGER PRIMARY KEY,
  session           INTEGER NOT NULL, -- the session that wrote it down
  cause             INTEGER NOT NULL, -- number of the cause (docs/file_format.md)
  cause_name        TEXT    NOT NULL,
  from_us           INTEGER NOT NULL,
  to_us             INTEGER,          -- NULL: until the session's end
  count             INTEGER NOT NULL, -- how many were lost, where it can be counted
  network_namespace INTEGER NOT NULL, -- id; 0: everywhere
  detail            TEXT              -- for people
) STRICT;

CREATE TABLE process (             -- one program run that held a socket
  id            INTEGER PRIMARY KEY,
  pid           INTEGER NOT NULL,
  start_us      INTEGER NOT NULL,  -- when it was forked: microseconds since boot
  first_seen_us INTEGER NOT NULL,
  ended_us      INTEGER,           -- NULL: it runs, or its end was not seen
  parent_pid    INTEGER NOT NULL,
  parent        INTEGER,           -- process.id, if the parent is recorded too
  uid           INTEGER NOT NULL,
  comm          TEXT,
  exe           TEXT,
  exe_deleted   INTEGER NOT NULL,
  command_line  TEXT,              -- arguments separated by spaces, at most 256 bytes
  cgroup        TEXT
) STRICT;

CREATE TABLE destination (            -- whom a program talked to: one row a program, user and end
  program        TEXT    NOT NULL,    -- executable, or [comm] where it is not known
  uid            INTEGER NOT NULL,
  transport      TEXT    NOT NULL,
  remote_address TEXT    NOT NULL,
  remote_port    INTEGER NOT NULL,    -- 0 for the peers of a local service, all ports together
  local_port     INTEGER NOT NULL,    -- the service's port where we were called; 0 if we called
  first_seen_us  INTEGER NOT NULL,
  last_seen_us   INTEGER NOT NULL,
  connections    INTEGER NOT NULL,    -- lives that ended
  bytes_sent     INTEGER NOT NULL,    -- payload, of those
  bytes_received INTEGER NOT NULL,
  PRIMARY KEY (remote_address, program, uid, transport, remote_port, local_port)
) STRICT, WITHOUT ROWID;

CREATE TABLE listener (               -- a service: since when, which program, started and stopped
  id             INTEGER PRIMARY KEY, -- frame that started it * 2^20, and a count
  cookie         INTEGER NOT NULL,    -- of its socket
  session        INTEGER NOT NULL,
  transport      TEXT    NOT NULL,
  local_address  TEXT    NOT NULL,    -- or the path of a UNIX socket
  local_port     INTEGER NOT NULL,
  network_namespace INTEGER NOT NULL,
  program        TEXT    NOT NULL,
  process        INTEGER NOT NULL,    -- process.id; 0: not known
  uid            INTEGER NOT NULL,
  started_us     INTEGER NOT NULL,    -- when it began to listen, or was first seen
  started_exact  INTEGER NOT NULL,    -- 1: it was seen to begin; 0: it was there before
  stopped_us     INTEGER              -- NULL: it listens, as far as the log goes
) STRICT;
CREATE INDEX listener_port ON listener (local_port);
CREATE INDEX listener_cookie ON listener (cookie);

CREATE TABLE interface (              -- as last seen
  id                INTEGER PRIMARY KEY, -- network namespace * 2^32 + interface index
  network_namespace INTEGER NOT NULL,
  interface_index   INTEGER NOT NULL,
  name              TEXT,
  first_seen_us     INTEGER NOT NULL,
  last_seen_us      INTEGER NOT NULL,
  flags             TEXT    NOT NULL,
  operational_state TEXT    NOT NULL,
  mtu               INTEGER NOT NULL,
  receive_packets   INTEGER NOT NULL,
  receive_bytes     INTEGER NOT NULL,
  receive_errors    INTEGER NOT NULL,
  receive_dropped   INTEGER NOT NULL,
  transmit_packets  INTEGER NOT NULL,
  transmit_bytes    INTEGER NOT NULL,
  transmit_errors   INTEGER NOT NULL,
  transmit_dropped  INTEGER NOT NULL
) STRICT;

-- Not those in TIME_WAIT, which are over: files of the first builds have them, too. (What stands
-- within a CREATE TABLE is a part of the format.)
CREATE TABLE connection (             -- sockets with a remote end alive when mark was set
  cookie         INTEGER PRIMARY KEY, -- the kernel's socket cookie
  transport      TEXT    NOT NULL,
  state          TEXT    NOT NULL,
  local_address  TEXT    NOT NULL,
  local_port     INTEGER NOT NULL,
  remote_address TEXT    NOT NULL,
  remote_port    INTEGER NOT NULL,
  process        INTEGER NOT NULL,    -- process.id; 0: not known
  uid            INTEGER NOT NULL,
  opened_us      INTEGER NOT NULL,    -- or first seen
  bytes_sent     INTEGER NOT NULL,
  bytes_received INTEGER NOT NULL
) STRICT;
