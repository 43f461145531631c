-- The lifecycle is data: no transition outside of this table.

-- migrate:up
CREATE TABLE Workflows(
    workflow_id INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE CHECK (name <> '')
) STRICT;

CREATE TABLE WorkflowStates(
    state_id    INTEGER PRIMARY KEY,
    workflow_id INTEGER NOT NULL REFERENCES Workflows(workflow_id) ON DELETE CASCADE,
    name        TEXT NOT NULL CHECK (name <> ''),
    is_initial  INTEGER NOT NULL DEFAULT 0 CHECK (is_initial IN (0, 1)),
    UNIQUE (workflow_id, name),
    UNIQUE (workflow_id, state_id)
) STRICT;

CREATE UNIQUE INDEX ix_workflow_states_initial ON WorkflowStates(workflow_id) WHERE is_initial = 1;

-- The composite keys keep both ends in the same workflow.
CREATE TABLE WorkflowTransitions(
    transition_id INTEGER PRIMARY KEY,
    workflow_id   INTEGER NOT NULL REFERENCES Workflows(workflow_id) ON DELETE CASCADE,
    name          TEXT NOT NULL CHECK (name <> ''),
    from_state_id INTEGER NOT NULL,
    to_state_id   INTEGER NOT NULL CHECK (to_state_id <> from_state_id),
    UNIQUE (workflow_id, from_state_id, name),
    FOREIGN KEY (workflow_id, from_state_id) REFERENCES WorkflowStates(workflow_id, state_id) ON DELETE CASCADE,
    FOREIGN KEY (workflow_id, to_state_id) REFERENCES WorkflowStates(workflow_id, state_id) ON DELETE CASCADE
) STRICT;

CREATE INDEX ix_workflow_transitions_to ON WorkflowTransitions(workflow_id, to_state_id);

CREATE TABLE Approvals(
    approval_id  INTEGER PRIMARY KEY,
    revision_id  INTEGER NOT NULL REFERENCES Revisions(revision_id) ON DELETE CASCADE,
    round        INTEGER NOT NULL CHECK (round > 0),
    reviewer_id  INTEGER NOT NULL REFERENCES Users(user_id) ON DELETE RESTRICT,
    decision     TEXT NOT NULL DEFAULT 'Pending' CHECK (decision IN ('Pending', 'Approved', 'Rejected', 'Withdrawn')),
    comment      TEXT NOT NULL DEFAULT '',
    requested_date INTEGER NOT NULL,
    decided_date INTEGER CHECK (decided_date >= requested_date),
    UNIQUE (revision_id, round, reviewer_id),
    CHECK ((decision = 'Pending') = (decided_date IS NULL))
) STRICT;

CREATE INDEX ix_approvals_reviewer ON Approvals(reviewer_id, decision);

INSERT INTO Workflows(workflow_id, name) VALUES (1, 'Lifecycle');
INSERT INTO WorkflowStates(state_id, workflow_id, name, is_initial) VALUES
    (1, 1, 'Draft', 1),
    (2, 1, 'In Review', 0),
    (3, 1, 'Released', 0),
    (4, 1, 'Obsolete', 0);
INSERT INTO WorkflowTransitions(workflow_id, name, from_state_id, to_state_id) VALUES
    (1, 'submit', 1, 2),
    (1, 'reject', 2, 1),
    (1, 'withdraw', 2, 1),
    (1, 'release', 2, 3),
    (1, 'obsolete', 3, 4);

-- migrate:down
DROP TABLE Approvals;
DROP TABLE WorkflowTransitions;
DROP TABLE WorkflowStates;
DROP TABLE Workflows;
