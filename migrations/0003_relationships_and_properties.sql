-- What a revision is made of, and what is known of it.

-- migrate:up
-- Quantities are exact: millionths of the unit, as an integer.
CREATE TABLE Relationships(
    relationship_id    INTEGER PRIMARY KEY,
    parent_revision_id INTEGER NOT NULL REFERENCES Revisions(revision_id) ON DELETE CASCADE,
    child_part_id      INTEGER NOT NULL REFERENCES Parts(part_id) ON DELETE RESTRICT,
    child_revision_id  INTEGER REFERENCES Revisions(revision_id) ON DELETE RESTRICT,
    kind               TEXT NOT NULL DEFAULT 'bom' CHECK (kind IN ('bom', 'reference', 'substitute', 'document')),
    quantity_micro     INTEGER NOT NULL CHECK (quantity_micro > 0),
    unit               TEXT NOT NULL DEFAULT 'pcs' CHECK (unit <> ''),
    find_number        INTEGER CHECK (find_number > 0),
    designators        TEXT NOT NULL DEFAULT '',
    note               TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX ix_relationships_parent ON Relationships(parent_revision_id, kind);
CREATE INDEX ix_relationships_child ON Relationships(child_part_id, kind);
CREATE INDEX ix_relationships_child_revision ON Relationships(child_revision_id);
CREATE UNIQUE INDEX ix_relationships_find_number ON Relationships(parent_revision_id, find_number)
    WHERE kind = 'bom' AND find_number IS NOT NULL;

CREATE TABLE Properties(
    property_id INTEGER PRIMARY KEY,
    part_id     INTEGER REFERENCES Parts(part_id) ON DELETE CASCADE,
    revision_id INTEGER REFERENCES Revisions(revision_id) ON DELETE CASCADE,
    key         TEXT NOT NULL CHECK (key <> ''),
    type        TEXT NOT NULL CHECK (type IN ('string', 'integer', 'float', 'boolean', 'date', 'url', 'json')),
    value       TEXT NOT NULL,
    CHECK ((part_id IS NULL) <> (revision_id IS NULL))
) STRICT;

CREATE UNIQUE INDEX ix_properties_part ON Properties(part_id, key) WHERE part_id IS NOT NULL;
CREATE UNIQUE INDEX ix_properties_revision ON Properties(revision_id, key) WHERE revision_id IS NOT NULL;
CREATE INDEX ix_properties_key ON Properties(key, value);

-- migrate:down
DROP TABLE Properties;
DROP TABLE Relationships;
