-- Both databases take this: BIGINT is an integer and BYTEA keeps bytes as they are in SQLite as well.
-- Times are nanoseconds since the Unix epoch.

-- The processes that write the store, so that campaigns of dead ones are found.
CREATE TABLE heads (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    beat_ns BIGINT NOT NULL
);

CREATE TABLE campaigns (
    key TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    head TEXT NOT NULL,
    queued_ns BIGINT NOT NULL,
    started_ns BIGINT,
    ended_ns BIGINT,
    seed BIGINT NOT NULL,
    exit_code BIGINT,
    -- Lists of texts, as JSON.
    zones TEXT NOT NULL,
    causes TEXT NOT NULL
);
CREATE INDEX campaigns_by_time ON campaigns (queued_ns);
CREATE INDEX campaigns_by_status ON campaigns (status);

CREATE TABLE scenarios (
    campaign TEXT NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    minions BIGINT NOT NULL,
    executions BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    p50_ns BIGINT,
    p95_ns BIGINT,
    p99_ns BIGINT,
    max_ns BIGINT,
    PRIMARY KEY (campaign, name)
);
CREATE INDEX scenarios_by_name ON scenarios (name);

CREATE TABLE files (
    campaign TEXT NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- In bytes, before it was compressed.
    size BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (campaign, name)
);

CREATE TABLE slices (
    campaign TEXT NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    sequence BIGINT NOT NULL,
    scenario TEXT NOT NULL,
    -- Empty in campaigns without zones.
    zone TEXT NOT NULL,
    at_ns BIGINT NOT NULL,
    figures BYTEA NOT NULL,
    PRIMARY KEY (campaign, sequence, scenario, zone)
);
CREATE INDEX slices_by_time ON slices (campaign, at_ns);

CREATE TABLE markers (
    campaign TEXT NOT NULL REFERENCES campaigns ON DELETE CASCADE,
    at_ns BIGINT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (campaign, at_ns, label)
);

CREATE TABLE schedules (
    name TEXT NOT NULL PRIMARY KEY,
    request TEXT NOT NULL,
    -- Either an instant, or a cron expression with its time zone.
    at_ns BIGINT,
    cron TEXT,
    time_zone TEXT,
    missed TEXT NOT NULL,
    enabled BIGINT NOT NULL,
    next_ns BIGINT,
    last_ns BIGINT,
    last_head TEXT,
    last_campaign TEXT
);
