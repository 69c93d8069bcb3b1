"""The tables of the run store, as numbered migrations. Append one, never edit one: stores in the field have run it.

A migration is a tuple of single statements, so that all of it fits into one transaction. What is not here: when they
are run, and the backup before (database.py).
"""

APPLICATION_ID = 0x53414D31
"""SQLite's `application_id` of a run store, so that another program's database is never migrated by mistake."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        f"PRAGMA application_id = {APPLICATION_ID}",
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            started TEXT NOT NULL,      -- UTC, ISO 8601
            title TEXT NOT NULL,
            seed INTEGER NOT NULL,
            reason TEXT,                -- why the run ended; null while it runs, and for ever when it was interrupted
            models TEXT NOT NULL,       -- JSON list
            chain TEXT NOT NULL,        -- JSON
            versions TEXT NOT NULL,     -- JSON
            writer TEXT                 -- process that is writing the run: id:start time
        )""",
        """CREATE TABLE events (
            run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
            sequence INTEGER NOT NULL,
            kind TEXT NOT NULL,
            step INTEGER,
            time REAL NOT NULL,         -- seconds since the run started
            body TEXT NOT NULL,         -- the whole event as JSON
            PRIMARY KEY (run, sequence)
        ) WITHOUT ROWID""",
        """CREATE TABLE steps (
            id INTEGER PRIMARY KEY,
            run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            loop INTEGER NOT NULL,
            response INTEGER NOT NULL,
            prompt_number INTEGER NOT NULL,
            model TEXT NOT NULL,
            prompt TEXT NOT NULL,
            rendered TEXT NOT NULL,     -- what the model was given
            seed INTEGER,
            changed TEXT NOT NULL,      -- JSON: hyperparameters that differ from the defaults
            members TEXT NOT NULL,      -- JSON: the steps generated in one batch with this one
            started REAL NOT NULL,      -- seconds since the run started
            text TEXT,                  -- the answer; null while it is being generated
            reason TEXT,                -- null: never finished
            message TEXT,               -- what went wrong, where the step failed
            prompt_tokens INTEGER,
            reused INTEGER,
            tokens INTEGER,
            prompt_seconds REAL,
            seconds REAL,
            UNIQUE (run, number)
        )""",
        """CREATE VIRTUAL TABLE steps_search USING fts5 (
            prompt, text, content = 'steps', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
        )""",
        """CREATE TRIGGER steps_inserted AFTER INSERT ON steps BEGIN
            INSERT INTO steps_search (rowid, prompt, text) VALUES (new.id, new.prompt, new.text);
        END""",
        """CREATE TRIGGER steps_deleted AFTER DELETE ON steps BEGIN
            INSERT INTO steps_search (steps_search, rowid, prompt, text)
            VALUES ('delete', old.id, old.prompt, old.text);
        END""",
        """CREATE TRIGGER steps_updated AFTER UPDATE OF prompt, text ON steps BEGIN
            INSERT INTO steps_search (steps_search, rowid, prompt, text)
            VALUES ('delete', old.id, old.prompt, old.text);
            INSERT INTO steps_search (rowid, prompt, text) VALUES (new.id, new.prompt, new.text);
        END""",
    ),
    (
        """CREATE TABLE branches (
            run INTEGER NOT NULL REFERENCES runs (number) ON DELETE CASCADE,
            step INTEGER NOT NULL,
            number INTEGER NOT NULL,    -- from 1; the step's first answer is no branch
            parent INTEGER NOT NULL,    -- the branch it leaves; 0: the first answer
            position INTEGER NOT NULL,  -- the tokens before it are shared with the parent
            token INTEGER,              -- the id that was forced there; null: chosen anew
            seed INTEGER NOT NULL,
            changed TEXT NOT NULL,      -- JSON: hyperparameters that differ from the defaults
            started REAL NOT NULL,      -- seconds since the run started
            text TEXT,                  -- the whole answer; null while it is being generated, or if it never ended
            reason TEXT,
            message TEXT,               -- what went wrong, where it failed
            tokens INTEGER,             -- those after the shared ones
            seconds REAL,
            PRIMARY KEY (run, step, number)
        ) WITHOUT ROWID""",
    ),
)
