-- What is released stays as it is, whoever asks: the managers say it in better words, these make sure of it.

-- migrate:up
ALTER TABLE Revisions ADD COLUMN workflow_id INTEGER NOT NULL DEFAULT 1 REFERENCES Workflows(workflow_id);

CREATE INDEX ix_revisions_workflow ON Revisions(workflow_id);

CREATE TRIGGER revisions_begin_at_the_start BEFORE INSERT ON Revisions
WHEN NOT EXISTS (SELECT 1 FROM WorkflowStates
                 WHERE workflow_id = NEW.workflow_id AND name = NEW.state AND is_initial = 1)
BEGIN
    SELECT RAISE(ABORT, 'a revision begins in the first state of its workflow');
END;

CREATE TRIGGER revisions_follow_their_workflow BEFORE UPDATE OF state ON Revisions
WHEN NEW.state <> OLD.state AND NOT EXISTS (
    SELECT 1
    FROM WorkflowTransitions AS t
    JOIN WorkflowStates AS f ON f.state_id = t.from_state_id
    JOIN WorkflowStates AS s ON s.state_id = t.to_state_id
    WHERE t.workflow_id = OLD.workflow_id AND f.name = OLD.state AND s.name = NEW.state)
BEGIN
    SELECT RAISE(ABORT, 'the workflow of the revision has no such transition');
END;

CREATE TRIGGER revisions_are_locked
BEFORE UPDATE OF part_id, sequence, label, author_id, change_note, created_date, workflow_id ON Revisions
WHEN OLD.state <> 'Draft'
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER revisions_are_not_deleted BEFORE DELETE ON Revisions
WHEN OLD.state <> 'Draft'
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER relationships_insert_locked BEFORE INSERT ON Relationships
WHEN (SELECT state FROM Revisions WHERE revision_id = NEW.parent_revision_id) <> 'Draft'
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER relationships_update_locked BEFORE UPDATE ON Relationships
WHEN (SELECT state FROM Revisions WHERE revision_id = OLD.parent_revision_id) <> 'Draft'
    OR (SELECT state FROM Revisions WHERE revision_id = NEW.parent_revision_id) <> 'Draft'
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER relationships_delete_locked BEFORE DELETE ON Relationships
WHEN (SELECT state FROM Revisions WHERE revision_id = OLD.parent_revision_id) <> 'Draft'
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER relationships_not_of_itself BEFORE INSERT ON Relationships
WHEN NEW.child_part_id = (SELECT part_id FROM Revisions WHERE revision_id = NEW.parent_revision_id)
BEGIN
    SELECT RAISE(ABORT, 'a part cannot contain itself');
END;

CREATE TRIGGER files_insert_locked BEFORE INSERT ON Files
WHEN (SELECT state FROM Revisions WHERE revision_id = NEW.revision_id) <> 'Draft'
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER files_update_locked BEFORE UPDATE ON Files
WHEN (SELECT state FROM Revisions WHERE revision_id = OLD.revision_id) <> 'Draft'
    OR (SELECT state FROM Revisions WHERE revision_id = NEW.revision_id) <> 'Draft'
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER files_delete_locked BEFORE DELETE ON Files
WHEN (SELECT state FROM Revisions WHERE revision_id = OLD.revision_id) <> 'Draft'
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

-- A part is as locked as the newest of its revisions.
CREATE VIEW LockedParts(part_id) AS
    SELECT part_id
    FROM Revisions AS r
    WHERE state <> 'Draft' AND sequence = (SELECT max(sequence) FROM Revisions WHERE part_id = r.part_id);

CREATE TRIGGER parts_are_locked BEFORE UPDATE OF name, description ON Parts
WHEN EXISTS (SELECT 1 FROM LockedParts WHERE part_id = OLD.part_id)
BEGIN
    SELECT RAISE(ABORT, 'locked: the newest revision of the part is no draft');
END;

CREATE TRIGGER parts_keep_their_number BEFORE UPDATE OF number ON Parts
WHEN NEW.number <> OLD.number
BEGIN
    SELECT RAISE(ABORT, 'locked: a number that was issued stays');
END;

CREATE TRIGGER properties_insert_locked BEFORE INSERT ON Properties
WHEN (SELECT state FROM Revisions WHERE revision_id = NEW.revision_id) <> 'Draft'
    OR EXISTS (SELECT 1 FROM LockedParts WHERE part_id = NEW.part_id)
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER properties_update_locked BEFORE UPDATE ON Properties
WHEN (SELECT state FROM Revisions WHERE revision_id IN (OLD.revision_id, NEW.revision_id) AND state <> 'Draft')
        IS NOT NULL
    OR EXISTS (SELECT 1 FROM LockedParts WHERE part_id IN (OLD.part_id, NEW.part_id))
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER properties_delete_locked BEFORE DELETE ON Properties
WHEN (SELECT state FROM Revisions WHERE revision_id = OLD.revision_id) <> 'Draft'
    OR EXISTS (SELECT 1 FROM LockedParts WHERE part_id = OLD.part_id)
BEGIN
    SELECT RAISE(ABORT, 'locked: the revision is no draft');
END;

CREATE TRIGGER approvals_are_given_once BEFORE UPDATE OF decision ON Approvals
WHEN OLD.decision <> 'Pending'
BEGIN
    SELECT RAISE(ABORT, 'locked: the review was decided');
END;

-- migrate:down
DROP TRIGGER approvals_are_given_once;
DROP TRIGGER properties_delete_locked;
DROP TRIGGER properties_update_locked;
DROP TRIGGER properties_insert_locked;
DROP TRIGGER parts_keep_their_number;
DROP TRIGGER parts_are_locked;
DROP VIEW LockedParts;
DROP TRIGGER files_delete_locked;
DROP TRIGGER files_update_locked;
DROP TRIGGER files_insert_locked;
DROP TRIGGER relationships_not_of_itself;
DROP TRIGGER relationships_delete_locked;
DROP TRIGGER relationships_update_locked;
DROP TRIGGER relationships_insert_locked;
DROP TRIGGER revisions_are_not_deleted;
DROP TRIGGER revisions_are_locked;
DROP TRIGGER revisions_follow_their_workflow;
DROP TRIGGER revisions_begin_at_the_start;
DROP INDEX ix_revisions_workflow;
ALTER TABLE Revisions DROP COLUMN workflow_id;
